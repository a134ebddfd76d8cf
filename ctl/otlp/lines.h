/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Files of OTLP JSON lines, as the OpenTelemetry Collector's file exporter writes them: each line is the JSON of one
 * ExportTraceServiceRequest. Lines of metrics and logs hold no spans, and are passed over.
 */
#ifndef HOPSPAN_OTLP_LINES_H
#define HOPSPAN_OTLP_LINES_H

#include <stdint.h>
#include <stdio.h>

struct store;

struct lines_counts {
	uint64_t lines, spans, bad_lines;
	uint64_t rejected_spans; /* rejected.h; a line of which nothing is left is a bad one, too */
};

/* All lines of `file`, called `name` in messages, into the store. Adds to `counts`. -errno: of the store; printed. */
int lines_read(FILE *file, const char *name, struct store *store, struct lines_counts *counts);

#endif
