/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * librdkafka's producer behind the exporter: it keeps the messages under way and tries again by itself, with sequence
 * numbers by which brokers know what they have; its delivery reports alone say that a message has arrived.
 */
#include "kafka.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <jansson.h>
#include <librdkafka/rdkafka.h>

#include "kafka_conf.h"

enum {
	UNDER_WAY_MAX = 16,
	LINGER_MS = 200,
	MESSAGE_HEADROOM = 1024, /* of a broker's limit: the record and the batch around it */
	PURGE_MS = 1000,
	TOPIC_LEN_MAX = 249,
};

struct kafka {
	struct destination destination;
	char *topic;
	rd_kafka_conf_t *conf; /* of the next producer */
	rd_kafka_t *producer;  /* NULL: none could be made */
	rd_kafka_topic_t *handle;
	bool fatal;	/* this producer cannot go on */
	bool delivered; /* something was, ever */
	unsigned int under_way;
	char error[DESTINATION_ERROR_SIZE];	  /* of the connections, since the last delivery */
	_Atomic uint64_t retries, retries_before; /* of this producer, and of those before it */
};

/* One line, whatever the other side says. */
static void error_set(char *error, const char *why)
{
	snprintf(error, DESTINATION_ERROR_SIZE, "%s", why);
	for (char *at = error; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
}

/* Whether the same bytes may do better later, and nothing is known to be wrong with their size: nearly always. */
static enum delivery delivery_of(rd_kafka_resp_err_t error)
{
	switch (error) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		return DELIVERY_DONE;
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
		return DELIVERY_TOO_LARGE;
	default:
		return DELIVERY_AGAIN;
	}
}

static void message_answer(struct message *message, rd_kafka_resp_err_t error)
{
	message->delivery = delivery_of(error);
	if (error)
		error_set(message->error, rd_kafka_err2str(error));
}

static void on_report(rd_kafka_t *producer, const rd_kafka_message_t *report, void *arg)
{
	struct kafka *kafka = arg;

	(void)producer;
	kafka->under_way--;
	message_answer(report->_private, report->err);
	if (report->err)
		return;
	kafka->delivered = true;
	kafka->error[0] = 0;
}

/* A connection that a broker ends because nothing was sent for long is no trouble. */
static void on_error(rd_kafka_t *producer, int error, const char *why, void *arg)
{
	struct kafka *kafka = arg;

	if (error == RD_KAFKA_RESP_ERR__FATAL) {
		kafka->fatal = true;
		rd_kafka_fatal_error(producer, kafka->error, sizeof(kafka->error));
		return;
	}
	if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && kafka->error[0])
		return; /* the reasons were better */
	if (kafka->under_way || !kafka->delivered)
		error_set(kafka->error, why);
}

/* Errors come by on_error(); what is left to print are settings that do not fit together, and what was asked for. */
static void on_log(const rd_kafka_t *producer, int level, const char *facility, const char *text)
{
	(void)producer;
	if (level < LOG_ERR || level == LOG_DEBUG || strcmp(facility, "CONFWARN") == 0)
		fprintf(stderr, "export kafka: %s: %s\n", facility, text);
}

static int on_statistics(rd_kafka_t *producer, char *text, size_t len, void *arg)
{
	struct kafka *kafka = arg;
	json_t *statistics = json_loadb(text, len, 0, NULL), *broker;
	const char *name;
	uint64_t retries = 0;

	(void)producer;
	json_object_foreach (json_object_get(statistics, "brokers"), name, broker)
		retries += (uint64_t)json_integer_value(json_object_get(broker, "txretries"));
	json_decref(statistics);
	atomic_store(&kafka->retries, retries);
	return 0;
}

/* -errno; `why` has the reason. */
static int producer_make(struct kafka *kafka, char why[DESTINATION_ERROR_SIZE])
{
	rd_kafka_conf_t *conf = rd_kafka_conf_dup(kafka->conf);

	kafka->fatal = false;
	kafka->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, DESTINATION_ERROR_SIZE);
	if (!kafka->producer) {
		rd_kafka_conf_destroy(conf);
		return -EINVAL;
	}
	kafka->handle = rd_kafka_topic_new(kafka->producer, kafka->topic, NULL);
	if (kafka->handle)
		return 0;
	error_set(why, rd_kafka_err2str(rd_kafka_last_error()));
	rd_kafka_destroy(kafka->producer);
	kafka->producer = NULL;
	return -EINVAL;
}

static bool over(const struct kafka *kafka)
{
	return kafka->destination.over && kafka->destination.over(kafka->destination.over_arg);
}

/* What is under way gets its reports first: it may or may not have arrived. */
static void producer_end(struct kafka *kafka)
{
	if (!kafka->producer)
		return;
	do {
		rd_kafka_purge(kafka->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_flush(kafka->producer, PURGE_MS);
	} while (kafka->under_way && !over(kafka));
	rd_kafka_topic_destroy(kafka->handle);
	rd_kafka_destroy(kafka->producer);
	kafka->producer = NULL;
	atomic_fetch_add(&kafka->retries_before, atomic_exchange(&kafka->retries, 0));
}

static void kafka_send(struct destination *destination, struct message *message)
{
	struct kafka *kafka = (struct kafka *)destination;

	if (!kafka->producer && producer_make(kafka, message->error)) {
		message->delivery = DELIVERY_AGAIN;
		return;
	}
	kafka->under_way++;
	if (rd_kafka_produce(kafka->handle, RD_KAFKA_PARTITION_UA, 0, message->otlp, message->len, NULL, 0, message) ==
	    0)
		return;
	kafka->under_way--;
	message_answer(message, rd_kafka_last_error());
}

/* A producer that met a fatal error makes room for a new one, which gets what has not arrived. */
static void kafka_wait(struct destination *destination, int ms)
{
	struct kafka *kafka = (struct kafka *)destination;

	if (kafka->producer)
		rd_kafka_poll(kafka->producer, ms);
	if (kafka->fatal)
		producer_end(kafka);
}

static const char *kafka_trouble(struct destination *destination)
{
	struct kafka *kafka = (struct kafka *)destination;

	return kafka->error[0] ? kafka->error : NULL;
}

static uint64_t kafka_retries(const struct destination *destination)
{
	const struct kafka *kafka = (const struct kafka *)destination;

	return atomic_load(&kafka->retries) + atomic_load(&kafka->retries_before);
}

static void kafka_free(struct destination *destination)
{
	struct kafka *kafka = (struct kafka *)destination;

	producer_end(kafka);
	if (kafka->conf)
		rd_kafka_conf_destroy(kafka->conf);
	free(kafka->topic);
	free(destination->name);
	free(destination->key);
	free(kafka);
}

/* As Kafka has it. */
static bool topic_good(const char *topic)
{
	size_t len = strspn(topic, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return len && len <= TOPIC_LEN_MAX && !topic[len] && strcmp(topic, ".") != 0 && strcmp(topic, "..") != 0;
}

/* Its brokers may change, the topic stays: that is what has got the spans. */
static int names_make(struct kafka *kafka, const struct kafka_words *words)
{
	kafka->topic = strdup(words->topic);
	if (asprintf(&kafka->destination.name, "kafka %s %s", words->brokers, words->topic) < 0)
		kafka->destination.name = NULL;
	if (asprintf(&kafka->destination.key, "kafka %s", words->topic) < 0)
		kafka->destination.key = NULL;
	return kafka->topic && kafka->destination.name && kafka->destination.key ? 0 : -ENOMEM;
}

/* What fits in a message of `max` octets with what is around it. */
static size_t content_max(size_t max)
{
	return max > 2 * MESSAGE_HEADROOM ? max - MESSAGE_HEADROOM : max / 2;
}

static int conf_make(struct kafka *kafka, const struct kafka_words *words)
{
	int error = kafka_conf_make(words, &kafka->conf);

	if (error)
		return error;
	rd_kafka_conf_set_opaque(kafka->conf, kafka);
	rd_kafka_conf_set_dr_msg_cb(kafka->conf, on_report);
	rd_kafka_conf_set_error_cb(kafka->conf, on_error);
	rd_kafka_conf_set_log_cb(kafka->conf, on_log);
	rd_kafka_conf_set_stats_cb(kafka->conf, on_statistics);
	kafka->destination.message_max = content_max(kafka_conf_number(kafka->conf, "message.max.bytes"));
	return 0;
}

static int kafka_open(struct kafka *kafka, const struct kafka_words *words)
{
	char why[DESTINATION_ERROR_SIZE] = "";
	int error = names_make(kafka, words);

	if (!error)
		error = conf_make(kafka, words);
	if (!error) {
		error = producer_make(kafka, why);
		if (error)
			fprintf(stderr, "export %s: %s\n", kafka->destination.name, why);
	}
	return error;
}

int kafka_new(const struct kafka_words *words, struct destination **out)
{
	struct kafka *kafka;
	int error;

	if (!topic_good(words->topic)) {
		fprintf(stderr, "export kafka: \"%s\" is no name of a topic\n", words->topic);
		return -EINVAL;
	}
	kafka = calloc(1, sizeof(*kafka));
	if (!kafka)
		return -ENOMEM;
	kafka->destination = (struct destination){ .under_way_max = UNDER_WAY_MAX,
						   .joins = true,
						   .linger_ms = LINGER_MS,
						   .send = kafka_send,
						   .wait = kafka_wait,
						   .trouble = kafka_trouble,
						   .retries = kafka_retries,
						   .free = kafka_free };
	error = kafka_open(kafka, words);
	if (error)
		kafka_free(&kafka->destination);
	else
		*out = &kafka->destination;
	return error;
}
