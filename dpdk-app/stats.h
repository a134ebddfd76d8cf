/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The workers' counters, for people (a table) and for programs (DPDK telemetry: /hopspan/counters are the sums,
 * /hopspan/workers each worker's part).
 */
#ifndef HOPSPAN_DPDK_STATS_H
#define HOPSPAN_DPDK_STATS_H

#include <stdio.h>

#include "router.h"
#include "worker.h"

void stats_print(const struct worker *workers, unsigned int count, const struct router *router, FILE *out);

/* Serves the counters as long as DPDK runs; `workers` must live as long. 0 or -errno. */
int stats_serve(const struct worker *workers, unsigned int count, const struct router *router);

#endif
