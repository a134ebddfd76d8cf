/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Places in a packet. */
#include "fields.h"

#include <stdio.h>
#include <string.h>

#include "node.h"
#include "wire/bytes.h"

enum { OPTIONS_AT = 42, OPTION_IOAM = 0x31, OPTION_IMMUTABLE = 0x11, TRACE_LEN = 12 };

static uint32_t header_end(const uint8_t *octets, uint32_t len)
{
	uint32_t end = len > 41 ? 40 + (octets[41] + 1U) * 8 : 0;

	return len >= 48 && octets[6] == 0 && end <= len ? end : 0;
}

/* The next option or padding behind `at`, or 0. */
static uint32_t option_next(const uint8_t *octets, uint32_t end, uint32_t at)
{
	if (at >= end || (octets[at] && at + 2 > end))
		return 0;
	at += octets[at] ? 2U + octets[at + 1] : 1;
	return at > end ? 0 : at;
}

static bool is_trace(const uint8_t *option)
{
	uint16_t namespace = be16_load(option + 4);

	return option[0] == OPTION_IOAM && option[1] >= TRACE_LEN - 2 && option[3] == 0 &&
	       (namespace == NAMESPACE_PLAIN || namespace == NAMESPACE_SCHEMA);
}

uint32_t slots_find(const uint8_t *before, uint32_t before_len, const uint8_t *after, struct slot slots[SLOTS_MAX])
{
	uint32_t end = header_end(before, before_len), count = 0;

	for (uint32_t at = OPTIONS_AT, next; count < SLOTS_MAX && (next = option_next(before, end, at)); at = next) {
		uint32_t left, had;

		if (!is_trace(before + at))
			continue;
		had = before[at + 7] & 0x7f;
		left = after[at + 7] & 0x7f;
		slots[count++] = (struct slot){
			.namespace = be16_load(before + at + 4),
			.option = (uint16_t)at,
			.at = (uint16_t)(at + TRACE_LEN + left * 4),
			.len = left < had ? (uint16_t)((had - left) * 4) : 0,
			.option_len = (uint16_t)(next - at),
			.type = be32_load(before + at + 8) >> 8,
		};
	}
	return count;
}

static uint32_t field_len(int n)
{
	return n >= 8 && n <= 10 ? 8 : n == 23 ? 0 : 4;
}

uint8_t *slot_field(const struct slot *slot, uint8_t *octets, int n)
{
	uint32_t at = slot->at;

	if (!slot->len || !(slot->type & 0x800000U >> n))
		return NULL;
	for (int i = 0; i < n; i++)
		if (slot->type & 0x800000U >> i)
			at += field_len(i);
	return octets + at;
}

const char *octet_name(const struct slot *slots, uint32_t count, uint32_t at)
{
	static char name[64];

	snprintf(name, sizeof(name), at == 7 ? "hop limit" : at < 40 ? "IPv6 header" : "what is no node data");
	for (uint32_t i = 0; i < count; i++) {
		uint32_t from = slots[i].at;

		if (at >= slots[i].option && at < slots[i].option + (uint32_t)TRACE_LEN)
			snprintf(name, sizeof(name), "trace header");
		for (int n = 0; n < 24 && slots[i].len; n++) {
			uint32_t len = slots[i].type & 0x800000U >> n ? field_len(n) : 0;

			if (at >= from && at < from + len)
				snprintf(name, sizeof(name), "node data of bit %d", n);
			from += len;
		}
	}
	return name;
}

/* Those that tell a router to discard them, and those whose form Linux checks: router alert, CALIPSO, jumbo payload. */
bool option_refused(const struct packet *packet)
{
	uint32_t end = header_end(packet->octets, packet->len);

	for (uint32_t at = OPTIONS_AT, next; (next = option_next(packet->octets, end, at)); at = next) {
		const uint8_t *option = packet->octets + at;

		if (option[0] & 0xc0 || option[0] == 0x07 || (option[0] == 0x05 && option[1] != 2))
			return true;
	}
	return false;
}

bool node_len_lies(const struct packet *packet)
{
	uint32_t end = header_end(packet->octets, packet->len);

	for (uint32_t at = OPTIONS_AT, next; (next = option_next(packet->octets, end, at)); at = next) {
		const uint8_t *option = packet->octets + at;
		uint32_t words = 0;

		if (option[0] != OPTION_IOAM || option[1] < TRACE_LEN - 2 || option[3])
			continue;
		for (int n = 0; n <= 21; n++)
			words += be32_load(option + 8) >> 8 & 0x800000U >> n ? field_len(n) / 4 : 0;
		if (option[6] >> 3 != words)
			return true;
	}
	return false;
}

bool tshark_is_misled(const struct packet *packet)
{
	static const uint8_t read[] = { 0x04, 0x07, 0x08, 0x0f, 0x23, 0x26, 0x30 };
	uint32_t end = header_end(packet->octets, packet->len);

	for (uint32_t at = OPTIONS_AT, next; (next = option_next(packet->octets, end, at)); at = next) {
		const uint8_t *option = packet->octets + at;

		if (memchr(read, option[0], sizeof(read)) ||
		    (option[0] == OPTION_IOAM && option[1] >= 2 && option[3] == 1) ||
		    (option[0] == OPTION_IMMUTABLE && option[1] >= 2 && option[3] <= 1))
			return true;
	}
	return be16_load(packet->octets + 4) == 0;
}

uint32_t option_steps(const uint8_t *octets, uint32_t len)
{
	uint32_t end = header_end(octets, len), steps = 0;

	for (uint32_t at = OPTIONS_AT; (at = option_next(octets, end, at));)
		steps++;
	return steps;
}

bool trace_uneven(const uint8_t *octets, uint32_t len)
{
	uint32_t end = header_end(octets, len);

	for (uint32_t at = OPTIONS_AT, next; (next = option_next(octets, end, at)); at = next)
		if (octets[at] == OPTION_IOAM && octets[at + 1] >= TRACE_LEN - 2 && octets[at + 3] == 0 &&
		    (octets[at + 1] - (TRACE_LEN - 2)) % 4)
			return true;
	return false;
}
