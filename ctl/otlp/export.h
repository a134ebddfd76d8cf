/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The way out: batches of the store to an OTLP/HTTP endpoint, in order, by a thread of its own.
 */
#ifndef HOPSPAN_EXPORT_H
#define HOPSPAN_EXPORT_H

#include <stdint.h>

struct export;

struct export_counts {
	uint64_t batches; /* delivered */
	uint64_t retries, rejected_batches;
	uint64_t rejected_spans; /* of rejected batches, and of partial successes */
};

/*
 * `url` is used as it is (see export_url()). Retries 429, 502, 503, 504 and connection failures with back-off and
 * Retry-After; anything else is counted as rejected and not sent again. An endpoint (a URL) that is new to the store
 * gets all there is in it. -errno, printed.
 */
int export_start(const char *url, const char *store_path, struct export **export);
void export_counts(const struct export *export, struct export_counts *counts);
const char *export_endpoint(const struct export *export);

/* What went wrong with the last attempt to send a batch; "": nothing. */
enum { EXPORT_ERROR_SIZE = 320 };
void export_error(struct export *export, char error[EXPORT_ERROR_SIZE]);

/* Sends what is left for at most `grace_ms` (a request under way may take a second more to end), then stops. */
void export_stop(struct export *export, int grace_ms); /* NULL: nothing */

/*
 * The URL from the command's word (base URL, v1/traces is appended unless it has a path), else from the environment:
 * OTEL_EXPORTER_OTLP_TRACES_ENDPOINT as it is, OTEL_EXPORTER_OTLP_ENDPOINT with v1/traces appended. malloc'ed; NULL:
 * none set.
 */
char *export_url(const char *word);

#endif
