/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Records -> transfers -> spans. A transfer is all stamped packets of one (trace, parent, direction, addresses,
 * ports); when it has been quiet for a while it becomes a transfer span with the links, stays and hops of its slowest
 * packet below it. What was made never changes: packets that come after the close are counted and make no span.
 * docs/spans.md describes the spans.
 */
#ifndef HOPSPAN_TRANSFER_H
#define HOPSPAN_TRANSFER_H

#include "record/record.h"
#include "record/repeat.h"
#include "show.h"
#include "span.h"
#include "store/store.h"

enum {
	TRANSFER_QUIET_MS = 1000,
	PASSED_HOLD_MS = 500,
	TRANSFER_REMEMBERED_S = 60,  /* closed ones, to tell late records */
	TRANSFERS_OPEN_MAX = 65536,  /* beyond that the oldest is closed early */
	TRANSFERS_ENDED_MAX = 16384, /* closed early, waiting for transfers_close(); beyond that records are dropped */
};

struct transfers;

/* Of the records, all but those that made or joined a transfer have a count of their own. */
struct transfer_counts {
	uint64_t records, transfers, late_records;
	uint64_t duplicate_records; /* the same packet seen again */
	uint64_t untraced_records;  /* no context, or not a sampled one: only statistics */
	uint64_t untimed_records;   /* no node wrote a time that can be used */
	uint64_t passed_records;    /* of transfers that others passed on */
	uint64_t dropped_records;   /* transfers_close() was not called in time */
	uint64_t early_closes;	    /* too many open */
};

/*
 * `nodes` stays the caller's, and spans point to its names: free them first. Baselines are loaded from `store` and
 * saved to it by transfers_save(); NULL: neither.
 */
int transfers_new(struct nodes *nodes, struct store *store, struct transfers **transfers);
void transfers_free(struct transfers *transfers);

/* The name of this host for the receiving end of paths; without it they say `server` or `client`. Before any record. */
void transfers_set_receiver(struct transfers *transfers, const char *name);

/* Before any record; without it as of zeros. */
void transfers_set_show(struct transfers *transfers, const struct transfers_show *show);

/* Takes a copy. Statistics (usual, least link times) count it at once. */
void transfers_add(struct transfers *transfers, const struct record *record);

/* Bytes that this host sent again. */
void transfers_add_repeat(struct transfers *transfers, const struct repeat *repeat);

/*
 * A transfer that a collector on another host passed on (`hopspan.records` on it), at `now_unix_ns`: drawn again after
 * PASSED_HOLD_MS, when the other direction and the parent span may have come, too. `number` is the caller's, see
 * transfers_passed(). -EBADMSG: it is none.
 */
int transfers_add_passed(struct transfers *transfers, const struct span *span, int64_t number, int64_t now_unix_ns);

/* All up to this number have been drawn; 0: none yet. */
int64_t transfers_passed(const struct transfers *transfers);

/* What that host's collector found usual at a place: counts as long as too few packets of it have come here. */
void transfers_add_usual(struct transfers *transfers, const struct span *span);

/* A span of an application, which may be some transfer's parent. */
void transfers_add_parent(struct transfers *transfers, const struct span *span);

/*
 * Appends the spans of all transfers quiet since TRANSFER_QUIET_MS before `now_unix_ns`; of all of them if `all`. False
 * then; true once there are `most` of them or a few more: to be called again.
 */
bool transfers_close(struct transfers *transfers, int64_t now_unix_ns, bool all, size_t most, struct span_list *spans);

/* Writes the baselines that changed since the last call to the store. 0 or -errno. */
int transfers_save(struct transfers *transfers);

void transfers_count(const struct transfers *transfers, struct transfer_counts *counts);

#endif
