/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* OTLP's JSON there and back: each kind of value, and what is none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "otlp/octets.h"
#include "otlp/otlp_json.h"

static char *written(const ProtobufCMessage *message)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	otlp_json_write(out, message);
	fclose(out);
	return text;
}

/* JSON -> protobuf -> JSON */
static void there_and_back(const char *json, const char *expected)
{
	char why[OTLP_JSON_WHY_SIZE] = "", *text;
	Otlp__AnyValue *any;
	uint8_t *protobuf;
	size_t len;

	if (otlp_json_read(&otlp__any_value__descriptor, json, strlen(json), &protobuf, &len, why))
		fail_msg("%s: %s", json, why);
	any = otlp__any_value__unpack(NULL, len, protobuf);
	assert_non_null(any);
	text = written(&any->base);
	assert_string_equal(text, expected);
	otlp__any_value__free_unpacked(any, NULL);
	free(text);
	free(protobuf);
}

static void values(void **state)
{
	(void)state;
	there_and_back("{\"stringValue\":\"a\\\"b\\\\\\u0001\\u00e9\"}",
		       "{\"stringValue\":\"a\\\"b\\\\\\u0001\303\251\"}");
	there_and_back("{\"stringValue\":\"\"}", "{\"stringValue\":\"\"}");
	there_and_back("{\"boolValue\":false}", "{\"boolValue\":false}");
	there_and_back("{\"intValue\":7}", "{\"intValue\":\"7\"}");
	there_and_back("{\"intValue\":\"-9223372036854775808\"}", "{\"intValue\":\"-9223372036854775808\"}");
	there_and_back("{\"doubleValue\":1}", "{\"doubleValue\":1}");
	there_and_back("{\"doubleValue\":\"0.25\"}", "{\"doubleValue\":0.25}");
	there_and_back("{\"doubleValue\":\"-Infinity\"}", "{\"doubleValue\":\"-Infinity\"}");
	there_and_back("{\"doubleValue\":\"NaN\"}", "{\"doubleValue\":\"NaN\"}");
	there_and_back("{\"bytesValue\":\"AAECAw==\"}", "{\"bytesValue\":\"AAECAw==\"}");
	there_and_back("{\"bytesValue\":\"-_8\"}", "{\"bytesValue\":\"+/8=\"}");
	there_and_back("{\"arrayValue\":{\"values\":[{\"intValue\":1},{}]}}",
		       "{\"arrayValue\":{\"values\":[{\"intValue\":\"1\"},{}]}}");
	there_and_back("{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"}}]}}",
		       "{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"}}]}}");
	there_and_back("{}", "{}");
	there_and_back(" {\"other\":1, \"int_value\":\"2\"} ", "{}");
}

static void refused(const char *json)
{
	char why[OTLP_JSON_WHY_SIZE] = "";
	uint8_t *protobuf = NULL;
	size_t len;

	if (otlp_json_read(&otlp__any_value__descriptor, json, strlen(json), &protobuf, &len, why) != -EBADMSG)
		fail_msg("%s was taken", json);
	assert_true(why[0]);
	assert_null(protobuf);
}

static void wrong_values(void **state)
{
	char *deep = NULL;
	size_t len;
	FILE *out = open_memstream(&deep, &len);

	(void)state;
	refused("");
	refused("7");
	refused("{} {}");
	refused("{\"stringValue\":7}");
	refused("{\"stringValue\":\"\377\"}");
	refused("{\"boolValue\":\"true\"}");
	refused("{\"intValue\":\"7x\"}");
	refused("{\"intValue\":\"\"}");
	refused("{\"intValue\":\" 7\"}");
	refused("{\"intValue\":1.5}");
	refused("{\"intValue\":\"9223372036854775808\"}");
	refused("{\"doubleValue\":\"0x\"}");
	refused("{\"doubleValue\":{}}");
	refused("{\"bytesValue\":\"A\"}");
	refused("{\"bytesValue\":\"A*==\"}");
	refused("{\"arrayValue\":[]}");
	for (int i = 0; i < 80; i++)
		fputs("{\"arrayValue\":{\"values\":[", out);
	fputs("{}", out);
	for (int i = 0; i < 80; i++)
		fputs("]}}", out);
	fclose(out);
	refused(deep);
	free(deep);
}

static void ids_are_hex(void **state)
{
	uint8_t id[] = { 0x5b, 0x8e, 0xff };
	Otlp__Span span = OTLP__SPAN__INIT;
	char *text;

	(void)state;
	span.trace_id = (ProtobufCBinaryData){ sizeof(id), id };
	span.flags = 3;
	span.start_time_unix_nano = 18446744073709551615u;
	span.name = (char *)"x\377y";
	text = written(&span.base);
	assert_string_equal(
	    text,
	    "{\"traceId\":\"5b8eff\",\"name\":\"x?y\",\"startTimeUnixNano\":\"18446744073709551615\",\"flags\":3}");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(wrong_values),
		cmocka_unit_test(ids_are_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
