/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the files of transfers share; only transfer*.c include this.
 *
 *	record -> open -> (quiet: drawn at once | too many, or overdue: ended, drawn at the next close) -> closed
 *	passed on by another collector -> passed, for a moment -> drawn
 */
#ifndef HOPSPAN_TRANSFER_TABLE_H
#define HOPSPAN_TRANSFER_TABLE_H

#include "closed.h"
#include "draw.h"
#include "loss.h"
#include "parents.h"
#include "path.h"
#include "spares.h"
#include "table.h"
#include "transfer.h"

enum { SEEN_PACKETS = 8 }; /* fingerprints kept to tell duplicates, which come close together */

struct transfer {
	struct table_entry entry;
	struct flow flow;
	struct path *shown[SHOWN_COUNT]; /* the slowest; first and last if they are wanted */
	struct baseline *usual;
	int64_t last_record_unix_ns; /* by the collector's clock */
	int64_t sent_unix_ns;	     /* the first one's stamp */
	int64_t start_unix_ns, end_unix_ns;
	int64_t min_ns, max_ns, sum_ns;
	uint64_t packets;
	uint64_t seen[SEEN_PACKETS];
	uint8_t w3c_flags;
	/* Of one that was passed on. */
	struct transfer *next;
	int64_t due_unix_ns, number;
};

struct transfers {
	struct path_tables tables;
	struct parents parents;
	struct store *store;
	struct transfers_show show;
	struct table open;
	struct closed closed;
	struct losses losses;
	struct transfer *passed, **passed_end; /* the oldest first */
	struct closed passed_closed;	       /* what came twice is told by it */
	int64_t passed_number;
	struct transfer **ended; /* TRANSFERS_ENDED_MAX */
	unsigned int ended_count;
	struct spares spares; /* of transfers and their paths */
	struct transfer_counts counts;
	struct record record; /* the one being added, with its times */
	struct path *path;    /* PATH_SIZE_MAX */
};

/* Zeroed; without memory the process ends with a message. */
void *transfer_alloc(size_t size);
struct transfer *transfer_make(struct transfers *transfers);
void transfer_free(struct transfers *transfers, struct transfer *transfer);

struct flow flow_of(const struct record *record);
uint64_t flow_hash(const struct flow *flow);

/* Ids of zeros name nothing, an unsampled parent will never be in the backend, and without hops there is no time. */
bool record_is_traced(const struct record *record);

/* Into transfers->record, with its times. */
void transfers_take_record(struct transfers *transfers, const struct record *record);

struct baseline *transfer_usual(struct transfers *transfers, const struct record *record);

/* Its octets as well where they are to be passed on. Frees what was kept before. */
void path_keep(struct transfers *transfers, struct path **kept, const struct path *path);

/* Draws it, and frees it. */
void transfer_draw(struct transfers *transfers, struct transfer *transfer, struct span_list *spans);

/* Draws those that were passed on and are due. */
void passed_close(struct transfers *transfers, int64_t now_unix_ns, bool all, size_t most, struct span_list *spans);

#endif
