/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The list of packets, and their numbers. */
#include "packet.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "wire/bytes.h"

void packets_add(struct packets *packets, const char *family, const char *outcome, bool header_changed,
		 const uint8_t *octets, uint32_t len)
{
	struct packet *packet;

	if (packets->count == packets->room) {
		packets->room = packets->room ? 2 * packets->room : 1024;
		packets->list = realloc(packets->list, packets->room * sizeof(*packets->list));
	}
	packet = &packets->list[packets->count];
	*packet = (struct packet){ family, outcome, header_changed, (uint16_t)len, malloc(len) };
	if (!packet->octets)
		err(1, "packets");
	memcpy(packet->octets, octets, len);
	if (len >= PACKET_ID_AT + PACKET_ID_LEN) {
		be32_store(packet->octets + PACKET_ID_AT, packets->run);
		be32_store(packet->octets + PACKET_ID_AT + 4, packets->count);
	}
	packets->count++;
}

int64_t packets_number(const struct packets *packets, const uint8_t *octets, uint32_t len)
{
	if (len < PACKET_ID_AT + PACKET_ID_LEN || be32_load(octets + PACKET_ID_AT) != packets->run)
		return -1;
	return be32_load(octets + PACKET_ID_AT + 4);
}

uint32_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 24);
}

uint32_t random_below(uint64_t *state, uint32_t limit)
{
	return random_next(state) % limit;
}
