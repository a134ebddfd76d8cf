/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* OTLP/HTTP in, over loopback, from a client that sends what it is told. */
#include "otlp/receive.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <sqlite3.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "doors.h"
#include "otlp/gzip.h"

static int place_make(void **state)
{
	return place_make_at(state, "receive", "store.db");
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

static void assert_accepted(struct receive *receive, struct exchange exchange)
{
	exchange_run(receive_port(receive), &exchange);
	assert_int_equal(exchange.status, 200);
	assert_int_equal(exchange.answer_len, 0);
	assert_non_null(strcasestr(exchange.headers, "content-type: application/x-protobuf"));
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

/* Two requests joined are one: of the spans of trace 1, and of the others, whose ids are all zero. */
static uint8_t *joined_make(int good, int bad, size_t *len)
{
	uint8_t *joined = NULL, *otlp;
	size_t otlp_len;

	*len = 0;
	for (int i = 0; i < good + bad; i++) {
		struct span_list spans = { 0 };

		otlp_make(i < good, "GET", &otlp, &otlp_len, &spans);
		joined = realloc(joined, *len + otlp_len);
		memcpy(joined + *len, otlp, otlp_len);
		*len += otlp_len;
		free(otlp);
		span_list_free(&spans);
	}
	return joined;
}

static void assert_partial(struct receive *receive, struct exchange exchange, int64_t rejected, const char *why)
{
	Otlp__ExportTraceServiceResponse *response;

	exchange_run(receive_port(receive), &exchange);
	assert_int_equal(exchange.status, 200);
	assert_non_null(strcasestr(exchange.headers, "content-type: application/x-protobuf"));
	response = otlp__export_trace_service_response__unpack(NULL, exchange.answer_len, exchange.answer);
	assert_non_null(response);
	assert_non_null(response->partial_success);
	assert_int_equal(response->partial_success->rejected_spans, rejected);
	assert_string_equal(response->partial_success->error_message, why);
	otlp__export_trace_service_response__free_unpacked(response, NULL);
}

/* What is stored is the same octets as if the bad spans had never been sent. */
static void receive_keeps_the_good(void **state)
{
	struct place *place = *state;
	struct receive *receive = receive_open(place);
	struct receive_counts counts;
	uint8_t *mixed, *good, *bad, *gzip;
	size_t mixed_len, good_len, bad_len, gzip_len;
	int64_t number = 0;
	static const char why[] = "1 of 3 spans rejected: \"GET\" (trace_id 00000000000000000000000000000000, "
				  "span_id 0000000000000000): trace_id is all zero";

	mixed = joined_make(2, 1, &mixed_len);
	good = joined_make(2, 0, &good_len);
	bad = joined_make(0, 2, &bad_len);
	assert_int_equal(gzip_compress(mixed, mixed_len, &gzip, &gzip_len), 0);
	assert_partial(receive, (struct exchange){ OTLP_POST, .body = mixed, .len = mixed_len }, 1, why);
	assert_partial(receive, (struct exchange){ OTLP_POST, .encoding = "gzip", .body = gzip, .len = gzip_len }, 1,
		       why);
	assert_refused(receive, (struct exchange){ OTLP_POST, .body = bad, .len = bad_len }, 400,
		       "2 of 2 spans rejected");
	assert_json(
	    receive,
	    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":["
	    "{\"traceId\":\"5B8EFFF798038103D269B633813FC60C\",\"spanId\":\"EEE19B7EC3C1B174\"},"
	    "{\"traceId\":\"5B8EFFF798038103D269B633813FC60C\",\"spanId\":\"EE\",\"name\":\"b\\\"d\"}]}]}]}",
	    200,
	    "{\"partialSuccess\":{\"rejectedSpans\":\"1\",\"errorMessage\":\"1 of 2 spans rejected: \\\"b\\\"d\\\" "
	    "(trace_id 5b8efff798038103d269b633813fc60c, span_id ee): span_id has not 8 octets\"}}");
	for (int i = 0; i < 2; i++)
		assert_batch(place->store, &number, good, good_len);
	receive_counts(receive, &counts);
	assert_int_equal(counts.requests, 4);
	assert_int_equal(counts.spans, 5);
	assert_int_equal(counts.bad_requests, 1);
	assert_int_equal(counts.rejected[REJECT_trace_id_zero], 4);
	assert_int_equal(counts.rejected[REJECT_span_id_length], 1);
	receive_stop(receive);
	free(mixed);
	free(good);
	free(bad);
	free(gzip);
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
	uint8_t *otlp, *mixed;
	int64_t number = 0;
	size_t len, mixed_len;

	otlp_make(1, "GET", &otlp, &len, &spans);
	mixed = joined_make(1, 1, &mixed_len);
	store_break(place, "CREATE TRIGGER t BEFORE INSERT ON batch BEGIN SELECT RAISE(ABORT, 'disk full'); END");
	assert_refused(receive, (struct exchange){ OTLP_POST, .body = otlp, .len = len }, 503, "disk full");
	assert_refused(receive, (struct exchange){ OTLP_POST, .body = mixed, .len = mixed_len }, 503, "disk full");
	store_break(place, "DROP TRIGGER t");
	assert_accepted(receive, (struct exchange){ OTLP_POST, .body = otlp, .len = len });
	assert_batch(place->store, &number, otlp, len);
	receive_counts(receive, &counts);
	assert_int_equal(counts.store_errors, 2);
	assert_int_equal(counts.bad_requests, 0);
	assert_int_equal(counts.spans, 1);
	assert_int_equal(counts.rejected[REJECT_trace_id_zero], 0); /* will be sent again */
	receive_stop(receive);
	free(otlp);
	free(mixed);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(receive_plain_and_gzip), TEST(receive_refuses),	       TEST(receive_json),
		TEST(receive_keeps_the_good), TEST(receive_when_store_cannot), TEST(receive_address),
	};

	setenv("no_proxy", "127.0.0.1", 1);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
