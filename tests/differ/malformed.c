/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Every way to be malformed, and what only just is not. */
#include <string.h>

#include "families.h"
#include "maker.h"
#include "wire/bytes.h"

static const uint32_t types[] = { 0, BIT(0), BIT(22), TYPE_USUAL, TYPE_KNOWN, BIT(12) | BIT(21) };

enum { TYPES = sizeof(types) / sizeof(*types) };

/* A packet with one trace of the type, to be spoilt. */
static struct maker good(struct packets *packets, uint64_t *random, uint32_t type)
{
	struct trace trace = trace_for(type, 2);
	struct maker maker = maker_begin(packets, random);

	maker_padn(&maker, 2);
	maker_trace(&maker, &trace);
	maker_close(&maker);
	return maker;
}

static uint32_t header_end(const struct maker *maker)
{
	return 40 + (maker->octets[41] + 1U) * 8;
}

static void node_lens_add(struct packets *packets, uint64_t *random, uint32_t type)
{
	struct trace trace = trace_for(type, 2);

	for (uint8_t words = 0; words < 32; words++)
		for (trace.flags = 0; trace.flags < 16; trace.flags += 8) {
			trace.node_words = words;
			maker_add_trace(packets, random, "NodeLen", words == type_words(type) ? NULL : "bad_node_len",
					&trace);
		}
}

/* Up to 127 words, where 64 and more are 256 octets, in data of any size. */
static void remaining_lens_add(struct packets *packets, uint64_t *random, uint32_t type)
{
	struct trace trace = { NAMESPACE_PLAIN, type, 0, (uint8_t)type_words(type), 0, 0, 0 };

	for (trace.data_words = 0; trace.data_words <= 61; trace.data_words += 1 + random_below(random, 12))
		for (uint8_t left = 0; left < 128; left++) {
			trace.remaining = left;
			maker_add_trace(packets, random, "RemainingLen",
					left > trace.data_words ? "bad_remaining_len" : NULL, &trace);
		}
}

/* The option says any length; its header has another. */
static void option_lens_add(struct packets *packets, uint64_t *random, uint32_t type)
{
	for (uint32_t len = 0; len < 256; len++) {
		struct maker maker = good(packets, random, type);

		maker.octets[45] = (uint8_t)len;
		maker_add(&maker, "option length", NULL);
	}
}

/* The option is as long as it says, in words or not, with and without a whole trace header. */
static void trace_lens_add(struct packets *packets, uint64_t *random)
{
	for (uint32_t len = 0; len < 254; len++) {
		struct maker maker = maker_begin(packets, random);
		bool whole = len >= 10 && (len - 10) % 4 == 0;
		uint8_t *option;

		maker_padn(&maker, 2);
		option = maker_option(&maker, 0x31, len < 2 ? 2 : len);
		option[1] = (uint8_t)len;
		option[3] = 0;
		if (len >= 10) {
			be16_store(option + 4, NAMESPACE_PLAIN);
			be16_store(option + 6, (uint16_t)(1 << 11 | (len - 10) / 4));
			be32_store(option + 8, BIT(0) << 8);
		}
		if (len < 2)
			maker.at -= 2 - len;
		maker_close(&maker);
		maker_add(&maker, "trace length", !whole ? "bad_trace_len" : len < 14 ? "no_room" : "appended");
	}
}

static void alignments_add(struct packets *packets, uint64_t *random)
{
	for (uint32_t at = 0; at < 8; at++)
		for (uint32_t kind = 0; kind < 5; kind++) {
			struct trace trace = trace_for(TYPE_USUAL, 2);
			struct maker maker = maker_begin(packets, random);

			maker_pad1(&maker, at);
			maker_trace(&maker, &trace)[3] = (uint8_t)kind;
			maker_close(&maker);
			maker_add(&maker, "alignment",
				  (42 + at) % 4 ? "bad_alignment"
				  : kind	? "other_options"
						: "appended");
		}
}

/* Runs of padding, in front of a trace and behind it; what is in them. */
static void paddings_add(struct packets *packets, uint64_t *random)
{
	for (uint32_t len = 2; len <= 14; len += 4)
		for (uint32_t ones = 0; ones <= len; ones++) {
			struct trace trace = trace_for(TYPE_USUAL, 2);
			struct maker maker = maker_begin(packets, random);

			maker_pad1(&maker, ones);
			if (len - ones == 1)
				maker_pad1(&maker, 1);
			else if (len > ones)
				maker_padn(&maker, len - ones);
			maker_trace(&maker, &trace);
			maker_close(&maker);
			maker_add(&maker, "padding", len > 7 ? "bad_padding" : "appended");
		}
	for (uint32_t at = 2; at < 6; at++)
		for (uint32_t value = 1; value < 256; value += 85) {
			struct maker maker = maker_begin(packets, random);
			struct trace trace = trace_for(TYPE_USUAL, 2);

			maker_padn(&maker, 6);
			maker.octets[42 + at] = (uint8_t)value;
			maker_trace(&maker, &trace);
			maker_close(&maker);
			maker_add(&maker, "padding", "bad_padding");
		}
}

/* Eight octets and not seven, between two options, where a trace's place does not ask for four more or less. */
static void paddings_between_add(struct packets *packets, uint64_t *random)
{
	for (uint32_t len = 0; len <= 16; len++)
		for (uint32_t ones = 0; ones <= len; ones++) {
			struct trace trace = trace_for(BIT(0), 2);
			struct maker maker = maker_begin(packets, random);

			maker_padn(&maker, 2);
			maker_trace(&maker, &trace);
			maker_pad1(&maker, ones);
			if (len - ones > 1)
				maker_padn(&maker, len - ones);
			else
				maker_pad1(&maker, len - ones);
			maker_option(&maker, 0x1e, 1);
			maker_close(&maker);
			maker_add(&maker, "padding", len > 7 ? "bad_padding" : "appended");
		}
}

/* Around the eighth option, and around the steps that a walk may have: `pads` in front of each option. */
static void counts_add(struct packets *packets, uint64_t *random)
{
	for (uint32_t options = 1; options <= 11; options++)
		for (uint32_t place = 0; place < options; place++)
			for (uint32_t pads = 0; pads <= 4; pads++) {
				struct trace trace = trace_for(BIT(0), 2);
				struct maker maker = maker_begin(packets, random);

				for (uint32_t i = 0; i < options; i++) {
					maker_pad1(&maker, pads);
					if (i == place) {
						maker_align(&maker, 0);
						maker_trace(&maker, &trace);
					} else {
						maker_option(&maker, 0x1e, 2 + random_below(random, 3));
					}
				}
				maker_close(&maker);
				maker_add(&maker, "number of options", options > 8 ? "bad_option_count" : NULL);
			}
}

/* The header, the payload and the frame each say where they end; only one of them is asked at a time. */
static void lengths_add(struct packets *packets, uint64_t *random, uint32_t type)
{
	struct maker maker = good(packets, random, type);
	uint32_t whole = maker.at;

	for (uint32_t units = 0; units < 256; units++) {
		maker = good(packets, random, type);
		maker.octets[41] = (uint8_t)units;
		maker_add(&maker, "header length", 40 + (units + 1) * 8 > whole ? "bad_truncated" : NULL);
	}
	for (uint32_t len = 0; len < whole + 40; len++) {
		maker = good(packets, random, type);
		be16_store(maker.octets + 4, (uint16_t)len);
		packets_add(packets, "payload length",
			    len > whole - 40 || (len && len + 40 < header_end(&maker)) ? "bad_truncated" : NULL, true,
			    maker.octets, maker.at);
	}
	for (uint32_t len = 0; len < whole; len++) {
		maker = good(packets, random, type);
		packets_add(packets, "frame cut off", len < 40 ? NULL : "bad_truncated", true, maker.octets, len);
	}
}

/* An option of each type, in front of a trace: what is to be done with those that a router does not know. */
static void option_types_add(struct packets *packets, uint64_t *random)
{
	for (uint32_t type = 2; type < 256; type++)
		for (uint32_t len = 0; len < 10; len += 2) {
			struct trace trace = trace_for(TYPE_USUAL, 2);
			struct maker maker = maker_begin(packets, random);

			if (type == 0x31)
				continue;
			maker_option(&maker, (uint8_t)type, len);
			maker_align(&maker, 0);
			maker_trace(&maker, &trace);
			maker_close(&maker);
			maker_add(&maker, "option types", "appended");
		}
}

/* A trace that is malformed, in another's namespace or behind a good one of ours. */
static void others_add(struct packets *packets, uint64_t *random)
{
	for (int i = 0; i < 256; i++) {
		struct trace bad = trace_for(TYPE_USUAL, 2), ours = trace_for(TYPE_USUAL, 2);
		struct maker maker = maker_begin(packets, random);

		bad.namespace = i & 1 ? 0x7b : NAMESPACE_PLAIN;
		if (i & 2)
			bad.node_words += 1 + random_below(random, 20);
		else
			bad.remaining = (uint8_t)(bad.data_words + 1 + random_below(random, 60));
		maker_padn(&maker, 2);
		if (i & 4)
			maker_trace(&maker, &ours);
		maker_align(&maker, 0);
		maker_trace(&maker, &bad);
		if (i & 8) {
			maker_align(&maker, 0);
			maker_trace(&maker, &ours);
		}
		maker_close(&maker);
		maker_add(&maker, "one trace of several malformed", i & 2 ? "bad_node_len" : "bad_remaining_len");
	}
}

void malformed_add(struct packets *packets, uint64_t *random)
{
	for (uint32_t i = 0; i < TYPES; i++) {
		node_lens_add(packets, random, types[i]);
		remaining_lens_add(packets, random, types[i]);
		option_lens_add(packets, random, types[i]);
		lengths_add(packets, random, types[i]);
	}
	trace_lens_add(packets, random);
	alignments_add(packets, random);
	paddings_add(packets, random);
	paddings_between_add(packets, random);
	counts_add(packets, random);
	option_types_add(packets, random);
	others_add(packets, random);
}
