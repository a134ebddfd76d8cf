/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Records: which trace and hops are read, ports, and every rule by which a stamp becomes a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "record/decode.h"
#include "record/leap.h"
#include "record/record.h"
#include "vector.h"

static const int64_t second_ns = 1000000000;
static const int64_t ntp_ahead_s = 2208988800;
static struct nodes *nodes;

static int setup(void **state)
{
	(void)state;
	return nodes_read("tests/vectors/nodes.yaml", &nodes);
}

static int teardown(void **state)
{
	(void)state;
	nodes_free(nodes);
	return 0;
}

static enum outcome decode(const char *name, struct record *record)
{
	struct vector vector;

	vector_find(name, &vector);
	return record_decode(vector.octets, vector.len, record);
}

static void test_fields(void **state)
{
	struct record record = { .time_unix_ns = 42 };

	(void)state;
	assert_int_equal(decode("default-3", &record), OUTCOME_recorded);
	assert_int_equal(record.time_unix_ns, 42);
	assert_int_equal(record.transport, 6);
	assert_int_equal(record.source_port, 40000);
	assert_int_equal(record.destination_port, 8080);
	assert_int_equal(record.hop_limit, 61);
	assert_int_equal(record.namespace, 0x6873);
	assert_int_equal(record.type, 0xda0002);
	assert_int_equal(record.room_left, 1);
	assert_int_equal(record.hop_count, 4);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(record.hops[i].id, i + 1);
		assert_int_equal(record.hops[i].hop_limit, 64 - i);
		assert_true(record.hop_unix_ns[i] == INT64_MIN);
	}
	assert_true(record.has_context);
	assert_int_equal(record.context.trace_id[0], 0x7c);
	assert_int_equal(record.context.span_id[7], 0xe1);
	assert_false(record.overflow || record.active);
	assert_int_equal(decode("overflow", &record), OUTCOME_recorded);
	assert_true(record.overflow);
	assert_int_equal(decode("active", &record), OUTCOME_recorded);
	assert_true(record.active);
}

/* A sink hands over a packet's first octets: without the transport there are no ports, but a record. */
static void test_without_transport(void **state)
{
	struct record record = { 0 };
	struct vector vector;
	size_t headers;

	(void)state;
	vector_find("default-1", &vector);
	headers = 40 + (vector.octets[41] + 1U) * 8;
	assert_int_equal(record_decode(vector.octets, headers, &record), OUTCOME_recorded);
	assert_int_equal(record.source_port, 0);
	assert_int_equal(record_decode(vector.octets, headers + 3, &record), OUTCOME_recorded);
	assert_int_equal(record.source_port, 0);
	assert_int_equal(record_decode(vector.octets, headers + 4, &record), OUTCOME_recorded);
	assert_int_equal(record.destination_port, 8080);
	assert_int_equal(record_decode(vector.octets, headers - 1, &record), OUTCOME_bad_truncated);
}

/* A payload length of 0 is BIG TCP's; one that ends inside the header is no packet. */
static void test_payload_len(void **state)
{
	struct record record = { 0 };
	struct vector vector;

	(void)state;
	vector_find("default-1", &vector);
	vector.octets[4] = vector.octets[5] = 0;
	assert_int_equal(record_decode(vector.octets, vector.len, &record), OUTCOME_recorded);
	vector.octets[5] = 100;
	assert_int_equal(record_decode(vector.octets, vector.len, &record), OUTCOME_bad_truncated);
}

static void test_not_ipv6(void **state)
{
	struct record record = { 0 };
	uint8_t octets[64] = { 0x45 };

	(void)state;
	assert_int_equal(record_decode(octets, sizeof(octets), &record), OUTCOME_pass);
	assert_int_equal(record_decode(octets, 0, &record), OUTCOME_pass);
	octets[0] = 0x60;
	assert_int_equal(record_decode(octets, 39, &record), OUTCOME_bad_truncated);
}

static void test_which_trace(void **state)
{
	struct record record = { 0 };

	(void)state;
	assert_int_equal(decode("two-traces", &record), OUTCOME_recorded);
	assert_int_equal(record.namespace, 0x6873);
	assert_int_equal(decode("two-traces-neither", &record), OUTCOME_recorded);
	assert_int_equal(record.namespace, 123);
	assert_false(record.has_context);
	assert_int_equal(decode("empty", &record), OUTCOME_pass);
}

/* The longest trace: 61 hops of a word. */
static void test_most_hops(void **state)
{
	uint8_t packet[40 + 264] = { 0x60, [4] = 1, [5] = 8, [6] = 0, [7] = 3, [40] = 59, [41] = 32, [42] = 1 };
	struct record record = { 0 };
	uint8_t *option = packet + 44;

	(void)state;
	option[0] = 0x31;
	option[1] = 254;
	option[4] = 0x68;
	option[5] = 0x73;
	option[6] = 1 << 3;
	option[8] = 0x80;
	for (unsigned int i = 0; i < 61; i++)
		option[15 + i * 4] = i + 1;
	packet[300] = 1;
	packet[301] = 2;
	assert_int_equal(record_decode(packet, sizeof(packet), &record), OUTCOME_recorded);
	assert_int_equal(record.hop_count, 61);
	assert_int_equal(record.hops[0].id, 61);
	assert_int_equal(record.hops[60].id, 1);
}

/* A record of hops with these stamps, for record_times(). */
static struct record stamps(int64_t arrival_ns, unsigned int count, const uint32_t (*stamp)[3])
{
	struct record record = { .time_unix_ns = arrival_ns, .hop_count = count };

	record.type = IOAM6_HOP_AND_ID | IOAM6_SECONDS | IOAM6_FRACTION;
	for (unsigned int i = 0; i < count; i++) {
		record.hops[i] = (struct ioam6_node)IOAM6_NODE_UNKNOWN;
		record.hops[i].id = stamp[i][0];
		record.hops[i].seconds = stamp[i][1];
		record.hops[i].fraction = stamp[i][2];
	}
	record_times(&record, nodes);
	return record;
}

static int64_t one(int64_t arrival_ns, uint32_t node, uint32_t seconds, uint32_t fraction)
{
	return stamps(arrival_ns, 1, (const uint32_t[][3]){ { node, seconds, fraction } }).hop_unix_ns[0];
}

enum { PTP = 1, POSIX = 7, NTP = 9, NONE = 0xffffffff };
static const int64_t now_s = 1795183331;

static void test_formats(void **state)
{
	const int64_t arrival_ns = now_s * second_ns + 500000000;
	const int64_t stamp_ns = now_s * second_ns + 250000000;

	(void)state;
	assert_int_equal(one(arrival_ns, PTP, now_s + leap_seconds(now_s), 250000000), stamp_ns);
	assert_int_equal(one(arrival_ns, POSIX, now_s, 250000), stamp_ns);
	assert_int_equal(one(arrival_ns, NTP, (uint32_t)(now_s + ntp_ahead_s), 1U << 30), stamp_ns);
	assert_int_equal(one(arrival_ns, PTP, NONE, 250000000), stamp_ns);
	assert_int_equal(one(arrival_ns, POSIX, NONE, 250000), stamp_ns);
	assert_int_equal(one(arrival_ns, NTP, NONE, 1U << 30), stamp_ns);
}

static void test_no_time(void **state)
{
	const int64_t arrival_ns = now_s * second_ns;

	(void)state;
	assert_true(one(arrival_ns, PTP, now_s, NONE) == INT64_MIN);
	assert_true(one(arrival_ns, PTP, NONE, NONE) == INT64_MIN);
	assert_true(one(arrival_ns, PTP, NONE, 1000000000) == INT64_MIN);
	assert_true(one(arrival_ns, POSIX, NONE, 1000000) == INT64_MIN);
	assert_int_equal(one(arrival_ns, PTP, NONE, 999999999), arrival_ns - 1);
	assert_int_equal(one(arrival_ns, POSIX, NONE, 999999), arrival_ns - 1000);
}

/* 32 bits of seconds wrap: NTP's in 2036, POSIX's and PTP's in 2106. */
static void test_seconds_wrap(void **state)
{
	const int64_t ntp_wrap_s = (1LL << 32) - ntp_ahead_s, posix_wrap_s = 1LL << 32;

	(void)state;
	assert_int_equal(one((ntp_wrap_s + 1) * second_ns, NTP, 0, 0), ntp_wrap_s * second_ns);
	assert_int_equal(one((ntp_wrap_s + 1) * second_ns, NTP, NONE - 1, 0), (ntp_wrap_s - 2) * second_ns);
	assert_int_equal(one(ntp_wrap_s * second_ns, NTP, 3, 0), (ntp_wrap_s + 3) * second_ns);
	assert_int_equal(one((posix_wrap_s + 5) * second_ns, POSIX, 4, 0), (posix_wrap_s + 4) * second_ns);
	assert_int_equal(one((posix_wrap_s + 5) * second_ns, POSIX, NONE - 1, 0), (posix_wrap_s - 2) * second_ns);
	assert_int_equal(one((posix_wrap_s - 50) * second_ns, PTP, 4, 0),
			 (posix_wrap_s + 4 - leap_seconds(posix_wrap_s)) * second_ns);
	assert_int_equal(one(now_s * second_ns, POSIX, 100, 0), 100 * second_ns);
}

/* TAI to UTC where the difference changed: 2017-01-01 began 36 s before its TAI count plus one. */
static void test_leap_second(void **state)
{
	const int64_t new_year_s = 1483228800;

	(void)state;
	if (leap_seconds(new_year_s - 1) != 36 || leap_seconds(new_year_s) != 37)
		skip();
	assert_int_equal(one(new_year_s * second_ns, PTP, new_year_s + 37, 5), new_year_s * second_ns + 5);
	assert_int_equal(one(new_year_s * second_ns, PTP, new_year_s - 1 + 36, 5), (new_year_s - 1) * second_ns + 5);
}

/* From 0.75 s before the arrival to 0.25 s after it. */
static void test_fraction_window(void **state)
{
	const int64_t arrival_ns = now_s * second_ns + 100000000;

	(void)state;
	assert_int_equal(one(arrival_ns, PTP, NONE, 100000000), arrival_ns);
	assert_int_equal(one(arrival_ns, PTP, NONE, 99999999), arrival_ns - 1);
	assert_int_equal(one(arrival_ns, PTP, NONE, 350000000), arrival_ns + 250000000);
	assert_int_equal(one(arrival_ns, PTP, NONE, 350000001), arrival_ns - 749999999);
	assert_int_equal(one(arrival_ns, PTP, NONE, 999999999), arrival_ns - 100000001);
	assert_int_equal(one(arrival_ns, PTP, NONE, 0), arrival_ns - 100000000);
}

/* Each fraction is placed by the next stamp, so a path may take longer than a second; one without a stamp is skipped.
 */
static void test_fractions_follow(void **state)
{
	const int64_t arrival_ns = now_s * second_ns;
	const struct record record = stamps(arrival_ns, 5,
					    (const uint32_t[][3]){ { PTP, NONE, 100000000 },
								   { POSIX, NONE, 700000 },
								   { PTP, NONE, NONE },
								   { PTP, NONE, 300000000 },
								   { NTP, NONE, 0xc0000000 } });

	(void)state;
	assert_int_equal(record.hop_unix_ns[4], arrival_ns - 250000000);
	assert_int_equal(record.hop_unix_ns[3], arrival_ns - 700000000);
	assert_true(record.hop_unix_ns[2] == INT64_MIN);
	assert_int_equal(record.hop_unix_ns[1], arrival_ns - 1300000000);
	assert_int_equal(record.hop_unix_ns[0], arrival_ns - 1900000000);
}

static void test_node_of_a_hop(void **state)
{
	struct record record = { .hop_count = 1, .type = IOAM6_HOP_AND_ID | IOAM6_HOP_AND_ID_WIDE };

	(void)state;
	record.hops[0] = (struct ioam6_node){ .id = 7, .id_wide = 8 };
	assert_string_equal(record_node(&record, 0, nodes)->name, "kernel");
	record.hops[0].id = NODE_ID_NONE;
	assert_int_equal(record_node(&record, 0, nodes)->id, 8);
	assert_true(record_node(&record, 0, nodes)->wide);
	record.type = IOAM6_HOP_AND_ID;
	assert_string_equal(record_node(&record, 0, nodes)->name, "node ?");
	record.type = IOAM6_FRACTION;
	record.hops[0].id = ~0U;
	assert_string_equal(record_node(&record, 0, nodes)->name, "node ?");
}

static void test_json(void **state)
{
	struct record record = { .time_unix_ns = 1795183331482000000 };
	json_t *json, *hop;

	(void)state;
	assert_int_equal(decode("default-1", &record), OUTCOME_recorded);
	record_times(&record, nodes);
	json = record_json(&record, nodes);
	assert_string_equal(json_string_value(json_object_get(json, "source")), "2001:db8:1::10");
	assert_string_equal(json_string_value(json_object_get(json, "trace_id")), "7c0de2a4f19b3305d1a2b7e90c4f6618");
	assert_string_equal(json_string_value(json_object_get(json, "direction")), "request");
	assert_null(json_object_get(json, "shadow"));
	hop = json_array_get(json_object_get(json, "hops"), 1);
	assert_int_equal(json_integer_value(json_object_get(hop, "time_unix_ns")), 1795183331451000111);
	assert_int_equal(json_integer_value(json_object_get(hop, "delay_ns")), 1007);
	hop = json_array_get(json_object_get(json, "hops"), 0);
	assert_null(json_object_get(hop, "delay_ns"));
	assert_null(json_object_get(hop, "ingress_if"));
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),		cmocka_unit_test(test_without_transport),
		cmocka_unit_test(test_payload_len),	cmocka_unit_test(test_not_ipv6),
		cmocka_unit_test(test_which_trace),	cmocka_unit_test(test_most_hops),
		cmocka_unit_test(test_formats),		cmocka_unit_test(test_no_time),
		cmocka_unit_test(test_seconds_wrap),	cmocka_unit_test(test_leap_second),
		cmocka_unit_test(test_fraction_window), cmocka_unit_test(test_fractions_follow),
		cmocka_unit_test(test_node_of_a_hop),	cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
