/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A line of JSON -> a batch of the store. */
#include "lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "otlp.h"
#include "otlp_json.h"
#include "rejected.h"
#include "store/store.h"

/* 0 or -errno of the store; -EBADMSG: nothing in the line is good. `why` is "" only if all is. */
static int batch_add(struct store *store, const uint8_t *otlp, size_t len, struct lines_counts *counts, char *why)
{
	struct span_list spans = { 0 };
	struct rejected rejected;
	uint8_t *kept;
	size_t kept_len;
	int error = otlp_decode_good(otlp, len, &spans, &rejected, &kept, &kept_len);

	if (!error && spans.count && store_add(store, kept ? kept : otlp, kept ? kept_len : len, &spans))
		error = -EIO;
	if (!error && kept && !spans.count)
		error = -EBADMSG;
	counts->spans += error ? 0 : spans.count;
	counts->rejected_spans += rejected.spans;
	snprintf(why, REJECTED_WHY_SIZE, "%s",
		 error && !rejected.spans ? "no ExportTraceServiceRequest" : rejected.why);
	free(kept);
	span_list_free(&spans);
	return error;
}

static int line_read(const char *line, size_t line_len, struct store *store, struct lines_counts *counts, char *why)
{
	uint8_t *otlp;
	size_t len;
	int error = otlp_json_read(&otlp__export_trace_service_request__descriptor, line, line_len, &otlp, &len, why);

	if (error)
		return error;
	error = batch_add(store, otlp, len, counts, why);
	free(otlp);
	return error;
}

int lines_read(FILE *file, const char *name, struct store *store, struct lines_counts *counts)
{
	char why[REJECTED_WHY_SIZE], *line = NULL;
	bool said = false;
	size_t size = 0;
	ssize_t len;
	int error = 0;

	_Static_assert(sizeof(why) >= OTLP_JSON_WHY_SIZE, "either reason");
	for (unsigned long number = 1; !error && (len = getline(&line, &size, file)) > 0; number++) {
		if (line[0] == '\n')
			continue;
		counts->lines++;
		why[0] = 0;
		error = line_read(line, (size_t)len, store, counts, why);
		if (error && error != -EBADMSG) {
			fprintf(stderr, "%s:%lu: %s\n", name, number,
				error == -ENOMEM ? "out of memory" : store_error(store));
			break;
		}
		if (why[0] && !said)
			fprintf(stderr, "%s:%lu: not OTLP's JSON: %s (said once, counted always)\n", name, number, why);
		said |= why[0] != 0;
		counts->bad_lines += error != 0;
		error = 0;
	}
	free(line);
	return error;
}
