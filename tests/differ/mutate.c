/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Random changes: of lengths, types and flags more often than of anything else. */
#include <string.h>

#include "maker.h"
#include "wire/bytes.h"

/* Where a change meets: the option headers mostly, the IPv6 header sometimes, but never its number. */
static uint32_t place_choose(uint32_t len, uint64_t *random)
{
	uint32_t kind = random_below(random, 16);

	if (kind == 0) {
		uint32_t at = random_below(random, 32);

		return at < PACKET_ID_AT ? at : at + PACKET_ID_LEN;
	}
	if (kind < 9 && len > 64)
		return 40 + random_below(random, 24);
	return 40 + random_below(random, len - 40);
}

static void octet_change(uint8_t *octet, uint64_t *random)
{
	switch (random_below(random, 4)) {
	case 0:
		*octet += 1;
		break;
	case 1:
		*octet -= 1;
		break;
	case 2:
		*octet ^= (uint8_t)(1 << random_below(random, 8));
		break;
	default:
		*octet = (uint8_t)random_next(random);
	}
}

/* A trace's own words, in order or not: where the first of them is to be found is easy to say, and it is enough. */
static void trace_change(uint8_t *octets, uint32_t len, uint64_t *random)
{
	uint16_t lengths;

	if (len < 60 || octets[44] != 0x31)
		return;
	lengths = be16_load(octets + 50);
	switch (random_below(random, 3)) {
	case 0:
		lengths = (uint16_t)((lengths & 0xff80) | random_below(random, 128));
		break;
	case 1:
		lengths = (uint16_t)((lengths & 0xf87f) | random_below(random, 16) << 7);
		break;
	default:
		be32_store(octets + 52, random_next(random));
		lengths = (uint16_t)((lengths & 0x7ff) | type_words(be32_load(octets + 52) >> 8) << 11);
	}
	be16_store(octets + 50, lengths);
}

static void mutation_add(struct packets *packets, const struct packet *base, uint64_t *random)
{
	uint8_t octets[PACKET_LEN_MAX];
	uint32_t len = base->len, changes = 1 + random_below(random, 4);
	bool header_changed = base->header_changed;

	memcpy(octets, base->octets, len);
	if (random_below(random, 32) == 0) {
		len = 41 + random_below(random, len - 40);
		header_changed = true;
	}
	if (random_below(random, 3) == 0)
		trace_change(octets, len, random);
	while (changes--) {
		uint32_t at = place_choose(len, random);

		if (at >= len)
			continue;
		octet_change(octets + at, random);
		header_changed |= at < 40;
	}
	packets_add(packets, "mutations", NULL, header_changed, octets, len);
}

void mutations_add(struct packets *packets, uint32_t count, uint64_t *random)
{
	uint32_t bases = packets->count;

	while (count) {
		struct packet base = packets->list[random_below(random, bases)];

		if (base.len <= 44)
			continue;
		mutation_add(packets, &base, random);
		count--;
	}
}
