/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* nodes.yaml -> the list of nodes. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "document.h"
#include "nodes_list.h"

/* The keys of an entry, and how each is read. */
enum entry_key {
	KEY_NODE,
	KEY_NODE_WIDE,
	KEY_NAME,
	KEY_ROLE,
	KEY_DATAPLANE,
	KEY_TIME,
	KEY_DELAY,
	KEY_QUEUE,
	KEY_INTERFACES,
	KEY_COUNT
};
static const char *const key_names[KEY_COUNT] = { "node", "node_wide", "name",	"role",	     "dataplane",
						  "time", "delay",     "queue", "interfaces" };

/* The words of an enum, in its order; NULL: a value without a word. */
enum { WORDS_MAX = 5 };
static const char *const key_words[KEY_COUNT][WORDS_MAX] = {
	[KEY_ROLE] = { [NODE_HOST] = "host", [NODE_ROUTER] = "router" },
	[KEY_DATAPLANE] = { "other", "xdp", "tc", "dpdk", "linux" },
	[KEY_TIME] = { "ptp", "ntp", "posix" },
	[KEY_DELAY] = { "before-queue", "after-queue", "none" },
	[KEY_QUEUE] = { "bytes", "packets", "unknown" },
};

static int name_read(const struct document *document, const yaml_node_t *value, const char *what, struct nodes *nodes,
		     char **name)
{
	const char *text = document_text(value);
	bool good = text && text[0];

	for (size_t i = 0; good && i < value->data.scalar.length; i++)
		good = (unsigned char)text[i] >= ' ' && text[i] != 0x7f;
	if (!good)
		return document_complain(document, value, "%s: a name without control characters is expected", what);
	*name = arena_strdup(&nodes->arena, text);
	return 0;
}

static int interfaces_read(const struct document *document, const yaml_node_t *map, struct nodes *nodes,
			   struct node *node)
{
	if (map->type != YAML_MAPPING_NODE)
		return document_complain(document, map, "interfaces: {ID: NAME, ...} is expected");
	node->interfaces =
	    arena_alloc(&nodes->arena, sizeof(*node->interfaces) *
					   (size_t)(map->data.mapping.pairs.top - map->data.mapping.pairs.start));
	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = document_node(document, pair->key);
		const yaml_node_t *value = document_node(document, pair->value);
		struct node_interface *interface = &node->interfaces[node->interface_count];
		uint64_t id;

		if (document_number(document, key, "interface", UINT32_MAX - 1, &id) ||
		    name_read(document, value, "interface", nodes, &interface->name))
			return -EINVAL;
		for (unsigned int i = 0; i < node->interface_count; i++)
			if (node->interfaces[i].id == id)
				return document_complain(document, key, "interface %u is there already",
							 (unsigned int)id);
		interface->id = id;
		node->interface_count++;
	}
	return 0;
}

static int value_read(const struct document *document, enum entry_key key, const yaml_node_t *value,
		      struct nodes *nodes, struct node *node)
{
	int word = 0, error;

	switch (key) {
	case KEY_NODE:
		return document_number(document, value, "node", NODE_ID_NONE - 1, &node->id);
	case KEY_NODE_WIDE:
		node->wide = true;
		return document_number(document, value, "node_wide", NODE_ID_WIDE_NONE - 1, &node->id);
	case KEY_NAME:
		return name_read(document, value, "name", nodes, &node->name);
	case KEY_INTERFACES:
		return interfaces_read(document, value, nodes, node);
	default:
		break;
	}
	error = document_word(document, value, key_names[key], key_words[key], WORDS_MAX, &word);
	if (key == KEY_ROLE)
		node->role = word;
	else if (key == KEY_DATAPLANE)
		node->dataplane = word;
	else if (key == KEY_TIME)
		node->time = word;
	else if (key == KEY_DELAY)
		node->delay = word;
	else
		node->queue = word;
	return error;
}

static int entry_read(const struct document *document, const yaml_node_t *entry, struct nodes *nodes)
{
	struct node *node = arena_alloc(&nodes->arena, sizeof(*node));
	const unsigned int ids = 1U << KEY_NODE | 1U << KEY_NODE_WIDE;
	unsigned int seen = 0;

	if (entry->type != YAML_MAPPING_NODE)
		return document_complain(document, entry, "a node is expected: {node: N, name: NAME, ...}");
	for (yaml_node_pair_t *pair = entry->data.mapping.pairs.start; pair < entry->data.mapping.pairs.top; pair++) {
		const yaml_node_t *value = document_node(document, pair->value);
		unsigned int key = KEY_COUNT;

		if (document_key(document, document_node(document, pair->key), key_names, KEY_COUNT, "node", &seen,
				 &key) ||
		    value_read(document, key, value, nodes, node))
			return -EINVAL;
	}
	if ((seen & ids) == 0 || (seen & ids) == ids)
		return document_complain(document, entry, "each node has either node or node_wide");
	if (!node->name)
		node->name = arena_printf(&nodes->arena, "node %llu", (unsigned long long)node->id);
	if (nodes_add(nodes, node))
		return document_complain(document, entry, "%s %llu is there already", node->wide ? "node_wide" : "node",
					 (unsigned long long)node->id);
	return 0;
}

static int list_read(const struct document *document, const yaml_node_t *root, void *into)
{
	struct nodes *nodes = into;

	if (!root)
		return 0; /* an empty file */
	if (root->type != YAML_SEQUENCE_NODE)
		return document_complain(document, root, "a list of nodes is expected: - {node: N, name: NAME, ...}");
	for (yaml_node_item_t *item = root->data.sequence.items.start; item < root->data.sequence.items.top; item++)
		if (entry_read(document, document_node(document, *item), nodes))
			return -EINVAL;
	return 0;
}

int nodes_read(const char *path, struct nodes **nodes)
{
	struct nodes *list = calloc(1, sizeof(*list));
	int error;

	if (!list)
		return -ENOMEM;
	error = path ? document_read(path, list_read, list) : 0;
	if (error)
		nodes_free(list);
	else
		*nodes = list;
	return error;
}
