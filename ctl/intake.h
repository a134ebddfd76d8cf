/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What comes in by the doors for the thread that makes network spans: applications' spans, which may be parents, and
 * transfers that other hosts' collectors pass on to be drawn here, with both directions known.
 *
 *	door -> application spans -> store, and here their ids and times
 *	     -> passed on         -> file beside the store -> transfers -> store
 *
 * What was passed on is answered when it is in that file, so it is not lost when the collector ends.
 */
#ifndef HOPSPAN_INTAKE_H
#define HOPSPAN_INTAKE_H

#include "spans/transfer.h"
#include "store/store.h"

enum { INTAKE_PARENTS_MAX = 16384 }; /* between two calls; beyond that they are left out, as they only help */

struct intake;

struct intake_counts {
	uint64_t batches;   /* passed on */
	uint64_t bad_spans; /* of them, said to be transfers and were none */
};

/* `store_path` is that of the collector's store; the file has ".passed" behind it. Errors were printed; -errno. */
int intake_new(const char *store_path, struct intake **intake);
void intake_free(struct intake *intake); /* NULL: nothing */

/* A look of the doors (receive.h), in any thread. */
int intake_look(const struct span_list *spans, const uint8_t *otlp, size_t len, void *intake);

/* Hands over what has come; what is with it but no network's goes into `store`. -errno: to be tried again. */
int intake_read(struct intake *intake, struct transfers *transfers, struct store *store, int64_t now_unix_ns);

/* Of what was read, all that is drawn is in the store by now. */
void intake_done(struct intake *intake, const struct transfers *transfers, int64_t now_unix_ns);

void intake_count(const struct intake *intake, struct intake_counts *counts);

#endif
