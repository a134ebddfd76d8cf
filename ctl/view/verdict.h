/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The verdict: whether and where the network was slow, in one sentence. Rules and wordings in docs/verdict.md.
 */
#ifndef HOPSPAN_VERDICT_H
#define HOPSPAN_VERDICT_H

#include "spans/span.h"

struct verdict {
	const char *reason;	 /* queue router link hop silent host application spread usual clocks lost none */
	const char *text;	 /* the sentence */
	const struct span *of;	 /* the client span that is explained; NULL if there is none */
	const struct span *at;	 /* the network span that is named; NULL if none is */
	const struct span *also; /* a second one, of at least half its excess; NULL if there is none */
	const char *node, *egress_if, *wait; /* of `at`, a host's name also without; NULL where they do not apply */
	int64_t time_ns, of_ns, queue_bytes, usual_ns, usual_packets; /* -1: not known */
	double times_usual;					      /* 0: not known */
};

/* Of a whole trace. Texts live in the list's arena, pointers to spans as long as the list does not grow. */
void verdict_find(struct span_list *spans, struct verdict *verdict);

#endif
