/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Pairs of addresses. */
#include "ends.h"

#include <arpa/inet.h>
#include <string.h>

static bool same_ends(const struct table_entry *entry, const void *key)
{
	return memcmp(&table_item(entry, const struct ends, entry)->key, key, sizeof(struct ends_key)) == 0;
}

static struct ends *ends_new(struct ends_table *table, const struct ends_key *key, uint64_t hash)
{
	struct ends *ends = table_take(&table->table, ENDS_MAX, sizeof(*ends));

	*ends = (struct ends){ .key = *key };
	inet_ntop(AF_INET6, &key->source, ends->source, sizeof(ends->source));
	inet_ntop(AF_INET6, &key->destination, ends->destination, sizeof(ends->destination));
	table_add(&table->table, &ends->entry, hash);
	return ends;
}

struct ends *ends_find(struct ends_table *table, const struct in6_addr *source, const struct in6_addr *destination)
{
	struct ends_key key = { .source = *source, .destination = *destination };
	uint64_t hash = hash_key(&key, sizeof(key));
	struct ends *ends = table_item(table_find(&table->table, hash, same_ends, &key), struct ends, entry);

	if (ends)
		table_touch(&table->table, &ends->entry);
	else
		ends = ends_new(table, &key, hash);
	return ends;
}

void ends_free(struct ends_table *table)
{
	table_free_all(&table->table);
}

struct baseline *ends_usual(struct ends *ends, struct baselines *baselines, bool reply)
{
	struct baseline **usual = reply ? &ends->reply : &ends->request;
	char key[USUAL_KEY_SIZE];

	if (!*usual) {
		usual_key_transfer(&ends->key.source, &ends->key.destination, reply ? "reply" : "request", key);
		*usual = baselines_find(baselines, key);
	}
	return *usual;
}
