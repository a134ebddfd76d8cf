/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Parts of the verdict's sentence: how much of what, where, and what is usual there.
 */
#ifndef HOPSPAN_SENTENCE_H
#define HOPSPAN_SENTENCE_H

#include "call.h"
#include "unit.h"

/* How much is known about a call; the call with most of it speaks for the trace. */
enum finding { FINDING_NOTHING, FINDING_NETWORK, FINDING_QUEUE, FINDING_EXCESS };

struct judgement {
	struct arena *arena;
	const struct tree *tree;
	const struct unit *unit;
	const struct call *call;
	bool several; /* calls: the sentence says which one it means */
	enum finding finding;
	const struct segment *first, *second;
};

/* Of a segment's span; NULL where it has no such text. */
const char *segment_text(const struct segment *segment, const char *key);
int64_t segment_queue_bytes(const struct segment *segment); /* -1: not known */

bool segment_is_stay(const struct segment *segment);
bool segment_is_hop(const struct segment *segment);
bool segment_is_silent(const struct segment *segment); /* routers between did not take part */

/* A queue, not the router's work: most of the stay was waiting, or how much of it is not told apart. */
bool segment_is_queue(const struct segment *segment);

/* "39.8" */
const char *sentence_amount(const struct judgement *judgement, int64_t time_ns);

/* "39.8 of 48.2 ms", in a fan-out " of stock.Stock/Reserve"; what outlasts its span is no part of it. */
const char *sentence_share(const struct judgement *judgement, int64_t time_ns);

/* "in r1, waiting in the queue of eth1 (57.9 kB)" */
const char *sentence_place(const struct judgement *judgement, const struct segment *segment);

/* "; 210 times its usual 0.19 ms" */
const char *sentence_usual(const struct judgement *judgement, const struct segment *segment);

#endif
