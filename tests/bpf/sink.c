/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A receiving host: tc_sink records what has our context and hands on what the sender's stack made; everything else
 * comes out as it went in.
 */
#include <bpf/libbpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/record.h"
#include "tc/sink.h"
#include "tests.h"
#include "trial.h"
#include "wire/encap.h"

enum { LOOPBACK = 1, TCP_LEN_MIN = 20 };

struct sink {
	struct trial trial;
	struct ring_buffer *ring;
	struct sink_record record; /* the last one */
	unsigned int records;	   /* since the last packet */
};

/* In user space: what is to become of a packet. */
struct fate {
	enum outcome outcome, beside;
	bool recorded, ended;
	uint32_t strip_len; /* 0: untouched */
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

static void sink_open(struct sink *sink)
{
	struct sink_config config = { .self = trial_self(), .replies = 1 };

	*sink = (struct sink){ .trial = { PROGRAM_SINK, .role = "sink", .ethertype = ETHERTYPE_IPV6 } };
	trial_load(&sink->trial, &config, sizeof(config));
	sink->ring = ring_buffer__new(program_map(sink->trial.object, "records"), record_take, sink, NULL);
	assert_non_null(sink->ring);
}

static void sink_close(struct sink *sink)
{
	ring_buffer__free(sink->ring);
	trial_unload(&sink->trial);
}

/* Nobody listens here: the socket is looked for and not found. */
static bool looks_for_socket(const struct packet *packet, const struct ioam6_found *found)
{
	return packet->octets[IPV6_LEN] == NEXT_HEADER_TCP &&
	       packet->len >= (size_t)IPV6_LEN + found->header_len + TCP_LEN_MIN;
}

static struct fate fate_of(const struct packet *packet)
{
	struct fate fate = { .outcome = OUTCOME_pass, .beside = OUTCOME_COUNT };
	uint8_t ip6[VECTOR_LEN_MAX];
	const uint8_t *end = ip6 + packet->len;
	struct ioam6_found found;
	enum encap_carrier carrier;

	memcpy(ip6, packet->octets, packet->len);
	if (!packet_has_options(packet) || !ioam6_find(ip6, end, CONTEXT_NAMESPACE, &found, &fate.outcome))
		return fate;
	fate.outcome = found.option ? OUTCOME_no_context : OUTCOME_other_options;
	if (!found.option || !encap_find_context(ip6, end, &found, false, &fate.context, &carrier))
		return fate;
	fate.recorded = true;
	if (looks_for_socket(packet, &found))
		fate.beside = OUTCOME_reply_no_socket;
	fate.ended = found.trace.flags & IOAM6_FLAG_ACTIVE;
	fate.outcome = OUTCOME_active_ended;
	if (fate.ended)
		return fate;
	fate.outcome = found.others			      ? OUTCOME_foreign_option
		       : be16_load(ip6 + IPV6_PAYLOAD_LEN_AT) ? OUTCOME_recorded
							      : OUTCOME_strip_failed;
	if (fate.outcome == OUTCOME_recorded)
		fate.strip_len = found.header_len;
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
	packet_expect(packet, "decoded context", decoded.has_context, true);
	packet_expect_octets(packet, "decoded context", (uint8_t *)&decoded.context, CONTEXT_LEN,
			     (const uint8_t *)context, CONTEXT_LEN);
}

/* The packet without its hop-by-hop header: as RFC 8200 says, not as the program does it. */
static size_t packet_strip(const struct packet *packet, uint32_t strip_len, uint8_t *wanted)
{
	uint32_t payload_len = packet->octets[4] << 8 | packet->octets[5];

	memcpy(wanted, packet->octets, packet->len);
	if (!strip_len)
		return packet->len;
	packet_expect(packet, "payload long enough for what was taken out", payload_len >= strip_len, true);
	payload_len -= strip_len;
	wanted[4] = payload_len >> 8;
	wanted[5] = payload_len;
	wanted[6] = packet->octets[IPV6_LEN];
	memmove(wanted + IPV6_LEN, wanted + IPV6_LEN + strip_len, packet->len - IPV6_LEN - strip_len);
	return packet->len - strip_len;
}

static void sink_check(const struct packet *packet, void *arg)
{
	struct fate fate = fate_of(packet);
	uint8_t wanted[VECTOR_LEN_MAX];
	struct sink *sink = arg;
	struct trial_out out;
	size_t len;

	if (!trial_run(&sink->trial, packet, &out))
		return;
	sink->records = 0;
	ring_buffer__consume(sink->ring);
	trial_expect_outcome(packet, &out, fate.outcome, fate.beside);
	packet_expect(packet, "verdict", out.verdict, fate.ended ? TRIAL_TC_SHOT : TRIAL_TC_UNSPEC);
	len = packet_strip(packet, fate.strip_len, wanted);
	packet_expect_octets(packet, "packet", out.octets, out.len, wanted, len);
	packet_expect(packet, "records", sink->records, fate.recorded);
	if (fate.recorded)
		record_check(packet, &out, &sink->record, &fate.context);
}

void test_tc_sink(void **state)
{
	struct sink sink;

	(void)state;
	sink_open(&sink);
	packets_each(sink_check, &sink);
	trial_expect_all(&sink.trial, OUTCOME_pass, OUTCOME_other_options);
	trial_expect_all(&sink.trial, OUTCOME_recorded, OUTCOME_foreign_option);
	trial_expect_all(&sink.trial, OUTCOME_reply_no_socket, OUTCOME_bad_remaining_len);
	sink_close(&sink);
}

/* Without a payload length (BIG TCP) there is none to correct: recorded, and left. */
void test_tc_sink_no_payload_len(void **state)
{
	struct packet packet;
	struct sink sink;

	(void)state;
	sink_open(&sink);
	packet_from_vector("default-2", &packet);
	be16_store(packet.octets + IPV6_PAYLOAD_LEN_AT, 0);
	assert_int_equal(fate_of(&packet).outcome, OUTCOME_strip_failed);
	sink_check(&packet, &sink);
	sink_close(&sink);
}

/* A sink whose ring buffer is full treats a packet as usual, but counts that. */
static void full_check(struct sink *sink, const char *name, enum outcome usual)
{
	struct packet packet;
	struct trial_out out;
	uint8_t wanted[VECTOR_LEN_MAX];
	struct fate fate;

	packet_from_vector(name, &packet);
	fate = fate_of(&packet);
	assert_int_equal(fate.outcome, usual);
	assert_true(trial_run(&sink->trial, &packet, &out));
	trial_expect_outcome(&packet, &out, OUTCOME_ring_full, fate.beside);
	packet_expect(&packet, "verdict", out.verdict, fate.ended ? TRIAL_TC_SHOT : TRIAL_TC_UNSPEC);
	packet_expect_octets(&packet, "packet", out.octets, out.len, wanted,
			     packet_strip(&packet, fate.strip_len, wanted));
}

/* Fills the ring buffer with `packet`; returns the records that fitted. */
static int ring_fill(struct sink *sink, const struct packet *packet)
{
	int most = SINK_RING_LEN / sizeof(struct sink_record);
	struct trial_out out;

	for (int records = 0; records <= most; records++) {
		assert_true(trial_run(&sink->trial, packet, &out));
		if (out.moved[OUTCOME_ring_full])
			return records;
	}
	fail_msg("the ring buffer does not fill");
	return -1;
}

void test_tc_sink_ring_full(void **state)
{
	struct packet packet;
	struct sink sink;
	int records;

	(void)state;
	sink_open(&sink);
	packet_from_vector("active", &packet);
	records = ring_fill(&sink, &packet);
	full_check(&sink, "default-4", OUTCOME_recorded);
	full_check(&sink, "active", OUTCOME_active_ended);
	full_check(&sink, "two-traces", OUTCOME_foreign_option);
	assert_int_equal(ring_buffer__consume(sink.ring), records);
	sink_check(&packet, &sink);
	sink_close(&sink);
}
