/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The way out: batches of the store to a destination, in order, by a thread of its own. The store is the queue: what is
 * not known to have arrived stays in it.
 */
#ifndef HOPSPAN_EXPORT_H
#define HOPSPAN_EXPORT_H

#include <stdint.h>

#include "destination.h"

struct export;

struct export_counts {
	uint64_t batches, spans; /* delivered */
	uint64_t retries, rejected_batches;
	uint64_t rejected_spans;  /* of rejected batches, and of partial successes */
	uint64_t dropped_batches; /* left the store before they could be sent */
};

/*
 * Takes `destination`, also when it fails. What does not arrive is tried again with back-off, or when the other side
 * asks for it; what is refused is counted and not sent again. A destination that is new to the store gets all there is
 * in it. -errno, printed.
 */
int export_start(struct destination *destination, const char *store_path, struct export **export);
void export_counts(const struct export *export, struct export_counts *counts);
const char *export_name(const struct export *export); /* for people */
const char *export_key(const struct export *export);  /* the store's name for it */

/* What went wrong with the last attempt to send a batch; "": nothing. */
enum { EXPORT_ERROR_SIZE = DESTINATION_ERROR_SIZE };
void export_error(struct export *export, char error[EXPORT_ERROR_SIZE]);

/* Sends what is left for at most `grace_ms` (a request under way may take a second more to end), then stops. */
void export_stop(struct export *export, int grace_ms); /* NULL: nothing */

#endif
