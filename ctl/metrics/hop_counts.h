/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What nodes wrote of each stamped packet, as histograms per node and egress interface: the delay and the queue, as
 * they came in the packet. Each bucket remembers a packet, so that from a peak one gets to a trace.
 *
 * One thread adds, others read.
 */
#ifndef HOPSPAN_METRICS_HOP_COUNTS_H
#define HOPSPAN_METRICS_HOP_COUNTS_H

#include <stdio.h>

#include "record/record.h"
#include "text.h"

struct hop_counts;

enum { HOP_BOUNDS_MAX = 24 };

/* The last sampled packet of a bucket. */
struct hop_exemplar {
	double value;
	int64_t time_unix_ns; /* 0: none yet */
	uint8_t trace_id[16], span_id[8];
};

struct hop_counts *hop_counts_new(void);       /* NULL: no memory */
void hop_counts_free(struct hop_counts *hops); /* NULL: nothing */

/* Of too many nodes and interfaces (1024) the further ones are not counted. */
void hop_counts_add(struct hop_counts *hops, const struct record *record, struct nodes *nodes);

/* Both families. NULL: without samples. */
void hop_counts_write(struct hop_counts *hops, FILE *out);

/* The exemplars of a histogram's buckets, the last one without a bound; how many, 0: no such histogram. */
unsigned int hop_counts_exemplars(struct hop_counts *hops, enum metric metric, const char *node, const char *interface,
				  struct hop_exemplar exemplars[HOP_BOUNDS_MAX + 1]);

#endif
