/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The packets that go through the programs: every vector, and random mutations of them, the same in each run. */
#ifndef HOPSPAN_TESTS_PACKET_H
#define HOPSPAN_TESTS_PACKET_H

#include <stdbool.h>

#include "tests/unit/vector.h"

struct packet {
	const char *name;      /* of the vector */
	unsigned int mutation; /* 0: as it is */
	const char *outcome;   /* what the vector says of it; NULL: mutated */
	uint8_t octets[VECTOR_LEN_MAX];
	size_t len;
};

void packets_each(void (*check)(const struct packet *packet, void *arg), void *arg);

/* Headers with options of others beside ours, which may be there twice. */
void headers_each(void (*check)(const struct packet *packet, void *arg), void *arg);

void packet_from_vector(const char *name, struct packet *packet);

/* IPv6 with a hop-by-hop header: all that the programs look at. */
bool packet_has_options(const struct packet *packet);

/*
 * What RFC 8200 makes of a packet without one option, which goes with the padding on both sides: what is behind it
 * moves by whole 8 octets. And of one without its hop-by-hop header. The new length.
 */
size_t packet_cut(uint8_t *ip6, size_t len, size_t option);
size_t packet_cut_header(uint8_t *ip6, size_t len);

/* Fails the test unless both are the same; says which packet, and shows it. */
void packet_expect(const struct packet *packet, const char *what, uint64_t saw, uint64_t wanted);
void packet_expect_octets(const struct packet *packet, const char *what, const uint8_t *saw, size_t saw_len,
			  const uint8_t *wanted, size_t wanted_len);

#endif
