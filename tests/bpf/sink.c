/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A receiving host: tc_sink and xdp_sink record what has our context and hand on what the sender's stack made;
 * everything else comes out as it went in. Both do the same, but XDP leaves the rest to tc, in metadata that says what
 * it did.
 */
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/plane/counters.h"
#include "record/record.h"
#include "sink.h"
#include "tests.h"

enum { LOOPBACK = 1, TCP_LEN_MIN = 20, UDP_LEN = 8 };

/* In user space: what is to become of a packet. */
struct fate {
	enum outcome outcome, beside;
	bool recorded, ended;
	uint32_t strip_len;  /* of the whole header */
	uint16_t options[2]; /* to be taken out of a header that stays, the later one first; 0: none */
	struct context context;
};

static int record_take(void *arg, void *data, size_t len)
{
	struct sink *sink = arg;

	assert_int_equal(len, sizeof(sink->record));
	memcpy(&sink->record, data, len);
	sink->records++;
	return 0;
}

void sink_open(struct sink *sink, enum program program, bool link, bool plain)
{
	struct sink_config config = { .self = trial_self(), .replies = 1, .plain = plain };

	if (!link)
		config.self.link_len = 0;
	*sink = (struct sink){ .trial = { program, .role = "sink", .ethertype = link ? ETHERTYPE_IPV6 : 0 },
			       .plain = plain };
	trial_load(&sink->trial, &config, sizeof(config));
	sink->ring = ring_buffer__new(program_map(sink->trial.object, "records"), record_take, sink, NULL);
	assert_non_null(sink->ring);
}

void sink_close(struct sink *sink)
{
	ring_buffer__free(sink->ring);
	trial_unload(&sink->trial);
}

/* Nobody listens here: the socket is looked for and not found. */
static bool looks_for_socket(const struct packet *packet, const struct ioam6_found *found)
{
	size_t len = packet->octets[IPV6_LEN] == NEXT_HEADER_TCP   ? TCP_LEN_MIN
		     : packet->octets[IPV6_LEN] == NEXT_HEADER_UDP ? UDP_LEN
								   : VECTOR_LEN_MAX;

	return packet->len >= IPV6_LEN + found->header_len + len;
}

/* Of a packet whose context came by this carrier. */
static void fate_strip(struct fate *fate, const struct packet *packet, const struct ioam6_found *found,
		       enum encap_carrier carrier)
{
	uint16_t identifier = carrier == ENCAP_SNAPSHOT ? 0 : found->identifier;
	bool trace_last = found->option > identifier;

	fate->outcome = OUTCOME_strip_failed;
	if (!be16_load(packet->octets + IPV6_PAYLOAD_LEN_AT))
		return;
	fate->outcome = OUTCOME_foreign_option;
	fate->options[0] = trace_last ? found->option : identifier;
	fate->options[1] = trace_last ? identifier : found->option;
	if (found->others || found->identifier != identifier)
		return;
	fate->outcome = OUTCOME_recorded;
	fate->options[0] = fate->options[1] = 0;
	fate->strip_len = found->header_len;
}

static struct fate fate_of(const struct packet *packet, bool plain)
{
	struct fate fate = { .outcome = OUTCOME_pass, .beside = OUTCOME_COUNT };
	uint8_t ip6[VECTOR_LEN_MAX];
	const uint8_t *end = ip6 + packet->len;
	struct ioam6_found found;
	enum encap_carrier carrier;

	memcpy(ip6, packet->octets, packet->len);
	if (!packet_has_options(packet))
		return fate;
	if (!ipv6_is_whole(ip6, packet->len)) {
		fate.outcome = OUTCOME_bad_truncated;
		return fate;
	}
	if (!ioam6_find(ip6, end, CONTEXT_NAMESPACE, &found, &fate.outcome))
		return fate;
	fate.outcome = found.option ? OUTCOME_no_context : OUTCOME_other_options;
	if (!encap_find_context(ip6, end, &found, plain, &fate.context, &carrier))
		return fate;
	fate.recorded = true;
	if (looks_for_socket(packet, &found))
		fate.beside = OUTCOME_reply_no_socket;
	fate.ended =
	    (found.option && found.trace.flags & IOAM6_FLAG_ACTIVE) || fate.context.attribution & CONTEXT_SHADOW;
	fate.outcome = OUTCOME_active_ended;
	if (!fate.ended)
		fate_strip(&fate, packet, &found, carrier);
	return fate;
}

static void record_check(const struct packet *packet, const struct trial_out *out, const struct sink_record *record,
			 const struct context *context)
{
	size_t len = packet->len < SINK_PACKET_LEN ? packet->len : SINK_PACKET_LEN;
	uint64_t after = (uint64_t)record->time_tai_ns - out->begin_tai_ns;
	struct record decoded;

	packet_expect(packet, "record's device", record->ifindex, LOOPBACK);
	packet_expect(packet, "record's time within the run", after <= out->end_tai_ns - out->begin_tai_ns, true);
	packet_expect_octets(packet, "record", record->packet, record->packet_len, packet->octets, len);
	/* What ctl reads from it, where nodes fill the data and nothing was cut off. */
	if (record_decode(record->packet, record->packet_len, &decoded) != OUTCOME_recorded)
		return;
	if (decoded.hop_count && decoded.namespace != CONTEXT_NAMESPACE)
		return; /* ctl reads any trace, a sink its own */
	packet_expect(packet, "decoded context", decoded.has_context, true);
	packet_expect_octets(packet, "decoded context", (uint8_t *)&decoded.context, CONTEXT_LEN,
			     (const uint8_t *)context, CONTEXT_LEN);
}

/* The packet without what is ours: as RFC 8200 says, not as the programs do it. Its length. */
static size_t packet_strip(const struct packet *packet, const struct fate *fate, uint8_t *wanted)
{
	size_t len = packet->len;

	memcpy(wanted, packet->octets, len);
	for (int i = 0; i < 2; i++)
		if (fate->options[i])
			len = packet_cut(wanted, len, fate->options[i]);
	if (!fate->strip_len)
		return len;
	return packet_cut_header(wanted, len);
}

static void packet_check(const struct packet *packet, const struct fate *fate, const struct trial_out *out)
{
	uint8_t wanted[VECTOR_LEN_MAX];
	size_t len = packet_strip(packet, fate, wanted);

	packet_expect_octets(packet, "packet", out->octets, out->len, wanted, len);
}

/* What tc_sink is told, and what xdp_sink counts itself. */
static void meta_check(const struct packet *packet, const struct fate *fate, const struct trial_out *out,
		       enum outcome outcome)
{
	struct sink_meta meta;

	trial_expect_outcome(packet, out, fate->recorded ? OUTCOME_xdp_took : OUTCOME_COUNT, OUTCOME_COUNT);
	packet_expect(packet, "verdict", out->verdict, XDP_PASS);
	packet_expect(packet, "metadata's length", out->meta_len, fate->recorded ? sizeof(meta) : 0);
	if (!fate->recorded)
		return;
	memcpy(&meta, out->meta, sizeof(meta));
	packet_expect(packet, "metadata's magic", meta.magic, SINK_META_MAGIC);
	packet_expect(packet, "metadata's outcome", meta.outcome, outcome);
	packet_expect(packet, "metadata's end", meta.ends, fate->ended);
	packet_expect_octets(packet, "metadata's context", (uint8_t *)&meta.context, CONTEXT_LEN,
			     (const uint8_t *)&fate->context, CONTEXT_LEN);
}

static void outcome_check(const struct sink *sink, const struct packet *packet, const struct fate *fate,
			  const struct trial_out *out, enum outcome outcome)
{
	if (sink->trial.program == PROGRAM_XDP_SINK) {
		meta_check(packet, fate, out, outcome);
		return;
	}
	trial_expect_outcome(packet, out, outcome, fate->beside);
	packet_expect(packet, "verdict", out->verdict, fate->ended ? TRIAL_TC_SHOT : TRIAL_TC_UNSPEC);
}

void sink_check(const struct packet *packet, void *arg)
{
	struct sink *sink = arg;
	struct fate fate = fate_of(packet, sink->plain);
	struct trial_out out;

	if (!trial_run(&sink->trial, packet, &out))
		return;
	sink->records = 0;
	ring_buffer__consume(sink->ring);
	sink->outcomes[fate.outcome]++;
	outcome_check(sink, packet, &fate, &out, fate.outcome);
	packet_check(packet, &fate, &out);
	packet_expect(packet, "records", sink->records, fate.recorded);
	if (fate.recorded)
		record_check(packet, &out, &sink->record, &fate.context);
}

/* No outcome of the packets from `first` to `last` was missing. */
static void sink_expect_all(const struct sink *sink, enum outcome first, enum outcome last)
{
	for (enum outcome i = first; i <= last; i++)
		if (!sink->outcomes[i])
			fail_msg("no packet was %s", outcome_name(i));
}

static void vectors_check(enum program program, bool link, bool plain)
{
	struct sink sink;

	sink_open(&sink, program, link, plain);
	packets_each(sink_check, &sink);
	sink_expect_all(&sink, OUTCOME_pass, OUTCOME_other_options);
	sink_expect_all(&sink, OUTCOME_recorded, OUTCOME_foreign_option);
	sink_expect_all(&sink, OUTCOME_bad_truncated, OUTCOME_bad_remaining_len);
	sink_close(&sink);
}

void test_tc_sink(void **state)
{
	(void)state;
	vectors_check(PROGRAM_SINK, true, false);
	vectors_check(PROGRAM_SINK, true, true);
}

void test_xdp_sink(void **state)
{
	(void)state;
	vectors_check(PROGRAM_XDP_SINK, true, true);
	vectors_check(PROGRAM_XDP_SINK, false, false);
}

/* BIG TCP: without a payload length in the header there is none to set right. */
void test_sink_no_payload_len(void **state)
{
	static const enum program programs[] = { PROGRAM_SINK, PROGRAM_XDP_SINK };
	struct packet packet;
	struct sink sink;

	(void)state;
	for (int i = 0; i < 2; i++) {
		sink_open(&sink, programs[i], true, false);
		packet_from_vector("default-2", &packet);
		be16_store(packet.octets + IPV6_PAYLOAD_LEN_AT, 0);
		assert_int_equal(fate_of(&packet, false).outcome, OUTCOME_strip_failed);
		sink_check(&packet, &sink);
		sink_close(&sink);
	}
}

/* A sink whose ring buffer is full treats a packet as usual, but counts that. */
static void full_check(struct sink *sink, const char *name, enum outcome usual)
{
	struct packet packet;
	struct trial_out out;
	struct fate fate;

	packet_from_vector(name, &packet);
	fate = fate_of(&packet, false);
	assert_int_equal(fate.outcome, usual);
	assert_true(trial_run(&sink->trial, &packet, &out));
	outcome_check(sink, &packet, &fate, &out, OUTCOME_ring_full);
	packet_check(&packet, &fate, &out);
}

/* Was there no room for the record? */
static bool is_full(const struct sink *sink, const struct trial_out *out)
{
	struct sink_meta meta;

	if (sink->trial.program != PROGRAM_XDP_SINK)
		return out->moved[OUTCOME_ring_full];
	memcpy(&meta, out->meta, sizeof(meta));
	return meta.outcome == OUTCOME_ring_full;
}

/* Fills the ring buffer with `packet`; returns the records that fitted. */
static int ring_fill(struct sink *sink, const struct packet *packet)
{
	int most = SINK_RING_LEN / sizeof(struct sink_record);
	struct trial_out out;

	for (int records = 0; records <= most; records++) {
		assert_true(trial_run(&sink->trial, packet, &out));
		if (is_full(sink, &out))
			return records;
	}
	fail_msg("the ring buffer does not fill");
	return -1;
}

void test_sink_ring_full(void **state)
{
	static const enum program programs[] = { PROGRAM_SINK, PROGRAM_XDP_SINK };
	struct packet packet;
	struct sink sink;
	int records;

	(void)state;
	for (int i = 0; i < 2; i++) {
		sink_open(&sink, programs[i], true, false);
		packet_from_vector("active", &packet);
		records = ring_fill(&sink, &packet);
		full_check(&sink, "default-4", OUTCOME_recorded);
		full_check(&sink, "active", OUTCOME_active_ended);
		full_check(&sink, "two-traces", OUTCOME_foreign_option);
		assert_int_equal(ring_buffer__consume(sink.ring), records);
		sink_check(&packet, &sink);
		sink_close(&sink);
	}
}
