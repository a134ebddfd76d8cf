/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Captures of one run, of several devices or hosts, as one: their stamped packets in the order of time. Files, or live
 * devices, which may have nothing now and more later.
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

/*
 * The earliest, if it is not after `until_unix_ns`: 1; 0: none now; -ENODATA: the end; -errno: the end, and a file was
 * damaged, which was printed; the others were read.
 */
int recording_next(struct recording *recording, int64_t until_unix_ns, struct record *record);

/* Of all captures, what could not be decoded, and what a live one had no room for. */
uint64_t recording_malformed(const struct recording *recording);
uint64_t recording_lost(const struct recording *recording);

void recording_free(struct recording *recording); /* NULL: nothing */

#endif
