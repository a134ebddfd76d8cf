/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where `collect` has records from beside this machine's sinks: files of a run that is over, and taps of live devices.
 */
#ifndef HOPSPAN_SOURCES_H
#define HOPSPAN_SOURCES_H

#include <stdbool.h>

#include "record/record.h"

struct store;
struct sources;

struct sources_counts {
	uint64_t records;	   /* of files and taps */
	uint64_t malformed;	   /* packets that hold something of ours and cannot be decoded */
	uint64_t lost;		   /* packets that a tap had no room for */
	uint64_t spans, bad_lines; /* of files of OTLP JSON lines */
	uint64_t rejected_spans;   /* of the same: their ids are none */
};

/* What a file is, is told by its first octet: '{' begins OTLP JSON lines, anything else a capture; "-" is stdin. */
int sources_new(struct sources **sources);
int sources_read(struct sources *sources, const char *path); /* both: -errno, printed */
int sources_tap(struct sources *sources, const char *device);
void sources_free(struct sources *sources); /* NULL: nothing */

/*
 * All of the files: lines into the store, then records in the order of their time to `take`. `pass` is called as time
 * passes in them, each `tick_ns`, with that time; it ends this by returning true. -errno: a file is damaged, or the
 * store does not work; printed, and what could be read was taken.
 */
int sources_replay(struct sources *sources, struct store *store, int64_t tick_ns,
		   void (*take)(const struct record *record, void *arg), bool (*pass)(int64_t unix_ns, void *arg),
		   void *arg);

/*
 * What has come by the taps, in the order of time; what is from after `until_unix_ns` waits for others that may still
 * come, some SOURCES_LATE_MS later.
 */
enum { SOURCES_LATE_MS = 50 };
void sources_poll(struct sources *sources, int64_t until_unix_ns, void (*take)(const struct record *record, void *arg),
		  void *arg);

void sources_count(const struct sources *sources, struct sources_counts *counts);

#endif
