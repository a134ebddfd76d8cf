/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Captures of one run, of several devices or hosts, as one: their stamped packets in the order of time.
 */
#ifndef HOPSPAN_RECORDING_H
#define HOPSPAN_RECORDING_H

#include "capture.h"

enum { RECORDING_CAPTURES_MAX = 64 };

struct recording;

/* NULL: no memory. */
struct recording *recording_new(void);

/* The capture becomes the recording's. -E2BIG: too many; printed. */
int recording_add(struct recording *recording, struct capture *capture);

/* 1; -ENODATA: the end; -errno: the end, and a file was damaged, which was printed; the others were read. */
int recording_next(struct recording *recording, struct record *record);

/* Of all captures, what could not be decoded. */
uint64_t recording_malformed(const struct recording *recording);

void recording_free(struct recording *recording); /* NULL: nothing */

#endif
