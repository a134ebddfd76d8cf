/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Headers that hold options of others beside ours, in any order: both sinks take out ours alone, and what is left is a
 * header that Linux takes, with every other option at the alignment that it had.
 */
#include <bpf/libbpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sink.h"
#include "tests.h"

enum { HEADERS = 4000, OTHERS_MAX = 5, TRANSPORT_LEN = 20 + 8, NAMESPACE_OTHER = 0x7b };

/* A header in the making. */
struct header {
	struct packet packet;
	size_t at;
	uint64_t random;
	bool twice; /* ours is in it twice */
};

static uint32_t random_below(struct header *header, uint32_t limit)
{
	header->random = header->random * 6364136223846793005 + 1442695040888963407;
	return (header->random >> 33) % limit;
}

static void pad(struct header *header, size_t len)
{
	uint8_t *at = header->packet.octets + header->at;

	memset(at, 0, len);
	if (len > 1 && random_below(header, 2)) {
		at[0] = OPTION_PADN;
		at[1] = len - OPTION_HEADER_LEN;
	}
	header->at += len;
}

/* Some padding, and what is needed for a multiple of `of`. */
static void align(struct header *header, size_t of)
{
	size_t some = random_below(header, 4);

	pad(header, some + (of - (header->at + some) % of) % of);
}

static void trace_put(struct header *header, const struct encap_shape *shape, uint16_t namespace, uint8_t flags,
		      const struct context *context)
{
	uint32_t hops = random_below(header, 4);
	uint8_t *option, *end = header->packet.octets + sizeof(header->packet.octets);
	struct ioam6_node node = IOAM6_NODE_UNKNOWN;

	align(header, IOAM6_WORD);
	option = header->packet.octets + header->at;
	memset(option, 0, IOAM6_DATA_AT + encap_data_len(shape, hops));
	encap_write_option(option, shape, hops, namespace, flags);
	encap_write_own(option, end, IOAM6_DATA_AT + hops * shape->hop_len, shape, &node, context);
	header->at += IOAM6_DATA_AT + encap_data_len(shape, hops);
}

static void identifier_put(struct header *header, bool with_type, const struct context *context)
{
	align(header, 1);
	identifier_write(header->packet.octets + header->at, with_type, context);
	header->at += with_type ? IDENTIFIER_CONTEXT_LEN : IDENTIFIER_LEN;
}

/* Another's: a trace of its namespace, an experiment like ours, or anything. */
static void other_put(struct header *header)
{
	static const struct context context = { .version = CONTEXT_VERSION };
	struct encap_shape shape = encap_shape(ENCAP_GENERIC, IOAM6_HOP_AND_ID);
	uint8_t *option;

	switch (random_below(header, 8)) {
	case 0:
		trace_put(header, &shape, NAMESPACE_OTHER, 0, &context);
		return;
	case 1:
		align(header, 1);
		option = header->packet.octets + header->at;
		option[0] = OPTION_IDENTIFIER;
		break;
	default:
		align(header, 1U << random_below(header, 4));
		option = header->packet.octets + header->at;
		option[0] = 2 + random_below(header, 15);
	}
	option[1] = random_below(header, 24);
	for (int i = 0; i < option[1]; i++)
		option[2 + i] = random_below(header, 256);
	header->at += OPTION_HEADER_LEN + option[1];
}

static void ours_put(struct header *header, enum encap_carrier carrier, bool trace_first, uint8_t flags,
		     const struct context *context)
{
	struct encap_shape shape = encap_shape(carrier, random_below(header, 4) ? IOAM6_USUAL_TYPE : 0);
	bool traced = shape.type;

	if (traced && trace_first)
		trace_put(header, &shape, CONTEXT_NAMESPACE, flags, context);
	if (carrier != ENCAP_SNAPSHOT) {
		identifier_put(header, carrier == ENCAP_GENERIC_CONTEXT, context);
		if (random_below(header, 4) == 0)
			other_put(header);
	}
	if (traced && !trace_first)
		trace_put(header, &shape, CONTEXT_NAMESPACE, flags, context);
}

static void header_make(struct header *header, unsigned int number)
{
	struct context context = {
		.version = CONTEXT_VERSION, .flags = 1, .trace_id = { 1, number }, .span_id = { 2 }
	};
	enum encap_carrier carrier = random_below(header, ENCAP_CARRIERS);
	uint8_t *ip6 = header->packet.octets, flags = random_below(header, 16) ? 0 : IOAM6_FLAG_ACTIVE;
	unsigned int others = random_below(header, OTHERS_MAX), before = random_below(header, others + 1);

	header->at = IPV6_LEN + OPTION_HEADER_LEN;
	if (random_below(header, 16) == 0)
		context.attribution = CONTEXT_SHADOW;
	for (unsigned int i = 0; i < before; i++)
		other_put(header);
	ours_put(header, carrier, carrier == ENCAP_SNAPSHOT || random_below(header, 4) == 0, flags, &context);
	if (header->twice)
		ours_put(header, random_below(header, ENCAP_CARRIERS), random_below(header, 2), 0, &context);
	for (unsigned int i = before; i < others; i++)
		other_put(header);
	pad(header, (8 - header->at % 8) % 8);
	memset(ip6, 0, IPV6_LEN);
	ip6[0] = 6 << 4;
	ip6[IPV6_HOP_LIMIT_AT] = 63;
	ip6[IPV6_LEN] = NEXT_HEADER_TCP;
	ip6[IPV6_LEN + 1] = (header->at - IPV6_LEN) / 8 - 1;
	header->packet.len = header->at + TRANSPORT_LEN;
	for (size_t i = header->at; i < header->packet.len; i++)
		ip6[i] = random_below(header, 256);
	be16_store(ip6 + IPV6_PAYLOAD_LEN_AT, header->packet.len - IPV6_LEN);
	header->packet.mutation = number;
}

void headers_each(void (*check)(const struct packet *packet, void *arg), void *arg)
{
	struct header header = { .packet.name = "other options", .random = 2 };

	for (unsigned int i = 1; i <= HEADERS; i++) {
		header.twice = i / 4 % 2;
		header_make(&header, i);
		check(&header.packet, arg);
	}
}

/* Linux's own rules hold, and the same others are there, each at the place it had modulo 8. */
static void rest_check(const struct packet *before, const struct packet *after)
{
	struct hbh_walk old = { 0 }, now = { 0 };
	enum outcome why;
	enum hbh_step step;

	assert_true(hbh_start(&old, (uint8_t *)before->octets, before->octets + before->len));
	assert_true(hbh_start(&now, (uint8_t *)after->octets, after->octets + after->len));
	while ((step = hbh_step(&now, &why)) != HBH_END) {
		packet_expect(before, "malformed rest", step == HBH_BAD, false);
		if (step == HBH_PADDING)
			continue;
		do {
			do
				step = hbh_step(&old, &why);
			while (step == HBH_PADDING);
			packet_expect(before, "an option that was there", step, HBH_OPTION);
		} while (old.type != now.type || old.len != now.len ||
			 memcmp(before->octets + old.option, after->octets + now.option, 2U + old.len));
		packet_expect(before, "alignment", now.option % 8, old.option % 8);
	}
}

/* Once more through a sink: nothing of ours is left. */
static void again_check(struct sink *sink, const struct packet *packet)
{
	struct packet rest = *packet;
	struct trial_out out;
	struct ioam6_found found;
	enum encap_carrier carrier;
	struct context context;
	enum outcome why;

	assert_true(trial_run(&sink->trial, packet, &out));
	ring_buffer__consume(sink->ring);
	rest.len = out.len;
	memcpy(rest.octets, out.octets, out.len);
	if (out.len == packet->len || !packet_has_options(&rest))
		return;
	rest_check(packet, &rest);
	packet_expect(packet, "a header that holds",
		      ioam6_find(rest.octets, rest.octets + rest.len, CONTEXT_NAMESPACE, &found, &why), true);
	packet_expect(packet, "a context left",
		      encap_find_context(rest.octets, rest.octets + rest.len, &found, sink->plain, &context, &carrier),
		      false);
}

static void headers_check(enum program program, bool plain)
{
	struct header header = { .packet.name = "other options", .random = plain };
	struct sink sink;

	sink_open(&sink, program, true, plain);
	for (unsigned int i = 1; i <= HEADERS; i++) {
		header_make(&header, i);
		sink_check(&header.packet, &sink);
		again_check(&sink, &header.packet);
	}
	assert_true(sink.outcomes[OUTCOME_foreign_option] > HEADERS / 4);
	assert_true(sink.outcomes[OUTCOME_recorded] > HEADERS / 16);
	assert_true(sink.outcomes[OUTCOME_active_ended] > HEADERS / 64);
	sink_close(&sink);
}

void test_sink_other_options(void **state)
{
	(void)state;
	for (int plain = 0; plain < 2; plain++) {
		headers_check(PROGRAM_SINK, plain);
		headers_check(PROGRAM_XDP_SINK, plain);
	}
}
