/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Nodes by id, and names of interfaces: the ones that nodes.yaml lists (nodes_yaml.c), and others as packets name them.
 */
#include "nodes.h"

#include <err.h>
#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>

#include "nodes_list.h"

/* Packets name any number of ids; those beyond are all "node ?" or "if ?". */
enum { NODES_UNLISTED_MAX = 65536 };

struct interface_name {
	uint32_t id;
	char *name;
};

static int node_order(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	if (x->wide != y->wide)
		return x->wide - y->wide;
	return (x->id > y->id) - (x->id < y->id);
}

static int interface_order(const void *a, const void *b)
{
	const struct interface_name *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

int nodes_add(struct nodes *nodes, struct node *node)
{
	struct node **place = tsearch(node, &nodes->by_id, node_order);

	if (!place)
		err(1, "out of memory");
	return *place == node ? 0 : -EEXIST;
}

static struct node *node_unlisted(struct nodes *nodes, uint64_t id, int wide)
{
	struct node *node = arena_alloc(&nodes->arena, sizeof(*node));

	*node = (struct node){ .id = id, .wide = wide };
	if (id == (wide ? NODE_ID_WIDE_NONE : NODE_ID_NONE))
		node->name = arena_strdup(&nodes->arena, "node ?");
	else
		node->name = arena_printf(&nodes->arena, "node %llu", (unsigned long long)id);
	return node;
}

const struct node *nodes_find(struct nodes *nodes, uint64_t id, int wide)
{
	struct node key = { .id = id & (wide ? NODE_ID_WIDE_NONE : NODE_ID_NONE), .wide = !!wide };
	struct node **place = tfind(&key, &nodes->by_id, node_order);
	struct node *node;

	if (place)
		return *place;
	if (nodes->unlisted == NODES_UNLISTED_MAX && key.id != NODE_ID_NONE)
		return nodes_find(nodes, NODE_ID_NONE, false);
	nodes->unlisted += nodes->unlisted < NODES_UNLISTED_MAX;
	node = node_unlisted(nodes, key.id, key.wide);
	nodes_add(nodes, node);
	return node;
}

const char *nodes_interface(struct nodes *nodes, const struct node *node, uint32_t id)
{
	struct interface_name key = { .id = id }, *name, **place;

	for (unsigned int i = 0; i < node->interface_count; i++)
		if (node->interfaces[i].id == id)
			return node->interfaces[i].name;
	place = tfind(&key, &nodes->interface_names, interface_order);
	if (place)
		return (*place)->name;
	if (nodes->unlisted_interfaces == NODES_UNLISTED_MAX)
		return "if ?";
	nodes->unlisted_interfaces++;
	name = arena_alloc(&nodes->arena, sizeof(*name));
	name->id = id;
	name->name = arena_printf(&nodes->arena, "if %u", id);
	if (!tsearch(name, &nodes->interface_names, interface_order))
		err(1, "out of memory");
	return name->name;
}

const char *node_dataplane_name(enum node_dataplane dataplane)
{
	static const char *const names[] = {
		[NODE_OTHER] = "other", [NODE_XDP] = "xdp",	[NODE_TC] = "tc",
		[NODE_DPDK] = "dpdk",	[NODE_LINUX] = "linux",
	};

	return names[dataplane];
}

/* The trees' keys are the arena's. */
static void keep(void *key)
{
	(void)key;
}

void nodes_free(struct nodes *nodes)
{
	if (!nodes)
		return;
	tdestroy(nodes->by_id, keep);
	tdestroy(nodes->interface_names, keep);
	arena_free(&nodes->arena);
	free(nodes);
}
