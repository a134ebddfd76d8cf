/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A hash table of entries that live inside larger structs, which also remembers the order of their last use, so that
 * its owner can bound it or let old entries go. It owns no entry.
 */
#ifndef HOPSPAN_TABLE_H
#define HOPSPAN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_entry {
	struct table_entry *older, *newer; /* by last use */
	uint64_t hash;
};

/* Hashes are in it, so that looking for one touches no entry but its own: most are not in the processor's cache. */
struct table_slot {
	uint64_t hash;
	struct table_entry *entry; /* NULL: free */
};

struct table {
	struct table_slot *slots;
	struct table_entry *oldest, *newest;
	size_t size, count; /* size: slots, a power of two, at least twice the count */
};

#define HASH_START 0xcbf29ce484222325ULL

/* FNV-1a, to be continued; hash_end() spreads it over all bits. */
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len);
uint64_t hash_end(uint64_t hash);

/* Of a key whose length is a multiple of 8 octets: quicker, and another hash. */
uint64_t hash_key(const void *key, size_t len);

/* The entry of that hash for which `same` says yes (NULL: the hash is the key), or NULL. */
struct table_entry *table_find(const struct table *table, uint64_t hash,
			       bool (*same)(const struct table_entry *entry, const void *key), const void *key);

/* Adds as the newest; without memory the process ends with a message. */
void table_add(struct table *table, struct table_entry *entry, uint64_t hash);
void table_remove(struct table *table, struct table_entry *entry);
/* Makes it the newest. */
void table_touch(struct table *table, struct table_entry *entry);
/* Frees the slots; the entries are the owner's. */
void table_free(struct table *table);

/*
 * For entries of malloc() that begin with their struct table_entry. table_take() is room for one more of `size` octets,
 * not zeroed and not added: the oldest's, which leaves, once there are `most`; without memory the process ends with a
 * message. table_free_all() frees the entries, too.
 */
void *table_take(struct table *table, size_t most, size_t size);
void table_free_all(struct table *table);

/* The struct around an entry; NULL stays NULL. */
#define table_item(pointer, type, member)                                              \
	({                                                                             \
		char *table_at = (char *)(pointer);                                    \
		table_at ? (type *)(void *)(table_at - offsetof(type, member)) : NULL; \
	})

#endif
