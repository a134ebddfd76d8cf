/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A request with some of its spans left out, all else as it came. */
#include <errno.h>
#include <stdlib.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "otlp.h"

/* `span` is the first of this scope; returns the first of the next. */
static const struct span *scope_thin(Otlp__ScopeSpans *scope, const struct span *span,
				     bool (*is_out)(const struct span *span))
{
	size_t kept = 0;

	for (size_t i = 0; i < scope->n_spans; i++, span++)
		if (is_out(span))
			otlp__span__free_unpacked(scope->spans[i], NULL);
		else
			scope->spans[kept++] = scope->spans[i];
	scope->n_spans = kept;
	return span;
}

int otlp_without(const uint8_t *otlp, size_t len, const struct span_list *spans,
		 bool (*is_out)(const struct span *span), uint8_t **out, size_t *out_len)
{
	Otlp__ExportTraceServiceRequest *request = otlp__export_trace_service_request__unpack(NULL, len, otlp);
	const struct span *span = spans->spans;
	uint8_t *bytes;

	if (!request)
		return -EBADMSG;
	for (size_t i = 0; i < request->n_resource_spans; i++)
		for (size_t k = 0; k < request->resource_spans[i]->n_scope_spans; k++)
			span = scope_thin(request->resource_spans[i]->scope_spans[k], span, is_out);
	bytes = malloc(otlp__export_trace_service_request__get_packed_size(request) + 1);
	if (bytes) {
		*out_len = otlp__export_trace_service_request__pack(request, bytes);
		*out = bytes;
	}
	otlp__export_trace_service_request__free_unpacked(request, NULL);
	return bytes ? 0 : -ENOMEM;
}
