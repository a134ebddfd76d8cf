/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reads the paths in batches, writes single ones. */
#include "path_map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>

enum { BATCH = 256 };

/* A batch ends with a whole bucket of the hash, so it may be shorter; -ENOENT with the last one. */
int path_map_read(int map, struct path_entry *entries)
{
	uint8_t addresses[BATCH][16], position[16], *previous = NULL;
	struct path paths[BATCH];
	int error = 0, read = 0;

	while (!error && read < PATH_MAX_PATHS) {
		uint32_t count = PATH_MAX_PATHS - read < BATCH ? PATH_MAX_PATHS - read : BATCH;

		if (bpf_map_lookup_batch(map, previous, position, addresses, paths, &count, NULL))
			error = -errno;
		if (error && error != -ENOENT)
			break;
		for (uint32_t i = 0; i < count; i++, read++) {
			memcpy(entries[read].address, addresses[i], sizeof(addresses[i]));
			entries[read].path = paths[i];
		}
		previous = position;
	}
	return error && error != -ENOENT && error != -ENOSPC ? error : read;
}

bool path_map_change(int map, const uint8_t address[16], enum path_state from, enum path_state to, uint64_t now_ns)
{
	struct path path;

	if (bpf_map_lookup_elem(map, address, &path) || path.state != from)
		return false;
	path.state = to;
	path.since_ns = now_ns;
	path.trying_ns = 0;
	path.trying_socket = 0;
	return bpf_map_update_elem(map, address, &path, BPF_EXIST) == 0;
}

void path_map_watch(int map, uint64_t now_ns)
{
	struct path_watch watch = { .alive_ns = now_ns };
	uint32_t key = 0;

	bpf_map_update_elem(map, &key, &watch, BPF_ANY);
}

bool path_map_is_watched(int map, uint64_t now_ns)
{
	struct path_watch watch;
	uint32_t key = 0;

	return bpf_map_lookup_elem(map, &key, &watch) == 0 && watch.alive_ns &&
	       (watch.alive_ns > now_ns || now_ns - watch.alive_ns < PATH_WATCH_NS);
}

uint64_t path_map_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

const char *path_state_name(uint32_t state)
{
	static const char *const names[] = { [PATH_UNKNOWN] = "unknown",
					     [PATH_TRYING] = "trying",
					     [PATH_PROVED] = "proved",
					     [PATH_DOUBTED] = "doubted",
					     [PATH_REFUSED] = "refused" };

	return state <= PATH_REFUSED ? names[state] : "?";
}
