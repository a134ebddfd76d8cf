/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * All histograms of what is usual, by key, in memory; loaded from the store and saved to it.
 */
#ifndef HOPSPAN_BASELINE_H
#define HOPSPAN_BASELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"
#include "table.h"
#include "usual.h"

/* Once full, places that were never seen before get none: their usual stays unknown. 17 MB. */
enum { BASELINES_MAX = 16384 };

struct baseline {
	struct table_entry entry;
	struct usual usual;
	bool changed;		  /* since it was saved */
	uint32_t added, computed; /* packets since the median was computed, and then */
	int64_t median_ns;
	int64_t given_ns; /* by another collector; 0: not */
	char key[];	  /* for usual.h */
};

struct baselines {
	struct table table;
};

/* 0 or -errno of the store. */
int baselines_load(struct baselines *baselines, struct store *store);
int baselines_save(struct baselines *baselines, struct store *store);
void baselines_free(struct baselines *baselines);

/* Found or made; stays where it is until baselines_free(). NULL: there are too many. */
struct baseline *baselines_find(struct baselines *baselines, const char *key);

/* What another collector found; counts until there are packets enough. */
void baselines_give(struct baselines *baselines, const char *key, int64_t median_ns);

/* Both take NULL. The median is computed anew when packets have grown by 1/64. */
void baseline_add(struct baseline *baseline, int64_t duration_ns, int64_t now_unix_ns);
int64_t baseline_median(struct baseline *baseline);

#endif
