/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The sinks of this machine, as the collector reads them: every network namespace's ring buffer, as they come and go;
 * and what its hosts had to send again, which is in there, too.
 */
#ifndef HOPSPAN_SINKS_H
#define HOPSPAN_SINKS_H

#include "record/record.h"
#include "record/repeat.h"

struct sinks;

struct sinks_counts {
	uint64_t records, repeats, undecoded;
};

/* These are called for each, from sinks_read() only. */
int sinks_open(void (*take)(const struct record *record, void *arg),
	       void (*take_repeat)(const struct repeat *repeat, void *arg), void *arg, struct sinks **sinks);
void sinks_close(struct sinks *sinks);

/* Finds namespaces that are new and lets go of those that are gone. Returns how many there are. */
int sinks_refresh(struct sinks *sinks);

/* Takes what is there, after waiting up to `timeout_ms` for it. */
void sinks_read(struct sinks *sinks, int timeout_ms);

void sinks_count(const struct sinks *sinks, struct sinks_counts *counts);

#endif
