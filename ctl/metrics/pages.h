/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the pages say. All is read anew for each, by the thread of the HTTP server. */
#ifndef HOPSPAN_METRICS_PAGES_H
#define HOPSPAN_METRICS_PAGES_H

#include <stdbool.h>
#include <stdio.h>

#include "metrics.h"

struct store;
struct text;

/* What pages are made of. */
struct pages {
	struct store *store;
	struct export *const *exports;
	unsigned int export_count;
	const struct watch *watch; /* or NULL */
	struct hop_counts *hops;   /* or NULL */
	struct collect_counts counts;
};

/* The counters, devices and paths of all network namespaces and cgroups of this machine. */
void pages_kernel(const struct text *text);

/* The DPDK forwarders of this machine: a second at most, if one does not answer. */
void pages_forwarders(const struct text *text);

/* The collector itself. */
void pages_collector(const struct text *text, const struct pages *pages);

/* All of these. */
void pages_metrics(const struct text *text, const struct pages *pages);

/* One JSON object. False: the collector cannot do its work. */
bool pages_health(FILE *out, const struct pages *pages);

#endif
