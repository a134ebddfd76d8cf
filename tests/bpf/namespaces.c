/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a router writes in several IOAM namespaces: each field of every namespace against what was asked for, at every
 * amount of room, by XDP and by tc; and that a change takes effect with the next packet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "ctl/plane/clock.h"
#include "ctl/plane/namespaces.h"
#include "ctl/record/leap.h"
#include "tests.h"
#include "trace.h"
#include "trial.h"
#include "wire/context.h"
#include "xdp/transit.h"

enum { NTP_EPOCH_S = 2208988800U, SCHEMA_WORDS = 3, ALL_FIELDS = 0xfff002 };

static const struct ioam6_namespace list[] = {
	{ .id = CONTEXT_NAMESPACE, .data = 0x51525354, .data_wide = ~0ULL, .schema_id = IOAM6_SNAPSHOT_NONE },
	{ .id = 1,
	  .time = IOAM6_TIME_NTP,
	  .data = IOAM6_NONE32,
	  .data_wide = 0x6162636465666768,
	  .schema_id = 0xa1a2a3,
	  .schema_words = SCHEMA_WORDS,
	  .schema = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0 } },
	{ .id = 0, .time = IOAM6_TIME_POSIX, .data = 0, .data_wide = 0, .schema_id = 7 },
};
enum { LIST_LEN = sizeof(list) / sizeof(list[0]) };

static void namespaces_put(const struct ioam6_namespace *namespaces, unsigned int count)
{
	struct ioam6_namespaces *all = calloc(1, sizeof(*all));

	assert_non_null(all);
	for (unsigned int i = 0; i < count; i++)
		assert_true(ioam6_namespaces_add(all, &namespaces[i]));
	assert_int_equal(namespaces_set(TRIAL_FOLDER, all), 0);
	free(all);
}

/* The stamp as ns since the Unix epoch, UTC; its second half must be one of its format. */
static uint64_t utc_ns(const struct packet *packet, const struct ioam6_node *node, enum ioam6_time time)
{
	uint64_t leap_ns = (uint64_t)leap_seconds(1800000000) * IOAM6_NS_PER_S;

	if (time == IOAM6_TIME_NTP)
		return (uint64_t)(node->seconds - NTP_EPOCH_S) * IOAM6_NS_PER_S +
		       ((uint64_t)node->fraction * 1000000000 >> 32);
	packet_expect(packet, "fraction of a second",
		      node->fraction < (time == IOAM6_TIME_PTP ? 1000000000U : 1000000U), true);
	if (time == IOAM6_TIME_POSIX)
		return (uint64_t)node->seconds * IOAM6_NS_PER_S + node->fraction * 1000ULL;
	return (uint64_t)node->seconds * IOAM6_NS_PER_S + node->fraction - leap_ns;
}

static void time_check(const struct packet *packet, const struct trial_out *out, const struct ioam6_node *node,
		       enum ioam6_time time)
{
	uint64_t leap_ns = (uint64_t)leap_seconds(1800000000) * IOAM6_NS_PER_S, step_ns = 1000; /* the coarsest */
	uint64_t seen_ns = utc_ns(packet, node, time);

	packet_expect(packet, "time within the run",
		      seen_ns + step_ns >= out->begin_tai_ns - leap_ns && seen_ns <= out->end_tai_ns - leap_ns, true);
}

static void node_check(const struct packet *packet, const struct trial_out *out,
		       const struct ioam6_namespace *namespace)
{
	const struct plane_node self = trial_self();
	struct packet after = *packet;
	struct ioam6_node node;

	memcpy(after.octets, out->octets, out->len);
	trace_newest(&after, &node);
	packet_expect(packet, "node id", node.id, self.id);
	packet_expect(packet, "wide node id", node.id_wide, self.id_wide);
	packet_expect(packet, "hop limit", node.hop_limit, 63);
	packet_expect(packet, "interface", node.ingress_if, self.interface);
	packet_expect(packet, "wide interface", node.ingress_if_wide, self.interface_wide);
	packet_expect(packet, "data", node.data, namespace->data);
	packet_expect(packet, "wide data", node.data_wide, namespace->data_wide);
	packet_expect(packet, "delay and queue", node.delay_ns & node.queue & node.buffer, IOAM6_NONE32);
	packet_expect(packet, "schema id", node.schema_id, namespace->schema_id);
	packet_expect(packet, "schema's words", node.schema_words, namespace->schema_words);
	packet_expect_octets(packet, "schema",
			     after.octets + IPV6_LEN + IOAM6_USUAL_AT + IOAM6_DATA_AT + node.schema_at,
			     namespace->schema_words * 4UL, namespace->schema, namespace->schema_words * 4UL);
	time_check(packet, out, &node, namespace->time);
}

/* Only if the schema fits as well is anything written. */
static void room_check(struct trial *trial, const struct ioam6_namespace *namespace, uint32_t words)
{
	uint32_t needed = ioam6_node_words(ALL_FIELDS) + namespace->schema_words;
	struct packet packet, wanted;
	struct trial_out out;

	trace_make(&packet, "all fields", namespace->id, ALL_FIELDS, words);
	assert_true(trial_run(trial, &packet, &out));
	trial_expect_outcome(&packet, &out, words < needed ? OUTCOME_no_room : OUTCOME_appended, OUTCOME_COUNT);
	if (words >= needed) {
		node_check(&packet, &out, namespace);
		return;
	}
	wanted = packet;
	wanted.octets[IPV6_LEN + IOAM6_USUAL_AT + IOAM6_TRACE_AT + 2] |= 0x04;
	packet_expect_octets(&packet, "packet", out.octets, out.len, wanted.octets, wanted.len);
}

static void unknown_check(struct trial *trial, uint16_t namespace)
{
	struct packet packet;
	struct trial_out out;

	trace_make(&packet, "unknown namespace", namespace, ALL_FIELDS, 20);
	assert_true(trial_run(trial, &packet, &out));
	trial_expect_outcome(&packet, &out, OUTCOME_other_options, OUTCOME_COUNT);
	packet_expect_octets(&packet, "packet", out.octets, out.len, packet.octets, packet.len);
}

/* Two traces in one header: the first of a namespace that this node takes part in, and no other. */
static void second_trace_check(struct trial *trial)
{
	const struct ioam6_namespace both[] = { list[0], { .id = 123 } };
	enum { FIRST_FLAGS = 10, SECOND_LENGTHS = 30 }; /* in the header */
	struct packet packet;
	struct trial_out out;

	packet_from_vector("two-traces", &packet);
	assert_true(trial_run(trial, &packet, &out));
	trial_expect_outcome(&packet, &out, OUTCOME_appended, OUTCOME_COUNT);
	packet_expect(&packet, "room left in the second trace", out.octets[IPV6_LEN + SECOND_LENGTHS + 1], 0);
	namespaces_put(both, 2);
	assert_true(trial_run(trial, &packet, &out));
	trial_expect_outcome(&packet, &out, OUTCOME_no_room, OUTCOME_COUNT);
	packet.octets[IPV6_LEN + FIRST_FLAGS] |= 0x04;
	packet_expect_octets(&packet, "packet", out.octets, out.len, packet.octets, packet.len);
}

static void program_check(enum program program)
{
	struct transit_config config = { .self = trial_self() };
	struct trial trial = { program, .role = "transit", .ethertype = ETHERTYPE_IPV6 };

	trial_load(&trial, &config, sizeof(config));
	namespaces_put(list, LIST_LEN);
	assert_int_equal(clock_set(TRIAL_FOLDER, 0), 0);
	for (unsigned int i = 0; i < LIST_LEN; i++)
		for (uint32_t words = 0; words <= 61; words++)
			room_check(&trial, &list[i], words);
	unknown_check(&trial, 2);
	unknown_check(&trial, 0x7368);
	second_trace_check(&trial);
	namespaces_put(trial_namespace(), 1);
	trial_unload(&trial);
}

void test_namespaces(void **state)
{
	(void)state;
	program_check(PROGRAM_XDP_TRANSIT);
	program_check(PROGRAM_TC_TRANSIT);
}

/* One that goes, one that comes, one whose format changes: the next packet has it. So has the clock. */
void test_namespaces_change(void **state)
{
	struct transit_config config = { .self = trial_self() };
	struct trial trial = { PROGRAM_TC_TRANSIT, .role = "transit", .ethertype = ETHERTYPE_IPV6 };
	struct plane_namespaces *now = calloc(1, sizeof(*now));
	struct ioam6_namespace changed = list[2];

	(void)state;
	assert_non_null(now);
	trial_load(&trial, &config, sizeof(config));
	namespaces_put(list, 1);
	unknown_check(&trial, 1);
	namespaces_put(list, LIST_LEN);
	room_check(&trial, &list[1], 30);
	changed.time = IOAM6_TIME_NTP;
	changed.data = 0x01020304;
	namespaces_put(&changed, 1);
	room_check(&trial, &changed, 30);
	unknown_check(&trial, 1);
	unknown_check(&trial, CONTEXT_NAMESPACE);
	assert_int_equal(namespaces_get(TRIAL_FOLDER, now), 0);
	assert_true(now->since_ns[0] != 0);
	assert_int_equal(clock_set(TRIAL_FOLDER, -86400LL * IOAM6_NS_PER_S), 0);
	assert_true(clock_offset_ns(TRIAL_FOLDER) == -86400LL * IOAM6_NS_PER_S);
	room_check(&trial, &changed, 30);
	assert_int_equal(clock_set(TRIAL_FOLDER, 0), 0);
	namespaces_put(trial_namespace(), 1);
	free(now);
	trial_unload(&trial);
}
