/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The kernel's routes by prefix, its neighbours, and the hops made of both. One thread's. */
#include "mirror.h"

#include <errno.h>
#include <rte_errno.h>
#include <stdlib.h>
#include <string.h>

enum { NEIGHBOURS_MAX = 65536, LINK_LOCAL_BITS = 10 };

struct route_entry {
	struct mirror_route route;
	struct route_entry *next;
	uint32_t seen; /* the reading that last told of it */
};

struct neighbour_entry {
	struct mirror_neighbour neighbour;
	uint32_t seen;
};

/* What a hop is made of; one number of the table's for each. */
struct way {
	uint8_t address[TABLE_ADDRESS_LEN]; /* the neighbour's */
	uint32_t ifindex;
	uint32_t mtu; /* the route's; 0: the device's */
	uint32_t users;
	bool taken;
};

/* Several ways, each by its number; one number of the table's for them. */
struct bunch {
	struct group group;
	uint32_t users;
	bool taken;
};

struct mirror {
	struct table *table;
	struct rte_rib6 *prefixes; /* with each node a list of routes */
	struct mirror_port ports[PORTS_MAX];
	struct neighbour_entry *neighbours;
	unsigned int neighbour_count, neighbour_room;
	struct way ways[TABLE_HOPS_MAX];
	uint32_t way_end; /* above the last one taken */
	struct bunch bunches[TABLE_GROUPS_MAX];
	uint32_t bunch_end;
	uint32_t reading, route_count;
	bool is_reading;
	bool has_new; /* a way whose neighbour is not known */
};

static const uint8_t no_address[TABLE_ADDRESS_LEN];

int mirror_open(struct mirror **mirror, struct table *table, uint32_t route_max)
{
	const struct rte_rib6_conf conf = { .ext_sz = sizeof(struct route_entry *), .max_nodes = 2 * (int)route_max };
	struct mirror *opened = calloc(1, sizeof(*opened));

	if (!opened)
		return -ENOMEM;
	opened->table = table;
	opened->way_end = TABLE_HOP_FIRST;
	opened->prefixes = rte_rib6_create("hopspan", SOCKET_ID_ANY, &conf);
	if (!opened->prefixes) {
		free(opened);
		return -ENOMEM;
	}
	*mirror = opened;
	return 0;
}

static struct route_entry **node_routes(const struct rte_rib6_node *node)
{
	return rte_rib6_get_ext((struct rte_rib6_node *)node);
}

static struct rte_rib6_node *prefix_next(struct mirror *mirror, struct rte_rib6_node *last)
{
	return rte_rib6_get_nxt(mirror->prefixes, TABLE_ADDRESS((uint8_t *)no_address), 0, last, RTE_RIB6_GET_NXT_ALL);
}

static void routes_free(struct mirror *mirror, struct rte_rib6_node *node)
{
	struct route_entry *entry;

	while ((entry = *node_routes(node))) {
		*node_routes(node) = entry->next;
		free(entry);
		mirror->route_count--;
	}
}

void mirror_close(struct mirror *mirror)
{
	struct rte_rib6_node *node = NULL;

	if (!mirror)
		return;
	while ((node = prefix_next(mirror, node)))
		routes_free(mirror, node);
	node = rte_rib6_lookup_exact(mirror->prefixes, TABLE_ADDRESS((uint8_t *)no_address), 0);
	if (node)
		routes_free(mirror, node);
	rte_rib6_free(mirror->prefixes);
	free(mirror->neighbours);
	free(mirror);
}

static bool address_is_within(const uint8_t *address, const uint8_t *prefix, uint32_t len)
{
	if (memcmp(address, prefix, len / 8) != 0)
		return false;
	return len % 8 == 0 || ((address[len / 8] ^ prefix[len / 8]) & (uint8_t)(0xff00 >> len % 8)) == 0;
}

static bool is_link_local(const uint8_t *address)
{
	static const uint8_t prefix[TABLE_ADDRESS_LEN] = { 0xfe, 0x80 };

	return address_is_within(address, prefix, LINK_LOCAL_BITS);
}

/* Neighbours */

static struct neighbour_entry *neighbour_find(const struct mirror *mirror, uint32_t ifindex, const uint8_t *address)
{
	for (unsigned int i = 0; i < mirror->neighbour_count; i++) {
		struct neighbour_entry *entry = &mirror->neighbours[i];

		if (entry->neighbour.ifindex == ifindex &&
		    memcmp(entry->neighbour.address, address, TABLE_ADDRESS_LEN) == 0)
			return entry;
	}
	return NULL;
}

static struct neighbour_entry *neighbour_add(struct mirror *mirror)
{
	if (mirror->neighbour_count == mirror->neighbour_room) {
		unsigned int room = mirror->neighbour_room ? 2 * mirror->neighbour_room : 64;
		struct neighbour_entry *more;

		if (room > NEIGHBOURS_MAX)
			return NULL;
		more = reallocarray(mirror->neighbours, room, sizeof(*more));
		if (!more)
			return NULL;
		mirror->neighbours = more;
		mirror->neighbour_room = room;
	}
	return &mirror->neighbours[mirror->neighbour_count++];
}

/* Hops */

static int port_place(const struct mirror *mirror, uint32_t ifindex)
{
	for (int i = 0; i < PORTS_MAX; i++)
		if (ifindex && mirror->ports[i].ifindex == ifindex)
			return i;
	return -1;
}

/* The hop anew, of what is known now. */
static void way_show(struct mirror *mirror, uint32_t number)
{
	const struct way *way = &mirror->ways[number];
	const struct neighbour_entry *entry = neighbour_find(mirror, way->ifindex, way->address);
	const struct hop *before = mirror->table->hops[number];
	int place = port_place(mirror, way->ifindex);
	struct hop hop;

	if (!way->users || !entry || place < 0) {
		if (before)
			table_hop(mirror->table, number, NULL);
		return;
	}
	memset(&hop, 0, sizeof(hop));
	hop.port = (uint16_t)place;
	hop.mtu = mirror->ports[place].mtu;
	if (way->mtu && way->mtu < hop.mtu)
		hop.mtu = way->mtu;
	memcpy(hop.addresses, entry->neighbour.mac, 6);
	memcpy(hop.addresses + 6, mirror->ports[place].mac, 6);
	if (!before || memcmp(before, &hop, sizeof(hop)) != 0)
		table_hop(mirror->table, number, &hop);
}

static void ways_show(struct mirror *mirror, uint32_t ifindex, const uint8_t *address)
{
	for (uint32_t i = TABLE_HOP_FIRST; i < mirror->way_end; i++)
		if (mirror->ways[i].taken && mirror->ways[i].ifindex == ifindex &&
		    (!address || memcmp(mirror->ways[i].address, address, TABLE_ADDRESS_LEN) == 0))
			way_show(mirror, i);
}

/* The number of a way; with none left the packets are the kernel's. */
static uint32_t way_get(struct mirror *mirror, uint32_t ifindex, const uint8_t *address, uint32_t mtu)
{
	uint32_t number = 0;

	for (uint32_t i = TABLE_HOP_FIRST; i < mirror->way_end; i++) {
		const struct way *way = &mirror->ways[i];

		if (!way->taken && !number)
			number = i;
		if (way->taken && way->ifindex == ifindex && way->mtu == mtu &&
		    memcmp(way->address, address, TABLE_ADDRESS_LEN) == 0)
			return i;
	}
	if (!number && mirror->way_end == TABLE_HOPS_MAX)
		return TABLE_HOP_KERNEL;
	if (!number)
		number = mirror->way_end++;
	mirror->ways[number] = (struct way){ .ifindex = ifindex, .mtu = mtu, .taken = true };
	memcpy(mirror->ways[number].address, address, TABLE_ADDRESS_LEN);
	return number;
}

static void way_use(struct mirror *mirror, uint32_t number)
{
	if (number < TABLE_HOP_FIRST || mirror->ways[number].users++)
		return;
	way_show(mirror, number);
	if (mirror->table->hops[number])
		return;
	table_use(mirror->table, number); /* so that it is asked for before the first packet comes */
	mirror->has_new = true;
}

/* Its number may be somebody's until the next commit. */
static void way_leave(struct mirror *mirror, uint32_t number)
{
	if (number >= TABLE_HOP_FIRST)
		mirror->ways[number].users--;
}

/* The number of a group; with none left the packets are the kernel's. */
static uint32_t bunch_get(struct mirror *mirror, const struct group *group)
{
	uint32_t free_at = TABLE_GROUPS_MAX;

	for (uint32_t i = 0; i < mirror->bunch_end; i++) {
		if (!mirror->bunches[i].taken)
			free_at = free_at < i ? free_at : i;
		else if (memcmp(&mirror->bunches[i].group, group, sizeof(*group)) == 0)
			return TABLE_GROUP_FIRST + i;
	}
	if (free_at == TABLE_GROUPS_MAX && mirror->bunch_end == TABLE_GROUPS_MAX)
		return TABLE_HOP_KERNEL;
	if (free_at == TABLE_GROUPS_MAX)
		free_at = mirror->bunch_end++;
	mirror->bunches[free_at] = (struct bunch){ .group = *group, .taken = true };
	return TABLE_GROUP_FIRST + free_at;
}

static void bunch_use(struct mirror *mirror, uint32_t number)
{
	struct bunch *bunch = &mirror->bunches[number - TABLE_GROUP_FIRST];

	if (bunch->users++)
		return;
	for (uint32_t i = 0; i < bunch->group.count; i++)
		way_use(mirror, bunch->group.hops[i].hop);
	table_group(mirror->table, number, &bunch->group);
}

static void bunch_leave(struct mirror *mirror, uint32_t number)
{
	struct bunch *bunch = &mirror->bunches[number - TABLE_GROUP_FIRST];

	if (--bunch->users)
		return;
	for (uint32_t i = 0; i < bunch->group.count; i++)
		way_leave(mirror, bunch->group.hops[i].hop);
}

static void number_use(struct mirror *mirror, uint32_t number)
{
	if (table_is_group(number))
		bunch_use(mirror, number);
	else
		way_use(mirror, number);
}

static void number_leave(struct mirror *mirror, uint32_t number)
{
	if (table_is_group(number))
		bunch_leave(mirror, number);
	else
		way_leave(mirror, number);
}

static void users_forget(struct mirror *mirror)
{
	for (uint32_t i = TABLE_HOP_FIRST; i < mirror->way_end; i++)
		mirror->ways[i].users = 0;
	for (uint32_t i = 0; i < mirror->bunch_end; i++)
		mirror->bunches[i].users = 0;
}

/* What no route has any more. */
static void ways_clear(struct mirror *mirror)
{
	for (uint32_t i = 0; i < mirror->bunch_end; i++)
		if (mirror->bunches[i].taken && !mirror->bunches[i].users) {
			table_group(mirror->table, TABLE_GROUP_FIRST + i, NULL);
			mirror->bunches[i].taken = false;
		}
	for (uint32_t i = TABLE_HOP_FIRST; i < mirror->way_end; i++)
		if (mirror->ways[i].taken && !mirror->ways[i].users) {
			table_hop(mirror->table, i, NULL);
			mirror->ways[i].taken = false;
		}
}

/* Prefixes */

static bool route_is_same(const struct mirror_route *a, const struct mirror_route *b)
{
	return a->metric == b->metric && a->mtu == b->mtu && a->local == b->local && a->odd == b->odd &&
	       a->count == b->count && memcmp(a->nexts, b->nexts, a->count * sizeof(a->nexts[0])) == 0;
}

static bool route_has_rank(const struct mirror_route *a, const struct mirror_route *b)
{
	return a->local == b->local && a->metric == b->metric;
}

/* The one that the kernel takes; NULL: several have the same rank, or it is one for the kernel alone. */
static const struct mirror_route *routes_best(const struct route_entry *list)
{
	const struct mirror_route *best = NULL;
	bool alone = true;

	for (const struct route_entry *entry = list; entry; entry = entry->next) {
		const struct mirror_route *route = &entry->route;

		if (!best || (route->local && !best->local) ||
		    (route->local == best->local && route->metric < best->metric)) {
			best = route;
			alone = true;
		} else if (route_has_rank(route, best)) {
			alone = false;
		}
	}
	return alone && best && !best->odd && !best->local ? best : NULL;
}

static bool routes_are_local(const struct route_entry *list)
{
	for (; list; list = list->next)
		if (list->route.local)
			return true;
	return false;
}

/* A wider prefix of the local table comes before any of the main one. */
static bool prefix_is_local(struct rte_rib6_node *node)
{
	for (; node; node = rte_rib6_lookup_parent(node))
		if (routes_are_local(*node_routes(node)))
			return true;
	return false;
}

static bool has_gateway(const struct mirror_next *next)
{
	return memcmp(next->gateway, no_address, TABLE_ADDRESS_LEN) != 0;
}

/* One next hop, which is a neighbour on the link. */
static bool is_on_link(const struct mirror_route *route)
{
	return route->count == 1 && !has_gateway(&route->nexts[0]);
}

/* All next hops by ports, and by gateways if there are several. */
static bool route_is_ours(const struct mirror *mirror, const struct mirror_route *route)
{
	for (uint32_t i = 0; i < route->count; i++)
		if (port_place(mirror, route->nexts[i].ifindex) < 0 ||
		    (route->count > 1 && !has_gateway(&route->nexts[i])))
			return false;
	return route->count > 0;
}

/* The hop of a destination on a link: the neighbour itself. */
static uint32_t neighbour_hop(struct mirror *mirror, const uint8_t *address, const struct mirror_route *route)
{
	uint32_t ifindex = route->nexts[0].ifindex;

	return neighbour_find(mirror, ifindex, address) ? way_get(mirror, ifindex, address, route->mtu)
							: TABLE_HOP_UNKNOWN;
}

static uint32_t next_hop(struct mirror *mirror, const struct mirror_route *route, uint32_t i)
{
	return way_get(mirror, route->nexts[i].ifindex, route->nexts[i].gateway, route->mtu);
}

/* Bounds in proportion to the weights. */
static uint32_t group_hop(struct mirror *mirror, const struct mirror_route *route)
{
	uint64_t sum = 0, all = 0;
	struct group group;

	memset(&group, 0, sizeof(group));
	group.count = route->count;
	for (uint32_t i = 0; i < route->count; i++)
		all += route->nexts[i].weight;
	for (uint32_t i = 0; i < route->count; i++) {
		sum += route->nexts[i].weight;
		group.hops[i].bound = (uint32_t)((sum << 32) / all - 1);
		group.hops[i].hop = next_hop(mirror, route, i);
	}
	return bunch_get(mirror, &group);
}

/* A prefix that has a route. */
static uint32_t route_hop(struct mirror *mirror, const uint8_t *prefix, uint8_t len, const struct mirror_route *route)
{
	if (!route || !route_is_ours(mirror, route))
		return TABLE_HOP_KERNEL;
	if (route->count > 1)
		return group_hop(mirror, route);
	if (!is_on_link(route))
		return next_hop(mirror, route, 0);
	return len < TABLE_ADDRESS_BITS ? TABLE_HOP_UNKNOWN : neighbour_hop(mirror, prefix, route);
}

/* What the table is to have for exactly this prefix; false: nothing. */
static bool prefix_hop(struct mirror *mirror, const uint8_t *prefix, uint8_t len, uint32_t *hop)
{
	struct rte_rib6_node *exact = rte_rib6_lookup_exact(mirror->prefixes, TABLE_ADDRESS((uint8_t *)prefix), len);
	struct rte_rib6_node *node = exact;
	const struct mirror_route *route;

	if (!node && len == TABLE_ADDRESS_BITS)
		node = rte_rib6_lookup(mirror->prefixes, TABLE_ADDRESS((uint8_t *)prefix));
	if (!node)
		return false;
	route = prefix_is_local(node) ? NULL : routes_best(*node_routes(node));
	if (exact) {
		*hop = route_hop(mirror, prefix, len, route);
		return true;
	}
	if (!route || !is_on_link(route) || !route_is_ours(mirror, route))
		return false;
	*hop = neighbour_hop(mirror, prefix, route);
	return *hop >= TABLE_HOP_FIRST;
}

static void prefix_show(struct mirror *mirror, const uint8_t *prefix, uint8_t len)
{
	uint32_t before = TABLE_HOP_KERNEL, now = TABLE_HOP_KERNEL;
	bool was = table_route_get(mirror->table, prefix, len, &before), is = prefix_hop(mirror, prefix, len, &now);

	if (was == is && before == now)
		return;
	if (is)
		number_use(mirror, now);
	if (is)
		table_route(mirror->table, prefix, len, now);
	else
		table_route_remove(mirror->table, prefix, len);
	if (was)
		number_leave(mirror, before);
}

static void neighbours_show(struct mirror *mirror, const uint8_t *prefix, uint8_t len)
{
	for (unsigned int i = 0; i < mirror->neighbour_count; i++) {
		const uint8_t *address = mirror->neighbours[i].neighbour.address;

		if (!is_link_local(address) && address_is_within(address, prefix, len))
			prefix_show(mirror, address, TABLE_ADDRESS_BITS);
	}
}

/* The default route is not among those that prefix_next() has. */
static void all_show(struct mirror *mirror)
{
	struct rte_rib6_node *node = NULL;

	prefix_show(mirror, no_address, 0);
	while ((node = prefix_next(mirror, node))) {
		uint8_t prefix[TABLE_ADDRESS_LEN], len;

		rte_rib6_get_ip(node, TABLE_ADDRESS(prefix));
		rte_rib6_get_depth(node, &len);
		prefix_show(mirror, prefix, len);
	}
	neighbours_show(mirror, no_address, 0);
}

/* `local`: narrower prefixes may be another's now. While all is being read it is for the end. */
static void prefix_changed(struct mirror *mirror, const uint8_t *prefix, uint8_t len, bool local)
{
	if (mirror->is_reading)
		return;
	if (local && len < TABLE_ADDRESS_BITS) {
		prefix_show(mirror, prefix, len);
		all_show(mirror);
		return;
	}
	prefix_show(mirror, prefix, len);
	neighbours_show(mirror, prefix, len);
}

static void routes_drop_rank(struct mirror *mirror, struct route_entry **list, const struct mirror_route *rank)
{
	while (*list) {
		struct route_entry *entry = *list;

		if (!route_has_rank(&entry->route, rank)) {
			list = &entry->next;
			continue;
		}
		*list = entry->next;
		free(entry);
		mirror->route_count--;
	}
}

static unsigned int routes_of_rank(const struct route_entry *list, const struct mirror_route *rank)
{
	unsigned int count = 0;

	for (; list; list = list->next)
		count += route_has_rank(&list->route, rank);
	return count;
}

static struct route_entry **route_find(struct route_entry **list, const struct mirror_route *route)
{
	while (*list && !route_is_same(&(*list)->route, route))
		list = &(*list)->next;
	return list;
}

/* A prefix that finds no room is missing in the table, so nothing may go by it. */
static struct rte_rib6_node *prefix_add(struct mirror *mirror, const uint8_t *prefix, uint8_t len)
{
	struct rte_rib6_node *node = rte_rib6_lookup_exact(mirror->prefixes, TABLE_ADDRESS((uint8_t *)prefix), len);

	if (node)
		return node;
	node = rte_rib6_insert(mirror->prefixes, TABLE_ADDRESS((uint8_t *)prefix), len);
	if (node)
		*node_routes(node) = NULL;
	else
		mirror->table->full = true;
	return node;
}

bool mirror_route_add(struct mirror *mirror, const uint8_t *prefix, uint8_t len, const struct mirror_route *route,
		      bool replaces)
{
	struct rte_rib6_node *node = prefix_add(mirror, prefix, len);
	struct route_entry **at, *entry;
	bool fits;

	if (!node)
		return false;
	fits = routes_of_rank(*node_routes(node), route) <= (replaces || mirror->is_reading ? 1 : 0);
	at = route_find(node_routes(node), route);
	if (*at) {
		(*at)->seen = mirror->reading;
		return true;
	}
	if (replaces)
		routes_drop_rank(mirror, node_routes(node), route);
	entry = malloc(sizeof(*entry));
	if (!entry) {
		mirror->table->full = true;
		return false;
	}
	*entry = (struct route_entry){ .route = *route, .next = *node_routes(node), .seen = mirror->reading };
	*node_routes(node) = entry;
	mirror->route_count++;
	prefix_changed(mirror, prefix, len, route->local);
	return fits;
}

/* What is left of a prefix without routes. */
static void prefix_tidy(struct mirror *mirror, const uint8_t *prefix, uint8_t len, struct rte_rib6_node *node)
{
	if (!*node_routes(node))
		rte_rib6_remove(mirror->prefixes, TABLE_ADDRESS((uint8_t *)prefix), len);
}

bool mirror_route_remove(struct mirror *mirror, const uint8_t *prefix, uint8_t len, const struct mirror_route *route)
{
	struct rte_rib6_node *node = rte_rib6_lookup_exact(mirror->prefixes, TABLE_ADDRESS((uint8_t *)prefix), len);
	struct route_entry **at, *entry;

	if (!node)
		return true;
	at = route_find(node_routes(node), route);
	entry = *at;
	if (entry) {
		*at = entry->next;
		free(entry);
		mirror->route_count--;
		prefix_tidy(mirror, prefix, len, node);
		prefix_changed(mirror, prefix, len, route->local);
		return true;
	}
	/* One of several next hops is gone, or we have missed something: the kernel's until it is known. */
	for (entry = *node_routes(node); entry; entry = entry->next)
		if (route_has_rank(&entry->route, route))
			entry->route.odd = true;
	prefix_changed(mirror, prefix, len, route->local);
	return routes_of_rank(*node_routes(node), route) == 0;
}

void mirror_neighbour_put(struct mirror *mirror, const struct mirror_neighbour *neighbour)
{
	struct neighbour_entry *entry = neighbour_find(mirror, neighbour->ifindex, neighbour->address);
	bool is_new = !entry;

	if (!entry)
		entry = neighbour_add(mirror);
	if (!entry)
		return;
	*entry = (struct neighbour_entry){ .neighbour = *neighbour, .seen = mirror->reading };
	ways_show(mirror, neighbour->ifindex, neighbour->address);
	if (is_new && !is_link_local(neighbour->address) && !mirror->is_reading)
		prefix_show(mirror, neighbour->address, TABLE_ADDRESS_BITS);
}

static void neighbour_drop(struct mirror *mirror, struct neighbour_entry *entry)
{
	struct mirror_neighbour gone = entry->neighbour;

	*entry = mirror->neighbours[--mirror->neighbour_count];
	ways_show(mirror, gone.ifindex, gone.address);
	if (!is_link_local(gone.address))
		prefix_show(mirror, gone.address, TABLE_ADDRESS_BITS);
}

void mirror_neighbour_remove(struct mirror *mirror, uint32_t ifindex, const uint8_t *address)
{
	struct neighbour_entry *entry = neighbour_find(mirror, ifindex, address);

	if (entry)
		neighbour_drop(mirror, entry);
}

void mirror_port_set(struct mirror *mirror, unsigned int place, const struct mirror_port *port)
{
	struct mirror_port before = mirror->ports[place];

	if (before.ifindex == port->ifindex && before.mtu == port->mtu &&
	    memcmp(before.mac, port->mac, sizeof(before.mac)) == 0)
		return;
	mirror->ports[place] = *port;
	if (before.ifindex != port->ifindex) {
		ways_show(mirror, before.ifindex, NULL);
		if (!mirror->is_reading)
			all_show(mirror);
	}
	ways_show(mirror, port->ifindex, NULL);
}

/* Nothing is left of what did not fit. */
static void all_forget(struct mirror *mirror)
{
	struct rte_rib6_node *next = prefix_next(mirror, NULL), *node;
	uint8_t prefix[TABLE_ADDRESS_LEN], len;

	if (table_empty(mirror->table))
		return;
	users_forget(mirror);
	while ((node = next)) {
		rte_rib6_get_ip(node, TABLE_ADDRESS(prefix));
		rte_rib6_get_depth(node, &len);
		next = prefix_next(mirror, node);
		routes_free(mirror, node);
		rte_rib6_remove(mirror->prefixes, TABLE_ADDRESS(prefix), len);
	}
}

void mirror_read_begin(struct mirror *mirror)
{
	mirror->reading++;
	mirror->is_reading = true;
	if (mirror->table->full)
		all_forget(mirror);
}

static void prefix_sweep(struct mirror *mirror, struct rte_rib6_node *node, const uint8_t *prefix, uint8_t len)
{
	for (struct route_entry **at = node_routes(node); *at;) {
		struct route_entry *entry = *at;

		if (entry->seen == mirror->reading) {
			at = &entry->next;
			continue;
		}
		*at = entry->next;
		free(entry);
		mirror->route_count--;
	}
	prefix_tidy(mirror, prefix, len, node);
	prefix_show(mirror, prefix, len);
}

static void prefixes_sweep(struct mirror *mirror)
{
	struct rte_rib6_node *next = prefix_next(mirror, NULL), *node;

	node = rte_rib6_lookup_exact(mirror->prefixes, TABLE_ADDRESS((uint8_t *)no_address), 0);
	if (node)
		prefix_sweep(mirror, node, no_address, 0);
	while ((node = next)) {
		uint8_t prefix[TABLE_ADDRESS_LEN], len;

		rte_rib6_get_ip(node, TABLE_ADDRESS(prefix));
		rte_rib6_get_depth(node, &len);
		next = prefix_next(mirror, node);
		prefix_sweep(mirror, node, prefix, len);
	}
}

void mirror_read_end(struct mirror *mirror)
{
	mirror->is_reading = false;
	prefixes_sweep(mirror);
	for (unsigned int i = mirror->neighbour_count; i-- > 0;)
		if (mirror->neighbours[i].seen != mirror->reading)
			neighbour_drop(mirror, &mirror->neighbours[i]);
	all_show(mirror);
}

void mirror_commit(struct mirror *mirror)
{
	table_commit(mirror->table);
	ways_clear(mirror);
	table_commit(mirror->table);
}

void mirror_used(struct mirror *mirror, void (*use)(void *context, uint32_t ifindex, const uint8_t *address),
		 void *context)
{
	mirror->has_new = false;
	for (uint32_t i = TABLE_HOP_FIRST; i < mirror->way_end; i++) {
		const struct way *way = &mirror->ways[i];
		const struct neighbour_entry *entry;

		if (!way->taken || !__atomic_exchange_n(&mirror->table->used[i], 0, __ATOMIC_RELAXED))
			continue;
		entry = neighbour_find(mirror, way->ifindex, way->address);
		if (!entry || entry->neighbour.stale)
			use(context, way->ifindex, way->address);
	}
}

bool mirror_has_new(const struct mirror *mirror)
{
	return mirror->has_new;
}

struct mirror_counts mirror_counts(const struct mirror *mirror)
{
	struct mirror_counts counts = { .routes = mirror->route_count, .neighbours = mirror->neighbour_count };

	for (uint32_t i = TABLE_HOP_FIRST; i < mirror->way_end; i++)
		counts.hops += mirror->ways[i].taken;
	for (uint32_t i = 0; i < mirror->bunch_end; i++)
		counts.groups += mirror->bunches[i].taken;
	return counts;
}
