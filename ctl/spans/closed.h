/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Transfers that were closed, remembered for a minute after their last record so that late records are known as such.
 */
#ifndef HOPSPAN_CLOSED_H
#define HOPSPAN_CLOSED_H

#include <stdbool.h>
#include <stdint.h>

#include "table.h"

enum { CLOSED_MAX = 131072, CLOSED_REMEMBERED_S = 60 }; /* 10 MB; beyond that the oldest is forgotten */

struct closed {
	struct table table;
};

/*
 * `hash` is of the flow, and stands for it: 64 bits tell the flows of a minute apart. It is none of those remembered,
 * as closed_is_late() said before it began.
 */
void closed_remember(struct closed *closed, uint64_t hash, int64_t last_unix_ns);

/* True: a record of this time belongs to one of them, which is then remembered from this time on. */
bool closed_is_late(struct closed *closed, uint64_t hash, int64_t now_unix_ns);

void closed_expire(struct closed *closed, int64_t now_unix_ns);
void closed_free(struct closed *closed);

#endif
