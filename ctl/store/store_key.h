/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Traces by their ids. Once TRACE_BUCKET of them have come their keys are written, sorted, in a row; who looks for a
 * trace looks into each bucket, and at all traces behind the last. Only store*.c include this.
 */
#ifndef HOPSPAN_STORE_KEY_H
#define HOPSPAN_STORE_KEY_H

#include "store.h"

enum { TRACE_BUCKET = 8192 };

/* Within a transaction, and with the tail's lock: what is needed to number traces, and to know those that came last. */
int store_key_begin(struct store *store);

/* Before its end: keys of buckets that are full. */
int store_key_end(struct store *store);

/* When traces were deleted: keys of buckets that have none any more. */
int store_key_trim(struct store *store);

/*
 * Feeds traces whose ids are in this range, both ends with it, to `each` until it returns other than 0, which is
 * returned. `each` does not use the same statements. A trace whose spans came very far apart is there twice.
 */
int store_key_find(struct store *store, const uint8_t low[TRACE_ID_LEN], const uint8_t high[TRACE_ID_LEN],
		   int (*each)(int64_t number, const uint8_t trace_id[TRACE_ID_LEN], void *arg), void *arg);

#endif
