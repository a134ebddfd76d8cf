/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The sinks of this machine, as the collector reads them: every network namespace's ring buffer, as they come and go.
 */
#ifndef HOPSPAN_SINKS_H
#define HOPSPAN_SINKS_H

#include "record/record.h"

struct sinks;

struct sinks_counts {
	uint64_t records, undecoded;
};

/* `take` is called for each record, from sinks_read() only. */
int sinks_open(void (*take)(const struct record *record, void *arg), void *arg, struct sinks **sinks);
void sinks_close(struct sinks *sinks);

/* Finds namespaces that are new and lets go of those that are gone. Returns how many there are. */
int sinks_refresh(struct sinks *sinks);

/* Takes what is there, after waiting up to `timeout_ms` for it. */
void sinks_read(struct sinks *sinks, int timeout_ms);

void sinks_count(const struct sinks *sinks, struct sinks_counts *counts);

#endif
