/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A router's arrival: what xdp_transit and tc_transit make of a packet is what wire/ makes of it in user space. Times
 * alone are the program's own; they must lie within its run.
 */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/plane/counters.h"
#include "tests.h"
#include "trial.h"
#include "wire/context.h"
#include "wire/node.h"
#include "xdp/transit.h"

enum { NS_PER_S = 1000000000, TRIAL_NETNS = 0x6e657473 };

static void arrival_take(const struct packet *packet, const struct trial_out *out, uint8_t *wanted, uint32_t slot,
			 uint32_t type)
{
	uint8_t *seconds = trial_field_take(wanted, out, slot, type, IOAM6_SECONDS);
	uint8_t *fraction = trial_field_take(wanted, out, slot, type, IOAM6_FRACTION);
	uint32_t first = out->begin_tai_ns / NS_PER_S, last = out->end_tai_ns / NS_PER_S;

	if (seconds)
		packet_expect(packet, "seconds within the run", be32_load(seconds) - first <= last - first, true);
	if (fraction)
		packet_expect(packet, "fraction within the run", trial_saw_fraction(out, be32_load(fraction)), true);
}

/* In user space: the packet wanted, its outcome, the slot. */
static enum outcome arrive(const struct packet *packet, const struct trial_out *out, uint8_t *wanted, uint32_t *slot)
{
	const struct plane_node self = trial_self();
	struct ioam6_node node = IOAM6_NODE_UNKNOWN;
	const uint8_t *end = wanted + packet->len;
	struct ioam6_found found;
	enum outcome outcome;

	memcpy(wanted, packet->octets, packet->len);
	if (!packet_has_options(packet))
		return OUTCOME_pass;
	if (!ipv6_is_whole(wanted, packet->len))
		return OUTCOME_bad_truncated;
	if (!ioam6_find(wanted, end, self.namespace, &found, &outcome))
		return outcome;
	if (!found.option)
		return OUTCOME_other_options;
	node.id = self.id;
	node.id_wide = self.id_wide;
	node.ingress_if = self.interface;
	node.ingress_if_wide = self.interface_wide;
	node.hop_limit = packet->octets[IPV6_HOP_LIMIT_AT] - 1;
	outcome = ioam6_append(wanted, end, &found, &node, slot);
	if (outcome == OUTCOME_appended)
		arrival_take(packet, out, wanted, *slot, found.trace.type);
	return outcome;
}

static void meta_check(const struct packet *packet, const struct trial_out *out, uint32_t slot)
{
	struct transit_meta meta;
	struct ioam6_found found;
	enum outcome why;
	uint8_t ip6[VECTOR_LEN_MAX], *field;
	uint64_t after;

	packet_expect(packet, "metadata's length", out->meta_len, sizeof(meta));
	memcpy(&meta, out->meta, sizeof(meta));
	packet_expect(packet, "metadata's magic", meta.magic, TRANSIT_META_MAGIC);
	packet_expect(packet, "metadata's network namespace", meta.netns, TRIAL_NETNS);
	packet_expect(packet, "metadata's slot", meta.slot, slot);
	after = meta.arrival_tai_ns - out->begin_tai_ns;
	packet_expect(packet, "arrival within the run", after <= out->end_tai_ns - out->begin_tai_ns, true);
	memcpy(ip6, out->octets, out->len);
	assert_true(ioam6_find(ip6, ip6 + out->len, CONTEXT_NAMESPACE, &found, &why));
	field = node_field(ip6, ip6 + out->len, slot, found.trace.type, IOAM6_FRACTION, 0, 4);
	if (field)
		packet_expect(packet, "fraction", be32_load(field), meta.arrival_tai_ns % NS_PER_S);
	field = node_field(ip6, ip6 + out->len, slot, found.trace.type, IOAM6_SECONDS, 0, 4);
	if (field)
		packet_expect(packet, "seconds", be32_load(field), (uint32_t)(meta.arrival_tai_ns / NS_PER_S));
}

/*
 * What a vector itself calls malformed is that to every program. Two things only ctl says: that nodes do not fill the
 * data, and that less than an IPv6 header is there.
 */
static void vector_check(const struct packet *packet, enum outcome outcome)
{
	const char *wanted = packet->outcome;

	if (!wanted || strncmp(wanted, "bad_", 4) != 0 || strcmp(wanted, "bad_node_data") == 0 ||
	    packet->len < IPV6_LEN)
		return;
	if (strcmp(wanted, outcome_name(outcome)) != 0)
		fail_msg("%s is %s", packet->name, outcome_name(outcome));
}

static void arrival_check(const struct packet *packet, void *arg)
{
	struct trial *trial = arg;
	bool xdp = trial->program == PROGRAM_XDP_TRANSIT;
	uint8_t wanted[VECTOR_LEN_MAX];
	struct trial_out out;
	enum outcome outcome;
	uint32_t slot = 0;

	if (!trial_run(trial, packet, &out))
		return;
	packet_expect(packet, "verdict", out.verdict, xdp ? XDP_PASS : TRIAL_TC_UNSPEC);
	packet_expect(packet, "length", out.len, packet->len);
	outcome = arrive(packet, &out, wanted, &slot);
	trial_expect_outcome(packet, &out, outcome, OUTCOME_COUNT);
	vector_check(packet, outcome);
	packet_expect_octets(packet, "packet", out.octets, out.len, wanted, packet->len);
	if (xdp && outcome == OUTCOME_appended)
		meta_check(packet, &out, slot);
	else
		packet_expect(packet, "metadata's length", out.meta_len, 0);
}

static void arrivals_check(enum program program, bool link, unsigned int tags)
{
	struct transit_config config = { .self = trial_self(), .netns = TRIAL_NETNS };
	struct trial trial = { program, .role = "transit", .ethertype = link ? ETHERTYPE_IPV6 : 0, .tags = tags };

	if (!link)
		config.self.link_len = 0;
	trial_load(&trial, &config, sizeof(config));
	packets_each(arrival_check, &trial);
	trial_expect_all(&trial, OUTCOME_bad_truncated, OUTCOME_bad_remaining_len);
	trial_expect_all(&trial, OUTCOME_pass, OUTCOME_other_options);
	trial_expect_all(&trial, OUTCOME_no_room, OUTCOME_overflowed);
	trial_expect_all(&trial, OUTCOME_appended, OUTCOME_appended);
	trial_unload(&trial);
}

void test_xdp_transit(void **state)
{
	(void)state;
	arrivals_check(PROGRAM_XDP_TRANSIT, true, 0);
}

void test_xdp_transit_without_link_layer(void **state)
{
	(void)state;
	arrivals_check(PROGRAM_XDP_TRANSIT, false, 0);
}

void test_tc_transit(void **state)
{
	(void)state;
	arrivals_check(PROGRAM_TC_TRANSIT, true, 0);
}

/* Behind one VLAN tag and behind two; a third is more than anybody has. */
void test_transit_vlan_tags(void **state)
{
	static const enum program programs[] = { PROGRAM_XDP_TRANSIT, PROGRAM_TC_TRANSIT };
	struct transit_config config = { .self = trial_self() };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct trial trial = { programs[i], .role = "transit", .ethertype = ETHERTYPE_IPV6, .tags = 3 };

		arrivals_check(programs[i], true, 1);
		arrivals_check(programs[i], true, 2);
		trial_load(&trial, &config, sizeof(config));
		packets_each(trial_untouched_check, &trial);
		trial_unload(&trial);
	}
}

/* What the link layer calls something else is not looked into, whatever it looks like. */
void test_transit_other_ethertype(void **state)
{
	static const enum program programs[] = { PROGRAM_XDP_TRANSIT, PROGRAM_TC_TRANSIT };
	struct transit_config config = { .self = trial_self() };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct trial trial = { programs[i], .role = "transit", .ethertype = 0x88b5 };

		trial_load(&trial, &config, sizeof(config));
		packets_each(trial_untouched_check, &trial);
		trial_unload(&trial);
	}
}
