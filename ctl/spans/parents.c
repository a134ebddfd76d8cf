/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Parent spans by their ids. */
#include "parents.h"

#include <string.h>

struct parent_key {
	uint8_t trace_id[TRACE_ID_LEN], span_id[SPAN_ID_LEN];
};

struct parent {
	struct table_entry entry;
	struct parent_key key;
	bool has_span, has_sending;
	int64_t start_unix_ns, end_unix_ns;
	struct sending sending; /* the first */
};

static bool same_parent(const struct table_entry *entry, const void *key)
{
	return memcmp(&table_item(entry, const struct parent, entry)->key, key, sizeof(struct parent_key)) == 0;
}

static struct parent *parent_find(struct parents *parents, const uint8_t *trace_id, const uint8_t *span_id)
{
	struct parent_key key;
	struct parent *parent;
	uint64_t hash;

	memcpy(key.trace_id, trace_id, TRACE_ID_LEN);
	memcpy(key.span_id, span_id, SPAN_ID_LEN);
	hash = hash_key(&key, sizeof(key));
	parent = table_item(table_find(&parents->table, hash, same_parent, &key), struct parent, entry);
	if (parent) {
		table_touch(&parents->table, &parent->entry);
		return parent;
	}
	parent = table_take(&parents->table, PARENTS_MAX, sizeof(*parent));
	*parent = (struct parent){ .key = key };
	table_add(&parents->table, &parent->entry, hash);
	return parent;
}

bool parents_add_span(struct parents *parents, const uint8_t *trace_id, const uint8_t *span_id, int64_t start_unix_ns,
		      int64_t end_unix_ns, struct sending *sending)
{
	struct parent *parent = parent_find(parents, trace_id, span_id);

	if (parent->has_span)
		return false;
	parent->has_span = true;
	parent->start_unix_ns = start_unix_ns;
	parent->end_unix_ns = end_unix_ns;
	*sending = parent->sending;
	return parent->has_sending;
}

bool parents_add_sending(struct parents *parents, const uint8_t *trace_id, const uint8_t *span_id,
			 const struct sending *sending, int64_t *start_unix_ns, int64_t *end_unix_ns)
{
	struct parent *parent = parent_find(parents, trace_id, span_id);

	if (!parent->has_sending)
		parent->sending = *sending;
	parent->has_sending = true;
	*start_unix_ns = parent->start_unix_ns;
	*end_unix_ns = parent->end_unix_ns;
	return parent->has_span;
}

void parents_free(struct parents *parents)
{
	table_free_all(&parents->table);
}
