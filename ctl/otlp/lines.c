/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A line of JSON -> a batch of the store. */
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "otlp.h"
#include "otlp_json.h"
#include "store/store.h"

/* 0 or -errno of the store; -EBADMSG: of the line. */
static int batch_add(struct store *store, const uint8_t *otlp, size_t len, struct lines_counts *counts)
{
	struct span_list spans = { 0 };
	int error = otlp_decode(otlp, len, &spans);

	if (!error && spans.count && store_add(store, otlp, len, &spans))
		error = -EIO;
	if (!error)
		counts->spans += spans.count;
	span_list_free(&spans);
	return error;
}

static int line_read(const char *line, size_t line_len, struct store *store, struct lines_counts *counts,
		     char why[OTLP_JSON_WHY_SIZE])
{
	uint8_t *otlp;
	size_t len;
	int error = otlp_json_read(&otlp__export_trace_service_request__descriptor, line, line_len, &otlp, &len, why);

	if (error)
		return error;
	snprintf(why, OTLP_JSON_WHY_SIZE, "an id is missing, all zero, or of a wrong length");
	error = batch_add(store, otlp, len, counts);
	free(otlp);
	return error;
}

int lines_read(FILE *file, const char *name, struct store *store, struct lines_counts *counts)
{
	char why[OTLP_JSON_WHY_SIZE], *line = NULL;
	size_t size = 0;
	ssize_t len;
	int error = 0;

	for (unsigned long number = 1; !error && (len = getline(&line, &size, file)) > 0; number++) {
		if (line[0] == '\n')
			continue;
		counts->lines++;
		error = line_read(line, (size_t)len, store, counts, why);
		if (error == -EBADMSG) {
			error = 0;
			if (counts->bad_lines++ == 0)
				fprintf(stderr, "%s:%lu: not OTLP's JSON: %s (said once, counted always)\n", name,
					number, why);
		} else if (error) {
			fprintf(stderr, "%s:%lu: %s\n", name, number,
				error == -ENOMEM ? "out of memory" : store_error(store));
		}
	}
	free(line);
	return error;
}
