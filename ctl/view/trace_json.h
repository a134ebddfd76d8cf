/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Traces as JSON: ids as hex, times as integers, keys that never change; what is not known is left out. */
#ifndef HOPSPAN_TRACE_JSON_H
#define HOPSPAN_TRACE_JSON_H

#include <jansson.h>

#include "spans/span.h"
#include "store/store.h"
#include "verdict.h"

/* New references. */
json_t *trace_json(struct span_list *spans, const struct verdict *verdict);
json_t *trace_row_json(const struct store_trace *trace);

/* Compact, and a newline. */
void trace_json_print(FILE *file, const json_t *json);

#endif
