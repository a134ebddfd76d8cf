/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Files and taps -> records. */
#include "sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "otlp/lines.h"
#include "record/capture.h"
#include "record/recording.h"

enum {
	LINES_MAX = 16,
	TAP_RECORDS_MAX = 65536, /* in a row: others wait */
};

struct lines_file {
	FILE *file;
	const char *path; /* the caller's */
};

struct sources {
	struct recording *files, *taps;
	struct lines_file lines[LINES_MAX];
	unsigned int lines_count;
	uint64_t records;
	struct lines_counts lines_counts;
};

int sources_new(struct sources **out)
{
	struct sources *sources = calloc(1, sizeof(*sources));

	if (!sources || !(sources->files = recording_new()) || !(sources->taps = recording_new())) {
		sources_free(sources);
		fprintf(stderr, "out of memory\n");
		return -ENOMEM;
	}
	*out = sources;
	return 0;
}

static int lines_add(struct sources *sources, FILE *file, const char *path)
{
	if (sources->lines_count == LINES_MAX) {
		fprintf(stderr, "%s: more than %d files of spans at once\n", path, LINES_MAX);
		fclose(file);
		return -E2BIG;
	}
	sources->lines[sources->lines_count++] = (struct lines_file){ file, path };
	return 0;
}

int sources_read(struct sources *sources, const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct capture *capture;
	int first, error;

	if (!file) {
		error = -errno;
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return error;
	}
	first = getc(file);
	if (first != EOF)
		ungetc(first, file);
	if (first == '{')
		return lines_add(sources, file, path);
	error = capture_open_file(file, path, &capture);
	return error ? error : recording_add(sources->files, capture);
}

int sources_tap(struct sources *sources, const char *device)
{
	struct capture *capture;
	int error = capture_open_live(device, &capture);

	return error ? error : recording_add(sources->taps, capture);
}

void sources_free(struct sources *sources)
{
	if (!sources)
		return;
	recording_free(sources->files);
	recording_free(sources->taps);
	for (unsigned int i = 0; i < sources->lines_count; i++)
		fclose(sources->lines[i].file);
	free(sources);
}

int sources_replay(struct sources *sources, struct store *store, int64_t tick_ns,
		   void (*take)(const struct record *record, void *arg), bool (*pass)(int64_t unix_ns, void *arg),
		   void *arg)
{
	int64_t passed_ns = 0;
	struct record record;
	int error = 0, got;

	for (unsigned int i = 0; !error && i < sources->lines_count; i++)
		error = lines_read(sources->lines[i].file, sources->lines[i].path, store, &sources->lines_counts);
	while ((got = recording_next(sources->files, INT64_MAX, &record)) == 1) {
		if (record.time_unix_ns - passed_ns >= tick_ns) {
			passed_ns = record.time_unix_ns;
			if (pass(passed_ns, arg))
				return error;
		}
		sources->records++;
		take(&record, arg);
	}
	return got == -ENODATA ? error : got;
}

void sources_poll(struct sources *sources, int64_t until_unix_ns, void (*take)(const struct record *record, void *arg),
		  void *arg)
{
	struct record record;

	for (int i = 0; i < TAP_RECORDS_MAX && recording_next(sources->taps, until_unix_ns, &record) == 1; i++) {
		sources->records++;
		take(&record, arg);
	}
}

void sources_count(const struct sources *sources, struct sources_counts *counts)
{
	*counts = (struct sources_counts){
		.records = sources->records,
		.malformed = recording_malformed(sources->files) + recording_malformed(sources->taps),
		.lost = recording_lost(sources->taps),
		.spans = sources->lines_counts.spans,
		.bad_lines = sources->lines_counts.bad_lines,
		.rejected_spans = sources->lines_counts.rejected_spans,
	};
}
