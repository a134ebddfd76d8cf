/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The rules, from what must hold for each packet to what only two nodes' own clocks can tell. */
#include "judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "node.h"
#include "wire/bytes.h"

#define NS_PER_S 1000000000ULL
#define NS_PER_US 1000ULL
#define NONE32 0xffffffffU
#define BIT(n) (0x800000U >> (n))

/* The clocks of a program and of a capture, and a kernel's microseconds. */
enum { SLACK_NS = 1000000, HOP_LIMIT_AT = 7 };

static const char *const difference_names[] = {
#define DIFFERENCE_NAME(name) #name,
	DIFFERENCE_LIST(DIFFERENCE_NAME)
};

static const char *const outcome_names[] = {
#define OUTCOME_NAME(name, text) #name,
	OUTCOME_LIST(OUTCOME_NAME) "none"
};

const char *difference_name(enum difference difference)
{
	return difference_names[difference];
}

/* One packet before one plane. */
struct hearing {
	const struct judge *judge;
	struct plane *plane;
	const struct packet *packet;
	const struct answer *kernel, *plain, *answer;
	bool differs[DIFFERENCE_COUNT];
	char *complaint;
};

__attribute__((format(printf, 2, 3))) static bool complain(struct hearing *hearing, const char *format, ...)
{
	va_list words;

	va_start(words, format);
	vsnprintf(hearing->complaint, COMPLAINT_LEN, format, words);
	va_end(words);
	return false;
}

static bool outcome_is_bad(enum outcome outcome)
{
	return outcome >= OUTCOME_bad_truncated && outcome <= OUTCOME_bad_node_data;
}

static bool outcome_writes(enum outcome outcome)
{
	return outcome == OUTCOME_appended || outcome == OUTCOME_no_room || outcome == OUTCOME_no_metadata;
}

/* What the arriving program did to the packet alone. */
static bool judge_run(struct hearing *hearing)
{
	const struct answer *answer = hearing->answer;
	const struct packet *packet = hearing->packet;
	const char *outcome = outcome_names[answer->outcome];

	if (!answer->ran)
		return true;
	if (!answer->passed)
		return complain(hearing, "did not let it pass");
	if (answer->outcomes != 1)
		return complain(hearing, "%d counters moved", answer->outcomes);
	if (answer->after_len != packet->len)
		return complain(hearing, "made it %u octets long", answer->after_len);
	if (!outcome_writes(answer->outcome) && memcmp(answer->after, packet->octets, packet->len) != 0)
		return complain(hearing, "wrote to it, but counted it as %s", outcome);
	if (packet->outcome && strcmp(packet->outcome, outcome) != 0)
		return complain(hearing, "counted it as %s and not %s", outcome, packet->outcome);
	return true;
}

/* Linux drops it with and without IOAM. That must be for its options, if we call it malformed, or not for them. */
static bool judge_absent(struct hearing *hearing)
{
	const struct answer *answer = hearing->answer;

	if (hearing->kernel->came)
		return complain(hearing, "came through a router with IOAM, and not through one without");
	hearing->plane->absent++;
	if (!answer->ran || !outcome_writes(answer->outcome))
		return true;
	if (!hearing->packet->header_changed && !option_refused(hearing->packet))
		return complain(hearing, "was written to, and Linux drops it");
	hearing->differs[DIFFERENCE_written_in_vain] = true;
	return true;
}

static bool judge_bytes(struct hearing *hearing, const uint8_t *seen, const uint8_t *wanted, uint32_t len,
			const struct slot *slots, uint32_t count)
{
	for (uint32_t i = 0; i < len; i++)
		if (seen[i] != wanted[i])
			return complain(hearing, "octet %u (%s) is %02x and not %02x", i, octet_name(slots, count, i),
					seen[i], wanted[i]);
	return true;
}

/* Malformed to us: it must be as it would be without us, and Linux must agree, or one of two rules of our own holds. */
static bool judge_malformed(struct hearing *hearing)
{
	const struct packet *packet = hearing->packet;

	if (!hearing->kernel->came)
		hearing->differs[DIFFERENCE_malformed_passes] = true;
	else if (hearing->answer->outcome == OUTCOME_bad_trace_len && trace_uneven(packet->octets, packet->len))
		hearing->differs[DIFFERENCE_uneven_trace] = true;
	else if (hearing->answer->outcome == OUTCOME_bad_option_count &&
		 option_steps(packet->octets, packet->len) > STEPS_MAX)
		hearing->differs[DIFFERENCE_many_steps] = true;
	else
		return complain(hearing, "counted as %s, and Linux takes it", outcome_names[hearing->answer->outcome]);
	if (hearing->answer->len != hearing->plain->len)
		return complain(hearing, "is %u octets long behind it, and not %u", hearing->answer->len,
				hearing->plain->len);
	return judge_bytes(hearing, hearing->answer->octets, hearing->plain->octets, hearing->plain->len, NULL, 0);
}

/* Nanoseconds from `from` to a time that shows only its part of a second. */
static uint64_t part_after(uint64_t part_ns, uint64_t from_ns)
{
	return (part_ns + NS_PER_S - from_ns % NS_PER_S) % NS_PER_S;
}

static bool time_is_ptp(const struct plane *plane, const struct slot *slot)
{
	return !plane->is_kernel && slot->namespace == NAMESPACE_PLAIN;
}

/* Did the clock show that while the packet was on its way? Either field may be missing. */
static bool time_is_plausible(const struct plane *plane, const struct answer *answer, const struct slot *slot,
			      uint8_t *octets)
{
	const uint8_t *seconds = slot_field(slot, octets, 2), *fraction = slot_field(slot, octets, 3);
	uint64_t from_ns = answer->sent_ns - SLACK_NS, to_ns = answer->came_ns + SLACK_NS, part_ns = 0, s = 0;
	bool ptp = time_is_ptp(plane, slot);

	if (seconds)
		s = (uint32_t)(be32_load(seconds) - (ptp ? plane->ahead_s : 0));
	if (fraction) {
		part_ns = (uint64_t)be32_load(fraction) * (ptp ? 1 : NS_PER_US);
		if (part_ns >= NS_PER_S)
			return false;
	}
	if (!fraction)
		return !seconds || (s >= from_ns / NS_PER_S && s <= to_ns / NS_PER_S);
	if (!seconds)
		return part_after(part_ns, from_ns) <= to_ns - from_ns;
	return s * NS_PER_S + part_ns >= from_ns && s * NS_PER_S + part_ns <= to_ns;
}

static void blank(uint8_t *field)
{
	if (field)
		memset(field, 0, 4);
}

/* Both nodes' times, each by its own clock; then they are out of the way. */
static bool judge_times(struct hearing *hearing, uint8_t *wanted, uint8_t *seen, const struct slot *slot)
{
	if (!slot_field(slot, wanted, 2) && !slot_field(slot, wanted, 3))
		return true;
	if (!time_is_plausible(hearing->judge->kernel, hearing->kernel, slot, wanted))
		return complain(hearing, "the kernel's time cannot be");
	if (!time_is_plausible(hearing->plane, hearing->answer, slot, seen))
		return complain(hearing, "its time cannot be");
	hearing->differs[DIFFERENCE_time_format] = time_is_ptp(hearing->plane, slot);
	for (int n = 2; n <= 3; n++) {
		blank(slot_field(slot, wanted, n));
		blank(slot_field(slot, seen, n));
	}
	return true;
}

/* Does departure know where this node wrote, and when the packet came? */
static bool slot_is_known(const struct plane *plane, const struct slot *slot)
{
	return !plane->by_trace || slot->type & (BIT(0) | BIT(8));
}

static bool delay_is_known(const struct plane *plane, const struct slot *slot)
{
	return slot_is_known(plane, slot) && (!plane->by_trace || slot->type & BIT(3));
}

static bool judge_delay(struct hearing *hearing, uint8_t *wanted, uint8_t *seen, const struct slot *slot)
{
	uint8_t *theirs = slot_field(slot, wanted, 4), *ours = slot_field(slot, seen, 4);
	uint64_t most_ns = hearing->answer->came_ns - hearing->answer->sent_ns + SLACK_NS;

	if (!theirs || !delay_is_known(hearing->plane, slot))
		return true;
	if (be32_load(theirs) != NONE32)
		return complain(hearing, "the kernel writes a delay, %u ns", be32_load(theirs));
	if (be32_load(ours) > most_ns)
		return complain(hearing, "delay %u ns, of %llu at most", be32_load(ours), (unsigned long long)most_ns);
	hearing->differs[DIFFERENCE_delay_measured] = true;
	blank(theirs);
	blank(ours);
	return true;
}

/* The kernel fills each trace of its namespaces, we the first. */
static const struct slot *expect_one(struct hearing *hearing, uint8_t *wanted, const struct slot *slots, uint32_t count)
{
	const uint8_t *untouched = hearing->plain->octets;
	const struct slot *ours = NULL;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = slots[i].option, len = slots[i].option_len;

		if (!ours) {
			ours = &slots[i];
			continue;
		}
		if (memcmp(wanted + at, untouched + at, len) != 0)
			hearing->differs[DIFFERENCE_second_trace] = true;
		memcpy(wanted + at, untouched + at, len);
	}
	return ours;
}

/* Without a hop limit and a node id in it, departure does not know its own slot: what it would fill stays unknown. */
static void expect_no_departure(struct hearing *hearing, uint8_t *wanted, const struct slot *slot)
{
	static const struct {
		int n, from, len;
	} fields[] = { { 1, 2, 2 }, { 6, 0, 4 }, { 9, 4, 4 } };

	if (slot_is_known(hearing->plane, slot))
		return;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		uint8_t *field = slot_field(slot, wanted, fields[i].n);

		if (!field)
			continue;
		memset(field + fields[i].from, 0xff, (size_t)fields[i].len);
		hearing->differs[DIFFERENCE_slot_not_found] = true;
	}
}

/* The DPDK forwarder counts no hop, neither in the header nor in what it writes, and its queue is not Linux's. */
static void expect_bump(struct hearing *hearing, uint8_t *wanted, uint8_t *seen, const struct slot *slot)
{
	hearing->differs[DIFFERENCE_bump_in_the_wire] = true;
	wanted[HOP_LIMIT_AT]++;
	for (int n = 0; n <= 8; n += 8) {
		uint8_t *field = slot_field(slot, wanted, n);

		if (field)
			*field = wanted[HOP_LIMIT_AT];
	}
	blank(slot_field(slot, wanted, 6));
	blank(slot_field(slot, seen, 6));
}

/* A bump in the wire leaves what is behind a packet's own length. */
static uint32_t wanted_begin(const struct hearing *hearing, uint8_t *wanted)
{
	const struct answer *kernel = hearing->kernel;
	const struct packet *packet = hearing->packet;

	memcpy(wanted, kernel->octets, kernel->len);
	if (!hearing->plane->bump || packet->len <= kernel->len)
		return kernel->len;
	memcpy(wanted + kernel->len, packet->octets + kernel->len, packet->len - kernel->len);
	return packet->len;
}

/* Both came, and nobody calls it malformed. */
static bool judge_same(struct hearing *hearing)
{
	uint8_t wanted[PACKET_LEN_MAX], seen[PACKET_LEN_MAX];
	const struct answer *answer = hearing->answer;
	const struct slot none = { 0 }, *slot;
	struct slot slots[SLOTS_MAX];
	uint32_t len = wanted_begin(hearing, wanted), count;

	if (answer->len != len)
		return complain(hearing, "is %u octets long behind it, and not %u", answer->len, len);
	memcpy(seen, answer->octets, answer->len);
	count = slots_find(hearing->packet->octets, hearing->packet->len, wanted, slots);
	slot = expect_one(hearing, wanted, slots, count);
	if (slot && slot->len) {
		expect_no_departure(hearing, wanted, slot);
		if (!judge_times(hearing, wanted, seen, slot) || !judge_delay(hearing, wanted, seen, slot))
			return false;
	}
	if (hearing->plane->bump)
		expect_bump(hearing, wanted, seen, slot ? slot : &none);
	if (!judge_bytes(hearing, seen, wanted, len, slots, count))
		return false;
	hearing->plane->same++;
	return true;
}

/*
 * No router forwards it, so the kernel says nothing: what XDP wrote on arrival, and what departure and this forwarder's
 * own hop limit make of that.
 */
static void vain_expect(const struct slot *slot, uint8_t *wanted, uint8_t *seen)
{
	static const int measured[] = { 2, 3, 4, 6 }, limits[] = { 0, 8 };
	uint8_t *field;

	for (size_t i = 0; i < sizeof(measured) / sizeof(*measured); i++) {
		blank(slot_field(slot, wanted, measured[i]));
		blank(slot_field(slot, seen, measured[i]));
	}
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		field = slot_field(slot, wanted, limits[i]);
		if (field)
			*field = wanted[HOP_LIMIT_AT];
	}
	field = slot_field(slot, wanted, 1);
	if (field)
		be16_store(field + 2, SELF_OUT);
	field = slot_field(slot, wanted, 9);
	if (field)
		be32_store(field + 4, SELF_OUT_WIDE);
}

static bool judge_vain(struct hearing *hearing, const struct answer *ours)
{
	uint8_t wanted[PACKET_LEN_MAX], seen[PACKET_LEN_MAX];
	const struct packet *packet = hearing->packet;
	struct slot slots[SLOTS_MAX];
	uint32_t count;

	hearing->differs[DIFFERENCE_written_in_vain] = true;
	memcpy(wanted, ours->after, packet->len);
	memcpy(seen, hearing->answer->octets, packet->len);
	count = slots_find(packet->octets, packet->len, wanted, slots);
	if (count && slots[0].len)
		vain_expect(&slots[0], wanted, seen);
	return judge_bytes(hearing, seen, wanted, packet->len, slots, count);
}

/* Whatever else a router would do to it, what we do not write to leaves a bump in the wire as it came. */
static bool judge_bump(struct hearing *hearing)
{
	const struct packet *packet = hearing->packet;
	const struct answer *ours = &hearing->judge->ours->answers[packet - hearing->judge->packets->list];

	if (packet->len < PACKET_ID_AT + PACKET_ID_LEN)
		return true; /* it has no number to be known by */
	if (!hearing->answer->came)
		return complain(hearing, "was dropped");
	if (hearing->answer->len != packet->len)
		return complain(hearing, "is %u octets long behind it", hearing->answer->len);
	if (!ours->ran || outcome_is_bad(ours->outcome) || (!hearing->kernel->came && !outcome_writes(ours->outcome)))
		return judge_bytes(hearing, hearing->answer->octets, packet->octets, packet->len, NULL, 0);
	return hearing->kernel->came ? judge_same(hearing) : judge_vain(hearing, ours);
}

static bool judge_wire(struct hearing *hearing)
{
	const struct answer *answer = hearing->answer;

	if (answer->twice)
		return complain(hearing, "came twice");
	if (hearing->plane->bump)
		return judge_bump(hearing);
	if (answer->came != hearing->plain->came)
		return complain(hearing, answer->came ? "came, but not through plain Linux" : "was dropped");
	if (!answer->came)
		return judge_absent(hearing);
	if (answer->ran && outcome_is_bad(answer->outcome))
		return judge_malformed(hearing);
	if (!hearing->kernel->came)
		return complain(hearing, "is malformed to Linux, and counted as %s", outcome_names[answer->outcome]);
	return judge_same(hearing);
}

bool judge_packet(const struct judge *judge, struct plane *plane, uint32_t number, char complaint[COMPLAINT_LEN])
{
	struct hearing hearing = {
		.judge = judge,
		.plane = plane,
		.packet = &judge->packets->list[number],
		.kernel = &judge->kernel->answers[number],
		.plain = &judge->plain->answers[number],
		.answer = &plane->answers[number],
		.complaint = complaint,
	};

	if (!judge_run(&hearing) || !judge_wire(&hearing))
		return false;
	plane->outcomes[plane->answers[number].ran ? plane->answers[number].outcome : OUTCOME_COUNT]++;
	for (int i = 0; i < DIFFERENCE_COUNT; i++)
		plane->differed[i] += hearing.differs[i];
	return true;
}

bool judge_untouched(const struct judge *judge, const struct plane *plane, uint32_t number,
		     char complaint[COMPLAINT_LEN])
{
	const struct answer *answer = &plane->answers[number], *plain = &judge->plain->answers[number];
	bool same = answer->came == plain->came && !answer->twice && answer->len == plain->len;

	if (same && memcmp(answer->octets ? answer->octets : (uint8_t *)"",
			   plain->octets ? plain->octets : (uint8_t *)"", answer->len) == 0)
		return true;
	snprintf(complaint, COMPLAINT_LEN, "is not what plain Linux makes of it");
	return false;
}
