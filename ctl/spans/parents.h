/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Applications' spans and the transfers that name them as their parent, until each has met the other: a parent span
 * says in which second, by its host's clock, packets were sent whose stamps have no seconds.
 */
#ifndef HOPSPAN_PARENTS_H
#define HOPSPAN_PARENTS_H

#include "clock.h"
#include "span.h"
#include "table.h"

enum { PARENTS_MAX = 16384 }; /* the one not used for longest goes; 3 MB */

struct parents {
	struct table table;
};

/* When a packet was sent, by its receiver's clock. */
struct sending {
	struct clock_way way; /* from host to host */
	int64_t sent_unix_ns;
};

/* A span of an application. True: `sending` was waiting for it. */
bool parents_add_span(struct parents *parents, const uint8_t *trace_id, const uint8_t *span_id, int64_t start_unix_ns,
		      int64_t end_unix_ns, struct sending *sending);

/* A packet below it. True: the span has come already. */
bool parents_add_sending(struct parents *parents, const uint8_t *trace_id, const uint8_t *span_id,
			 const struct sending *sending, int64_t *start_unix_ns, int64_t *end_unix_ns);

void parents_free(struct parents *parents);

#endif
