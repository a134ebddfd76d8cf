/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Vectors and their mutations. */
#include "packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/ipv6.h"

/* $MUTATIONS: another number of them, where a processor is slow. */
static unsigned int mutations(void)
{
	const char *wanted = getenv("MUTATIONS");

	return wanted && *wanted ? (unsigned int)atoi(wanted) : 10000;
}

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Lengths are off by one as often as anything. */
static void octet_change(uint8_t *octet, uint64_t *random)
{
	switch (random_next(random) % 4) {
	case 0:
		*octet += 1;
		break;
	case 1:
		*octet -= 1;
		break;
	default:
		*octet = random_next(random) >> 32;
	}
}

/* Half of all changes meet the options' headers, one in eight what the programs read of the IPv6 header. */
static size_t octet_choose(size_t len, uint64_t *random)
{
	size_t from = len > IPV6_LEN ? IPV6_LEN : 0, reach = len - from, kind = random_next(random) % 8;

	if (kind == 0) {
		from = 0;
		reach = IPV6_HOP_LIMIT_AT + 1;
	} else if (kind < 5) {
		reach = 24;
	}
	if (from + reach > len)
		reach = len - from;
	return from + random_next(random) % reach;
}

static void packet_mutate(struct packet *packet, uint64_t *random)
{
	unsigned int changes = 1 + random_next(random) % 3;

	if (random_next(random) % 8 == 0)
		packet->len = 1 + random_next(random) % packet->len;
	while (changes--)
		octet_change(&packet->octets[octet_choose(packet->len, random)], random);
}

static void packet_from(const struct vector *vector, unsigned int mutation, struct packet *packet)
{
	packet->name = vector->name;
	packet->mutation = mutation;
	packet->outcome = mutation ? NULL : vector->outcome;
	packet->len = vector->len;
	memcpy(packet->octets, vector->octets, vector->len);
}

void packets_each(void (*check)(const struct packet *packet, void *arg), void *arg)
{
	uint64_t random = 0x9e3779b97f4a7c15;
	struct packet packet;
	size_t count;
	struct vector *vectors = vectors_read(&count);

	for (size_t i = 0; i < count; i++) {
		packet_from(&vectors[i], 0, &packet);
		check(&packet, arg);
	}
	for (unsigned int mutation = 1; mutation <= mutations(); mutation++) {
		packet_from(&vectors[mutation % count], mutation, &packet);
		packet_mutate(&packet, &random);
		check(&packet, arg);
	}
	free(vectors);
}

void packet_from_vector(const char *name, struct packet *packet)
{
	struct vector vector;

	vector_find(name, &vector);
	packet_from(&vector, 0, packet);
	packet->name = name;
	packet->outcome = NULL; /* it belongs to the vector, which ends here */
}

bool packet_has_options(const struct packet *packet)
{
	return packet->len >= IPV6_LEN && packet->octets[0] >> 4 == 6 &&
	       packet->octets[IPV6_NEXT_HEADER_AT] == NEXT_HEADER_HOP_BY_HOP;
}

static void octets_print(const char *what, const uint8_t *octets, size_t len)
{
	fprintf(stderr, "%s, %zu octets:", what, len);
	for (size_t i = 0; i < len; i++)
		fprintf(stderr, "%s%02x", i % 16 ? " " : "\n  ", octets[i]);
	fprintf(stderr, "\n");
}

void packet_expect(const struct packet *packet, const char *what, uint64_t saw, uint64_t wanted)
{
	if (saw == wanted)
		return;
	octets_print("packet", packet->octets, packet->len);
	fail_msg("%s, mutation %u: %s is %llu, wanted %llu", packet->name, packet->mutation, what,
		 (unsigned long long)saw, (unsigned long long)wanted);
}

void packet_expect_octets(const struct packet *packet, const char *what, const uint8_t *saw, size_t saw_len,
			  const uint8_t *wanted, size_t wanted_len)
{
	if (saw_len == wanted_len && memcmp(saw, wanted, saw_len) == 0)
		return;
	octets_print("packet", packet->octets, packet->len);
	octets_print("saw", saw, saw_len);
	octets_print("wanted", wanted, wanted_len);
	fail_msg("%s, mutation %u: %s is not what was wanted", packet->name, packet->mutation, what);
}
