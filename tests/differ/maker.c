/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Packets, an octet at a time. */
#include "maker.h"

#include <string.h>

#include "wire/bytes.h"

enum { HOP_BY_HOP_AT = 40, DATA_WORDS_MAX = 61, PAYLOAD_LEN = 12 };

uint32_t type_words(uint32_t type)
{
	uint32_t words = 0;

	for (int n = 0; n <= 21; n++)
		if (type & BIT(n))
			words += n >= 8 && n <= 10 ? 2 : 1;
	return words;
}

uint32_t type_step(uint16_t namespace, uint32_t type)
{
	uint32_t schema_words = namespace == NAMESPACE_SCHEMA ? SCHEMA_WORDS : 0;

	return type_words(type) + (type & BIT(22) ? 1 + schema_words : 0);
}

struct trace trace_in(uint16_t namespace, uint32_t type, uint32_t nodes)
{
	uint32_t room = nodes * type_step(namespace, type), words = room + 1;

	if (words > DATA_WORDS_MAX)
		words = DATA_WORDS_MAX;
	if (room > words)
		room = words;
	return (struct trace){ namespace, type, 0, (uint8_t)type_words(type), (uint8_t)room, 0, words };
}

struct trace trace_for(uint32_t type, uint32_t nodes)
{
	return trace_in(NAMESPACE_PLAIN, type, nodes);
}

struct maker maker_begin(struct packets *packets, uint64_t *random)
{
	/* fd68:6466::, and fd68:7465::1, which the routers have a route to */
	static const uint8_t from[] = { 0xfd, 0x68, 0x64, 0x66 }, to[] = { 0xfd, 0x68, 0x74, 0x65 };
	struct maker maker = { .packets = packets, .random = random, .at = HOP_BY_HOP_AT + 2 };

	be32_store(maker.octets, 0x60000000 | random_below(random, 0x10000000));
	maker.octets[7] = (uint8_t)(2 + random_below(random, 254));
	memcpy(maker.octets + 8, from, sizeof(from));
	memcpy(maker.octets + 24, to, sizeof(to));
	maker.octets[39] = 1;
	return maker;
}

void maker_pad1(struct maker *maker, uint32_t count)
{
	memset(maker->octets + maker->at, 0, count);
	maker->at += count;
}

void maker_padn(struct maker *maker, uint32_t len)
{
	maker_pad1(maker, len);
	maker->octets[maker->at - len] = 1;
	maker->octets[maker->at - len + 1] = (uint8_t)(len - 2);
}

static void pad(struct maker *maker, uint32_t len)
{
	if (len > 1 && random_below(maker->random, 4))
		maker_padn(maker, len);
	else
		maker_pad1(maker, len);
}

void maker_align(struct maker *maker, uint32_t at)
{
	pad(maker, (at + 4 - maker->at % 4) % 4);
}

uint8_t *maker_option(struct maker *maker, uint8_t type, uint32_t len)
{
	uint8_t *option = maker->octets + maker->at;

	option[0] = type;
	option[1] = (uint8_t)len;
	for (uint32_t i = 0; i < len; i++)
		option[2 + i] = (uint8_t)random_next(maker->random);
	maker->at += 2 + len;
	return option;
}

uint8_t *maker_trace(struct maker *maker, const struct trace *trace)
{
	uint8_t *option = maker_option(maker, 0x31, 10 + 4 * trace->data_words);

	be16_store(option + 2, 0);
	be16_store(option + 4, trace->namespace);
	be16_store(option + 6, (uint16_t)(trace->node_words << 11 | trace->flags << 7 | trace->remaining));
	be32_store(option + 8, trace->type << 8 | trace->reserved);
	return option;
}

void maker_close(struct maker *maker)
{
	uint8_t *header = maker->octets + HOP_BY_HOP_AT, *udp;

	pad(maker, (8 - maker->at % 8) % 8);
	header[0] = 17;
	header[1] = (uint8_t)((maker->at - HOP_BY_HOP_AT) / 8 - 1);
	udp = maker->octets + maker->at;
	be32_store(udp, 0x9c400009); /* to the port that discards */
	be32_store(udp + 4, (8 + PAYLOAD_LEN) << 16 | random_below(maker->random, 0x10000));
	for (uint32_t i = 0; i < PAYLOAD_LEN; i++)
		udp[8 + i] = (uint8_t)random_next(maker->random);
	maker->at += 8 + PAYLOAD_LEN;
	be16_store(maker->octets + 4, (uint16_t)(maker->at - HOP_BY_HOP_AT));
}

void maker_add(struct maker *maker, const char *family, const char *outcome)
{
	packets_add(maker->packets, family, outcome, false, maker->octets, maker->at);
}

void maker_add_trace(struct packets *packets, uint64_t *random, const char *family, const char *outcome,
		     const struct trace *trace)
{
	struct maker maker = maker_begin(packets, random);

	maker_padn(&maker, 2);
	maker_trace(&maker, trace);
	maker_close(&maker);
	maker_add(&maker, family, outcome);
}
