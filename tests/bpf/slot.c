/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which data tc_depart completes where there is no metadata: what this node wrote a moment ago, and nothing else. Each
 * case is a packet that has come in, what happened to it then, and what must have become of it when it leaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/plane/namespaces.h"
#include "tests.h"
#include "trace.h"
#include "trial.h"
#include "wire/context.h"
#include "xdp/transit.h"

enum {
	WIDE_ONLY = IOAM6_HOP_AND_ID_WIDE | IOAM6_INTERFACES_WIDE | IOAM6_SECONDS | IOAM6_FRACTION | IOAM6_DELAY,
	TIMED = IOAM6_HOP_AND_ID | IOAM6_INTERFACES | IOAM6_SECONDS | IOAM6_FRACTION | IOAM6_DELAY | IOAM6_QUEUE,
	NAMELESS = IOAM6_INTERFACES | IOAM6_FRACTION | IOAM6_DELAY,
	TIMELESS = IOAM6_HOP_AND_ID | IOAM6_INTERFACES | IOAM6_DELAY,
	ROOM = 30,
	SOON_NS = 1000000000,
};

static struct trial in = { PROGRAM_TC_TRANSIT, .role = "transit", .ethertype = ETHERTYPE_IPV6 };
static struct trial out = { PROGRAM_DEPART, .role = "depart", .ethertype = ETHERTYPE_IPV6, .came_in_from = 1 };

static void run(struct trial *trial, struct packet *packet, enum outcome outcome)
{
	struct trial_out after;

	assert_true(trial_run(trial, packet, &after));
	trial_expect_outcome(packet, &after, outcome, OUTCOME_COUNT);
	memcpy(packet->octets, after.octets, after.len);
}

static void arrive(struct packet *packet)
{
	run(&in, packet, OUTCOME_appended);
	packet->octets[IPV6_HOP_LIMIT_AT]--;
}

static void came_in(struct packet *packet, const char *name, uint32_t type, uint32_t words)
{
	trace_make(packet, name, CONTEXT_NAMESPACE, type, words);
	arrive(packet);
}

static void leaves(struct packet *packet, struct ioam6_node *node)
{
	run(&out, packet, OUTCOME_completed);
	trace_newest(packet, node);
}

static void stays_as_it_is(const struct packet *packet, enum outcome outcome)
{
	struct packet after = *packet;

	run(&out, &after, outcome);
	packet_expect_octets(packet, "packet", after.octets, after.len, packet->octets, packet->len);
}

/* A field of the newest data. */
static uint8_t *field_of(struct packet *packet, uint32_t bit)
{
	struct ioam6_node node;
	struct ioam6_found found;
	uint8_t *field;

	trace_find(packet, &found);
	field = node_field(packet->octets, packet->octets + packet->len, trace_newest(packet, &node), found.trace.type,
			   bit, 0, 4);
	assert_non_null(field);
	return field;
}

static void by_wide_id(void)
{
	struct packet packet, other;
	struct ioam6_node node;

	came_in(&packet, "wide id alone", WIDE_ONLY, ROOM);
	other = packet;
	leaves(&packet, &node);
	packet_expect(&packet, "egress interface", node.egress_if_wide, 0x91929394);
	packet_expect(&packet, "delay", node.delay_ns < SOON_NS, true);
	field_of(&other, IOAM6_HOP_AND_ID_WIDE)[7] ^= 1;
	other.name = "another's wide id, its low end";
	stays_as_it_is(&other, OUTCOME_slot_lost);
	field_of(&other, IOAM6_HOP_AND_ID_WIDE)[7] ^= 1;
	field_of(&other, IOAM6_HOP_AND_ID_WIDE)[1] ^= 1;
	other.name = "another's wide id, its high end";
	stays_as_it_is(&other, OUTCOME_slot_lost);
}

static void by_no_id(void)
{
	struct packet packet;

	came_in(&packet, "no id", NAMELESS, ROOM);
	stays_as_it_is(&packet, OUTCOME_slot_lost);
	trace_make(&packet, "nobody's data", CONTEXT_NAMESPACE, TIMED, ROOM);
	stays_as_it_is(&packet, OUTCOME_slot_lost);
}

/* Without a time the interface is all that can be said. */
static void without_time(void)
{
	struct packet packet;
	struct ioam6_node node;

	came_in(&packet, "no time", TIMELESS, ROOM);
	leaves(&packet, &node);
	packet_expect(&packet, "egress interface", node.egress_if, 0x8182);
	packet_expect(&packet, "delay", node.delay_ns, IOAM6_NONE32);
}

/* A bump in the wire with this node's id: the same hop limit, but complete. So is what a host wrote itself. */
static void neighbour(void)
{
	static const struct {
		const char *name;
		uint32_t bit, within;
	} written[] = {
		{ "a neighbour's interface", IOAM6_INTERFACES, 3 },
		{ "a neighbour's delay", IOAM6_DELAY, 3 },
		{ "a neighbour's queue", IOAM6_QUEUE, 0 },
	};
	struct packet packet, one;

	came_in(&packet, "a neighbour", TIMED, ROOM);
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		one = packet;
		one.name = written[i].name;
		field_of(&one, written[i].bit)[written[i].within] = 0;
		stays_as_it_is(&one, OUTCOME_slot_lost);
	}
	packet.octets[IPV6_HOP_LIMIT_AT]--;
	packet.name = "another hop";
	stays_as_it_is(&packet, OUTCOME_slot_lost);
}

/* Room for one: the second time this node sees the packet it is full, and the data of the first time stay. */
static void no_room(void)
{
	struct packet packet;

	came_in(&packet, "no room", TIMED, ioam6_words(TIMED));
	run(&in, &packet, OUTCOME_no_room);
	stays_as_it_is(&packet, OUTCOME_overflowed);
	run(&in, &packet, OUTCOME_overflowed);
	packet.name = "no room since long";
	stays_as_it_is(&packet, OUTCOME_overflowed);
}

/* `by` seconds ago, as far as the data say. */
static void came_in_before(struct packet *packet, const char *name, int32_t by)
{
	uint8_t *seconds;

	came_in(packet, name, TIMED, ROOM);
	seconds = field_of(packet, IOAM6_SECONDS);
	be32_store(seconds, be32_load(seconds) - (uint32_t)by);
}

/* With its seconds a time says how long, whatever it is; one that is still to come says nothing. */
static void long_stay(void)
{
	struct packet packet;
	struct ioam6_node node;

	came_in_before(&packet, "two seconds", 2);
	leaves(&packet, &node);
	packet_expect(&packet, "delay is two seconds and a bit", node.delay_ns - 2000000000U < 147483648U, true);
	came_in_before(&packet, "three seconds", 3);
	leaves(&packet, &node);
	packet_expect(&packet, "delay", node.delay_ns, IOAM6_DELAY_OVERFLOW);
	came_in_before(&packet, "the clock was set back", -3);
	leaves(&packet, &node);
	packet_expect(&packet, "delay", node.delay_ns, IOAM6_NONE32);
}

static void time_set(enum ioam6_time time)
{
	struct ioam6_namespaces *namespaces = calloc(1, sizeof(*namespaces));
	struct ioam6_namespace namespace = *trial_namespace();

	assert_non_null(namespaces);
	namespace.time = (uint8_t)time;
	ioam6_namespaces_add(namespaces, &namespace);
	assert_int_equal(namespaces_set(TRIAL_FOLDER, namespaces), 0);
	free(namespaces);
}

static void each_format(void)
{
	static const char *const names[] = { "ptp", "ntp", "posix" };
	struct ioam6_namespaces *none = calloc(1, sizeof(*none));
	struct ioam6_namespace other = *trial_namespace();
	struct packet packet;
	struct ioam6_node node;

	other.id = 1;
	assert_non_null(none);
	ioam6_namespaces_add(none, &other);
	for (enum ioam6_time time = IOAM6_TIME_PTP; time <= IOAM6_TIME_POSIX; time++) {
		/* It goes before it comes again, so that it is no change of format. */
		assert_int_equal(namespaces_set(TRIAL_FOLDER, none), 0);
		time_set(time);
		came_in(&packet, names[time], TIMED & ~IOAM6_SECONDS, ROOM);
		leaves(&packet, &node);
		packet_expect(&packet, "delay", node.delay_ns < SOON_NS / 10, true);
		came_in(&packet, names[time], TIMED, ROOM);
		leaves(&packet, &node);
		packet_expect(&packet, "delay", node.delay_ns < SOON_NS / 10, true);
	}
	time_set(IOAM6_TIME_PTP);
	came_in(&packet, "a format that has just changed", TIMED, ROOM);
	leaves(&packet, &node);
	packet_expect(&packet, "delay", node.delay_ns, IOAM6_NONE32);
	assert_int_equal(namespaces_set(TRIAL_FOLDER, none), 0);
	time_set(IOAM6_TIME_PTP);
	free(none);
}

void test_slots(void **state)
{
	struct transit_config arrival = { .self = trial_self() }, departure = { .self = trial_self() };

	(void)state;
	departure.self.interface = 0x8182;
	departure.self.interface_wide = 0x91929394;
	trial_load(&in, &arrival, sizeof(arrival));
	trial_load(&out, &departure, sizeof(departure));
	by_wide_id();
	by_no_id();
	without_time();
	neighbour();
	no_room();
	long_stay();
	each_format();
	trial_unload(&out);
	trial_unload(&in);
}
