/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * nodes.yaml -> the list of nodes. libyaml's documents, because each value in them knows its line and column.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "nodes_list.h"

struct reader {
	const char *path;
	yaml_document_t *document;
	struct nodes *nodes;
};

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

static int complain(const struct reader *reader, const yaml_node_t *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int complain(const struct reader *reader, const yaml_node_t *at, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%zu:%zu: ", reader->path, at->start_mark.line + 1, at->start_mark.column + 1);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -EINVAL;
}

/* NULL: not a scalar. */
static const char *scalar(const yaml_node_t *value)
{
	return value->type == YAML_SCALAR_NODE ? (const char *)value->data.scalar.value : NULL;
}

static int number_read(const struct reader *reader, const yaml_node_t *value, const char *what, uint64_t max,
		       uint64_t *number)
{
	const char *text = scalar(value);
	char *end;

	if (text && text[0] >= '0' && text[0] <= '9') {
		errno = 0;
		*number = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
		if (*end == '\0' && !errno && *number <= max)
			return 0;
	}
	return complain(reader, value, "%s: a number from 0 to %llu, not \"%s\"", what, (unsigned long long)max,
			text ? text : "...");
}

static int name_read(const struct reader *reader, const yaml_node_t *value, const char *what, char **name)
{
	const char *text = scalar(value);
	bool good = text && text[0];

	for (size_t i = 0; good && i < value->data.scalar.length; i++)
		good = (unsigned char)text[i] >= ' ' && text[i] != 0x7f;
	if (!good)
		return complain(reader, value, "%s: a name without control characters is expected", what);
	*name = arena_strdup(&reader->nodes->arena, text);
	return 0;
}

static int word_read(const struct reader *reader, const yaml_node_t *value, enum entry_key key, int *word)
{
	const char *const *words = key_words[key], *text = scalar(value);
	char known[64] = "";

	for (int i = 0; i < WORDS_MAX; i++) {
		if (!words[i])
			continue;
		if (text && strcmp(words[i], text) == 0) {
			*word = i;
			return 0;
		}
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s", *known ? " | " : "", words[i]);
	}
	return complain(reader, value, "%s: %s, not \"%s\"", key_names[key], known, text ? text : "...");
}

static int interfaces_read(const struct reader *reader, const yaml_node_t *map, struct node *node)
{
	if (map->type != YAML_MAPPING_NODE)
		return complain(reader, map, "interfaces: {ID: NAME, ...} is expected");
	node->interfaces =
	    arena_alloc(&reader->nodes->arena, sizeof(*node->interfaces) * (size_t)(map->data.mapping.pairs.top -
										    map->data.mapping.pairs.start));
	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(reader->document, pair->key);
		const yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
		struct node_interface *interface = &node->interfaces[node->interface_count];
		uint64_t id;

		if (number_read(reader, key, "interface", UINT32_MAX - 1, &id) ||
		    name_read(reader, value, "interface", &interface->name))
			return -EINVAL;
		for (unsigned int i = 0; i < node->interface_count; i++)
			if (node->interfaces[i].id == id)
				return complain(reader, key, "interface %u is there already", (unsigned int)id);
		interface->id = id;
		node->interface_count++;
	}
	return 0;
}

static int value_read(const struct reader *reader, enum entry_key key, const yaml_node_t *value, struct node *node)
{
	int word = 0, error;

	switch (key) {
	case KEY_NODE:
		return number_read(reader, value, "node", NODE_ID_NONE - 1, &node->id);
	case KEY_NODE_WIDE:
		node->wide = true;
		return number_read(reader, value, "node_wide", NODE_ID_WIDE_NONE - 1, &node->id);
	case KEY_NAME:
		return name_read(reader, value, "name", &node->name);
	case KEY_INTERFACES:
		return interfaces_read(reader, value, node);
	default:
		break;
	}
	error = word_read(reader, value, key, &word);
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

static int key_read(const struct reader *reader, const yaml_node_t *key, unsigned int *seen, enum entry_key *found)
{
	const char *text = scalar(key);
	unsigned int i = 0;

	while (i < KEY_COUNT && !(text && strcmp(text, key_names[i]) == 0))
		i++;
	if (i == KEY_COUNT)
		return complain(reader, key, "no such key: \"%s\"", text ? text : "...");
	if (*seen & 1U << i)
		return complain(reader, key, "%s stands twice in this node", text);
	*seen |= 1U << i;
	*found = i;
	return 0;
}

static int entry_read(const struct reader *reader, const yaml_node_t *entry)
{
	struct node *node = arena_alloc(&reader->nodes->arena, sizeof(*node));
	const unsigned int ids = 1U << KEY_NODE | 1U << KEY_NODE_WIDE;
	unsigned int seen = 0;

	if (entry->type != YAML_MAPPING_NODE)
		return complain(reader, entry, "a node is expected: {node: N, name: NAME, ...}");
	for (yaml_node_pair_t *pair = entry->data.mapping.pairs.start; pair < entry->data.mapping.pairs.top; pair++) {
		const yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
		enum entry_key key = KEY_COUNT;

		if (key_read(reader, yaml_document_get_node(reader->document, pair->key), &seen, &key) ||
		    value_read(reader, key, value, node))
			return -EINVAL;
	}
	if ((seen & ids) == 0 || (seen & ids) == ids)
		return complain(reader, entry, "each node has either node or node_wide");
	if (!node->name)
		node->name = arena_printf(&reader->nodes->arena, "node %llu", (unsigned long long)node->id);
	if (nodes_add(reader->nodes, node))
		return complain(reader, entry, "%s %llu is there already", node->wide ? "node_wide" : "node",
				(unsigned long long)node->id);
	return 0;
}

static int document_read(const struct reader *reader)
{
	const yaml_node_t *root = yaml_document_get_root_node(reader->document);

	if (!root || (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0))
		return 0; /* an empty file */
	if (root->type != YAML_SEQUENCE_NODE)
		return complain(reader, root, "a list of nodes is expected: - {node: N, name: NAME, ...}");
	for (yaml_node_item_t *item = root->data.sequence.items.start; item < root->data.sequence.items.top; item++)
		if (entry_read(reader, yaml_document_get_node(reader->document, *item)))
			return -EINVAL;
	return 0;
}

/* What libyaml has against the file. It counts octets where it cannot read characters. */
static void yaml_complain(const char *path, const yaml_parser_t *parser)
{
	const char *problem = parser->problem ? parser->problem : "out of memory";

	if (parser->error == YAML_READER_ERROR)
		fprintf(stderr, "%s: octet %zu: %s\n", path, parser->problem_offset, problem);
	else
		fprintf(stderr, "%s:%zu:%zu: %s\n", path, parser->problem_mark.line + 1,
			parser->problem_mark.column + 1, problem);
}

static int file_read(const char *path, FILE *file, struct nodes *nodes)
{
	yaml_document_t document;
	const struct reader reader = { .path = path, .document = &document, .nodes = nodes };
	yaml_parser_t parser;
	int error;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_file(&parser, file);
	if (yaml_parser_load(&parser, &document)) {
		error = document_read(&reader);
		yaml_document_delete(&document);
	} else if (ferror(file)) {
		error = -errno;
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	} else {
		error = parser.error == YAML_MEMORY_ERROR ? -ENOMEM : -EINVAL;
		yaml_complain(path, &parser);
	}
	yaml_parser_delete(&parser);
	return error;
}

int nodes_read(const char *path, struct nodes **nodes)
{
	struct nodes *list = calloc(1, sizeof(*list));
	int error = 0;
	FILE *file;

	if (!list)
		return -ENOMEM;
	if (path) {
		file = fopen(path, "re");
		error = file ? file_read(path, file, list) : -errno;
		if (file)
			fclose(file);
		else
			fprintf(stderr, "%s: %s\n", path, strerror(-error));
	}
	if (error)
		nodes_free(list);
	else
		*nodes = list;
	return error;
}
