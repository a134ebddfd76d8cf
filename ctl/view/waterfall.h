/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A trace as text: one row per span, its time, its usual, its queue, and a bar where it was. Below it the verdict, the
 * path and the legend.
 */
#ifndef HOPSPAN_WATERFALL_H
#define HOPSPAN_WATERFALL_H

#include <stdbool.h>

#include "out.h"
#include "spans/span.h"
#include "verdict.h"

/* `fold`: transfers that are as usual are one row while another one is not. */
void waterfall_print(const struct out *out, struct span_list *spans, const struct verdict *verdict, bool fold);

#endif
