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

static void payload_len_lower(uint8_t *ip6, size_t by)
{
	uint32_t payload_len = ip6[4] << 8 | ip6[5];

	assert_true(payload_len >= by);
	payload_len -= by;
	ip6[4] = payload_len >> 8;
	ip6[5] = payload_len;
}

/* Where one option or padding after the one at `at` begins. */
static size_t option_next(const uint8_t *ip6, size_t at)
{
	return at + (ip6[at] == OPTION_PAD1 ? 1 : 2 + ip6[at + 1]);
}

size_t packet_cut(uint8_t *ip6, size_t len, size_t option)
{
	size_t all = len, stop = IPV6_LEN + (ip6[IPV6_LEN + 1] + 1) * 8, from = IPV6_LEN + 2, to, padding;

	for (size_t at = from; at != option; at = option_next(ip6, at))
		if (ip6[at] > OPTION_PADN)
			from = option_next(ip6, at);
	for (to = option_next(ip6, option); to < stop && ip6[to] <= OPTION_PADN;)
		to = option_next(ip6, to);
	padding = (to - from) % 8;
	memmove(ip6 + from + padding, ip6 + to, len - to);
	memset(ip6 + from, 0, padding);
	if (padding > 1) {
		ip6[from] = OPTION_PADN;
		ip6[from + 1] = padding - 2;
	}
	len = to - from - padding;
	ip6[IPV6_LEN + 1] -= len / 8;
	payload_len_lower(ip6, len);
	return all - len;
}

size_t packet_cut_header(uint8_t *ip6, size_t len)
{
	size_t header_len = (ip6[IPV6_LEN + 1] + 1) * 8;

	payload_len_lower(ip6, header_len);
	ip6[IPV6_NEXT_HEADER_AT] = ip6[IPV6_LEN];
	memmove(ip6 + IPV6_LEN, ip6 + IPV6_LEN + header_len, len - IPV6_LEN - header_len);
	return len - header_len;
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
