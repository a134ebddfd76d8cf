/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Looks at a namespace's paths several times a second: probes, judges, and writes states. */
#include "paths.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path_map.h"
#include "plane/counters.h"
#include "plane/device.h"
#include "watched.h"

enum { BUCKETS = 1024 };

struct paths {
	char folder[PATH_MAX];
	ino_t inode; /* of the pinned map */
	int map, watch, policy_map;
	struct netns netns;
	struct prober *prober;
	struct tell *log;
	struct path_counts *counts;
	struct policies policies;
	struct group *groups;
	struct watched *buckets[BUCKETS];
	uint64_t turn;
	struct path_entry *entries; /* of the last look */
};

static ino_t inode_of(const char *folder)
{
	char path[PATH_MAX + 16];
	struct stat status;

	snprintf(path, sizeof(path), "%s/stamp_path", folder);
	return stat(path, &status) ? 0 : status.st_ino;
}

bool paths_are_current(const struct paths *paths)
{
	return inode_of(paths->folder) == paths->inode;
}

uint64_t paths_cookie(const struct paths *paths)
{
	return paths->netns.cookie;
}

/* What was proved is not any more, when nobody has watched it meanwhile. */
static void paths_take_up(struct paths *paths)
{
	uint64_t now_ns = path_map_now_ns();
	int count;

	if (path_map_is_watched(paths->watch, now_ns))
		return;
	count = path_map_read(paths->map, paths->entries);
	for (int i = 0; i < count; i++) {
		uint32_t state = paths->entries[i].path.state;

		if (state == PATH_TRYING || state == PATH_PROVED)
			path_map_change(paths->map, paths->entries[i].address, state, PATH_UNKNOWN, now_ns);
	}
}

static bool paths_have_all(const struct paths *paths)
{
	return paths->map >= 0 && paths->watch >= 0 && paths->policy_map >= 0 && paths->entries;
}

struct paths *paths_open(const char *folder, uint64_t cookie, struct prober *prober, struct tell *log,
			 struct path_counts *counts)
{
	struct paths *paths = calloc(1, sizeof(*paths));

	if (!paths)
		return NULL;
	snprintf(paths->folder, sizeof(paths->folder), "%s", folder);
	paths->inode = inode_of(folder);
	paths->map = counters_open_map(folder, "stamp_path");
	paths->watch = counters_open_map(folder, "stamp_watch");
	paths->policy_map = counters_open_map(folder, "stamp_prefix");
	paths->entries = calloc(PATH_MAX_PATHS, sizeof(*paths->entries));
	paths->netns.cookie = cookie;
	paths->prober = prober;
	paths->log = log;
	paths->counts = counts;
	if (!paths_have_all(paths)) {
		paths_close(paths, false);
		return NULL;
	}
	paths_refresh(paths);
	paths_take_up(paths);
	return paths;
}

static struct watched **bucket_of(struct paths *paths, const uint8_t address[16])
{
	uint32_t hash = 0;

	for (int i = 0; i < 16; i++)
		hash = hash * 31 + address[i];
	return &paths->buckets[hash % BUCKETS];
}

static struct watched *watched_find(struct paths *paths, const uint8_t address[16])
{
	struct watched *watched = *bucket_of(paths, address);

	while (watched && memcmp(watched->address, address, 16) != 0)
		watched = watched->next;
	return watched;
}

/* A path seen for the first time. NULL: no memory. */
static struct watched *watched_add(struct paths *paths, const struct path_entry *entry)
{
	struct watched **bucket = bucket_of(paths, entry->address), *watched = calloc(1, sizeof(*watched));

	if (!watched)
		return NULL;
	watched->group = group_take(&paths->groups, &paths->policies, entry->address);
	if (!watched->group) {
		free(watched);
		return NULL;
	}
	memcpy(watched->address, entry->address, sizeof(watched->address));
	watched->paths = paths;
	watched->told = PROBE_PASSES;
	watched->path = entry->path;
	watched->was_proved = entry->path.state == PATH_PROVED;
	watched->proved_ns = watched->was_proved ? entry->path.since_ns : 0;
	watched->next = *bucket;
	*bucket = watched;
	return watched;
}

/* Drops those that were not there at the last look, or all. */
static void watched_sweep(struct paths *paths, bool all)
{
	for (int i = 0; i < BUCKETS; i++)
		for (struct watched **at = &paths->buckets[i], *watched = *at; watched; watched = *at) {
			if (!all && watched->seen_turn == paths->turn) {
				at = &watched->next;
				continue;
			}
			*at = watched->next;
			prober_forget(paths->prober, watched);
			group_release(&paths->groups, watched->group);
			free(watched);
		}
}

void paths_close(struct paths *paths, bool leave)
{
	watched_sweep(paths, true);
	if (leave)
		path_map_watch(paths->watch, 0);
	if (paths->map >= 0)
		close(paths->map);
	if (paths->watch >= 0)
		close(paths->watch);
	if (paths->policy_map >= 0)
		close(paths->policy_map);
	free(paths->entries);
	free(paths);
}

/* Other policies may be other groups. */
void paths_refresh(struct paths *paths)
{
	struct policies fresh = { .count = 0 };

	policies_read(&fresh, paths->policy_map);
	if (fresh.count == paths->policies.count && memcmp(&fresh, &paths->policies, sizeof(fresh)) == 0)
		return;
	paths->policies = fresh;
	for (int i = 0; i < BUCKETS; i++)
		for (struct watched *watched = paths->buckets[i]; watched; watched = watched->next) {
			struct group *group = group_take(&paths->groups, &paths->policies, watched->address);

			if (!group)
				continue;
			group_release(&paths->groups, watched->group);
			watched->group = group;
		}
}

static bool watched_change(struct watched *watched, enum path_state to, uint64_t now_ns)
{
	if (watched->path.state == to)
		return true;
	if (!path_map_change(watched->paths->map, watched->address, watched->path.state, to, now_ns))
		return false;
	watched->path.state = to;
	watched->path.since_ns = now_ns;
	watched->paths->counts->changes[to]++;
	return true;
}

void paths_probed(void *owner, const struct probe *probe, uint64_t now_ns)
{
	struct watched *watched = owner;
	enum probe_verdict verdict = probe_verdict(probe);
	enum path_state state = watched_probed(watched, verdict, probe_counts(probe), watched->paths->log, now_ns);

	watched->paths->counts->probes[verdict]++;
	watched_change(watched, state, now_ns);
}

/* Of the namespace's first device that is a host's: what the path's packets leave by is not known. */
static bool device_first(const struct paths *paths, struct device *device, int *ifindex)
{
	int devices = devices_open(paths->folder, false);

	if (devices < 0)
		return false;
	*ifindex = device_next(devices, 0);
	while (*ifindex && !(device_get(devices, *ifindex, device) && device->roles & DEVICE_HOST))
		*ifindex = device_next(devices, *ifindex);
	close(devices);
	return *ifindex;
}

static void watched_probe(struct watched *watched, uint64_t now_ns)
{
	struct paths *paths = watched->paths;
	struct stamp_prefix prefix;
	const struct stamp_policy *policy = prefixes_find(&paths->policies, watched->address, &prefix);
	struct probe_target target = { .flow_label = watched->path.flow_label };
	struct device device;
	int ifindex, error;

	if (!policy || policy->trust != STAMP_PROVE || !device_first(paths, &device, &ifindex))
		return;
	memcpy(target.address, watched->address, sizeof(target.address));
	target.namespace = device.self.namespace;
	target.hops = policy->hops;
	target.shape = policy->shape;
	if (target.address[0] == 0xfe && (target.address[1] & 0xc0) == 0x80)
		target.scope_id = (uint32_t)ifindex;
	error = prober_start(paths->prober, &paths->netns, &target, watched, now_ns);
	watched->is_probed = !error;
	if (!error)
		return;
	paths->counts->not_probed++;
	watched_not_probed(watched, error, paths->log, now_ns);
}

/* Every path of the group that carries stamped packets does so no longer. */
static void group_doubt(struct paths *paths, const struct group *group, uint64_t now_ns)
{
	for (int i = 0; i < BUCKETS; i++)
		for (struct watched *watched = paths->buckets[i]; watched; watched = watched->next) {
			if (watched->group != group ||
			    (watched->path.state != PATH_PROVED && watched->path.state != PATH_TRYING))
				continue;
			if (!watched_change(watched, PATH_DOUBTED, now_ns))
				continue;
			watched->proved_ns = 0;
			backoff_failed(&watched->backoff, now_ns);
		}
}

static void watched_act(struct watched *watched, uint64_t now_ns)
{
	if (watched_is_idle(watched, now_ns))
		watched_change(watched, PATH_UNKNOWN, now_ns);
	else if (watched_wants_probe(watched, now_ns) && prober_may_start(watched->paths->prober, now_ns))
		watched_probe(watched, now_ns);
}

/* The order of the table is as good as any, but it begins elsewhere each time: no path waits for ever. */
static void paths_act(struct paths *paths, uint64_t now_ns)
{
	for (unsigned int i = 0; i < BUCKETS; i++)
		for (struct watched *watched = paths->buckets[(paths->turn * 97 + i) % BUCKETS]; watched;
		     watched = watched->next)
			watched_act(watched, now_ns);
}

void paths_look(struct paths *paths, uint64_t now_ns)
{
	int count;

	path_map_watch(paths->watch, now_ns);
	count = path_map_read(paths->map, paths->entries);
	if (count < 0)
		return;
	paths->turn++;
	for (int i = 0; i < count; i++) {
		struct watched *watched = watched_find(paths, paths->entries[i].address);
		uint32_t before;

		if (!watched)
			watched = watched_add(paths, &paths->entries[i]);
		if (!watched)
			continue;
		before = watched->path.state;
		watched_see(watched, &paths->entries[i].path, paths->log, now_ns);
		if (watched->path.state != before && watched->path.state <= PATH_REFUSED)
			paths->counts->changes[watched->path.state]++;
		watched->seen_turn = paths->turn;
	}
	watched_sweep(paths, false);
	for (struct group *group = paths->groups; group; group = group->next)
		if (group_judge(group, paths->log, now_ns)) {
			paths->counts->worse++;
			group_doubt(paths, group, now_ns);
		}
	paths_act(paths, now_ns);
}
