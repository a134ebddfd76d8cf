/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A page of OpenMetrics as this program writes it (text.h) -> an OTLP ExportMetricsServiceRequest. One list of what is
 * counted, in all formats.
 */
#ifndef HOPSPAN_METRICS_PAGE_OTLP_H
#define HOPSPAN_METRICS_PAGE_OTLP_H

#include <stddef.h>
#include <stdint.h>

#include "spans/span.h"

/*
 * `page` is changed. Sums are since `start_unix_ns`. malloc'ed; -EBADMSG: not such a page; -ENOMEM.
 */
int page_otlp(char *page, const struct span_attrs *resource, int64_t start_unix_ns, int64_t now_unix_ns, uint8_t **otlp,
	      size_t *len);

#endif
