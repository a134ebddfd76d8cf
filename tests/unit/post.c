/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One request: what goes with it, what its answer says, and where it goes. */
#include "otlp/post.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "otlp/gzip.h"
#include "otlp/http.h"
#include "server.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(post_answers), cmocka_unit_test(urls) };

	setenv("no_proxy", "127.0.0.1", 1);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
