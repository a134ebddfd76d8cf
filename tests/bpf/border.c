/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A border, in and out, at tc and by XDP: with each action, what it makes of every vector, of mutations, of headers
 * with options of others in any order. What is to go is found here by a reading of its own, octet by octet; how it goes
 * is what RFC 8200 says, or zeros in its place.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ctl/plane/counters.h"
#include "ctl/plane/rules.h"
#include "tc/border.h"
#include "tests.h"
#include "trial.h"
#include "wire/cut.h"

enum {
	IFINDEX = 77,
	STEPS_MAX = 71,	 /* 8 options with 7 octets of padding around each */
	FRONT_MAX = 320, /* octets of a header that are moved */
	IDENTIFIER = 0x1e,
	IOAM_MUTABLE = 0x31,
	IOAM_IMMUTABLE = 0x11,
	BLANK = 0x3e,
};

struct border {
	struct trial trial;
	enum border_action action;
	unsigned int outcomes[OUTCOME_COUNT]; /* of the packets, whoever counted them */
};

/* An IPv6 packet's options that are to go. */
struct gone {
	size_t at[128];
	int count;
	bool others, active;
};

/* In user space: what is to become of a packet, and what comes out. */
struct fate {
	enum outcome outcome;
	uint8_t octets[VECTOR_LEN_MAX];
	size_t len;
};

static void border_open(struct border *border, enum program program, bool link)
{
	bool out = program == PROGRAM_BORDER_OUT;
	struct border_config config = { .self = trial_self(),
					.ours = { .namespaces = { 9, CONTEXT_NAMESPACE }, .namespace_count = 2 },
					.place = border_place(IFINDEX, out) };

	if (!link)
		config.self.link_len = 0;
	*border = (struct border){ .trial = { program, .role = out ? "border_out" : "border_in",
					      .ethertype = link ? ETHERTYPE_IPV6 : 0 } };
	trial_load(&border->trial, &config, sizeof(config));
}

static void border_close(struct border *border)
{
	rules_remove(TRIAL_FOLDER, IFINDEX);
	trial_unload(&border->trial);
}

/* For all prefixes, in both directions. */
static void border_act(struct border *border, enum border_action action)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	struct rule rule = { .action = (uint8_t)action };

	rules_add(rules, &rule);
	rule.egress = 1;
	rules_add(rules, &rule);
	assert_int_equal(rules_write(rules, program_map(border->trial.object, "border_rules"), IFINDEX), 0);
	free(rules);
	border->action = action;
}

static bool is_context(const uint8_t *at, bool *active)
{
	if (at[24] != 1)
		return false;
	*active |= at[26] & 0x40;
	return true;
}

/* Is the option at `at`, `len` octets with its header, one that is to go? */
static bool is_wanted(const uint8_t *at, size_t len, bool ioam, bool *active)
{
	if (at[0] == IDENTIFIER && len == 30)
		return is_context(at + 2, active) || (at[2] == 0xff && at[3] == 0xf0);
	if (at[0] == IDENTIFIER) {
		if (len < 6 || at[2] != 0xff || at[3] != 0xf0)
			return false;
		if (len == 34)
			is_context(at + 6, active);
		return true;
	}
	if (at[0] != IOAM_MUTABLE && at[0] != IOAM_IMMUTABLE)
		return false;
	if (at[0] == IOAM_MUTABLE && len >= 12 && at[3] == 0 && (at[6] << 8 | at[7]) & 0x100)
		*active = true;
	return ioam || (len >= 6 && ((at[4] == 0x68 && at[5] == 0x73) || (at[4] == 0 && at[5] == 9)));
}

/* OUTCOME_COUNT: all options are seen. */
static enum outcome options_see(const struct packet *packet, bool ioam, struct gone *gone)
{
	size_t at = IPV6_LEN + 2, stop, payload_len = packet->octets[4] << 8 | packet->octets[5];
	int kin = 0; /* options of the types that there are some of ours of */

	*gone = (struct gone){ 0 };
	if (packet->len < IPV6_LEN + 8)
		return OUTCOME_bad_truncated;
	stop = IPV6_LEN + (packet->octets[IPV6_LEN + 1] + 1) * 8;
	if (stop > packet->len || (payload_len && IPV6_LEN + payload_len < stop))
		return OUTCOME_bad_truncated;
	for (int step = 0; at < stop; step++) {
		const uint8_t *option = packet->octets + at;
		size_t len = option[0] ? 2 : 1;

		if (step == STEPS_MAX)
			return OUTCOME_bad_option_count;
		if (option[0] && (at + 2 > stop || at + (len += option[1]) > stop))
			return OUTCOME_bad_option_len;
		if (option[0] > 1 && is_wanted(option, len, ioam, &gone->active))
			gone->at[gone->count++] = at;
		else if (option[0] > 1)
			gone->others = true;
		kin += option[0] == IDENTIFIER || option[0] == IOAM_MUTABLE || option[0] == IOAM_IMMUTABLE;
		at += len;
	}
	return kin > 8 ? OUTCOME_bad_option_count : OUTCOME_COUNT;
}

/* Can this option leave the packet? */
static bool is_cuttable(struct fate *fate, size_t option)
{
	struct cut cut = { 0 };

	return be16_load(fate->octets + IPV6_PAYLOAD_LEN_AT) &&
	       cut_find(fate->octets, fate->octets + fate->len, option, &cut) && cut.at - IPV6_LEN <= FRONT_MAX;
}

static void fate_strip(struct fate *fate, const struct gone *gone, bool tagged)
{
	fate->outcome = OUTCOME_stripped;
	if (!tagged && !gone->others && be16_load(fate->octets + IPV6_PAYLOAD_LEN_AT)) {
		fate->len = packet_cut_header(fate->octets, fate->len);
		return;
	}
	for (int i = gone->count; i-- > 0;) {
		uint8_t *option = fate->octets + gone->at[i];

		if (!tagged && is_cuttable(fate, gone->at[i])) {
			fate->len = packet_cut(fate->octets, fate->len, gone->at[i]);
			continue;
		}
		fate->outcome = OUTCOME_blanked;
		option[0] = BLANK;
		memset(option + 2, 0, option[1]);
	}
}

static void fate_of(const struct packet *packet, enum border_action action, bool tagged, struct fate *fate)
{
	struct gone gone;

	*fate = (struct fate){ .outcome = OUTCOME_pass, .len = packet->len };
	memcpy(fate->octets, packet->octets, packet->len);
	if (!packet_has_options(packet) || packet->len < IPV6_LEN + 2)
		return;
	fate->outcome = options_see(packet, action != BORDER_STRIP, &gone);
	if (fate->outcome != OUTCOME_COUNT)
		return;
	if (gone.active)
		fate->outcome = OUTCOME_active_ended;
	else if (!gone.count)
		fate->outcome = OUTCOME_other_options;
	else if (action == BORDER_ALLOW)
		fate->outcome = OUTCOME_allowed;
	else if (action == BORDER_DROP)
		fate->outcome = OUTCOME_drop_options;
	else
		fate_strip(fate, &gone, tagged);
}

static bool is_ended(enum outcome outcome)
{
	return outcome == OUTCOME_active_ended || outcome == OUTCOME_drop_options || outcome == OUTCOME_drop_unstripped;
}

/* XDP counts what it is sure of, and leaves all else to tc behind it. */
static void outcome_check(const struct border *border, const struct packet *packet, enum outcome outcome,
			  const struct trial_out *out)
{
	bool goes_on = outcome == OUTCOME_stripped || outcome == OUTCOME_blanked;
	bool ended = is_ended(outcome) && outcome != OUTCOME_drop_unstripped;

	if (border->trial.program != PROGRAM_XDP_BORDER) {
		trial_expect_outcome(packet, out, outcome, OUTCOME_COUNT);
		packet_expect(packet, "verdict", out->verdict, is_ended(outcome) ? TRIAL_TC_SHOT : TRIAL_TC_UNSPEC);
		return;
	}
	trial_expect_outcome(packet, out, goes_on || ended ? outcome : OUTCOME_COUNT,
			     goes_on ? OUTCOME_xdp_took : OUTCOME_COUNT);
	packet_expect(packet, "verdict", out->verdict, ended ? XDP_DROP : XDP_PASS);
	packet_expect(packet, "metadata's length", out->meta_len, 0);
}

/* Nothing is left that a host of ours, or with strip-ioam any IOAM node, could read. */
static void rest_check(const struct border *border, const struct packet *packet, const struct trial_out *out)
{
	struct packet rest = *packet;
	struct gone gone;

	memcpy(rest.octets, out->octets, out->len);
	rest.len = out->len;
	if (packet_has_options(&rest)) {
		packet_expect(packet, "options still to be seen",
			      options_see(&rest, border->action != BORDER_STRIP, &gone), OUTCOME_COUNT);
		packet_expect(packet, "options left", (uint64_t)gone.count, 0);
	}
}

static void border_check(const struct packet *packet, void *arg)
{
	struct border *border = arg;
	struct trial_out out;
	struct fate fate;

	fate_of(packet, border->action, false, &fate);
	if (!trial_run(&border->trial, packet, &out))
		return;
	border->outcomes[fate.outcome]++;
	outcome_check(border, packet, fate.outcome, &out);
	packet_expect_octets(packet, "packet", out.octets, out.len, fate.octets, fate.len);
	if (fate.outcome == OUTCOME_stripped || fate.outcome == OUTCOME_blanked)
		rest_check(border, packet, &out);
}

static void expect_some(const struct border *border, enum outcome outcome)
{
	if (!border->outcomes[outcome])
		fail_msg("no packet was %s with %s", outcome_name(outcome), rule_actions[border->action]);
}

/* Each mutation meets one of the actions, every vector all of them. */
static void border_check_some(const struct packet *packet, void *arg)
{
	struct border *border = arg;

	if (!packet->mutation || packet->mutation % BORDER_ACTIONS == border->action)
		border_check(packet, border);
}

static void each_action(enum program program, bool link,
			void (*each)(void (*check)(const struct packet *packet, void *arg), void *arg))
{
	static const enum outcome fates[] = { OUTCOME_stripped, OUTCOME_stripped, OUTCOME_drop_options,
					      OUTCOME_allowed };
	struct border border;

	for (enum border_action action = 0; action < BORDER_ACTIONS; action++) {
		border_open(&border, program, link);
		border_act(&border, action);
		each(border_check_some, &border);
		expect_some(&border, fates[action]);
		expect_some(&border, OUTCOME_active_ended);
		border_close(&border);
	}
}

void test_border_vectors(void **state)
{
	(void)state;
	each_action(PROGRAM_BORDER_IN, true, packets_each);
	each_action(PROGRAM_BORDER_OUT, true, packets_each);
	each_action(PROGRAM_XDP_BORDER, true, packets_each);
	each_action(PROGRAM_XDP_BORDER, false, packets_each);
}

void test_border_headers(void **state)
{
	(void)state;
	each_action(PROGRAM_BORDER_IN, true, headers_each);
	each_action(PROGRAM_BORDER_OUT, true, headers_each);
	each_action(PROGRAM_XDP_BORDER, true, headers_each);
}

/* A packet of which only the header is said here. */
static void packet_begin(struct packet *packet, const char *name, size_t header_len)
{
	*packet = (struct packet){ .name = name, .len = IPV6_LEN + header_len + 8 };
	packet->octets[0] = 6 << 4;
	be16_store(packet->octets + IPV6_PAYLOAD_LEN_AT, (uint16_t)(header_len + 8));
	packet->octets[IPV6_LEN] = 59;
	packet->octets[IPV6_LEN + 1] = (uint8_t)(header_len / 8 - 1);
}

static size_t option_put(struct packet *packet, size_t at, uint8_t type, uint8_t len)
{
	packet->octets[at] = type;
	packet->octets[at + 1] = len;
	return at + 2 + len;
}

static void both_check(const struct packet *packet, enum outcome strip)
{
	struct border border;
	struct fate fate;

	for (int xdp = 0; xdp < 2; xdp++) {
		border_open(&border, xdp ? PROGRAM_XDP_BORDER : PROGRAM_BORDER_IN, true);
		border_act(&border, BORDER_STRIP);
		fate_of(packet, BORDER_STRIP, false, &fate);
		packet_expect(packet, "the reading", fate.outcome, strip);
		border_check(packet, &border);
		border_close(&border);
	}
}

/* What a sink does not look at any more is seen here, and what cannot be moved is overwritten. */
void test_border_long_header(void **state)
{
	struct packet packet;
	size_t at = IPV6_LEN + 2;

	(void)state;
	packet_begin(&packet, "an option of ours behind 1500 octets", 2048);
	for (int i = 0; i < 7; i++)
		at = option_put(&packet, at, 0x0b, 212);
	at = option_put(&packet, at, 1, 2);
	be16_store(packet.octets + at + IOAM6_NAMESPACE_AT, CONTEXT_NAMESPACE);
	at = option_put(&packet, at, IOAM_MUTABLE, 254);
	while (at < IPV6_LEN + 2048)
		at = option_put(&packet, at, 1, IPV6_LEN + 2048 - at > 257 ? 255 : (uint8_t)(IPV6_LEN + 2048 - at - 2));
	both_check(&packet, OUTCOME_blanked);

	packet_begin(&packet, "eight options of ours, each in padding", 128);
	at = IPV6_LEN + 2;
	for (int i = 0; i < 8; i++) {
		be16_store(packet.octets + at + IOAM6_NAMESPACE_AT, CONTEXT_NAMESPACE);
		at = option_put(&packet, at, IOAM_IMMUTABLE, 6) + 7;
	}
	option_put(&packet, at, 0x0b, 4);
	both_check(&packet, OUTCOME_blanked);

	packet_begin(&packet, "nine options of ours", 72);
	at = IPV6_LEN + 2;
	for (int i = 0; i < 9; i++) {
		be16_store(packet.octets + at + IOAM6_NAMESPACE_AT, CONTEXT_NAMESPACE);
		at = option_put(&packet, at, IOAM_IMMUTABLE, 5);
	}
	both_check(&packet, OUTCOME_bad_option_count);

	packet_begin(&packet, "more steps than anybody takes", 128);
	both_check(&packet, OUTCOME_bad_option_count);

	packet_from_vector("default-2", &packet);
	be16_store(packet.octets + IPV6_PAYLOAD_LEN_AT, 0);
	both_check(&packet, OUTCOME_blanked);
}

static void rule_add(struct rules *rules, bool egress, enum border_action action, const char *address, uint32_t len)
{
	struct rule rule = { .prefix.prefix_len = len, .egress = egress, .action = (uint8_t)action };

	assert_int_equal(inet_pton(AF_INET6, address, rule.prefix.address), 1);
	assert_int_equal(rules_add(rules, &rule), 0);
}

static void address_check(struct border *border, const char *source, const char *destination, enum border_action action)
{
	struct packet packet;

	packet_from_vector("default-2", &packet);
	assert_int_equal(inet_pton(AF_INET6, source, packet.octets + IPV6_SOURCE_AT), 1);
	assert_int_equal(inet_pton(AF_INET6, destination, packet.octets + IPV6_DESTINATION_AT), 1);
	border->action = action;
	border_check(&packet, border);
}

/* The longest prefix of the address outside decides; without rules options of ours are stripped. */
void test_border_prefixes(void **state)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	const char *net = "2001:db8:5::1", *host = "2001:db8:5::2", *else_where = "2001:db8:6::1";
	struct border border;

	(void)state;
	for (int out = 0; out < 2; out++) {
		rule_add(rules, out, BORDER_DROP, "::", 0);
		rule_add(rules, out, BORDER_ALLOW, "2001:db8:5::", 48);
		rule_add(rules, out, BORDER_STRIP_IOAM, host, 128);
	}
	for (int out = 0; out < 2; out++) {
		border_open(&border, out ? PROGRAM_BORDER_OUT : PROGRAM_BORDER_IN, true);
		address_check(&border, net, net, BORDER_STRIP);
		assert_int_equal(rules_write(rules, program_map(border.trial.object, "border_rules"), IFINDEX), 0);
		address_check(&border, out ? net : else_where, out ? else_where : net, BORDER_DROP);
		address_check(&border, out ? else_where : net, out ? net : else_where, BORDER_ALLOW);
		address_check(&border, out ? else_where : host, out ? host : else_where, BORDER_STRIP_IOAM);
		border_close(&border);
	}
	free(rules);
}

/* Behind tags that are in the frame options cannot be taken out: they are overwritten. XDP leaves that to tc. */
void test_border_tags(void **state)
{
	struct packet packet, tagged;
	struct border border;
	struct trial_out out;
	struct fate fate;
	uint8_t wanted[VECTOR_LEN_MAX];

	(void)state;
	packet_from_vector("default-2", &packet);
	for (int tags = 1; tags <= 3; tags++) {
		tagged = packet;
		for (int i = 0; i < tags; i++)
			be32_store(tagged.octets + 4 * i, 0x00640000 | (i + 1 < tags ? 0x8100 : ETHERTYPE_IPV6));
		memcpy(tagged.octets + 4 * tags, packet.octets, packet.len);
		tagged.len = packet.len + 4 * tags;
		border_open(&border, PROGRAM_BORDER_OUT, true);
		border_act(&border, BORDER_STRIP);
		border.trial.ethertype = tags > 1 ? 0x88a8 : 0x8100;
		fate_of(&packet, BORDER_STRIP, true, &fate);
		if (tags > 2)
			fate = (struct fate){ .outcome = OUTCOME_pass, .len = packet.len };
		memcpy(wanted, tagged.octets, tagged.len);
		memcpy(wanted + 4 * tags, tags > 2 ? packet.octets : fate.octets, fate.len);
		assert_true(trial_run(&border.trial, &tagged, &out));
		outcome_check(&border, &tagged, fate.outcome, &out);
		packet_expect_octets(&tagged, "packet", out.octets, out.len, wanted, tagged.len);
		border_close(&border);
	}
}
