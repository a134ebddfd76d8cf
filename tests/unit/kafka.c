/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Answers of brokers that a healthy one does not give (tests/e2e/kafka.sh has that one): librdkafka's own, in its own
 * process. Whatever they are, each span is in the topic. These brokers do not look at sequence numbers, so what follows
 * a message that they refuse must not be on its way already.
 */
#include "otlp/kafka.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "otlp/cut.h"
#include "otlp/export.h"
#include "otlp/otlp.h"
#include "place.h"

enum { PRODUCE = 0, BATCHES = 8, SPANS = 50, WAIT_S = 30, POLL_MS = 100 }; /* PRODUCE: the protocol's number of it */

struct brokers {
	rd_kafka_t *client; /* that they live in */
	rd_kafka_mock_cluster_t *cluster;
};

static int place_make(void **state)
{
	return place_make_at(state, "kafka", "store.db");
}

static void brokers_start(struct brokers *brokers)
{
	char why[256];

	brokers->client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
	assert_non_null(brokers->client);
	brokers->cluster = rd_kafka_mock_cluster_new(brokers->client, 1);
	assert_non_null(brokers->cluster);
	assert_int_equal(rd_kafka_mock_topic_create(brokers->cluster, KAFKA_TOPIC_DEFAULT, 1, 1), 0);
}

static void brokers_stop(struct brokers *brokers)
{
	rd_kafka_mock_cluster_destroy(brokers->cluster);
	rd_kafka_destroy(brokers->client);
}

static void batch_add(struct store *store, uint8_t number)
{
	struct span_list spans = { 0 };
	struct span_attrs resource = { 0 };
	uint8_t *otlp;
	size_t len;

	for (int i = 0; i < SPANS; i++) {
		struct span *span = span_list_add(&spans);

		memset(span->trace_id, number + 1, TRACE_ID_LEN);
		memset(span->id, i + 1, SPAN_ID_LEN);
		span->name = "GET";
	}
	assert_int_equal(otlp_encode(&spans, &resource, "1", &otlp, &len), 0);
	assert_int_equal(store_add(store, otlp, len, &spans), 0);
	free(otlp);
	span_list_free(&spans);
}

static struct export *kafka_start(const struct brokers *brokers, const char *store_path)
{
	struct kafka_words words = { .brokers = rd_kafka_mock_cluster_bootstraps(brokers->cluster),
				     .topic = KAFKA_TOPIC_DEFAULT,
				     .properties = { "message.max.bytes=4000", "max.in.flight=1" },
				     .property_count = 2 };
	struct destination *destination;
	struct export *export;

	assert_int_equal(kafka_new(&words, &destination), 0);
	assert_int_equal(export_start(destination, store_path, &export), 0);
	return export;
}

static rd_kafka_t *reader_open(const struct brokers *brokers)
{
	const char *bootstraps = rd_kafka_mock_cluster_bootstraps(brokers->cluster);
	rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(1);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *reader;
	char why[256];

	assert_int_equal(rd_kafka_conf_set(conf, "enable.partition.eof", "true", why, sizeof(why)), RD_KAFKA_CONF_OK);
	assert_int_equal(rd_kafka_conf_set(conf, "bootstrap.servers", bootstraps, why, sizeof(why)), RD_KAFKA_CONF_OK);
	assert_int_equal(rd_kafka_conf_set(conf, "group.id", "test", why, sizeof(why)), RD_KAFKA_CONF_OK);
	reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	assert_non_null(reader);
	rd_kafka_topic_partition_list_add(all, KAFKA_TOPIC_DEFAULT, 0)->offset = 0;
	assert_int_equal(rd_kafka_assign(reader, all), 0);
	rd_kafka_topic_partition_list_destroy(all);
	return reader;
}

/* All that is in it. */
static void topic_read(const struct brokers *brokers, struct span_list *spans)
{
	rd_kafka_t *reader = reader_open(brokers);
	time_t end = time(NULL) + WAIT_S;
	bool at_end = false;

	while (!at_end && time(NULL) < end) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, POLL_MS);

		if (message && !message->err)
			assert_int_equal(otlp_decode(message->payload, message->len, spans), 0);
		at_end = message && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		if (message)
			rd_kafka_message_destroy(message);
	}
	assert_true(at_end);
	rd_kafka_consumer_close(reader);
	rd_kafka_destroy(reader);
}

static void assert_each_span(const struct span_list *spans)
{
	bool seen[BATCHES][SPANS] = { 0 };
	unsigned int count = 0;

	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->spans[i];

		assert_in_range(span->trace_id[0], 1, BATCHES);
		assert_in_range(span->id[0], 1, SPANS);
		count += !seen[span->trace_id[0] - 1][span->id[0] - 1];
		seen[span->trace_id[0] - 1][span->id[0] - 1] = true;
	}
	assert_int_equal(count, BATCHES * SPANS);
}

static void delivered_wait(const struct export *export, uint64_t spans, struct export_counts *counts)
{
	time_t end = time(NULL) + WAIT_S;

	do {
		usleep(5000);
		export_counts(export, counts);
	} while (counts->spans < spans && time(NULL) < end);
}

/* Each error once, between messages that go well. */
static void each_span_arrives(void **state)
{
	static const rd_kafka_resp_err_t errors[] = {
		RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,	RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
		RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,		RD_KAFKA_RESP_ERR_INVALID_RECORD,
		RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct span_list spans = { 0 };
		struct export_counts counts;
		struct brokers brokers;
		struct place *place;
		struct export *export;

		print_message("%s\n", rd_kafka_err2name(errors[i]));
		place_make(state);
		place = *state;
		for (uint8_t number = 0; number < BATCHES; number++)
			batch_add(place->store, number);
		brokers_start(&brokers);
		rd_kafka_mock_push_request_errors(brokers.cluster, PRODUCE, 4, RD_KAFKA_RESP_ERR_NO_ERROR, errors[i],
						  RD_KAFKA_RESP_ERR_NO_ERROR, errors[i]);
		export = kafka_start(&brokers, place->path);
		delivered_wait(export, BATCHES * SPANS, &counts);
		export_stop(export, WAIT_S * 1000);
		topic_read(&brokers, &spans);
		print_message("%zu spans in the topic, %llu delivered, %llu rejected, %llu retries\n", spans.count,
			      (unsigned long long)counts.spans, (unsigned long long)counts.rejected_spans,
			      (unsigned long long)counts.retries);
		assert_each_span(&spans);
		assert_int_equal(counts.spans, BATCHES * SPANS);
		assert_int_equal(counts.rejected_spans, 0);
		span_list_free(&spans);
		brokers_stop(&brokers);
		place_remove(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_span_arrives) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
