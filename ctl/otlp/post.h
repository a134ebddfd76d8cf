/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One endpoint that OTLP is sent to, and one request to it at a time (libcurl). The environment's
 * OTEL_EXPORTER_OTLP_{HEADERS,TIMEOUT,COMPRESSION,CERTIFICATE,CLIENT_KEY,CLIENT_CERTIFICATE,PROTOCOL} and their
 * _TRACES_ forms, which win, and OTEL_BSP_EXPORT_TIMEOUT apply.
 */
#ifndef HOPSPAN_POST_H
#define HOPSPAN_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct post;

struct post_answer {
	int status;		 /* HTTP; 0: no answer, `error` says why */
	int64_t retry_after_s;	 /* Retry-After, of either form; 0: none */
	uint64_t rejected_spans; /* partial success */
	char error[256]; /* for people: of the connection, of an error answer, or of a partial success; else "" */
};

/* `abort` ends a request that is under way when it returns true. Settings that cannot be used are printed. -errno. */
int post_new(const char *url, bool (*abort)(void *arg), void *arg, struct post **post);
/* The same for metrics: _METRICS_ forms of the settings win, and an ExportMetricsServiceRequest is sent. */
int post_new_metrics(const char *url, struct post **post);
void post_free(struct post *post); /* NULL: nothing */

void post_send(struct post *post, const uint8_t *otlp, size_t len, struct post_answer *answer);

/* Whether the same bytes may do better later: no answer, 429, 502, 503, 504. */
bool post_again(const struct post_answer *answer);

#endif
