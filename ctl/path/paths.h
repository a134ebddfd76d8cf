/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The paths of one network namespace: its maps, what the collector knows of them, what it does about them. */
#ifndef HOPSPAN_PATH_PATHS_H
#define HOPSPAN_PATH_PATHS_H

#include <stdbool.h>
#include <stdint.h>

#include "path_counts.h"
#include "prober.h"
#include "tell.h"

struct paths;

/* NULL: `folder` has no paths to watch. `prober`, `log` and `counts` outlive it. */
struct paths *paths_open(const char *folder, uint64_t cookie, struct prober *prober, struct tell *log,
			 struct path_counts *counts);

/* `leave`: tells tc/stamp that nobody watches any more; else another collector may, or the maps are gone. */
void paths_close(struct paths *paths, bool leave);

uint64_t paths_cookie(const struct paths *paths);

/* Are the folder's maps still those that were opened? */
bool paths_are_current(const struct paths *paths);

/* Reads the policies. */
void paths_refresh(struct paths *paths);

/* One look at all paths, and the sign that somebody watches. */
void paths_look(struct paths *paths, uint64_t now_ns);

/* For prober_step(). */
void paths_probed(void *watched, const struct probe *probe, uint64_t now_ns);

#endif
