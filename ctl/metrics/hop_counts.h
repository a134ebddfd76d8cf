/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What nodes wrote of each stamped packet, as histograms per node and egress interface: the delay and the queue, as
 * they came in the packet. Each bucket remembers a packet, so that from a peak one gets to a trace.
 *
 * One thread adds, others read.
 */
#ifndef HOPSPAN_METRICS_HOP_COUNTS_H
#define HOPSPAN_METRICS_HOP_COUNTS_H

#include "record/record.h"
#include "text.h"

struct hop_counts;

struct hop_counts *hop_counts_new(void);       /* NULL: no memory */
void hop_counts_free(struct hop_counts *hops); /* NULL: nothing */

/* Of too many nodes and interfaces (1024) the further ones are not counted. */
void hop_counts_add(struct hop_counts *hops, const struct record *record, struct nodes *nodes);

/* Both families; the last sampled packet of each bucket is its exemplar. NULL: without samples. */
void hop_counts_write(struct hop_counts *hops, const struct text *text);

#endif
