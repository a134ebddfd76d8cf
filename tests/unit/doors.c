/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The doors: OTLP/HTTP in and out, against each other and against a server that refuses, over loopback. */
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
#include <microhttpd.h>
#include <pthread.h>
#include <sqlite3.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "otlp/export.h"
#include "otlp/gzip.h"
#include "otlp/http.h"
#include "otlp/listen.h"
#include "otlp/otlp.h"
#include "otlp/post.h"
#include "otlp/receive.h"
#include "place.h"

enum { URL_SIZE = 96, BODY_SIZE = 4096, ANSWERS_MAX = 8, WAIT_S = 30 };

static int place_make(void **state)
{
	return place_make_at(state, "doors", "store.db");
}

static void otlp_make(uint8_t trace, const char *name, uint8_t **otlp, size_t *len, struct span_list *spans)
{
	struct span_attrs resource = { 0 };
	struct span *span = span_list_add(spans);

	memset(span->trace_id, trace, TRACE_ID_LEN);
	memset(span->id, trace, SPAN_ID_LEN);
	span->name = name;
	span->start_unix_ns = trace;
	span->end_unix_ns = 2 * trace;
	attr_string(&spans->arena, &resource, "service.name", "shop");
	assert_int_equal(otlp_encode(spans, &resource, "1", otlp, len), 0);
}

static void batch_add(struct store *store, uint8_t trace)
{
	struct span_list spans = { 0 };
	uint8_t *otlp;
	size_t len;

	otlp_make(trace, "GET", &otlp, &len, &spans);
	assert_int_equal(store_add(store, otlp, len, &spans), 0);
	free(otlp);
	span_list_free(&spans);
}

/* One HTTP request of the test's own, and its answer. */
struct exchange {
	const char *method, *path, *type, *encoding;
	const uint8_t *body;
	size_t len;

	long status;
	char headers[BODY_SIZE];
	uint8_t answer[BODY_SIZE];
	size_t headers_len, answer_len;
};

static size_t answer_take(char *data, size_t size, size_t count, void *arg)
{
	struct exchange *exchange = arg;

	assert_true(exchange->answer_len + size * count <= BODY_SIZE);
	memcpy(exchange->answer + exchange->answer_len, data, size * count);
	exchange->answer_len += size * count;
	return size * count;
}

static size_t headers_take(char *data, size_t size, size_t count, void *arg)
{
	struct exchange *exchange = arg;

	assert_true(exchange->headers_len + size * count < BODY_SIZE);
	memcpy(exchange->headers + exchange->headers_len, data, size * count);
	exchange->headers_len += size * count;
	return size * count;
}

static struct curl_slist *header_set(struct curl_slist *headers, const char *name, const char *value)
{
	char line[128];

	snprintf(line, sizeof(line), value ? "%s: %s" : "%s:", name, value);
	return curl_slist_append(headers, line);
}

static void exchange_run(uint16_t port, struct exchange *exchange)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = header_set(NULL, "Content-Type", exchange->type);
	char url[URL_SIZE];
	CURLcode code;

	if (exchange->encoding)
		headers = header_set(headers, "Content-Encoding", exchange->encoding);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", port, exchange->path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->len);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, exchange->body ? (const char *)exchange->body : "");
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, exchange->method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, headers_take);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
	code = curl_easy_perform(curl);
	if (code != CURLE_OK)
		fail_msg("%s", curl_easy_strerror(code));
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &exchange->status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
}

#define OTLP_POST .method = "POST", .path = "/v1/traces", .type = "application/x-protobuf"

static void assert_refused(struct receive *receive, struct exchange exchange, long status, const char *why)
{
	Otlp__RpcStatus *refusal;

	exchange_run(receive_port(receive), &exchange);
	assert_int_equal(exchange.status, status);
	assert_non_null(strcasestr(exchange.headers, "content-type: application/x-protobuf"));
	refusal = otlp__rpc_status__unpack(NULL, exchange.answer_len, exchange.answer);
	assert_non_null(refusal);
	assert_true(refusal->code > 0);
	if (!strstr(refusal->message, why))
		fail_msg("\"%s\" does not say \"%s\"", refusal->message, why);
	otlp__rpc_status__free_unpacked(refusal, NULL);
	if (status == 405)
		assert_non_null(strcasestr(exchange.headers, "allow: POST"));
	if (status == 503)
		assert_non_null(strcasestr(exchange.headers, "retry-after: 1"));
}

static struct receive *receive_open(const struct place *place)
{
	struct receive *receive;

	assert_int_equal(receive_start("127.0.0.1:0", place->path, NULL, &receive), 0);
	assert_true(receive_port(receive) != 0);
	return receive;
}

static void assert_accepted(struct receive *receive, struct exchange exchange)
{
	exchange_run(receive_port(receive), &exchange);
	assert_int_equal(exchange.status, 200);
	assert_int_equal(exchange.answer_len, 0);
	assert_non_null(strcasestr(exchange.headers, "content-type: application/x-protobuf"));
}

static void assert_batch(struct store *store, int64_t *after, const uint8_t *expected, size_t expected_len)
{
	uint8_t *otlp;
	size_t len;

	assert_int_equal(store_next_batch(store, *after, after, &otlp, &len), 1);
	assert_int_equal(len, expected_len);
	assert_memory_equal(otlp, expected, len);
	free(otlp);
}

static void receive_plain_and_gzip(void **state)
{
	struct place *place = *state;
	struct receive *receive = receive_open(place);
	struct span_list spans = { 0 };
	struct receive_counts counts;
	uint8_t *otlp, *gzip, trace_id[TRACE_ID_LEN], *none;
	size_t len, gzip_len, none_len;
	int64_t number = 0;

	otlp_make(1, "GET", &otlp, &len, &spans);
	assert_int_equal(gzip_compress(otlp, len, &gzip, &gzip_len), 0);
	assert_accepted(receive, (struct exchange){ OTLP_POST, .body = otlp, .len = len });
	assert_accepted(receive, (struct exchange){ .method = "POST",
						    .path = "/v1/traces",
						    .body = otlp,
						    .len = len,
						    .type = "Application/X-Protobuf; charset=utf-8" });
	assert_accepted(receive, (struct exchange){ OTLP_POST, .encoding = "gzip", .body = gzip, .len = gzip_len });
	assert_accepted(receive, (struct exchange){ OTLP_POST }); /* no spans: good, and nothing to keep */
	for (int i = 0; i < 3; i++)
		assert_batch(place->store, &number, otlp, len);
	assert_int_equal(store_next_batch(place->store, number, &number, &none, &none_len), 0);
	assert_int_equal(store_find_trace(place->store, "01", trace_id), 1);
	receive_counts(receive, &counts);
	assert_int_equal(counts.requests, 4);
	assert_int_equal(counts.spans, 3);
	assert_int_equal(counts.bad_requests + counts.store_errors, 0);
	receive_stop(receive);
	free(otlp);
	free(gzip);
	span_list_free(&spans);
}

static void receive_refuses(void **state)
{
	struct place *place = *state;
	struct receive *receive = receive_open(place);
	static const uint8_t garbage[] = "this is no protobuf";
	uint8_t *large = calloc(1, RECEIVE_BODY_MAX + 1), *bomb, *none;
	size_t bomb_len, len;
	struct receive_counts counts;
	int64_t number;

	assert_int_equal(gzip_compress(large, RECEIVE_BODY_MAX + 1, &bomb, &bomb_len), 0);
	assert_refused(receive,
		       (struct exchange){ .method = "POST", .path = "/v1/metrics", .type = "application/x-json" }, 404,
		       "/v1/traces");
	assert_refused(receive, (struct exchange){ .method = "PUT", .path = "/v1/traces", .type = "text/plain" }, 405,
		       "POST");
	assert_refused(receive, (struct exchange){ .method = "POST", .path = "/v1/traces", .type = "text/json" }, 415,
		       "http/protobuf");
	assert_refused(receive, (struct exchange){ .method = "POST", .path = "/v1/traces" }, 415, "content type");
	assert_refused(receive, (struct exchange){ OTLP_POST, .encoding = "br", .body = garbage, .len = 5 }, 415,
		       "encoding");
	assert_refused(receive, (struct exchange){ OTLP_POST, .body = garbage, .len = sizeof(garbage) }, 400,
		       "ExportTraceServiceRequest");
	assert_refused(receive,
		       (struct exchange){ OTLP_POST, .encoding = "gzip", .body = garbage, .len = sizeof(garbage) }, 400,
		       "gzip");
	for (size_t cut = 0; cut < 12; cut++)
		assert_refused(receive, (struct exchange){ OTLP_POST, .encoding = "gzip", .body = bomb, .len = cut },
			       400, "gzip");
	assert_refused(receive, (struct exchange){ OTLP_POST, .body = large, .len = RECEIVE_BODY_MAX + 1 }, 413,
		       "16 MiB");
	assert_refused(receive, (struct exchange){ OTLP_POST, .encoding = "gzip", .body = bomb, .len = bomb_len }, 413,
		       "expanded");
	receive_counts(receive, &counts);
	assert_int_equal(counts.requests, 21);
	assert_int_equal(counts.bad_requests, 21);
	assert_int_equal(store_next_batch(place->store, 0, &number, &none, &len), 0);
	receive_stop(receive);
	free(large);
	free(bomb);
}

#define JSON_POST .method = "POST", .path = "/v1/traces", .type = "application/json; charset=utf-8"

static void assert_json(struct receive *receive, const char *body, long status, const char *says)
{
	struct exchange exchange = { JSON_POST, .body = (const uint8_t *)body, .len = strlen(body) };

	exchange_run(receive_port(receive), &exchange);
	if (exchange.status != status || !strstr((char *)exchange.answer, says))
		fail_msg("%s: %ld %s", body, exchange.status, exchange.answer);
	assert_non_null(strcasestr(exchange.headers, "content-type: application/json"));
}

#define SPAN_JSON(more)                                                                                            \
	"{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":" \
	"\"shop\"}}]},"                                                                                            \
	"\"scopeSpans\":[{\"spans\":[{\"traceId\":\"5B8EFFF798038103D269B633813FC60C\",\"spanId\":"                \
	"\"eee19b7ec3c1b174\","                                                                                    \
	"\"name\":\"GET\",\"kind\":2,\"startTimeUnixNano\":\"1544712660000000000\"" more "}]}]}]}"

static void receive_json(void **state)
{
	static const char whole[] =
	    SPAN_JSON(",\"endTimeUnixNano\":1544712661000000000,\"unknown\":{\"a\":[1]},\"flags\":257,"
		      "\"attributes\":[{\"key\":\"i\",\"value\":{\"intValue\":\"-5\"}},"
		      "{\"key\":\"d\",\"value\":{\"doubleValue\":0.5}},"
		      "{\"key\":\"b\",\"value\":{\"boolValue\":true}}],\"status\":{\"code\":2},"
		      "\"events\":[{\"timeUnixNano\":\"3\",\"name\":\"e\"}],\"parentSpanId\":null");
	struct place *place = *state;
	struct receive *receive = receive_open(place);
	struct span_list spans = { 0 };
	uint8_t *otlp, *gzip;
	int64_t number;
	size_t len, gzip_len;

	assert_json(receive, "{}", 200, "{}");
	assert_json(receive, whole, 200, "{}");
	assert_int_equal(store_next_batch(place->store, 0, &number, &otlp, &len), 1);
	assert_int_equal(otlp_decode(otlp, len, &spans), 0);
	assert_int_equal(spans.count, 1);
	assert_int_equal(spans.spans[0].trace_id[0], 0x5b);
	assert_int_equal(spans.spans[0].start_unix_ns, 1544712660000000000);
	assert_int_equal(spans.spans[0].end_unix_ns, 1544712661000000000);
	assert_int_equal(spans.spans[0].flags, 257);
	assert_int_equal(spans.spans[0].kind, SPAN_SERVER);
	assert_int_equal(spans.spans[0].status, SPAN_STATUS_ERROR);
	assert_int_equal(spans.spans[0].event_count, 1);
	assert_int_equal(attr_get_int(&spans.spans[0].attrs, "i", 0), -5);
	assert_string_equal(spans.spans[0].service, "shop");
	free(otlp);
	assert_int_equal(gzip_compress((const uint8_t *)whole, strlen(whole), &gzip, &gzip_len), 0);
	struct exchange zipped = { JSON_POST, .encoding = "gzip", .body = gzip, .len = gzip_len };
	exchange_run(receive_port(receive), &zipped);
	assert_int_equal(zipped.status, 200);

	assert_json(receive, "{", 400, "\"code\":3,\"message\":\"not OTLP's JSON: ");
	assert_json(receive, "[]", 400, "no object");
	assert_json(receive, "", 400, "JSON");
	assert_json(receive, "{\"resourceSpans\":{}}", 400, "resource_spans is not a list");
	assert_json(receive, SPAN_JSON(",\"kind\":\"SPAN_KIND_SERVER\""), 400, "kind is not a number");
	assert_json(receive, SPAN_JSON(",\"parentSpanId\":\"xyz\""), 400, "parent_span_id is not hex");
	assert_json(receive, SPAN_JSON(",\"endTimeUnixNano\":\"-1\""), 400, "end_time_unix_nano");
	assert_json(receive, SPAN_JSON(",\"flags\":4294967296"), 400, "flags");
	assert_json(receive, SPAN_JSON(",\"name\":1"), 400, "name is not text");
	assert_json(receive, SPAN_JSON(",\"parentSpanId\":\"eee1\""), 400, "parent_span_id eee1)");
	span_list_free(&spans);
	free(gzip);
	receive_stop(receive);
}

static void store_break(const struct place *place, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void receive_when_store_cannot(void **state)
{
	struct place *place = *state;
	struct receive *receive = receive_open(place);
	struct span_list spans = { 0 };
	struct receive_counts counts;
	uint8_t *otlp;
	int64_t number = 0;
	size_t len;

	otlp_make(1, "GET", &otlp, &len, &spans);
	store_break(place, "CREATE TRIGGER t BEFORE INSERT ON batch BEGIN SELECT RAISE(ABORT, 'disk full'); END");
	assert_refused(receive, (struct exchange){ OTLP_POST, .body = otlp, .len = len }, 503, "disk full");
	store_break(place, "DROP TRIGGER t");
	assert_accepted(receive, (struct exchange){ OTLP_POST, .body = otlp, .len = len });
	assert_batch(place->store, &number, otlp, len);
	receive_counts(receive, &counts);
	assert_int_equal(counts.store_errors, 1);
	assert_int_equal(counts.bad_requests, 0);
	assert_int_equal(counts.spans, 1);
	receive_stop(receive);
	free(otlp);
	span_list_free(&spans);
}

static void receive_address(void **state)
{
	static const char *const bad[] = { "",	       ":1",	"127.0.0.1", "127.0.0.1:", "localhost:4319",
					   "::1:4319", "[::1]", "[::1:4319", "[]:4319",	   "127.0.0.1:x" };
	struct place *place = *state;
	struct receive *receive = receive_open(place), *other = NULL;
	char address[64];

	snprintf(address, sizeof(address), "127.0.0.1:%u", receive_port(receive));
	assert_int_equal(receive_start(address, place->path, NULL, &other), -EADDRINUSE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(receive_start(bad[i], place->path, NULL, &other), -EINVAL);
	assert_null(other);
	assert_int_equal(receive_start("[::1]:0", place->path, NULL, &other), 0);
	receive_stop(other);
	receive_stop(receive);
}

/* A server that answers as told, the last answer for ever, and keeps what it was sent. */
struct answer {
	unsigned int status;
	const char *retry_after;
	const uint8_t *body;
	size_t len;
};

struct server {
	struct MHD_Daemon *daemon;
	uint16_t port;
	struct answer answers[ANSWERS_MAX];
	pthread_mutex_t lock;
	int answer_count, requests;
	uint8_t body[ANSWERS_MAX][BODY_SIZE];
	size_t len[ANSWERS_MAX];
	char agent[64], type[64], encoding[64], token[64];
};

static void header_keep(struct MHD_Connection *connection, const char *name, char value[64])
{
	const char *found = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

	snprintf(value, 64, "%s", found ? found : "");
}

static enum MHD_Result server_answer(struct server *server, struct MHD_Connection *connection)
{
	int i = server->requests < server->answer_count ? server->requests : server->answer_count - 1;
	const struct answer *answer = &server->answers[i];
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(answer->len, (void *)answer->body, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result queued;

	MHD_add_response_header(response, "Content-Type", "application/x-protobuf");
	if (answer->retry_after)
		MHD_add_response_header(response, "Retry-After", answer->retry_after);
	queued = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	server->requests++;
	return queued;
}

static enum MHD_Result server_handle(void *arg, struct MHD_Connection *connection, const char *path, const char *method,
				     const char *version, const char *data, size_t *len, void **state)
{
	static char begun;
	struct server *server = arg;
	int slot = server->requests % ANSWERS_MAX;
	enum MHD_Result result = MHD_YES;

	(void)path, (void)method, (void)version;
	pthread_mutex_lock(&server->lock);
	if (!*state) {
		*state = &begun;
		server->len[slot] = 0;
		header_keep(connection, "User-Agent", server->agent);
		header_keep(connection, "Content-Type", server->type);
		header_keep(connection, "Content-Encoding", server->encoding);
		header_keep(connection, "X-Token", server->token);
	} else if (*len) {
		if (server->len[slot] + *len <= BODY_SIZE)
			memcpy(server->body[slot] + server->len[slot], data, *len);
		server->len[slot] += *len;
		*len = 0;
	} else {
		result = server_answer(server, connection);
	}
	pthread_mutex_unlock(&server->lock);
	return result;
}

static void server_start(struct server *server, char url[URL_SIZE])
{
	int fd;

	assert_int_equal(listen_open("listen", "127.0.0.1:0", &fd, &server->port), 0);
	pthread_mutex_init(&server->lock, NULL);
	server->daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, server_handle, server,
					  MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_END);
	assert_non_null(server->daemon);
	snprintf(url, URL_SIZE, "http://127.0.0.1:%u/v1/traces", server->port);
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

static void export_retries(void **state)
{
	struct place *place = *state;
	struct server server = { .answers = { { 503, "1", NULL, 0 },
					      { 429, NULL, NULL, 0 },
					      { 502, NULL, NULL, 0 },
					      { 200, NULL, NULL, 0 } },
				 .answer_count = 4 };
	struct export *export;
	struct export_counts counts;
	char url[URL_SIZE];
	int64_t number = 0;

	server_start(&server, url);
	batch_add(place->store, 1);
	batch_add(place->store, 2);
	assert_int_equal(export_http(url, place->path, &export), 0);
	export_wait(export, 2, &counts);
	export_stop(export, 0);
	MHD_stop_daemon(server.daemon);
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
	struct export *export;
	struct export_counts counts;
	char url[URL_SIZE];

	partial.rejected_spans = 7;
	partial.error_message = (char *)"too\33old";
	response.partial_success = &partial;
	server.answers[0] =
	    (struct answer){ 200, NULL, body, otlp__export_trace_service_response__pack(&response, body) };
	server_start(&server, url);
	batch_add(place->store, 1);
	batch_add(place->store, 2);
	assert_int_equal(export_http(url, place->path, &export), 0);
	export_wait(export, 2, &counts);
	export_stop(export, 0);
	MHD_stop_daemon(server.daemon);
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

static void post_answers(void **state)
{
	char date[64];
	time_t later = time(NULL) + 3000;
	struct tm utc;
	struct server server = { .answers = { { 503, "7", NULL, 0 }, { 503, date, NULL, 0 }, { 404, NULL, NULL, 0 } },
				 .answer_count = 3 };
	struct post_answer answer;
	struct post *post;
	uint8_t *plain;
	size_t len;
	char url[URL_SIZE];

	(void)state;
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&later, &utc));
	server_start(&server, url);
	setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none", 1);
	setenv("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip", 1);
	setenv("OTEL_EXPORTER_OTLP_HEADERS", " bad , x-evil=a%0d%0ax-token:%20d, x-token = a%20b%2Cc ,", 1);
	setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", 1);
	assert_int_equal(post_new(url, NULL, NULL, &post), 0);
	post_send(post, (const uint8_t *)"hello", 5, &answer);
	assert_int_equal(answer.status, 503);
	assert_int_equal(answer.retry_after_s, 7);
	assert_true(post_again(&answer));
	post_send(post, (const uint8_t *)"hello", 5, &answer);
	assert_in_range(answer.retry_after_s, 2000, 3000); /* the rest of the time until that date */
	post_send(post, (const uint8_t *)"hello", 5, &answer);
	assert_int_equal(answer.status, 404);
	assert_int_equal(answer.retry_after_s, 0);
	assert_false(post_again(&answer));
	MHD_stop_daemon(server.daemon);
	post_send(post, (const uint8_t *)"hello", 5, &answer);
	assert_int_equal(answer.status, 0);
	assert_true(post_again(&answer));
	assert_true(answer.error[0]);
	post_free(post);

	assert_string_equal(server.encoding, "gzip");
	assert_string_equal(server.token, "a b,c");
	assert_int_equal(gzip_expand(server.body[2], server.len[2], 100, &plain, &len), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(plain, "hello", 5);
	free(plain);
	assert_int_equal(post_new("localhost:4318", NULL, NULL, &post), -EINVAL);
	assert_int_equal(post_new("ftp://h/", NULL, NULL, &post), -EINVAL);
	unsetenv("OTEL_EXPORTER_OTLP_COMPRESSION");
	unsetenv("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION");
	unsetenv("OTEL_EXPORTER_OTLP_HEADERS");
	unsetenv("OTEL_EXPORTER_OTLP_TIMEOUT");
}

static void assert_url(const char *word, const char *expected)
{
	char *url = http_url(word);

	if (expected)
		assert_string_equal(url, expected);
	else
		assert_null(url);
	free(url);
}

static void urls(void **state)
{
	(void)state;
	unsetenv("OTEL_EXPORTER_OTLP_ENDPOINT");
	unsetenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
	assert_url(NULL, NULL);
	assert_url("http://h:4318", "http://h:4318/v1/traces");
	assert_url("http://h:4318/", "http://h:4318/v1/traces");
	assert_url("http://h:4318/own/way", "http://h:4318/own/way");
	assert_url("https://[2001:db8::1]:4318", "https://[2001:db8::1]:4318/v1/traces");
	setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://e/base/", 1);
	assert_url(NULL, "http://e/base/v1/traces");
	setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://e/base", 1);
	assert_url(NULL, "http://e/base/v1/traces");
	setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t", 1);
	assert_url(NULL, "http://t");
	assert_url("http://h", "http://h/v1/traces");
	setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "", 1);
	setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "", 1);
	assert_url(NULL, NULL);
	unsetenv("OTEL_EXPORTER_OTLP_ENDPOINT");
	unsetenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(receive_plain_and_gzip), TEST(receive_refuses),
		TEST(receive_json),	      TEST(receive_when_store_cannot),
		TEST(receive_address),	      TEST(export_to_receive),
		TEST(export_retries),	      TEST(export_gives_up),
		TEST(export_says_why),	      TEST(export_partial_success),
		TEST(export_without_backend), cmocka_unit_test(post_answers),
		cmocka_unit_test(urls),
	};

	setenv("no_proxy", "127.0.0.1", 1);
	setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1", 1); /* a request for each batch: theirs have one span */
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
