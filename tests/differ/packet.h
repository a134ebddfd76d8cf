/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The packets of the differential test: made once, sent through every dataplane.
 *
 * Each says who it is in the last 8 octets of its source address, which no router looks at, no change of a packet meets
 * and no end cut off takes away: 4 octets that tell this run from another, 4 of the packet's number.
 */
#ifndef HOPSPAN_DIFFER_PACKET_H
#define HOPSPAN_DIFFER_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PACKET_LEN_MAX = 2304,
	PACKET_ID_AT = 16, /* in the IPv6 header */
	PACKET_ID_LEN = 8,
};

struct packet {
	const char *family;
	const char *outcome; /* what it must be counted as; NULL: as the kernel treats it */
	bool header_changed; /* its IPv6 header may be one that Linux drops */
	uint16_t len;
	uint8_t *octets; /* from the IPv6 header on */
};

struct packets {
	struct packet *list;
	uint32_t count, room;
	uint32_t run; /* tells it from other runs */
};

/* Adds a copy that has its number in it, where it is long enough for that. */
void packets_add(struct packets *packets, const char *family, const char *outcome, bool header_changed,
		 const uint8_t *octets, uint32_t len);

/* The number of a packet of this run; -1: none. */
int64_t packets_number(const struct packets *packets, const uint8_t *octets, uint32_t len);

/* xorshift: the same numbers for the same seed. */
uint32_t random_next(uint64_t *state);
uint32_t random_below(uint64_t *state, uint32_t limit);

/* families.c: every case that can be listed. */
void families_add(struct packets *packets, uint64_t *random);

/* mutate.c: `count` changes of packets that are there. */
void mutations_add(struct packets *packets, uint32_t count, uint64_t *random);

#endif
