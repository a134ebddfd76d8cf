/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One call of a trace: the client span, and what its time was spent on. Times that follow each other:
 *
 *	client span  |--------------------------------------------------------------|
 *	               host | request: rows | host | server | host | reply: rows | host
 *
 * and, across them, the time until a lost packet was sent again.
 */
#ifndef HOPSPAN_CALL_H
#define HOPSPAN_CALL_H

#include "tree.h"

enum segment_kind { SEGMENT_HOST, SEGMENT_ROW, SEGMENT_LOST };

struct segment {
	enum segment_kind kind;
	const struct span *span; /* a row's, a retransmission's; NULL on hosts */
	const char *host;	 /* its name, and when: "from arrival to the start of its span" */
	const char *when;
	int64_t time_ns, usual_ns; /* -1: not known */
	int64_t excess_ns;	   /* above usual; all of it on hosts and losses; 0 if usual is not known */
	int64_t clock_error_ns;	   /* of what was measured between two clocks; else 0 */
};

struct call {
	const struct span *client;		     /* NULL if it has not come */
	const struct span *request, *reply, *server; /* likewise */
	int64_t of_ns;				     /* of the client span, else of the transfers */
	int64_t network_ns, network_usual_ns;	     /* of the transfers together; usual -1: not known */
	int64_t network_excess_ns;
	int64_t clock_error_ns; /* the largest */
	struct segment *segments;
	size_t segment_count;
};

/* All calls of a trace, one per client span and pair of transfers; in the arena. */
struct call *calls_find(struct arena *arena, const struct tree *tree, size_t *count);

/* The host a transfer left, or reached: from its path. */
const char *transfer_host(const struct span *transfer, bool reached, const char *otherwise);

#endif
