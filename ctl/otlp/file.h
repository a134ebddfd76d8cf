/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A file of OTLP JSON lines as a destination of the exporter: what the OpenTelemetry Collector's file exporter writes
 * and its otlpjsonfile receiver reads, and `collect read` too.
 */
#ifndef HOPSPAN_FILE_H
#define HOPSPAN_FILE_H

#include "destination.h"

/*
 * Appends to `path`, "-": standard output. A file that was renamed or removed is begun anew (logrotate). While it
 * cannot be written it is tried again. -errno, printed.
 */
int file_new(const char *path, struct destination **destination);

#endif
