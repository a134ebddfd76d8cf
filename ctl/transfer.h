/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Records -> transfers -> spans. A transfer is all stamped packets of one (trace, parent, direction, addresses,
 * ports); when it has been quiet for a while it becomes a transfer span with the links, stays and hops of its slowest
 * packet below it. What was made never changes: packets that come after the close are counted and make no span.
 */
#ifndef HOPSPAN_TRANSFER_H
#define HOPSPAN_TRANSFER_H

#include "record.h"
#include "span.h"
#include "store.h"

enum { TRANSFER_QUIET_MS = 1000 };

struct transfers;

struct transfer_counts {
	uint64_t records, transfers, late_records;
};

/* `nodes` stays the caller's. Baselines are loaded from `store` and saved to it by transfers_save(); NULL: neither. */
int transfers_new(struct nodes *nodes, struct store *store, struct transfers **transfers);
void transfers_free(struct transfers *transfers);

/* Takes a copy. Statistics (usual, least link times) count it at once. */
void transfers_add(struct transfers *transfers, const struct record *record);

/* Appends the spans of all transfers quiet since TRANSFER_QUIET_MS before `now_unix_ns`; of all of them if `all`. */
void transfers_close(struct transfers *transfers, int64_t now_unix_ns, bool all, struct span_list *spans);

/* Writes the baselines that changed since the last call to the store. 0 or -errno. */
int transfers_save(struct transfers *transfers);

void transfers_count(const struct transfers *transfers, struct transfer_counts *counts);

#endif
