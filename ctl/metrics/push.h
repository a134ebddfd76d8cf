/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What /metrics shows as OTLP metrics, sent to an OTLP/HTTP endpoint from time to time: cumulative sums, gauges,
 * histograms with exemplars. A thread of its own, with its own handle on the store.
 *
 * OTEL_METRIC_EXPORT_INTERVAL (60000 ms) says how often; OTEL_EXPORTER_OTLP_METRICS_* and the general forms apply.
 */
#ifndef HOPSPAN_METRICS_PUSH_H
#define HOPSPAN_METRICS_PUSH_H

#include "metrics.h"

struct hop_counts;
struct push;

/*
 * The URL from the command's word (v1/metrics is appended unless it has a path), else from the environment:
 * OTEL_EXPORTER_OTLP_METRICS_ENDPOINT as it is; with OTEL_METRICS_EXPORTER=otlp OTEL_EXPORTER_OTLP_ENDPOINT with
 * v1/metrics appended. malloc'ed; NULL: none set.
 */
char *push_url(const char *word);

/* All but `url` and `store_path` outlive it. -errno, printed. */
int push_start(const char *url, const char *store_path, struct export *const *exports, unsigned int export_count,
	       const struct watch *watch, struct hop_counts *hops, const struct span_attrs *resource,
	       struct push **push);

/* From now on these are sent. */
void push_update(struct push *push, const struct collect_counts *counts); /* NULL: nothing */

/* Sends once more. NULL: nothing. */
void push_stop(struct push *push);

#endif
