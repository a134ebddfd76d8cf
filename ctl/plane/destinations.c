/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* node.yaml's destinations, as they are read. */
#include "destinations.h"

#include <errno.h>
#include <string.h>

static int policy_read(const struct document *document, const yaml_node_t *node, struct policy *policy)
{
	unsigned int seen = 0, key = 0;

	if (document_is_empty(node))
		return 0;
	if (node->type != YAML_MAPPING_NODE)
		return document_complain(document, node, "{path: proved, way: auto, ...} is expected");
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *value = document_node(document, pair->value);
		const char *text = document_text(value), *wanted;

		if (document_key(document, document_node(document, pair->key), policy_keys, POLICY_KEYS, "destination",
				 &seen, &key))
			return -EINVAL;
		wanted = policy_parse(policy, key, text ? text : "");
		if (wanted)
			return document_complain(document, value, "%s: %s, not \"%s\"", policy_keys[key], wanted,
						 text ? text : "...");
	}
	return 0;
}

static int destination_read(const struct document *document, const yaml_node_pair_t *pair,
			    struct destinations *destinations)
{
	struct destination *destination = &destinations->list[destinations->count];
	const yaml_node_t *key = document_node(document, pair->key);
	const char *text = document_text(key);

	if (!text || !policy_prefix_parse(text, &destination->prefix))
		return document_complain(document, key, "destinations: \"%s\" is not an IPv6 prefix",
					 text ? text : "...");
	for (unsigned int i = 0; i < destinations->count; i++)
		if (memcmp(&destinations->list[i].prefix, &destination->prefix, sizeof(destination->prefix)) == 0)
			return document_complain(document, key, "%s stands twice in destinations", text);
	destination->line = (unsigned int)key->start_mark.line + 1;
	destination->column = (unsigned int)key->start_mark.column + 1;
	destinations->count++;
	return policy_read(document, document_node(document, pair->value), &destination->policy);
}

int destinations_read(const struct document *document, const yaml_node_t *node, struct arena *arena,
		      struct destinations *destinations)
{
	size_t count;

	if (document_is_empty(node))
		return 0;
	if (node->type != YAML_MAPPING_NODE)
		return document_complain(document, node, "destinations: {PREFIX: {path: proved, ...}} is expected");
	count = node->data.mapping.pairs.top - node->data.mapping.pairs.start;
	if (count > DESTINATIONS_MAX)
		return document_complain(document, node, "destinations: more than %d", DESTINATIONS_MAX);
	destinations->list = arena_alloc(arena, (count + 1) * sizeof(*destinations->list));
	destinations->path = arena_strdup(arena, document->path);
	for (size_t i = 0; i < count; i++)
		if (destination_read(document, &node->data.mapping.pairs.start[i], destinations))
			return -EINVAL;
	return 0;
}
