/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* OTLP/HTTP out: to the door in, to a server that refuses, and to nobody, over loopback. */
#include "otlp/http.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "doors.h"
#include "otlp/export.h"
#include "server.h"

static int place_make(void **state)
{
	return place_make_at(state, "http", "store.db");
}

/* Until the exporter is done with `batches`, delivered or refused. */
static void export_wait(const struct export *export, uint64_t batches, struct export_counts *counts)
{
	time_t end = time(NULL) + WAIT_S;

	do {
		export_counts(export, counts);
		if (counts->batches + counts->rejected_batches >= batches)
			return;
		usleep(5000);
	} while (time(NULL) < end);
	fail_msg("%llu batches delivered, %llu refused, %llu retries; %llu were waited for",
		 (unsigned long long)counts->batches, (unsigned long long)counts->rejected_batches,
		 (unsigned long long)counts->retries, (unsigned long long)batches);
}

static void assert_same_batches(struct store *from, struct store *to, int count)
{
	int64_t sent = 0, received = 0;
	uint8_t *otlp;
	size_t len;

	for (int i = 0; i < count; i++) {
		assert_int_equal(store_next_batch(from, sent, &sent, &otlp, &len), 1);
		assert_batch(to, &received, otlp, len);
		free(otlp);
	}
	assert_int_equal(store_next_batch(to, received, &received, &otlp, &len), 0);
}

static int export_http(const char *url, const char *store_path, struct export **export)
{
	struct destination *destination;

	assert_int_equal(http_new(url, &destination), 0);
	return export_start(destination, store_path, export);
}

/* What is there at the start, what comes later, what is added right before the stop; and nothing twice. */
static void export_to_receive(void **state)
{
	enum { FIRST = 5, LATER = 3 };
	struct place *from = *state, *to;
	struct receive *receive;
	struct export *export;
	struct export_counts counts;
	char url[URL_SIZE];
	uint8_t trace = 1;

	place_make((void **)&to);
	receive = receive_open(to);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/v1/traces", receive_port(receive));
	while (trace <= FIRST)
		batch_add(from->store, trace++);
	assert_int_equal(export_http(url, from->path, &export), 0);
	export_wait(export, FIRST, &counts);
	while (trace <= FIRST + LATER)
		batch_add(from->store, trace++);
	export_wait(export, FIRST + LATER, &counts);
	batch_add(from->store, trace++);
	export_stop(export, WAIT_S * 1000);
	assert_same_batches(from->store, to->store, FIRST + LATER + 1);

	batch_add(from->store, trace++); /* another exporter goes on where the first stopped */
	assert_int_equal(export_http(url, from->path, &export), 0);
	export_wait(export, 1, &counts);
	assert_int_equal(counts.batches, 1);
	export_stop(export, 0);
	assert_same_batches(from->store, to->store, FIRST + LATER + 2);
	receive_stop(receive);
	place_remove((void **)&to);
}

/* Two batches to a server, until both are delivered. */
static void two_export(struct place *place, struct server *server, struct export_counts *counts)
{
	struct export *export;
	char url[URL_SIZE];

	server_start(server, url);
	batch_add(place->store, 1);
	batch_add(place->store, 2);
	assert_int_equal(export_http(url, place->path, &export), 0);
	export_wait(export, 2, counts);
	export_stop(export, 0);
	MHD_stop_daemon(server->daemon);
}

static void export_retries(void **state)
{
	struct place *place = *state;
	struct server server = { .answers = { { 503, "1", NULL, 0 },
					      { 429, NULL, NULL, 0 },
					      { 502, NULL, NULL, 0 },
					      { 200, NULL, NULL, 0 } },
				 .answer_count = 4 };
	struct export_counts counts;
	int64_t number = 0;

	two_export(place, &server, &counts);
	assert_int_equal(counts.batches, 2);
	assert_int_equal(counts.retries, 3);
	assert_int_equal(counts.rejected_batches, 0);
	assert_int_equal(server.requests, 5);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(server.len[i], server.len[3]);
		assert_memory_equal(server.body[i], server.body[3], server.len[3]);
	}
	assert_batch(place->store, &number, server.body[3], server.len[3]);
	assert_batch(place->store, &number, server.body[4], server.len[4]);
	assert_string_equal(server.type, "application/x-protobuf");
	assert_string_equal(server.encoding, "");
	assert_int_equal(strncmp(server.agent, "OTel-OTLP-Exporter-C/", strlen("OTel-OTLP-Exporter-C/")), 0);
}

static void export_gives_up(void **state)
{
	static const unsigned int final[] = { 400, 401, 413, 500, 501 };
	enum { COUNT = sizeof(final) / sizeof(final[0]) };
	struct place *place = *state;
	struct server server = { .answer_count = COUNT + 1 };
	struct export *export;
	struct export_counts counts;
	char url[URL_SIZE], error[EXPORT_ERROR_SIZE];

	for (int i = 0; i <= COUNT; i++)
		server.answers[i].status = i < COUNT ? final[i] : 200;
	server_start(&server, url);
	for (uint8_t i = 1; i <= COUNT + 1; i++)
		batch_add(place->store, i);
	assert_int_equal(export_http(url, place->path, &export), 0);
	export_wait(export, COUNT + 1, &counts);
	export_error(export, error);
	assert_string_equal(error, "");
	export_stop(export, 0);
	MHD_stop_daemon(server.daemon);
	assert_int_equal(server.requests, COUNT + 1);
	assert_int_equal(counts.batches, 1);
	assert_int_equal(counts.retries, 0);
	assert_int_equal(counts.rejected_batches, COUNT);
	assert_int_equal(counts.rejected_spans, COUNT);
}

static void export_says_why(void **state)
{
	struct place *place = *state;
	struct server server = { .answers = { { 400, NULL, NULL, 0 } }, .answer_count = 1 };
	struct export *export;
	struct export_counts counts;
	char url[URL_SIZE], error[EXPORT_ERROR_SIZE];

	server_start(&server, url);
	batch_add(place->store, 1);
	assert_int_equal(export_http(url, place->path, &export), 0);
	assert_string_equal(export_name(export), url);
	export_wait(export, 1, &counts);
	export_error(export, error);
	assert_int_equal(strncmp(error, "HTTP 400", strlen("HTTP 400")), 0);
	export_stop(export, 0);
	MHD_stop_daemon(server.daemon);
}

static void export_partial_success(void **state)
{
	struct place *place = *state;
	Otlp__ExportTraceServiceResponse response = OTLP__EXPORT_TRACE_SERVICE_RESPONSE__INIT;
	Otlp__ExportTracePartialSuccess partial = OTLP__EXPORT_TRACE_PARTIAL_SUCCESS__INIT;
	uint8_t body[64];
	struct server server = { .answer_count = 1 };
	struct export_counts counts;

	partial.rejected_spans = 7;
	partial.error_message = (char *)"too\33old";
	response.partial_success = &partial;
	server.answers[0] =
	    (struct answer){ 200, NULL, body, otlp__export_trace_service_response__pack(&response, body) };
	two_export(place, &server, &counts);
	assert_int_equal(server.requests, 2);
	assert_int_equal(counts.batches, 2);
	assert_int_equal(counts.rejected_spans, 14);
	assert_int_equal(counts.retries, 0);
}

/* A port that refuses connections and is nobody else's; who allows reuse may still listen on it. */
static int port_hold(uint16_t *port)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(name);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	*port = ntohs(name.sin_port);
	return fd;
}

/* Nobody listens at first: the batch waits, through a restart too. */
static void export_without_backend(void **state)
{
	struct place *from = *state, *to;
	struct receive *receive;
	struct export *export;
	struct export_counts counts;
	char url[URL_SIZE], address[64];
	time_t end = time(NULL) + WAIT_S;
	uint16_t port;
	int64_t number;
	int fd;

	place_make((void **)&to);
	fd = port_hold(&port);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	snprintf(url, sizeof(url), "http://%s/v1/traces", address);
	batch_add(from->store, 1);
	assert_int_equal(export_http(url, from->path, &export), 0);
	do {
		usleep(5000);
		export_counts(export, &counts);
	} while (!counts.retries && time(NULL) < end);
	assert_true(counts.retries > 0);
	export_stop(export, 0);
	assert_int_equal(counts.batches, 0);
	assert_int_equal(store_exported(from->store, url, &number), 0);
	assert_int_equal(number, 0);

	assert_int_equal(export_http(url, from->path, &export), 0);
	assert_int_equal(receive_start(address, to->path, NULL, &receive), 0);
	export_wait(export, 1, &counts);
	export_stop(export, 0);
	assert_same_batches(from->store, to->store, 1);
	receive_stop(receive);
	close(fd);
	place_remove((void **)&to);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(export_to_receive), TEST(export_retries),	       TEST(export_gives_up),
		TEST(export_says_why),	 TEST(export_partial_success), TEST(export_without_backend),
	};

	setenv("no_proxy", "127.0.0.1", 1);
	setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1", 1); /* a request for each batch: theirs have one span */
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
