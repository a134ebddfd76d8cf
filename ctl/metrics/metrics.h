/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * GET /metrics and /health: what the kernel's programs and the collector count, for Prometheus and for whoever restarts
 * what does not work. A thread of its own, with its own handle on the store.
 */
#ifndef HOPSPAN_METRICS_H
#define HOPSPAN_METRICS_H

#include "intake.h"
#include "otlp/receive.h"
#include "plane/sinks.h"
#include "sources.h"
#include "spans/transfer.h"
#include "store/store.h"

#define METRICS_ADDRESS_DEFAULT "127.0.0.1:9419"

struct export;
struct hop_counts;
struct watch;
struct metrics;

/* What the collector's main loop counts, and the doors for applications all together. */
struct collect_counts {
	unsigned int sinks;
	struct sinks_counts records;
	struct sources_counts sources;
	struct transfer_counts transfers;
	struct intake_counts passed;
	uint64_t spans, lost_spans; /* of the network */
	struct receive_counts in;
	struct store_dropped dropped;
};

/*
 * `exports`, `watch` and `hops` outlive it; NULL: there is none. -EINVAL: `address` is none (see listen_open()); other
 * errors are the machine's, and the collector can do without. Printed.
 */
int metrics_start(const char *address, const char *store_path, struct export *const *exports, unsigned int export_count,
		  const struct watch *watch, struct hop_counts *hops, struct metrics **metrics);

/* From now on these are shown. */
void metrics_update(struct metrics *metrics, const struct collect_counts *counts);
void metrics_stop(struct metrics *metrics); /* NULL: nothing */

#endif
