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
#define CLOCK_OFFSET_MAX 1000000000000000000LL

#define IOAM6_NAMESPACE_DEFAULT                                                                                      \
	{                                                                                                            \
		.data_wide = ~0ULL, .data = IOAM6_NONE32, .schema_id = IOAM6_SNAPSHOT_NONE, .id = CONTEXT_NAMESPACE, \
		.time = IOAM6_TIME_PTP,                                                                              \
	}

struct interface {
	const char *name;
	uint64_t id, id_wide;
	bool has_id, has_id_wide;
};

struct identity {
	struct arena arena; /* of the lists */
	uint64_t node_id, node_id_wide;
	int64_t clock_offset_ns;
	struct ioam6_namespaces namespaces;
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
	ROOT_CLOCK_OFFSET,
	ROOT_DPDK, /* the forwarder reads it itself */
	ROOT_COUNT
};
static const char *const root_keys[ROOT_COUNT] = { "node_id",	   "node_id_wide", "interfaces",   "namespaces",
						   "destinations", "replies",	   "clock_offset", "dpdk" };

enum interface_key { INTERFACE_ID, INTERFACE_ID_WIDE, INTERFACE_COUNT };
static const char *const interface_keys[INTERFACE_COUNT] = { "id", "id_wide" };

enum namespace_key {
	NAMESPACE_TIME,
	NAMESPACE_DATA,
	NAMESPACE_DATA_WIDE,
	NAMESPACE_SCHEMA_ID,
	NAMESPACE_SCHEMA,
	NAMESPACE_COUNT
};
static const char *const namespace_keys[NAMESPACE_COUNT] = { "time", "data", "data_wide", "schema_id", "schema" };

enum { TIME_COUNT = IOAM6_TIME_POSIX + 1 };
static const char *const time_words[TIME_COUNT] = { "ptp", "ntp", "posix" }; /* enum ioam6_time */

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
	static const struct document_map map = { interface_keys, INTERFACE_COUNT, "interface", "{id: N, id_wide: N}",
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
	return document_map_read(document, value, &map, interface);
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

/* Hex digits, two an octet; the last word is filled up with zeros. */
static int schema_read(const struct document *document, const yaml_node_t *value, struct ioam6_namespace *namespace)
{
	const char *text = document_text(value);
	size_t digits = text ? strspn(text, "0123456789abcdefABCDEF") : 0;

	if (!digits || digits % 2 || text[digits])
		return document_complain(document, value, "schema: hex digits, two an octet, not \"%s\"",
					 text ? text : "...");
	if (digits > 2 * IOAM6_SCHEMA_LEN_MAX)
		return document_complain(document, value, "schema: more than %d octets fit in no trace",
					 IOAM6_SCHEMA_LEN_MAX);
	for (size_t i = 0; i < digits; i += 2)
		sscanf(text + i, "%2hhx", &namespace->schema[i / 2]);
	namespace->schema_words = (uint8_t)((digits / 2 + IOAM6_WORD - 1) / IOAM6_WORD);
	return 0;
}

static int namespace_key_read(const struct document *document, unsigned int key, const yaml_node_t *value, void *into)
{
	struct ioam6_namespace *namespace = into;
	uint64_t number = 0;
	int word = 0, error;

	switch ((enum namespace_key)key) {
	case NAMESPACE_TIME:
		error = document_word(document, value, "time", time_words, TIME_COUNT, &word);
		namespace->time = (uint8_t)word;
		return error;
	case NAMESPACE_DATA:
		error = document_number(document, value, "data", UINT32_MAX, &number);
		namespace->data = (uint32_t)number;
		return error;
	case NAMESPACE_DATA_WIDE:
		return document_number(document, value, "data_wide", UINT64_MAX, &namespace->data_wide);
	case NAMESPACE_SCHEMA_ID:
		error = document_number(document, value, "schema_id", IOAM6_SNAPSHOT_NONE, &number);
		namespace->schema_id = (uint32_t)number;
		return error;
	default:
		return schema_read(document, value, namespace);
	}
}

static int namespace_read(const struct document *document, const yaml_node_t *key, const yaml_node_t *value,
			  struct ioam6_namespaces *namespaces)
{
	static const struct document_map map = {
		namespace_keys, NAMESPACE_COUNT, "namespace",
		"{time: ptp | ntp | posix, data: N, data_wide: N, schema_id: N, schema: HEX}", namespace_key_read
	};
	struct ioam6_namespace namespace = IOAM6_NAMESPACE_DEFAULT;
	uint64_t id = 0;

	if (document_number(document, key, "namespace", UINT16_MAX, &id))
		return -EINVAL;
	namespace.id = (uint16_t)id;
	if (document_map_read(document, value, &map, &namespace))
		return -EINVAL;
	if (namespace.schema_words && namespace.schema_id == IOAM6_SNAPSHOT_NONE)
		return document_complain(document, value, "schema: it needs a schema_id");
	if (namespaces->count == IOAM6_NAMESPACES_MAX)
		return document_complain(document, key, "namespaces: more than %d", IOAM6_NAMESPACES_MAX);
	if (!ioam6_namespaces_add(namespaces, &namespace))
		return document_complain(document, key, "%u stands twice in namespaces", namespace.id);
	return 0;
}

/* Our own comes first, if it is among them: a host stamps in the first. */
static void namespaces_order(const struct ioam6_namespaces *read, struct ioam6_namespaces *namespaces)
{
	const struct ioam6_namespace *own = ioam6_namespace_find(read, CONTEXT_NAMESPACE);

	*namespaces = (struct ioam6_namespaces){ 0 };
	if (own)
		ioam6_namespaces_add(namespaces, own);
	for (uint32_t i = 0; i < read->count; i++)
		ioam6_namespaces_add(namespaces, &read->list[i]);
}

static int namespaces_read(const struct document *document, const yaml_node_t *node, struct identity *identity)
{
	struct ioam6_namespaces *read;
	int error = 0;

	if (document_is_empty(node))
		return 0;
	if (node->type != YAML_MAPPING_NODE)
		return document_complain(document, node, "namespaces: {NUMBER: {time: ptp}, ...} is expected");
	read = arena_alloc(&identity->arena, sizeof(*read));
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     !error && pair < node->data.mapping.pairs.top; pair++)
		error = namespace_read(document, document_node(document, pair->key),
				       document_node(document, pair->value), read);
	if (!error && read->count)
		namespaces_order(read, &identity->namespaces);
	return error;
}

bool identity_offset_parse(const char *text, int64_t *offset_ns)
{
	char *end;
	long long read;

	errno = 0;
	read = strtoll(text, &end, 0);
	if (errno || end == text || *end || read > CLOCK_OFFSET_MAX || read < -CLOCK_OFFSET_MAX)
		return false;
	*offset_ns = read;
	return true;
}

static int clock_offset_read(const struct document *document, const yaml_node_t *value, struct identity *identity)
{
	const char *text = document_text(value);

	if (identity_offset_parse(text ? text : "", &identity->clock_offset_ns))
		return 0;
	return document_complain(document, value,
				 "clock_offset: ns, as an integer between -10^18 and 10^18, not \"%s\"",
				 text ? text : "...");
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
	static const struct document_map map = { keys, 1, "replies", "replies: {off_ports: [PORT, ...]}",
						 replies_key_read };

	return document_map_read(document, node, &map, identity);
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
	case ROOT_CLOCK_OFFSET:
		return clock_offset_read(document, value, identity);
	case ROOT_DPDK:
		return 0;
	default:
		return replies_read(document, value, identity);
	}
}

static int root_read(const struct document *document, const yaml_node_t *root, void *into)
{
	static const struct document_map map = { root_keys, ROOT_COUNT, "file", "node_id: N, interfaces: {...}, ...",
						 root_key_read };

	return root ? document_map_read(document, root, &map, into) : 0;
}

const char *identity_path(void)
{
	const char *path = getenv("HOPSPAN_NODE_YAML");

	if (path && *path)
		return path;
	return access(DEFAULT_PATH, F_OK) && errno == ENOENT ? NULL : DEFAULT_PATH;
}

int identity_read(const char *path, struct identity **identity)
{
	static const struct ioam6_namespace usual = IOAM6_NAMESPACE_DEFAULT;
	struct identity *read = calloc(1, sizeof(*read));
	int error;

	if (!read)
		return -ENOMEM;
	read->node_id = NODE_ID_MAX;
	read->node_id_wide = NODE_ID_WIDE_MAX;
	ioam6_namespaces_add(&read->namespaces, &usual);
	if (!path)
		path = identity_path();
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
	self->namespace = identity->namespaces.list[0].id;
	self->interface = ifindex < INTERFACE_ID_MAX ? (uint16_t)ifindex : INTERFACE_ID_MAX;
	self->interface_wide = (uint32_t)ifindex;
	if (interface && interface->has_id)
		self->interface = (uint16_t)interface->id;
	if (interface && interface->has_id_wide)
		self->interface_wide = (uint32_t)interface->id_wide;
}

const char *identity_interface(const struct identity *identity, unsigned int n)
{
	return n < identity->interface_count ? identity->interfaces[n].name : NULL;
}

const struct ioam6_namespaces *identity_namespaces(const struct identity *identity)
{
	return &identity->namespaces;
}

int64_t identity_clock_offset(const struct identity *identity)
{
	return identity->clock_offset_ns;
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
