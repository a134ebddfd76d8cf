/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * OpenTelemetry's environment variables, as its specification has them: empty is unset, wrong values are said and
 * ignored.
 */
#ifndef HOPSPAN_ENVIRONMENT_H
#define HOPSPAN_ENVIRONMENT_H

#include <stdbool.h>

/* NULL: unset or empty. */
const char *environment_get(const char *name);

/* OTEL_EXPORTER_OTLP_<signal>_<name>, else OTEL_EXPORTER_OTLP_<name>; `signal` is TRACES or METRICS. */
const char *environment_otlp(const char *signal, const char *name);

/* A whole number from `least` on; `otherwise` if unset or wrong. */
long environment_number(const char *name, const char *value, long least, long otherwise);

bool environment_is_true(const char *name);

/*
 * Feeds each pair of "key=value,key=value", percent-decoded (W3C baggage), to `each`, which says whether it is good.
 * False: something was wrong.
 */
bool environment_pairs(const char *list, bool (*each)(const char *key, const char *value, void *arg), void *arg);

#endif
