/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Lost packets, as their sender knows of them: bytes of a range that were sent again, each within its time, become one
 * `retransmission` span when it has been quiet for a while.
 *
 *	first sending |--------| again
 *	                 |----------| again       one loss of several segments
 *	                            |---------| again: lost a second time
 */
#ifndef HOPSPAN_LOSS_H
#define HOPSPAN_LOSS_H

#include "path.h"
#include "record/repeat.h"
#include "span.h"

enum {
	LOSS_QUIET_MS = 1000,
	LOSSES_MAX = 16384, /* beyond that the oldest ends early */
};

struct losses {
	struct table table;
	uint64_t repeats;
};

void losses_add(struct losses *losses, const struct repeat *repeat);

/* Appends the spans of all that are quiet since LOSS_QUIET_MS, or of all; `tables` as for transfers. */
void losses_close(struct losses *losses, struct path_tables *tables, int64_t now_unix_ns, bool all,
		  struct span_list *spans);
void losses_free(struct losses *losses);

#endif
