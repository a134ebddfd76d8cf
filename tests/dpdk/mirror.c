/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The router's table, as workers read it, beside a plain search over all routes and neighbours that were told of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <rte_eal.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpdk-app/mirror.h"

enum {
	PORTS = 3,
	ROUTES = 400,
	NEIGHBOURS = 60,
	ROUNDS = 150,
	CHANGES = 20,
	LOOKS = 400,
	ROOM = 2048,
};

struct known_route {
	uint8_t prefix[16], len;
	struct mirror_route route;
	bool there;
};

struct known {
	struct known_route routes[ROUTES];
	struct mirror_neighbour neighbours[NEIGHBOURS];
	bool is_there[NEIGHBOURS];
	struct mirror_port ports[PORTS];
};

static struct rte_rcu_qsbr *readers;
static struct table table;
static struct mirror *mirror;
static struct known known;
static int by_group;

/* Few different octets, so that prefixes lie in each other. */
static void address_make(uint8_t *address)
{
	static const uint8_t front[] = { 0x20, 0x01, 0x0d, 0xb8 };

	memcpy(address, front, sizeof(front));
	for (int i = 4; i < 16; i++)
		address[i] = rand() % 4 ? 0 : (uint8_t)((rand() & 1) << 7 | (rand() & 1));
}

static bool is_within(const uint8_t *address, const uint8_t *prefix, unsigned int len)
{
	for (unsigned int bit = 0; bit < len; bit++)
		if ((address[bit / 8] ^ prefix[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

static void prefix_make(uint8_t *prefix, uint8_t *len)
{
	static const uint8_t lens[] = { 0, 16, 24, 25, 32, 40, 48, 56, 64, 65, 96, 127, 128, 128 };

	*len = lens[(size_t)rand() % sizeof(lens)];
	address_make(prefix);
	for (unsigned int bit = *len; bit < 128; bit++)
		prefix[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

static void gateway_make(uint8_t *gateway)
{
	memset(gateway, 0, 16);
	if (rand() % 3 == 0)
		return;
	gateway[0] = 0xfe;
	gateway[1] = 0x80;
	gateway[15] = (uint8_t)(1 + rand() % 4);
}

static void route_make(struct known_route *made)
{
	memset(made, 0, sizeof(*made));
	prefix_make(made->prefix, &made->len);
	made->route.metric = 1 + (uint32_t)rand() % 3;
	made->route.mtu = rand() % 4 ? 0 : 1280;
	made->route.count = rand() % 4 ? 1 : 1 + (uint32_t)rand() % 3;
	for (uint32_t i = 0; i < made->route.count; i++) {
		made->route.nexts[i].ifindex = 10 + (uint32_t)rand() % 16 % (PORTS + 1); /* one of them is no port */
		made->route.nexts[i].weight = 1 + (uint32_t)rand() % 3;
		gateway_make(made->route.nexts[i].gateway);
	}
	made->route.local = made->len >= 64 && rand() % 12 == 0;
	made->route.odd = rand() % 10 == 0;
}

/* As the kernel: no two routes that differ in nothing. */
static bool route_is_known(const struct known_route *wanted)
{
	for (int i = 0; i < ROUTES; i++)
		if (known.routes[i].there && known.routes[i].len == wanted->len &&
		    memcmp(known.routes[i].prefix, wanted->prefix, 16) == 0 &&
		    memcmp(&known.routes[i].route, &wanted->route, sizeof(wanted->route)) == 0)
			return true;
	return false;
}

static void route_change(int at)
{
	struct known_route *route = &known.routes[at];

	if (route->there) {
		assert_true(mirror_route_remove(mirror, route->prefix, route->len, &route->route));
		route->there = false;
		return;
	}
	route_make(route);
	if (route_is_known(route))
		return;
	mirror_route_add(mirror, route->prefix, route->len, &route->route, false);
	route->there = true;
}

static void neighbour_change(int at)
{
	struct mirror_neighbour *neighbour = &known.neighbours[at];

	if (known.is_there[at] && rand() % 2) {
		neighbour->mac[5]++;
		mirror_neighbour_put(mirror, neighbour);
	} else if (known.is_there[at]) {
		mirror_neighbour_remove(mirror, neighbour->ifindex, neighbour->address);
		known.is_there[at] = false;
	} else {
		mirror_neighbour_put(mirror, neighbour);
		known.is_there[at] = true;
	}
}

/* No two of them are the same neighbour. */
static void neighbours_make(void)
{
	for (int i = 0; i < NEIGHBOURS; i++) {
		struct mirror_neighbour *made = &known.neighbours[i];

		memset(made, 0, sizeof(*made));
		address_make(made->address);
		made->address[13] = (uint8_t)i;
		if (i < 12) {
			memset(made->address, 0, 16);
			made->address[0] = 0xfe;
			made->address[1] = 0x80;
			made->address[15] = (uint8_t)(1 + i % 4);
		}
		made->ifindex = 10 + (uint32_t)(i < 12 ? i / 4 : i % PORTS);
		memcpy(made->mac, (uint8_t[]){ 2, 0, 0, 0, (uint8_t)i, 0 }, 6);
	}
}

static const struct known_route *best_of(const uint8_t *address, bool local, bool *alone)
{
	const struct known_route *best = NULL;

	for (int i = 0; i < ROUTES; i++) {
		const struct known_route *one = &known.routes[i];

		if (!one->there || one->route.local != local || !is_within(address, one->prefix, one->len))
			continue;
		if (!best || one->len > best->len ||
		    (one->len == best->len && one->route.metric < best->route.metric)) {
			best = one;
			*alone = true;
		} else if (one->len == best->len && one->route.metric == best->route.metric) {
			*alone = false;
		}
	}
	return best;
}

static const uint8_t none[16];

static bool is_gateway(const struct mirror_next *next)
{
	return memcmp(next->gateway, none, 16) != 0;
}

/* One of those that the route has, by the flow's hash. */
static const struct mirror_next *next_expect(const struct mirror_route *route, uint32_t hash)
{
	uint64_t sum = 0, all = 0;

	for (uint32_t i = 0; i < route->count; i++) {
		if (route->nexts[i].ifindex >= 10 + PORTS || (route->count > 1 && !is_gateway(&route->nexts[i])))
			return NULL;
		all += route->nexts[i].weight;
	}
	for (uint32_t i = 0; i < route->count; i++) {
		sum += route->nexts[i].weight;
		if (hash < (sum << 32) / all)
			return &route->nexts[i];
	}
	return NULL;
}

/* What the kernel would do, as a hop; false: it has to do it itself. */
static bool hop_expect(const uint8_t *address, uint32_t hash, struct hop *hop)
{
	bool alone = true;
	const struct known_route *best = best_of(address, true, &alone);
	const struct mirror_next *way;
	const uint8_t *next;

	if (best)
		return false;
	best = best_of(address, false, &alone);
	if (!best || !alone || best->route.odd)
		return false;
	way = next_expect(&best->route, hash);
	if (!way)
		return false;
	next = is_gateway(way) ? way->gateway : address;
	for (int i = 0; i < NEIGHBOURS; i++) {
		const struct mirror_port *port = &known.ports[way->ifindex - 10];

		if (!known.is_there[i] || known.neighbours[i].ifindex != way->ifindex ||
		    memcmp(known.neighbours[i].address, next, 16) != 0)
			continue;
		memset(hop, 0, sizeof(*hop));
		hop->port = (uint16_t)(way->ifindex - 10);
		hop->mtu = best->route.mtu && best->route.mtu < port->mtu ? best->route.mtu : port->mtu;
		memcpy(hop->addresses, known.neighbours[i].mac, 6);
		memcpy(hop->addresses + 6, port->mac, 6);
		return true;
	}
	return false;
}

static void look(const uint8_t *address, int *by_table)
{
	uint32_t hash = (uint32_t)rand() << 1 ^ (uint32_t)rand();
	uint8_t addresses[1][16];
	uint64_t number;
	const struct hop *hop;
	struct hop expected;

	memcpy(addresses[0], address, 16);
	assert_non_null(table.routes);
	assert_int_equal(rte_fib6_lookup_bulk(table.routes, TABLE_ADDRESS(addresses), &number, 1), 0);
	if (table_is_group(number)) {
		number = table_pick(&table, number, hash);
		by_group++;
	}
	hop = table_hop_at(&table, number);
	if (!hop_expect(address, hash, &expected)) {
		assert_null(hop);
		return;
	}
	assert_non_null(hop);
	assert_memory_equal(hop, &expected, sizeof(expected));
	(*by_table)++;
}

/* Of random addresses, of all neighbours, and of each prefix its first. */
static int all_look(void)
{
	uint8_t address[16];
	int by_table = 0;

	for (int i = 0; i < LOOKS; i++) {
		address_make(address);
		look(address, &by_table);
	}
	for (int i = 12; i < NEIGHBOURS; i++)
		look(known.neighbours[i].address, &by_table);
	for (int i = 0; i < ROUTES; i++)
		if (known.routes[i].there)
			look(known.routes[i].prefix, &by_table);
	return by_table;
}

static void ports_make(void)
{
	for (uint32_t i = 0; i < PORTS; i++) {
		known.ports[i] = (struct mirror_port){ 10 + i, 1500 - 100 * i, { 6, 0, 0, 0, 0, (uint8_t)i } };
		mirror_port_set(mirror, i, &known.ports[i]);
	}
}

static int mirror_begin(void **state)
{
	(void)state;
	memset(&known, 0, sizeof(known));
	srand(7);
	rte_rcu_qsbr_init(readers, 1);
	if (table_open(&table, ROOM, readers) || mirror_open(&mirror, &table, ROOM))
		return -1;
	ports_make();
	neighbours_make();
	return 0;
}

static int mirror_end(void **state)
{
	(void)state;
	mirror_close(mirror);
	table_close(&table);
	return 0;
}

static void same_as_a_plain_search(void **state)
{
	int by_table = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CHANGES; i++) {
			route_change(rand() % ROUTES);
			neighbour_change(rand() % NEIGHBOURS);
		}
		mirror_commit(mirror);
		by_table += all_look();
	}
	print_message("%d hops were by the table, of %d groups\n", by_table, by_group);
	assert_true(by_table > ROUNDS * 20 && by_group > ROUNDS);
}

/* Told of all again, with some of them gone meanwhile. */
static void reading_all_again(void **state)
{
	(void)state;
	for (int i = 0; i < ROUTES; i++)
		route_change(i);
	for (int i = 0; i < NEIGHBOURS; i++)
		neighbour_change(i);
	mirror_commit(mirror);
	all_look();
	for (int round = 0; round < 5; round++) {
		mirror_read_begin(mirror);
		for (int i = 0; i < ROUTES; i++) {
			known.routes[i].there = known.routes[i].there && rand() % 5;
			if (known.routes[i].there)
				mirror_route_add(mirror, known.routes[i].prefix, known.routes[i].len,
						 &known.routes[i].route, false);
		}
		for (int i = 0; i < NEIGHBOURS; i++) {
			known.is_there[i] = known.is_there[i] && rand() % 5;
			if (known.is_there[i])
				mirror_neighbour_put(mirror, &known.neighbours[i]);
		}
		mirror_read_end(mirror);
		mirror_commit(mirror);
		all_look();
	}
}

/* A message that does not fit what is known: the prefix is the kernel's until all is read. */
static void what_does_not_fit_is_the_kernels(void **state)
{
	static const uint8_t prefix[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	struct mirror_route one = { .nexts = { { { 0xfe, 0x80, [15] = 1 }, 10, 1 } }, .count = 1, .metric = 5 },
			    other = one;
	int by_table = 0;

	(void)state;
	neighbour_change(0);
	neighbour_change(1);
	other.nexts[0].gateway[15] = 2;
	known.routes[0] = (struct known_route){ .len = 32, .route = one, .there = true };
	memcpy(known.routes[0].prefix, prefix, 16);
	assert_true(mirror_route_add(mirror, prefix, 32, &one, false));
	mirror_commit(mirror);
	look(prefix, &by_table);
	assert_int_equal(by_table, 1);

	assert_false(mirror_route_remove(mirror, prefix, 32, &other));
	known.routes[0].route.odd = true;
	mirror_commit(mirror);
	look(prefix, &by_table);
	assert_int_equal(by_table, 1);

	assert_true(mirror_route_add(mirror, prefix, 32, &other, true));
	known.routes[0].route = other;
	mirror_commit(mirror);
	look(prefix, &by_table);
	assert_int_equal(by_table, 2);
}

/* More than there is room for: nothing by the table, until all fits again. */
static void a_full_table_is_not_used(void **state)
{
	struct mirror_route route = { .nexts = { { { 0xfe, 0x80, [15] = 1 }, 10, 1 } }, .count = 1, .metric = 5 };
	uint8_t prefix[16] = { 0x20, 0x01 };
	int by_table = 0;

	(void)state;
	neighbour_change(0);
	for (unsigned int i = 0; i < 4 * ROOM; i++) {
		prefix[4] = (uint8_t)(i >> 8);
		prefix[5] = (uint8_t)i;
		mirror_route_add(mirror, prefix, 48, &route, false);
	}
	mirror_commit(mirror);
	assert_null(table.routes);
	assert_int_equal(table.why, OUTCOME_kernel_route);

	mirror_read_begin(mirror);
	mirror_neighbour_put(mirror, &known.neighbours[0]);
	known.routes[0] = (struct known_route){ .len = 48, .route = route, .there = true };
	memcpy(known.routes[0].prefix, prefix, 16);
	assert_true(mirror_route_add(mirror, prefix, 48, &route, false));
	mirror_read_end(mirror);
	mirror_commit(mirror);
	look(prefix, &by_table);
	assert_int_equal(by_table, 1);
	prefix[5]--;
	look(prefix, &by_table);
	assert_int_equal(by_table, 1);
}

static void a_neighbour_in_use_is_named(void *context, uint32_t ifindex, const uint8_t *address)
{
	assert_int_equal(ifindex, 10);
	assert_int_equal(address[15], 1);
	++*(int *)context;
}

static void used_neighbours_are_named_once(void **state)
{
	static const uint8_t prefix[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	struct mirror_route route = { .nexts = { { { 0xfe, 0x80, [15] = 1 }, 10, 1 } }, .count = 1, .metric = 5 };
	uint32_t number = 0;
	int named = 0;

	(void)state;
	known.neighbours[0].stale = true;
	neighbour_change(0);
	mirror_route_add(mirror, prefix, 32, &route, false);
	mirror_commit(mirror);
	mirror_used(mirror, a_neighbour_in_use_is_named, &named);
	assert_int_equal(named, 0);
	assert_true(table_route_get(&table, prefix, 32, &number));
	table_use(&table, number);
	mirror_used(mirror, a_neighbour_in_use_is_named, &named);
	mirror_used(mirror, a_neighbour_in_use_is_named, &named);
	assert_int_equal(named, 1);
}

int main(void)
{
	static char *words[] = { "mirror",
				 "--no-huge",
				 "--no-shconf",
				 "--no-pci",
				 "--no-telemetry",
				 "--log-level=error",
				 "--iova-mode=va",
				 "-m",
				 "192",
				 "--lcores=0",
				 NULL };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(same_as_a_plain_search, mirror_begin, mirror_end),
		cmocka_unit_test_setup_teardown(reading_all_again, mirror_begin, mirror_end),
		cmocka_unit_test_setup_teardown(what_does_not_fit_is_the_kernels, mirror_begin, mirror_end),
		cmocka_unit_test_setup_teardown(a_full_table_is_not_used, mirror_begin, mirror_end),
		cmocka_unit_test_setup_teardown(used_neighbours_are_named_once, mirror_begin, mirror_end),
	};
	int failed;

	if (rte_eal_init(sizeof(words) / sizeof(words[0]) - 1, words) < 0)
		return 1;
	readers = rte_zmalloc("readers", rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rte_free(readers);
	rte_eal_cleanup();
	return failed;
}
