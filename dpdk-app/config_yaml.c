/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* node.yaml's part "dpdk". The rest of the file is ctl/plane/identity.c's. */
#include <errno.h>
#include <string.h>

#include "config.h"
#include "ctl/plane/identity.h"
#include "ctl/record/document.h"

enum list_key { LIST_PORTS, LIST_PAIRS, LIST_CORES, LIST_KEYS };

static int expected(const struct document *document, const yaml_node_t *value, const char *key, const char *wanted)
{
	const char *text = document_text(value);

	return document_complain(document, value, "%s: %s, not \"%s\"", key, wanted, text ? text : "...");
}

static int port_key_read(const struct document *document, unsigned int key, const yaml_node_t *value, void *into)
{
	const char *text = document_text(value), *wanted;

	wanted = config_port_set(into, (enum config_port_key)key, text ? text : "");
	return wanted ? expected(document, value, config_port_keys[key], wanted) : 0;
}

/* {device: DEV, ...}, or DEV alone. */
static int port_read(const struct document *document, const yaml_node_t *item, struct config *config)
{
	static const struct document_map map = { config_port_keys, PORT_KEYS, "port", "{device: DEV, queues: N, ...}",
						 port_key_read };
	struct config_port port = config->all;
	const char *wrong;
	int err = item->type == YAML_SCALAR_NODE ? port_key_read(document, PORT_DEVICE, item, &port)
						 : document_map_read(document, item, &map, &port);

	if (err)
		return err;
	if (!*port.device)
		return document_complain(document, item, "ports: each has a device");
	wrong = config_port_add(config, &port);
	return wrong ? document_complain(document, item, "ports: %s %s", port.device, wrong) : 0;
}

static int pair_read(const struct document *document, const yaml_node_t *item, struct config *config)
{
	const yaml_node_item_t *of = item->data.sequence.items.start;
	const char *first, *second, *wrong;

	if (item->type != YAML_SEQUENCE_NODE || item->data.sequence.items.top - of != 2)
		return document_complain(document, item, "pairs: [DEV, DEV] is expected");
	first = document_text(document_node(document, of[0]));
	second = document_text(document_node(document, of[1]));
	wrong = config_pair_add(config, first ? first : "", second ? second : "");
	return wrong ? document_complain(document, item, "pairs: %s", wrong) : 0;
}

static int core_read(const struct document *document, const yaml_node_t *item, struct config *config)
{
	uint64_t core = 0;
	const char *wrong;

	if (document_number(document, item, "cores", UINT32_MAX, &core))
		return -EINVAL;
	wrong = config_core_add(config, core, core);
	return wrong ? document_complain(document, item, "cores: %s", wrong) : 0;
}

static int list_read(const struct document *document, const yaml_node_t *value, enum list_key key,
		     struct config *config)
{
	static const struct {
		const char *form;
		int (*read)(const struct document *document, const yaml_node_t *item, struct config *config);
	} lists[LIST_KEYS] = { { "ports: [{device: DEV, queues: N, ...}, ...]", port_read },
			       { "pairs: [[DEV, DEV], ...]", pair_read },
			       { "cores: [N, ...]", core_read } };
	int err = 0;

	if (document_is_empty(value))
		return 0;
	if (value->type != YAML_SEQUENCE_NODE)
		return document_complain(document, value, "%s is expected", lists[key].form);
	for (yaml_node_item_t *item = value->data.sequence.items.start; !err && item < value->data.sequence.items.top;
	     item++)
		err = lists[key].read(document, document_node(document, *item), config);
	return err;
}

/* Pairs speak of ports, wherever they stand. */
struct part {
	struct config *config;
	const yaml_node_t *pairs;
};

static int key_read(const struct document *document, unsigned int key, const yaml_node_t *value, void *into)
{
	struct part *part = into;
	const char *text = document_text(value), *wanted;

	if (key == LIST_PAIRS) {
		part->pairs = value;
		return 0;
	}
	if (key < LIST_KEYS)
		return list_read(document, value, (enum list_key)key, part->config);
	key -= LIST_KEYS;
	wanted = config_set(part->config, (enum config_key)key, text ? text : "");
	return wanted ? expected(document, value, config_keys[key], wanted) : 0;
}

static int part_read(const struct document *document, const yaml_node_t *value, struct config *config)
{
	const char *keys[LIST_KEYS + CONFIG_KEYS] = { "ports", "pairs", "cores" };
	const struct document_map map = { keys, LIST_KEYS + CONFIG_KEYS, "part", "dpdk: {ports: [...], ...}",
					  key_read };
	struct part part = { .config = config };
	int err;

	memcpy(keys + LIST_KEYS, config_keys, sizeof(config_keys));
	err = document_map_read(document, value, &map, &part);
	return !err && part.pairs ? list_read(document, part.pairs, LIST_PAIRS, config) : err;
}

static int root_read(const struct document *document, const yaml_node_t *root, void *into)
{
	if (!root || root->type != YAML_MAPPING_NODE)
		return 0; /* identity_read() complains */
	for (yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++) {
		const char *key = document_text(document_node(document, pair->key));

		if (key && strcmp(key, "dpdk") == 0)
			return part_read(document, document_node(document, pair->value), into);
	}
	return 0;
}

int config_read(struct config *config)
{
	const char *path = identity_path();

	return path ? document_read(path, root_read, config) : 0;
}
