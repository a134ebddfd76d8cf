/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Every case that can be listed: well-formed ones here, malformed.c has the others. */
#include <string.h>

#include "families.h"
#include "fields.h"
#include "maker.h"
#include "tests/unit/vector.h"
#include "wire/bytes.h"

enum { KNOWN_TYPES = 1 << 13, RANDOM_TYPES = 1000, MIXED = 6000, OPTIONS_MAX = 8 };

/* The vectors, from a source with a number, to where the routers have a route. */
static void vectors_add(struct packets *packets)
{
	static const uint8_t to[16] = { 0xfd, 0x68, 0x74, 0x65, [15] = 1 };
	size_t count;
	struct vector *vectors = vectors_read(&count);

	for (size_t i = 0; i < count; i++) {
		const char *outcome = strncmp(vectors[i].outcome, "bad_", 4) == 0 ? vectors[i].outcome : NULL;

		if (vectors[i].len >= 40)
			memcpy(vectors[i].octets + 24, to, sizeof(to));
		/* What node data says, transit nodes do not ask. */
		if (outcome && strcmp(outcome, "bad_node_data") == 0)
			outcome = NULL;
		packets_add(packets, "vectors", outcome && vectors[i].len >= 40 ? strdup(outcome) : NULL,
			    vectors[i].len < 40, vectors[i].octets, (uint32_t)vectors[i].len);
	}
	free(vectors);
}

/* One of the 8192 combinations of bits 0 to 11 and 22. */
static uint32_t known_type(uint32_t number)
{
	return (number & 0xfff) << 12 | (number & 0x1000 ? BIT(22) : 0);
}

/* Room for two, for exactly one, for one but a word, and an overflow that somebody else has had. */
static void type_add(struct packets *packets, uint64_t *random, const char *family, uint16_t namespace, uint32_t type)
{
	struct trace trace = trace_in(namespace, type, 2);
	uint32_t step = type_step(namespace, type);

	maker_add_trace(packets, random, family, step ? "appended" : "no_room", &trace);
	trace.flags = 8;
	maker_add_trace(packets, random, family, "overflowed", &trace);
	trace.flags = 0;
	trace.remaining = (uint8_t)step;
	if (!step)
		trace.remaining = 1; /* where something is left, a node that writes nothing has room */
	maker_add_trace(packets, random, family, "appended", &trace);
	if (!step)
		return;
	trace.remaining--;
	maker_add_trace(packets, random, family, "no_room", &trace);
}

static void types_add(struct packets *packets, uint64_t *random)
{
	for (uint32_t i = 0; i < KNOWN_TYPES; i++)
		type_add(packets, random, "every type of known bits", NAMESPACE_PLAIN, known_type(i));
	for (int n = 12; n <= 23; n++)
		type_add(packets, random, "undefined bits", NAMESPACE_PLAIN, BIT(n));
	for (int i = 0; i < RANDOM_TYPES; i++)
		type_add(packets, random, "undefined bits", NAMESPACE_PLAIN,
			 known_type(random_next(random)) | (random_next(random) & TYPE_UNDEFINED));
	type_add(packets, random, "undefined bits", NAMESPACE_PLAIN, 0xffffff);
	for (int n = 0; n < 24; n++)
		type_add(packets, random, "a namespace with a schema", NAMESPACE_SCHEMA, BIT(n));
	for (int i = 0; i < RANDOM_TYPES; i++)
		type_add(packets, random, "a namespace with a schema", NAMESPACE_SCHEMA,
			 known_type(random_next(random)) | (i % 4 ? 0 : random_next(random) & TYPE_UNDEFINED));
}

/* Data of every size, with every amount of it free that matters. */
static void sizes_add(struct packets *packets, uint64_t *random)
{
	static const uint32_t types[] = { BIT(0), BIT(8), BIT(22), TYPE_USUAL, TYPE_KNOWN, BIT(2) | BIT(3) };

	for (uint32_t words = 0; words <= 61; words++)
		for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
			uint32_t step = type_step(NAMESPACE_PLAIN, types[i]),
				 left[] = { 0, 1, step - 1, step, step + 1, words - 1, words };

			for (size_t j = 0; j < sizeof(left) / sizeof(*left); j++) {
				struct trace trace = { NAMESPACE_PLAIN,	 types[i], 0,	 (uint8_t)type_words(types[i]),
						       (uint8_t)left[j], 0,	   words };

				if (left[j] <= words)
					maker_add_trace(packets, random, "every size",
							left[j] >= step ? "appended" : "no_room", &trace);
			}
		}
}

static void namespaces_add(struct packets *packets, uint64_t *random)
{
	static const uint16_t others[] = { 0,	   1,	   0x7b,   0x6872, 0x6874, 0x6973,
					   0x6901, 0x0069, 0x7368, 0x0068, 0x7300, 0xffff };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		for (int j = 0; j < 64; j++) {
			struct trace trace = trace_for(known_type(random_next(random)), 2);

			trace.namespace = others[i];
			maker_add_trace(packets, random, "unknown namespace", "other_options", &trace);
		}
}

/* Flags and octets that a transit node has to leave as they are. */
static void reserved_add(struct packets *packets, uint64_t *random)
{
	for (uint32_t i = 0; i < 512; i++) {
		struct trace trace = trace_for(known_type(random_next(random)) | BIT(0), 2);
		struct maker maker = maker_begin(packets, random);

		trace.flags = i % 16;
		trace.reserved = (uint8_t)random_next(random);
		maker_padn(&maker, 2);
		maker_trace(&maker, &trace)[2] = (uint8_t)random_next(random);
		maker_close(&maker);
		maker_add(&maker, "flags and reserved octets", trace.flags & 8 ? "overflowed" : "appended");
	}
}

/* IOAM of other kinds, and direct export, which is another option. */
static void kinds_add(struct packets *packets, uint64_t *random)
{
	for (uint32_t kind = 1; kind < 256; kind++) {
		struct maker maker = maker_begin(packets, random);

		maker_padn(&maker, 2);
		maker_option(&maker, kind % 2 ? 0x31 : 0x11, 2 + random_below(random, 40))[3] = (uint8_t)kind;
		maker_close(&maker);
		maker_add(&maker, "other kinds of IOAM", "other_options");
	}
}

/* An option that no router knows and each skips. */
static void skipped_option(struct maker *maker)
{
	static const uint8_t types[] = { 0x11, 0x1e, 0x3e, 0x12, 0x14, 0x36, 0x22 };

	maker_option(maker, types[random_below(maker->random, sizeof(types))], random_below(maker->random, 30));
}

static void mixed_trace(struct maker *maker, bool ours)
{
	static const uint32_t usual[] = { TYPE_USUAL, BIT(0), BIT(0) | BIT(1), TYPE_KNOWN };
	uint32_t type = random_below(maker->random, 2) ? usual[random_below(maker->random, 4)]
						       : known_type(random_next(maker->random));
	uint16_t namespace = random_below(maker->random, 4) ? NAMESPACE_PLAIN : NAMESPACE_SCHEMA;
	struct trace trace = trace_in(ours ? namespace : 0x7b, type, random_below(maker->random, 3));

	maker_align(maker, 0);
	maker_trace(maker, &trace);
}

static void mixed_option(struct maker *maker, uint32_t traces)
{
	switch (random_below(maker->random, 6)) {
	case 0:
		mixed_trace(maker, false);
		break;
	case 1:
		maker_align(maker, 0);
		maker_option(maker, 0x31, 2 + random_below(maker->random, 40))[3] =
		    (uint8_t)(1 + random_below(maker->random, 255));
		break;
	case 2:
		maker_option(maker, 0x05, 2); /* router alert */
		break;
	case 3:
		if (traces > 1) {
			mixed_trace(maker, true);
			break;
		}
		/* fall through */
	default:
		skipped_option(maker);
	}
}

/* Several options in one header, in any order, with and without padding; ours among them, or several of ours. */
static void mixed_add(struct packets *packets, uint64_t *random)
{
	for (int i = 0; i < MIXED; i++) {
		struct maker maker = maker_begin(packets, random);
		uint32_t options = 1 + random_below(random, OPTIONS_MAX), place = random_below(random, options);
		uint32_t traces = random_below(random, 4);

		for (uint32_t j = 0; j < options; j++) {
			if (random_below(random, 3) == 0)
				maker_pad1(&maker, random_below(random, 4));
			else if (random_below(random, 3) == 0)
				maker_padn(&maker, 2 + random_below(random, 2));
			if (j == place && traces)
				mixed_trace(&maker, true);
			else
				mixed_option(&maker, traces);
		}
		maker_close(&maker);
		maker_add(&maker, "several options", NULL);
	}
}

/* Headers nearly as long as they can be, a trace as long as it can be in each of its places. Few have more paddings
 * than a walk has steps. */
static void long_add(struct packets *packets, uint64_t *random)
{
	for (uint32_t place = 0; place < OPTIONS_MAX; place++)
		for (int i = 0; i < 8; i++) {
			struct trace trace = trace_for(TYPE_USUAL, 10);
			struct maker maker = maker_begin(packets, random);

			for (uint32_t j = 0; j < OPTIONS_MAX; j++) {
				maker_align(&maker, 0);
				if (j == place)
					maker_trace(&maker, &trace);
				else
					maker_option(&maker, 0x1e, 240 + random_below(random, 10));
			}
			maker_close(&maker);
			maker_add(&maker, "long headers",
				  option_steps(maker.octets, maker.at) > STEPS_MAX ? NULL : "appended");
		}
}

/* Whatever follows the header: nothing that a router has to look into. */
static void followed_add(struct packets *packets, uint64_t *random)
{
	for (uint32_t next = 0; next < 256; next++) {
		struct trace trace = trace_for(TYPE_USUAL, 2);
		struct maker maker = maker_begin(packets, random);

		maker_padn(&maker, 2);
		maker_trace(&maker, &trace);
		maker_close(&maker);
		maker.octets[40] = (uint8_t)next;
		maker_add(&maker, "next headers", "appended");
		/* The same header, but not where a router looks for it. */
		maker.octets[40] = 17;
		maker.octets[6] = (uint8_t)next;
		packets_add(packets, "not behind the IPv6 header", next ? "pass" : "appended", false, maker.octets,
			    maker.at);
	}
}

/* A stamped packet inside another's header: tunnels, and a second header. */
static void nested_add(struct packets *packets, uint64_t *random)
{
	for (uint32_t i = 0; i < 64; i++) {
		struct trace trace = trace_for(i % 2 ? TYPE_USUAL : known_type(random_next(random)), 2);
		struct maker inner = maker_begin(packets, random), outer = maker_begin(packets, random);
		uint32_t from = i % 4 < 2 ? 0 : 40; /* IPv6 in IPv6, or a header behind a header */

		maker_padn(&inner, 2);
		maker_trace(&inner, &trace);
		maker_close(&inner);
		maker_padn(&outer, 2);
		if (i % 8 < 4)
			maker_trace(&outer, &trace);
		else
			maker_padn(&outer, 4);
		maker_close(&outer);
		outer.octets[40] = from ? 0 : 41;
		outer.at -= 20;
		memcpy(outer.octets + outer.at, inner.octets + from, inner.at - from);
		outer.at += inner.at - from;
		be16_store(outer.octets + 4, (uint16_t)(outer.at - 40));
		maker_add(&outer, "nested", i % 8 < 4 ? "appended" : "other_options");
	}
}

/* Every hop limit; 0 and 1 end here. */
static void hop_limits_add(struct packets *packets, uint64_t *random)
{
	for (uint32_t limit = 0; limit < 256; limit++) {
		struct trace trace = trace_for(BIT(0) | BIT(8) | BIT(1), 2);
		struct maker maker = maker_begin(packets, random);

		maker_padn(&maker, 2);
		maker_trace(&maker, &trace);
		maker_close(&maker);
		maker.octets[7] = (uint8_t)limit;
		packets_add(packets, "hop limits", "appended", limit < 2, maker.octets, maker.at);
	}
}

void families_add(struct packets *packets, uint64_t *random)
{
	vectors_add(packets);
	types_add(packets, random);
	sizes_add(packets, random);
	namespaces_add(packets, random);
	reserved_add(packets, random);
	kinds_add(packets, random);
	mixed_add(packets, random);
	long_add(packets, random);
	followed_add(packets, random);
	nested_add(packets, random);
	hop_limits_add(packets, random);
	malformed_add(packets, random);
}
