/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A router's departure: tc_depart completes what tc_transit wrote, as wire/ does in user space, and nothing else. No
 * test run can give a tc program metadata of XDP, so the slot is always the one that the trace shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests.h"
#include "trial.h"
#include "wire/context.h"
#include "wire/node.h"
#include "xdp/transit.h"

enum { NS_PER_S = 1000000000 };

/* tc_depart's node: the interface differs, the rest is trial_self(). */
static struct transit_config depart_config(void)
{
	struct transit_config config = { .self = trial_self() };

	config.self.interface = 0x8182;
	config.self.interface_wide = 0x91929394;
	return config;
}

/* The delay that came out is the time from the arrival to an instant of the run, as far as that shows. */
static void delay_check(const struct packet *packet, const struct trial_out *out, const struct ioam6_node *then,
			bool has_seconds, uint32_t delay)
{
	uint64_t then_ns = (uint64_t)then->seconds * NS_PER_S + then->fraction;

	if (then->fraction >= NS_PER_S) /* no fraction of a second: the program may write what it likes */
		return;
	if (!has_seconds) {
		packet_expect(packet, "delay less than a second", delay < NS_PER_S, true);
		packet_expect(packet, "departure within the run",
			      trial_saw_fraction(out, ((uint64_t)then->fraction + delay) % NS_PER_S), true);
	} else if (then_ns > out->end_tai_ns) {
		packet_expect(packet, "delay of a packet from the future", delay, IOAM6_NONE32);
	} else if (delay != IOAM6_NONE32 || then_ns <= out->begin_tai_ns) {
		packet_expect(packet, "departure within the run",
			      then_ns + delay >= out->begin_tai_ns && then_ns + delay <= out->end_tai_ns, true);
	}
}

/* Metadata is lost, so the newest data must name this node and this hop, and wait for what is written on leaving. */
static bool is_own(const struct plane_node *self, const struct ioam6_node *newest, uint32_t type, uint8_t hop_limit)
{
	return type & (IOAM6_HOP_AND_ID | IOAM6_HOP_AND_ID_WIDE) && newest->hop_limit == hop_limit &&
	       (!(type & IOAM6_HOP_AND_ID) || newest->id == self->id) &&
	       (!(type & IOAM6_HOP_AND_ID_WIDE) || newest->id_wide == self->id_wide) && newest->egress_if == 0xffff &&
	       newest->egress_if_wide == ~0U && newest->delay_ns == ~0U && newest->queue == ~0U;
}

/* In user space. */
static enum outcome depart(const struct packet *packet, const struct trial_out *out, uint8_t *wanted)
{
	const struct plane_node self = depart_config().self;
	struct ioam6_node written, node = IOAM6_NODE_UNKNOWN;
	const uint8_t *end = wanted + packet->len;
	struct ioam6_found found;
	enum outcome outcome;
	uint8_t *delay;
	uint32_t data, slot, type;

	memcpy(wanted, packet->octets, packet->len);
	if (!packet_has_options(packet))
		return OUTCOME_pass;
	if (!ipv6_is_whole(wanted, packet->len))
		return OUTCOME_bad_truncated;
	if (!ioam6_find(wanted, end, self.namespace, &found, &outcome))
		return outcome;
	if (!found.option)
		return OUTCOME_other_options;
	type = found.trace.type;
	data = found.option + IOAM6_DATA_AT;
	slot = found.trace.remaining_words * IOAM6_WORD;
	if (found.trace.flags & IOAM6_FLAG_OVERFLOW)
		return OUTCOME_overflowed;
	node_read(wanted + data, slot, found.data_words * IOAM6_WORD, type, &written);
	if (slot == found.data_words * IOAM6_WORD || !is_own(&self, &written, type, wanted[IPV6_HOP_LIMIT_AT]))
		return OUTCOME_slot_lost;
	node.egress_if = self.interface;
	node.egress_if_wide = self.interface_wide;
	node.queue = 0; /* the loopback device has no queue */
	ioam6_complete(wanted, end, data + slot, type, &node);
	if (type & IOAM6_FRACTION) {
		delay = trial_field_take(wanted, out, data + slot, type, IOAM6_DELAY);
		if (delay)
			delay_check(packet, out, &written, type & IOAM6_SECONDS, be32_load(delay));
	}
	return OUTCOME_completed;
}

/* Any other time of arrival within the last second, also one before the second's turn. */
static void arrival_move(struct packet *packet)
{
	uint8_t *ip6 = packet->octets, *end = ip6 + packet->len, *field;
	struct ioam6_found found;
	enum outcome why;

	if (!packet_has_options(packet) || !ioam6_find(ip6, end, CONTEXT_NAMESPACE, &found, &why) || !found.option)
		return;
	field = node_field(ip6, end, found.option + IOAM6_DATA_AT + found.trace.remaining_words * IOAM6_WORD,
			   found.trace.type, IOAM6_FRACTION, 0, 4);
	if (field)
		be32_store(field, (be32_load(field) + 123456789ULL * packet->mutation) % NS_PER_S);
}

/* A packet's way through a router. Every third is not forwarded in between: its hop limit is not what was written. */
struct passage {
	struct trial in, out;
};

static void departure_check(const struct packet *packet, void *arg)
{
	struct passage *passage = arg;
	uint8_t wanted[VECTOR_LEN_MAX];
	struct packet forwarded;
	struct trial_out out;
	enum outcome outcome;

	if (!trial_run(&passage->in, packet, &out))
		return;
	forwarded = *packet;
	memcpy(forwarded.octets, out.octets, out.len);
	if (packet->mutation % 3 != 2)
		forwarded.octets[IPV6_HOP_LIMIT_AT]--;
	if (packet->mutation % 5 == 1)
		arrival_move(&forwarded);
	assert_true(trial_run(&passage->out, &forwarded, &out));
	packet_expect(&forwarded, "verdict", out.verdict, TRIAL_TC_UNSPEC);
	packet_expect(&forwarded, "length", out.len, forwarded.len);
	outcome = depart(&forwarded, &out, wanted);
	trial_expect_outcome(&forwarded, &out, outcome, OUTCOME_COUNT);
	packet_expect_octets(&forwarded, "packet", out.octets, out.len, wanted, forwarded.len);
}

static void departures_check(unsigned int tags)
{
	struct transit_config in = { .self = trial_self() }, out = depart_config();
	struct passage passage = {
		.in = { PROGRAM_TC_TRANSIT, .role = "transit", .ethertype = ETHERTYPE_IPV6, .tags = tags },
		.out = { PROGRAM_DEPART, .role = "depart", .ethertype = ETHERTYPE_IPV6, .tags = tags,
			 .came_in_from = 1 },
	};

	trial_load(&passage.in, &in, sizeof(in));
	trial_load(&passage.out, &out, sizeof(out));
	packets_each(departure_check, &passage);
	trial_expect_all(&passage.out, OUTCOME_bad_truncated, OUTCOME_bad_remaining_len);
	trial_expect_all(&passage.out, OUTCOME_completed, OUTCOME_slot_lost);
	trial_expect_all(&passage.out, OUTCOME_overflowed, OUTCOME_overflowed);
	trial_unload(&passage.out);
	trial_unload(&passage.in);
}

void test_tc_depart(void **state)
{
	(void)state;
	departures_check(0);
	departures_check(2);
}

/* A packet that came in nowhere was made here: nothing to complete. */
void test_tc_depart_own_packets(void **state)
{
	struct transit_config config = depart_config();
	struct trial trial = { PROGRAM_DEPART, .role = "depart", .ethertype = ETHERTYPE_IPV6 };

	(void)state;
	trial_load(&trial, &config, sizeof(config));
	packets_each(trial_untouched_check, &trial);
	trial_unload(&trial);
}
