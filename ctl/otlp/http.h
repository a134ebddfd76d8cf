/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * OTLP/HTTP as a destination of the exporter.
 */
#ifndef HOPSPAN_HTTP_H
#define HOPSPAN_HTTP_H

#include "destination.h"

/*
 * `url` is used as it is (see http_url()). Sends again after 429, 502, 503, 504 and connection failures; anything else
 * but 2xx is a refusal. -errno, printed.
 */
int http_new(const char *url, struct destination **destination);

/*
 * The URL from the command's word (base URL, v1/traces is appended unless it has a path), else from the environment:
 * OTEL_EXPORTER_OTLP_TRACES_ENDPOINT as it is, OTEL_EXPORTER_OTLP_ENDPOINT with v1/traces appended. malloc'ed; NULL:
 * none set.
 */
char *http_url(const char *word);

/* `path` behind a base URL; and behind one only if it has no path. malloc'ed; NULL: no memory. */
char *http_url_append(const char *base, const char *path);
char *http_url_of(const char *word, const char *path);

#endif
