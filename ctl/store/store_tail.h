/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the file cannot take while the disk is full: the store's youngest batches, in this process's memory, for the
 * exporters to send on. Shared by all handles on a file. Only store*.c include this.
 *
 *	file: batch 1 ... N     tail: N + 1 ... M     (once the file can be written again, the tail goes into it)
 */
#ifndef HOPSPAN_STORE_TAIL_H
#define HOPSPAN_STORE_TAIL_H

#include "packed.h"
#include "store.h"
#include "store_recent.h"

enum { TAIL_OCTETS_MAX = 64 << 20 };

struct tail;

/* The tail of the file at `path`, one for all who ask; NULL: no memory. */
struct tail *tail_open(const char *path);
void tail_close(struct tail *tail); /* NULL: nothing; what is in it when the last one closes is gone */

/* Between these two nobody else changes it. */
struct packed *tail_lock(struct tail *tail); /* the first, or NULL */
void tail_unlock(struct tail *tail);

/*
 * With the lock: takes the list, and numbers it on from `number`, the file's last. False, and nothing is taken: nobody
 * is there to send it on, or more than TAIL_OCTETS_MAX waits to be sent.
 */
bool tail_add(struct tail *tail, int64_t number, struct packed *list);

/* With the lock: the traces that the file got last. */
struct recent *tail_recent(struct tail *tail);

/* With the lock: all of it is in the file now, or never will be. */
void tail_empty(struct tail *tail);

/* Without: who sends on, and how far it is. */
void tail_reader(struct tail *tail, const char *endpoint, int64_t number);

/* The highest number of a batch that was written or read in this process, with the lock or without. */
void tail_saw(struct tail *tail, int64_t number);
int64_t tail_highest(struct tail *tail);

/* Without: whether there is any, and spans that left it without having been in the file. */
bool tail_is_used(struct tail *tail);
uint64_t tail_unkept_spans(struct tail *tail);

#endif
