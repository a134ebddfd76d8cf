/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Histograms of durations, their median, and the keys under which they are kept. */
#include "usual.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "attribute.h"

#define HALVE_NS (6 * 3600 * 1000000000LL)
_Static_assert(sizeof(((struct usual *)0)->count) == 1024, "a histogram is 1 kB");

static void usual_halve(struct usual *usual)
{
	for (unsigned int i = 0; i < USUAL_BUCKETS; i++)
		usual->count[i] /= 2;
}

static void usual_age(struct usual *usual, int64_t now_unix_ns)
{
	int64_t halvings;

	if (!usual->halved_unix_ns)
		usual->halved_unix_ns = now_unix_ns;
	halvings = (now_unix_ns - usual->halved_unix_ns) / HALVE_NS;
	if (halvings <= 0)
		return;
	usual->halved_unix_ns += halvings * HALVE_NS;
	for (int i = 0; i < halvings && i < 16; i++)
		usual_halve(usual);
}

void usual_add(struct usual *usual, int64_t duration_ns, int64_t now_unix_ns)
{
	uint16_t *count = &usual->count[histogram_bucket(duration_ns < 0 ? 0 : (uint64_t)duration_ns)];

	usual_age(usual, now_unix_ns);
	if (*count == UINT16_MAX)
		usual_halve(usual);
	++*count;
}

uint64_t usual_packets(const struct usual *usual)
{
	uint32_t packets = 0;

	for (unsigned int i = 0; i < USUAL_BUCKETS; i++)
		packets += usual->count[i];
	return packets;
}

int64_t usual_median(const struct usual *usual)
{
	uint64_t packets = usual_packets(usual), seen = 0;
	unsigned int bucket = 0;

	if (packets < USUAL_ENOUGH)
		return -1;
	while ((seen += usual->count[bucket]) < (packets + 1) / 2)
		bucket++;
	return (int64_t)histogram_middle(bucket);
}

void usual_key_stay(const char *node, const char *egress_if, char key[USUAL_KEY_SIZE])
{
	snprintf(key, USUAL_KEY_SIZE, egress_if ? "stay %s %s" : "stay %s", node, egress_if);
}

void usual_key_link(const char *from, const char *to, char key[USUAL_KEY_SIZE])
{
	snprintf(key, USUAL_KEY_SIZE, "link %s %s", from, to);
}

void usual_key_hop(const char *from, const char *to, char key[USUAL_KEY_SIZE])
{
	snprintf(key, USUAL_KEY_SIZE, "hop %s %s", from, to);
}

static void prefix_text(const struct in6_addr *address, char text[INET6_ADDRSTRLEN])
{
	struct in6_addr prefix = *address;

	memset(prefix.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &prefix, text, INET6_ADDRSTRLEN);
}

void usual_key_transfer(const struct in6_addr *source, const struct in6_addr *destination, const char *direction,
			char key[USUAL_KEY_SIZE])
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

	prefix_text(source, from);
	prefix_text(destination, to);
	snprintf(key, USUAL_KEY_SIZE, "transfer %s/64 %s/64 %s", from, to, direction);
}

static bool key_transfer(const struct span_attrs *attrs, char key[USUAL_KEY_SIZE])
{
	struct in6_addr source, destination;

	if (inet_pton(AF_INET6, attr_get_string(attrs, attributes[AT_source_address].key, ""), &source) != 1 ||
	    inet_pton(AF_INET6, attr_get_string(attrs, attributes[AT_destination_address].key, ""), &destination) != 1)
		return false;
	usual_key_transfer(&source, &destination, attr_get_string(attrs, attributes[AT_direction].key, ""), key);
	return true;
}

bool usual_key(const struct span *span, char key[USUAL_KEY_SIZE])
{
	const char *kind = attr_get_string(&span->attrs, attributes[AT_kind].key, "");
	const char *node = attr_get_string(&span->attrs, attributes[AT_node].key, NULL);
	const char *from = attr_get_string(&span->attrs, attributes[AT_from].key, NULL);
	const char *to = attr_get_string(&span->attrs, attributes[AT_to].key, NULL);

	if (strcmp(kind, "transfer") == 0)
		return key_transfer(&span->attrs, key);
	if (strcmp(kind, "node") == 0 && node)
		usual_key_stay(node, attr_get_string(&span->attrs, attributes[AT_egress_if].key, NULL), key);
	else if (strcmp(kind, "link") == 0 && from && to)
		usual_key_link(from, to, key);
	else if (strcmp(kind, "hop") == 0 && from && to)
		usual_key_hop(from, to, key);
	else
		return false;
	return true;
}
