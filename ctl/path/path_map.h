/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The maps of tc/path.h, read and written by the collector. */
#ifndef HOPSPAN_PATH_PATH_MAP_H
#define HOPSPAN_PATH_PATH_MAP_H

#include <stdbool.h>

#include "tc/path.h"

struct path_entry {
	uint8_t address[16];
	struct path path;
};

/* All paths, at most PATH_MAX_PATHS; their number or -errno. */
int path_map_read(int map, struct path_entry *entries);

/*
 * A change of state, unless tc/stamp was first. It writes PATH_PROVED and PATH_DOUBTED itself, and only from
 * PATH_TRYING and PATH_PROVED; from there the collector changes to what is no more than that. Counts of packets that
 * leave in this very moment may be lost.
 */
bool path_map_change(int map, const uint8_t address[16], enum path_state from, enum path_state to, uint64_t now_ns);

/* The sign that somebody watches. */
void path_map_watch(int map, uint64_t now_ns);
bool path_map_is_watched(int map, uint64_t now_ns);

/* CLOCK_MONOTONIC, as all times here. */
uint64_t path_map_now_ns(void);

const char *path_state_name(uint32_t state);

#endif
