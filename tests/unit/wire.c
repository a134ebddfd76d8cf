/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * wire/ against a second reading of the RFCs: what ioam6_append(), ioam6_complete() and encap_write() make of each
 * vector is computed here again, octet by octet; and no cut or damaged packet is read or written where it must not.
 * Built twice: as it is, and as wire-sanitized with the address and undefined behaviour sanitizers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/record.h"
#include "vector.h"
#include "wire/encap.h"
#include "wire/usual.h"

#ifndef MUTATIONS
#define MUTATIONS 100000
#endif

#define OUTCOME_NAME(name, text) #name,
static const char *const outcome_names[] = { OUTCOME_LIST(OUTCOME_NAME) };

static struct vector *vectors;
static size_t vector_count;

static int setup(void **state)
{
	(void)state;
	vectors = vectors_read(&vector_count);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(vectors);
	return 0;
}

/* What a transit node knows; each field's octets differ. */
static const struct ioam6_node arrived = {
	.id = 0x010203,
	.hop_limit = 0x3f,
	.id_wide = 0x11121314151617,
	.ingress_if = 0x2122,
	.egress_if = 0xffff,
	.ingress_if_wide = 0x31323334,
	.egress_if_wide = 0xffffffff,
	.seconds = 0x41424344,
	.fraction = 0x11223344,
	.delay_ns = 0xffffffff,
	.data = 0x51525354,
	.data_wide = 0x6162636465666768,
	.queue = 0xffffffff,
	.buffer = 0x71727374,
	.schema_id = IOAM6_SNAPSHOT_NONE,
};
static const struct ioam6_node departed = {
	.egress_if = 0x8182,
	.egress_if_wide = 0x91929394,
	.delay_ns = 0x1a2a3a4a,
	.queue = 0x5a6a7a8a,
};

/* That node's data in hex, a field per bit of the trace type; before and after it left. */
static const char *const fields[2][23] = {
	{ "3f010203", "2122ffff", "41424344",	      "11223344",	  "ffffffff",	      "51525354",
	  "ffffffff", "ffffffff", "3f11121314151617", "31323334ffffffff", "6162636465666768", "71727374",
	  "ffffffff", "ffffffff", "ffffffff",	      "ffffffff",	  "ffffffff",	      "ffffffff",
	  "ffffffff", "ffffffff", "ffffffff",	      "ffffffff",	  "00ffffff" },
	{ "3f010203", "21228182", "41424344",	      "11223344",	  "1a2a3a4a",	      "51525354",
	  "5a6a7a8a", "ffffffff", "3f11121314151617", "3132333491929394", "6162636465666768", "71727374",
	  "ffffffff", "ffffffff", "ffffffff",	      "ffffffff",	  "ffffffff",	      "ffffffff",
	  "ffffffff", "ffffffff", "ffffffff",	      "ffffffff",	  "00ffffff" },
};

static size_t node_octets(const uint8_t type[3], bool left, uint8_t *out)
{
	size_t len = 0;

	for (int bit = 0; bit < 23; bit++) {
		const char *hex = fields[left][bit];
		unsigned int octet;

		if (!(type[bit / 8] & 0x80 >> bit % 8))
			continue;
		for (; sscanf(hex, "%2x", &octet) == 1; hex += 2)
			out[len++] = octet;
	}
	return len;
}

/* The trace option of a well-formed packet: the first of our namespace, else the first. 0: none. */
static size_t option_at(const struct vector *vector)
{
	const uint8_t *p = vector->octets;
	size_t stop = 40 + (p[41] + 1U) * 8, first = 0;

	if (p[6] != 0)
		return 0;
	for (size_t at = 42; at < stop; at += p[at] == 0 ? 1 : 2U + p[at + 1]) {
		if (p[at] != 0x31 || p[at + 3] != 0)
			continue;
		if (p[at + 4] == 0x68 && p[at + 5] == 0x73)
			return at;
		first = first ? first : at;
	}
	return first;
}

static enum outcome append(uint8_t *packet, size_t len, size_t option, uint32_t *slot)
{
	struct ioam6_found found;
	enum outcome why;

	assert_true(ioam6_find(packet, packet + len, packet[option + 4] << 8 | packet[option + 5], &found, &why));
	assert_int_equal(found.option, option);
	return ioam6_append(packet, packet + len, &found, &arrived, slot);
}

/* What must be in the packet after the node has appended, and what ioam6_append() must return. */
static enum outcome append_again(uint8_t *packet, size_t option, bool left, size_t *data_at)
{
	uint8_t node[128];
	size_t len = node_octets(packet + option + 8, left, node), room = (packet[option + 7] & 0x7f) * 4U;

	if (packet[option + 6] & 0x04)
		return OUTCOME_overflowed;
	if (room < len) {
		packet[option + 6] |= 0x04;
		return OUTCOME_no_room;
	}
	*data_at = option + 12 + room - len;
	memcpy(packet + *data_at, node, len);
	packet[option + 7] = (packet[option + 7] & 0x80) | (room - len) / 4;
	return OUTCOME_appended;
}

static void append_at_room(const struct vector *vector, size_t option, unsigned int room, unsigned int *counts)
{
	uint8_t packet[VECTOR_LEN_MAX], wanted[VECTOR_LEN_MAX];
	size_t data_at = 0;
	uint32_t slot = 0;
	enum outcome why;

	memcpy(packet, vector->octets, vector->len);
	packet[option + 7] = (packet[option + 7] & 0x80) | room;
	memcpy(wanted, packet, vector->len);
	why = append_again(wanted, option, false, &data_at);
	assert_int_equal(append(packet, vector->len, option, &slot), why);
	assert_int_equal(slot, data_at);
	assert_memory_equal(packet, wanted, vector->len);
	counts[why]++;
	if (why != OUTCOME_appended)
		return;
	memcpy(wanted, vector->octets, vector->len);
	wanted[option + 7] = (wanted[option + 7] & 0x80) | room;
	append_again(wanted, option, true, &data_at);
	ioam6_complete(packet, packet + vector->len, slot, be32_load(packet + option + 8) >> 8, &departed);
	assert_memory_equal(packet, wanted, vector->len);
}

static void test_append_and_complete_at_every_room(void **state)
{
	unsigned int counts[OUTCOME_COUNT] = { 0 };

	(void)state;
	for (size_t i = 0; i < vector_count; i++) {
		const struct vector *vector = &vectors[i];
		size_t option = strcmp(vector->outcome, "recorded") == 0 ? option_at(vector) : 0;

		for (unsigned int room = 0; option && room <= (vector->octets[option + 1] - 10U) / 4; room++)
			append_at_room(vector, option, room, counts);
	}
	assert_true(counts[OUTCOME_appended] > 500);
	assert_true(counts[OUTCOME_no_room] > 100);
	assert_true(counts[OUTCOME_overflowed] > 10);
}

/* The sender that generate.py lets write the vectors with no hop filled. */
static void encap_again(uint8_t *at, const uint8_t *end, const struct encap_shape *shape, uint32_t hops, bool fits)
{
	struct ioam6_node node = IOAM6_NODE_UNKNOWN;
	struct context context = {
		.trace_id = { 0x7c, 0x0d, 0xe2, 0xa4, 0xf1, 0x9b, 0x33, 0x05, 0xd1, 0xa2, 0xb7, 0xe9, 0x0c, 0x4f, 0x66,
			      0x18 },
		.span_id = { 0xb9, 0xc7, 0xc9, 0x89, 0xf9, 0x79, 0x18, 0xe1 },
		.version = 1,
		.flags = 1,
	};

	node.id = 1;
	node.hop_limit = 64;
	node.egress_if = 2;
	node.fraction = 442000000;
	node.queue = 0;
	assert_int_equal(encap_write(at, end, 6, shape, hops, 0x6873, 0, &node, &context), fits);
}

static void encap_check(const char *name, const struct encap_shape *shape, uint32_t hops)
{
	uint32_t wanted = encap_len(shape, hops);
	struct vector vector;

	vector_find(name, &vector);
	assert_int_equal(wanted, (vector.octets[41] + 1) * 8);
	for (size_t len = 0; len <= wanted; len++) {
		uint8_t *header = calloc(1, len ? len : 1);

		encap_again(header, header + len, shape, hops, len == wanted);
		if (len == wanted)
			assert_memory_equal(header, vector.octets + 40, len);
		free(header);
	}
}

static void test_encap_writes_the_vectors(void **state)
{
	static const struct {
		const char *name;
		enum encap_carrier carrier;
		uint32_t type, hops;
	} stamps[] = {
		{ "room-0", ENCAP_SNAPSHOT, IOAM6_USUAL_TYPE, 0 },
		{ "room-1", ENCAP_SNAPSHOT, IOAM6_USUAL_TYPE, 1 },
		{ "room-2", ENCAP_SNAPSHOT, IOAM6_USUAL_TYPE, 2 },
		{ "room-3", ENCAP_SNAPSHOT, IOAM6_USUAL_TYPE, 3 },
		{ "default-0", ENCAP_SNAPSHOT, IOAM6_USUAL_TYPE, 4 },
		{ "generic-0", ENCAP_GENERIC, ENCAP_GENERIC_TYPE, 2 },
		{ "generic-context-0", ENCAP_GENERIC_CONTEXT, IOAM6_USUAL_TYPE, 2 },
		{ "ids-only", ENCAP_GENERIC, 0, 0 },
		{ "ids-only-context", ENCAP_GENERIC_CONTEXT, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++) {
		struct encap_shape shape = encap_shape(stamps[i].carrier, stamps[i].type);

		encap_check(stamps[i].name, &shape, stamps[i].hops);
	}
}

/* As many hops as fit, for every shape: the length says so, and a shorter one holds fewer. */
static void test_encap_room(void **state)
{
	struct encap_shape usual = ENCAP_SHAPE_USUAL, made = encap_shape(ENCAP_SNAPSHOT, 0);
	struct encap_shape ids = ENCAP_SHAPE_IDS, ids_made = encap_shape(ENCAP_GENERIC_CONTEXT, 0);

	(void)state;
	assert_memory_equal(&usual, &made, sizeof(usual));
	assert_memory_equal(&ids, &ids_made, sizeof(ids));
	for (uint32_t hops = 0; hops <= 4; hops++)
		assert_int_equal(encap_len(&usual, hops), 72 + 24 * hops);
	assert_int_equal(encap_hops_max(&usual), 8);
	for (unsigned int carrier = 0; carrier < ENCAP_CARRIERS; carrier++)
		for (uint32_t type = 0; type <= 0xfff; type++) {
			struct encap_shape shape = encap_shape(carrier, type << 12 & ~IOAM6_UNDEFINED);
			int most = encap_hops_max(&shape);

			assert_true(encap_len(&shape, most) <= ENCAP_LEN_MAX);
			assert_int_equal(encap_hops(&shape, encap_len(&shape, 0) - 1, most), -1);
			for (int hops = 0; hops <= most; hops++)
				assert_true(encap_hops(&shape, encap_len(&shape, hops), most) >= hops);
			for (int octets = encap_len(&shape, 0); octets <= ENCAP_LEN_MAX; octets++)
				assert_true((int)encap_len(&shape, encap_hops(&shape, octets, most)) <= octets);
		}
}

static void test_vectors_have_their_outcome(void **state)
{
	(void)state;
	for (size_t i = 0; i < vector_count; i++) {
		uint8_t *packet = malloc(vectors[i].len);
		struct record record;

		memcpy(packet, vectors[i].octets, vectors[i].len);
		if (strcmp(outcome_names[record_decode(packet, vectors[i].len, &record)], vectors[i].outcome) != 0)
			fail_msg("%s is not %s", vectors[i].name, vectors[i].outcome);
		free(packet);
	}
}

/* Only the trace header's lengths and the node data at `slot` may differ. */
static void check_writes(const uint8_t *packet, const uint8_t *before, size_t len, const struct ioam6_found *found,
			 enum outcome outcome, uint32_t slot)
{
	size_t flags = found->option + 6U, words = 0;

	if (outcome != OUTCOME_appended && outcome != OUTCOME_no_room) {
		assert_memory_equal(packet, before, len);
		return;
	}
	if (outcome == OUTCOME_appended)
		words = ioam6_node_words(found->trace.type);
	else
		slot = flags + 2;
	assert_memory_equal(packet, before, flags);
	assert_memory_equal(packet + flags + 2, before + flags + 2, slot - flags - 2);
	assert_true(slot + words * 4 <= found->option + 12U + found->data_words * 4U);
	assert_memory_equal(packet + slot + words * 4, before + slot + words * 4, len - slot - words * 4);
}

static unsigned int usual_counts[OUTCOME_COUNT];

/* What ioam6_find() and ioam6_append() make of a packet. */
static enum outcome find_and_append(uint8_t *packet, size_t len, const struct ioam6_node *node, uint32_t *slot)
{
	struct ioam6_found found;
	enum outcome why;

	if (!ioam6_find(packet, packet + len, CONTEXT_NAMESPACE, &found, &why))
		return why;
	return found.option ? ioam6_append(packet, packet + len, &found, node, slot) : OUTCOME_pass;
}

/* Where wire/usual.h is certain it does what the rest of wire/ does, and it is certain of what it is for. */
static void handle_usual(struct usual_node *usual, uint8_t *packet, size_t len)
{
	uint8_t before[VECTOR_LEN_MAX], wanted[VECTOR_LEN_MAX];
	struct ioam6_node node = arrived;
	uint32_t slot = 0, wanted_slot = 0;
	struct ioam6_found found;
	enum outcome why;

	if (len < IPV6_LEN || packet[IPV6_NEXT_HEADER_AT] != NEXT_HEADER_HOP_BY_HOP)
		return;
	memcpy(before, packet, len);
	memcpy(wanted, packet, len);
	node.hop_limit = packet[IPV6_HOP_LIMIT_AT];
	if (!usual_find(usual, packet, packet + len)) {
		assert_false(ioam6_find_usual(wanted, wanted + len, CONTEXT_NAMESPACE, &found) &&
			     found.trace.type == IOAM6_USUAL_TYPE && be16_load(packet + IPV6_PAYLOAD_LEN_AT) &&
			     ipv6_is_whole(packet, len));
		return;
	}
	why = find_and_append(wanted, len, &node, &wanted_slot);
	assert_int_equal(usual_append(usual, packet, &slot), why);
	assert_int_equal(slot, wanted_slot);
	assert_memory_equal(packet, wanted, len);
	if (why == OUTCOME_appended) {
		ioam6_complete(wanted, wanted + len, slot, IOAM6_USUAL_TYPE, &departed);
		usual_complete(packet + slot, &departed);
		assert_memory_equal(packet, wanted, len);
	}
	usual_counts[why]++;
	memcpy(packet, before, len);
}

/* By one that has seen other packets before, and by one that has not. */
static void handle_usual_twice(uint8_t *packet, size_t len)
{
	static const struct ioam6_namespace namespace = { .id = CONTEXT_NAMESPACE };
	static struct usual_node old;
	struct usual_node new;

	usual_node_make(&new, &namespace, &arrived);
	if (!old.trace_be)
		old = new;
	handle_usual(&new, packet, len);
	handle_usual(&old, packet, len);
}

/* Everything that wire/ and the reader do with a packet, on one that may be anything. */
static void handle(uint8_t *packet, size_t len, int namespace, unsigned int *counts)
{
	uint8_t before[VECTOR_LEN_MAX];
	struct ioam6_found found;
	enum encap_carrier carrier;
	struct context context;
	struct record record;
	enum outcome why;
	uint32_t slot = 0;

	handle_usual_twice(packet, len);
	memcpy(before, packet, len);
	why = record_decode(packet, len, &record);
	counts[why]++;
	assert_true(why == OUTCOME_recorded || why == OUTCOME_pass ||
		    (why >= OUTCOME_bad_truncated && why <= OUTCOME_bad_node_data));
	assert_true(why != OUTCOME_recorded || record.hop_count >= 1 || record.has_context);
	assert_true(why != OUTCOME_recorded || record.hop_count <= RECORD_HOPS_MAX);
	if (!ioam6_find(packet, packet + len, namespace, &found, &why) || !found.option) {
		assert_memory_equal(packet, before, len);
		return;
	}
	encap_find_context(packet, packet + len, &found, true, &context, &carrier);
	assert_memory_equal(packet, before, len);
	why = ioam6_append(packet, packet + len, &found, &arrived, &slot);
	counts[why]++;
	check_writes(packet, before, len, &found, why, slot);
	if (why == OUTCOME_appended) {
		ioam6_complete(packet, packet + len, slot, found.trace.type, &departed);
		check_writes(packet, before, len, &found, why, slot);
	}
}

static void test_every_truncation(void **state)
{
	unsigned int counts[OUTCOME_COUNT] = { 0 };

	(void)state;
	for (size_t i = 0; i < vector_count; i++)
		for (size_t len = 0; len <= vectors[i].len; len++)
			for (int any = 0; any < 2; any++) {
				uint8_t *packet = malloc(len);

				memcpy(packet, vectors[i].octets, len);
				handle(packet, len, any ? IOAM6_NAMESPACE_ANY : CONTEXT_NAMESPACE, counts);
				free(packet);
			}
	assert_true(counts[OUTCOME_bad_truncated] > vector_count * 40);
}

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* One to four octets of what stands behind the addresses, mostly of the options' headers. */
static void mutate(uint8_t *packet, size_t len, uint64_t *random)
{
	unsigned int changes = 1 + random_next(random) % 4;

	while (changes--) {
		size_t from = len > 40 ? 40 : 0, reach = len - from;

		if (random_next(random) % 2 && reach > 24)
			reach = 24;
		packet[from + random_next(random) % reach] = random_next(random) >> 32;
	}
}

static void test_mutations(void **state)
{
	unsigned int counts[OUTCOME_COUNT] = { 0 };
	uint64_t random = 0x9e3779b97f4a7c15;

	(void)state;
	for (size_t i = 0; i < vector_count; i++) {
		size_t full = vectors[i].len;
		uint8_t *octets = malloc(full);

		for (int n = 0; n < MUTATIONS; n++) {
			size_t len = random_next(&random) % 8 ? full : 1 + random_next(&random) % full;
			uint8_t *packet = octets + full - len; /* it ends where the memory ends */

			memcpy(packet, vectors[i].octets, len);
			mutate(packet, len, &random);
			handle(packet, len, n % 2 ? IOAM6_NAMESPACE_ANY : CONTEXT_NAMESPACE, counts);
		}
		free(octets);
	}
	for (int outcome = OUTCOME_bad_truncated; outcome <= OUTCOME_bad_node_data; outcome++)
		if (!counts[outcome])
			fail_msg("no mutation made %s", outcome_names[outcome]);
	assert_true(counts[OUTCOME_recorded] && counts[OUTCOME_appended] && counts[OUTCOME_no_room] &&
		    counts[OUTCOME_overflowed]);
	assert_true(usual_counts[OUTCOME_appended] && usual_counts[OUTCOME_no_room] &&
		    usual_counts[OUTCOME_overflowed] && usual_counts[OUTCOME_bad_remaining_len]);
}

/* What the first load of a frame tells. */
static void test_usual_frames(void **state)
{
	static const uint16_t types[] = { ETHERTYPE_IPV6, ETHERTYPE_IPV6 ^ 1, ETHERTYPE_IPV6 ^ 0x100, 0x0800, 0x8100 };
	uint8_t frame[ETHERNET_LEN + VECTOR_LEN_MAX] = { 0 };

	(void)state;
	for (size_t i = 0; i < vector_count; i++)
		for (size_t n = 0; n < sizeof(types) / sizeof(types[0]); n++) {
			const uint8_t *ip6 = frame + ETHERNET_LEN;
			bool has;

			be16_store(frame + ETHERNET_TYPE_AT, types[n]);
			memcpy(frame + ETHERNET_LEN, vectors[i].octets, vectors[i].len);
			has = types[n] == ETHERTYPE_IPV6 && ipv6_is(ip6) && ip6[IPV6_NEXT_HEADER_AT] == 0;
			assert_int_equal(usual_has_options(frame) && types[n] == ETHERTYPE_IPV6, has);
			assert_false(usual_has_options(frame) && (types[n] == 0x0800 || types[n] == 0x8100));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors_have_their_outcome),
		cmocka_unit_test(test_append_and_complete_at_every_room),
		cmocka_unit_test(test_encap_writes_the_vectors),
		cmocka_unit_test(test_encap_room),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_usual_frames),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
