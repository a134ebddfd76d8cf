/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* node.yaml -> the ids of this node and its interfaces. */
#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spans/arena.h"
#include "record/document.h"
#include "identity.h"
#include "tc/sink.h"
#include "wire/context.h"

#define DEFAULT_PATH "/etc/hopspan/node.yaml"

/* What the fields hold, and "not available" in each. */
enum { INTERFACE_ID_MAX = 0xffff };
#define INTERFACE_ID_WIDE_MAX 0xffffffffULL
#define NODE_ID_MAX 0xffffffULL
#define NODE_ID_WIDE_MAX 0xffffffffffffffULL

struct interface {
	const char *name;
	uint64_t id, id_wide;
	bool has_id, has_id_wide;
};

struct identity {
	struct arena arena; /* of the lists */
	uint64_t node_id, node_id_wide, namespace;
	struct interface *interfaces;
	unsigned int interface_count;
	struct destinations destinations;
	uint16_t *reply_off; /* ports */
	unsigned int reply_off_count;
};

enum root_key {
	ROOT_NODE_ID,
	ROOT_NODE_ID_WIDE,
	ROOT_INTERFACES,
	ROOT_NAMESPACES,
	ROOT_DESTINATIONS,
	ROOT_REPLIES,
	ROOT_COUNT
};
static const char *const root_keys[ROOT_COUNT] = { "node_id",	 "node_id_wide", "interfaces",
						   "namespaces", "destinations", "replies" };

enum interface_key { INTERFACE_ID, INTERFACE_ID_WIDE, INTERFACE_COUNT };
static const char *const interface_keys[INTERFACE_COUNT] = { "id", "id_wide" };

enum { NAMESPACE_TIME, NAMESPACE_COUNT = 5 };
static const char *const namespace_keys[NAMESPACE_COUNT] = { "time", "data", "data_wide", "schema_id", "schema" };

enum { TIME_PTP, TIME_COUNT = 3 };
static const char *const time_words[TIME_COUNT] = { "ptp", "ntp", "posix" };

/* A map with known keys. */
struct map {
	const char *const *keys;
	unsigned int key_count;
	const char *place; /* its name where a key stands in it twice */
	const char *form;  /* what is wanted where something else is found */
	int (*read)(const struct document *document, unsigned int key, const yaml_node_t *value, void *into);
};

/* An empty value is an empty map. */
static int map_read(const struct document *document, const yaml_node_t *node, const struct map *map, void *into)
{
	unsigned int seen = 0, key = 0;
	int error = 0;

	if (document_is_empty(node))
		return 0;
	if (node->type != YAML_MAPPING_NODE)
		return document_complain(document, node, "%s is expected", map->form);
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; !error && pair < node->data.mapping.pairs.top;
	     pair++) {
		error = document_key(document, document_node(document, pair->key), map->keys, map->key_count,
				     map->place, &seen, &key);
		if (!error)
			error = map->read(document, key, document_node(document, pair->value), into);
	}
	return error;
}

static int interface_key_read(const struct document *document, unsigned int key, const yaml_node_t *value, void *into)
{
	struct interface *interface = into;

	if (key == INTERFACE_ID) {
		interface->has_id = true;
		return document_number(document, value, "id", INTERFACE_ID_MAX, &interface->id);
	}
	interface->has_id_wide = true;
	return document_number(document, value, "id_wide", INTERFACE_ID_WIDE_MAX, &interface->id_wide);
}

static const struct interface *interface_find(const struct identity *identity, const char *name)
{
	for (unsigned int i = 0; i < identity->interface_count; i++)
		if (strcmp(identity->interfaces[i].name, name) == 0)
			return &identity->interfaces[i];
	return NULL;
}

static int interface_read(const struct document *document, const yaml_node_t *key, const yaml_node_t *value,
			  struct identity *identity)
{
	static const struct map map = { interface_keys, INTERFACE_COUNT, "interface", "{id: N, id_wide: N}",
					interface_key_read };
	struct interface *interface = &identity->interfaces[identity->interface_count];
	const char *name = document_text(key);

	if (!name || !*name || strlen(name) >= IFNAMSIZ || strpbrk(name, "/ \t\r\n"))
		return document_complain(document, key, "interfaces: no device can be called \"%s\"",
					 name ? name : "...");
	if (interface_find(identity, name))
		return document_complain(document, key, "%s stands twice in interfaces", name);
	interface->name = arena_strdup(&identity->arena, name);
	identity->interface_count++;
	return map_read(document, value, &map, interface);
}

static int interfaces_read(const struct document *document, const yaml_node_t *node, struct identity *identity)
{
	size_t count;

	if (document_is_empty(node))
		return 0;
	if (node->type != YAML_MAPPING_NODE)
		return document_complain(document, node, "interfaces: {DEV: {id: N, id_wide: N}, ...} is expected");
	count = node->data.mapping.pairs.top - node->data.mapping.pairs.start;
	identity->interfaces = arena_alloc(&identity->arena, count * sizeof(*identity->interfaces));
	for (size_t i = 0; i < count; i++) {
		const yaml_node_pair_t *pair = &node->data.mapping.pairs.start[i];

		if (interface_read(document, document_node(document, pair->key), document_node(document, pair->value),
				   identity))
			return -EINVAL;
	}
	return 0;
}

static int namespace_key_read(const struct document *document, unsigned int key, const yaml_node_t *value, void *into)
{
	int word = TIME_PTP;

	(void)into;
	if (key != NAMESPACE_TIME)
		return document_complain(document, value, "%s: this version writes no namespace data and no schema",
					 namespace_keys[key]);
	if (document_word(document, value, "time", time_words, TIME_COUNT, &word))
		return -EINVAL;
	if (word != TIME_PTP)
		return document_complain(document, value, "time: this version writes ptp only, not %s",
					 time_words[word]);
	return 0;
}

static int namespaces_read(const struct document *document, const yaml_node_t *node, struct identity *identity)
{
	static const struct map map = { namespace_keys, NAMESPACE_COUNT, "namespace",
					"{time: ptp, data: N, data_wide: N, schema_id: N, schema: HEX}",
					namespace_key_read };
	const yaml_node_pair_t *pair;

	if (document_is_empty(node))
		return 0;
	if (node->type != YAML_MAPPING_NODE)
		return document_complain(document, node, "namespaces: {NUMBER: {time: ptp}} is expected");
	pair = node->data.mapping.pairs.start;
	if (pair == node->data.mapping.pairs.top)
		return 0;
	if (document_number(document, document_node(document, pair->key), "namespace", UINT16_MAX,
			    &identity->namespace))
		return -EINVAL;
	if (pair + 1 < node->data.mapping.pairs.top)
		return document_complain(document, document_node(document, pair[1].key),
					 "namespaces: this version writes one only");
	return map_read(document, document_node(document, pair->value), &map, identity);
}

static int reply_port_read(const struct document *document, const yaml_node_t *value, struct identity *identity)
{
	uint64_t port = 0;

	if (document_number(document, value, "off_ports", UINT16_MAX, &port))
		return -EINVAL;
	if (!port)
		return document_complain(document, value, "off_ports: 0 is no port");
	for (unsigned int i = 0; i < identity->reply_off_count; i++)
		if (identity->reply_off[i] == port)
			return document_complain(document, value, "%llu stands twice in off_ports",
						 (unsigned long long)port);
	identity->reply_off[identity->reply_off_count++] = (uint16_t)port;
	return 0;
}

static int replies_key_read(const struct document *document, unsigned int key, const yaml_node_t *value, void *into)
{
	struct identity *identity = into;
	size_t count;

	(void)key; /* there is one */
	if (document_is_empty(value))
		return 0;
	if (value->type != YAML_SEQUENCE_NODE)
		return document_complain(document, value, "off_ports: [PORT, ...] is expected");
	count = value->data.sequence.items.top - value->data.sequence.items.start;
	if (count > SINK_REPLY_OFF_MAX)
		return document_complain(document, value, "off_ports: more than %d", SINK_REPLY_OFF_MAX);
	identity->reply_off = arena_alloc(&identity->arena, (count + 1) * sizeof(*identity->reply_off));
	for (size_t i = 0; i < count; i++)
		if (reply_port_read(document, document_node(document, value->data.sequence.items.start[i]), identity))
			return -EINVAL;
	return 0;
}

static int replies_read(const struct document *document, const yaml_node_t *node, struct identity *identity)
{
	static const char *const keys[] = { "off_ports" };
	static const struct map map = { keys, 1, "replies", "replies: {off_ports: [PORT, ...]}", replies_key_read };

	return map_read(document, node, &map, identity);
}

static int root_key_read(const struct document *document, unsigned int key, const yaml_node_t *value, void *into)
{
	struct identity *identity = into;

	switch ((enum root_key)key) {
	case ROOT_NODE_ID:
		return document_number(document, value, "node_id", NODE_ID_MAX, &identity->node_id);
	case ROOT_NODE_ID_WIDE:
		return document_number(document, value, "node_id_wide", NODE_ID_WIDE_MAX, &identity->node_id_wide);
	case ROOT_INTERFACES:
		return interfaces_read(document, value, identity);
	case ROOT_NAMESPACES:
		return namespaces_read(document, value, identity);
	case ROOT_DESTINATIONS:
		return destinations_read(document, value, &identity->arena, &identity->destinations);
	default:
		return replies_read(document, value, identity);
	}
}

static int root_read(const struct document *document, const yaml_node_t *root, void *into)
{
	static const struct map map = { root_keys, ROOT_COUNT, "file", "node_id: N, interfaces: {...}, ...",
					root_key_read };

	return root ? map_read(document, root, &map, into) : 0;
}

/* NULL: no file was asked for and the usual one does not exist. */
static const char *path_find(void)
{
	const char *path = getenv("HOPSPAN_NODE_YAML");

	if (path && *path)
		return path;
	return access(DEFAULT_PATH, F_OK) && errno == ENOENT ? NULL : DEFAULT_PATH;
}

int identity_read(const char *path, struct identity **identity)
{
	struct identity *read = calloc(1, sizeof(*read));
	int error;

	if (!read)
		return -ENOMEM;
	read->node_id = NODE_ID_MAX;
	read->node_id_wide = NODE_ID_WIDE_MAX;
	read->namespace = CONTEXT_NAMESPACE;
	if (!path)
		path = path_find();
	error = path ? document_read(path, root_read, read) : 0;
	if (error)
		identity_free(read);
	else
		*identity = read;
	return error;
}

void identity_free(struct identity *identity)
{
	if (identity)
		arena_free(&identity->arena);
	free(identity);
}

void identity_fill(const struct identity *identity, const char *device, int ifindex, struct plane_node *self)
{
	const struct interface *interface = interface_find(identity, device);

	self->id = (uint32_t)identity->node_id;
	self->id_wide = identity->node_id_wide;
	self->namespace = (uint16_t)identity->namespace;
	self->interface = ifindex < INTERFACE_ID_MAX ? (uint16_t)ifindex : INTERFACE_ID_MAX;
	self->interface_wide = (uint32_t)ifindex;
	if (interface && interface->has_id)
		self->interface = (uint16_t)interface->id;
	if (interface && interface->has_id_wide)
		self->interface_wide = (uint32_t)interface->id_wide;
}

const struct destinations *identity_destinations(const struct identity *identity)
{
	return &identity->destinations;
}

const uint16_t *identity_reply_off(const struct identity *identity, unsigned int *count)
{
	*count = identity->reply_off_count;
	return identity->reply_off;
}
