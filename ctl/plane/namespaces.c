/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Changes the map "namespaces": a whole array takes the place of another, and the kernel waits for programs to see it.
 */
#include "namespaces.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"

static int inner_create(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "namespaces_now", sizeof(uint32_t), sizeof(struct plane_namespaces),
				1, NULL);

	return fd < 0 ? -errno : fd;
}

static int outer_open(const char *folder, int inner)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .inner_map_fd = (uint32_t)inner);

	return counters_make_map(folder, "namespaces", BPF_MAP_TYPE_ARRAY_OF_MAPS, sizeof(uint32_t), &options);
}

int namespaces_get(const char *folder, struct plane_namespaces *now)
{
	int outer = counters_open_map(folder, "namespaces"), inner = -1, error = 0;
	uint32_t key = 0, id = 0;

	if (outer < 0 || bpf_map_lookup_elem(outer, &key, &id) || (inner = bpf_map_get_fd_by_id(id)) < 0 ||
	    bpf_map_lookup_elem(inner, &key, now))
		error = -errno;
	if (outer >= 0)
		close(outer);
	if (inner >= 0)
		close(inner);
	return error;
}

/* Since when: kept where a namespace's format stays; 0, from the beginning, where it was not there. */
static void since_set(const struct plane_namespaces *before, struct plane_namespaces *next)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	for (uint32_t i = 0; i < next->node.count; i++) {
		const struct ioam6_namespace *old = ioam6_namespace_find(&before->node, next->node.list[i].id);

		next->since_ns[i] = 0;
		if (old && old->time == next->node.list[i].time)
			next->since_ns[i] = before->since_ns[old - before->node.list];
		else if (old)
			next->since_ns[i] = (uint64_t)now.tv_sec * IOAM6_NS_PER_S + (uint64_t)now.tv_nsec;
	}
}

static int inner_replace(int outer, int inner, const struct plane_namespaces *next)
{
	uint32_t key = 0;

	if (bpf_map_update_elem(inner, &key, next, BPF_ANY) || bpf_map_update_elem(outer, &key, &inner, BPF_ANY))
		return -errno;
	return 0;
}

int namespaces_set(const char *folder, const struct ioam6_namespaces *namespaces)
{
	struct plane_namespaces *before = calloc(2, sizeof(*before)), *next = before ? before + 1 : NULL;
	int inner = inner_create(), outer = inner < 0 ? inner : outer_open(folder, inner), error = 0;

	if (!before || outer < 0)
		error = before ? outer : -ENOMEM;
	if (!error) {
		next->node = *namespaces;
		if (namespaces_get(folder, before))
			memset(before, 0, sizeof(*before));
		since_set(before, next);
		if (memcmp(&before->node, &next->node, sizeof(next->node)) != 0)
			error = inner_replace(outer, inner, next);
	}
	if (outer >= 0)
		close(outer);
	if (inner >= 0)
		close(inner);
	free(before);
	return error;
}

const char *namespace_time_name(unsigned int time)
{
	static const char *const names[] = { "ptp", "ntp", "posix" };

	return time <= IOAM6_TIME_POSIX ? names[time] : "?";
}

static json_t *namespace_json(const struct ioam6_namespace *namespace)
{
	json_t *object =
	    json_pack("{s:i, s:s}", "namespace", namespace->id, "time", namespace_time_name(namespace->time));
	char hex[2 * IOAM6_SCHEMA_LEN_MAX + 1] = "";

	if (namespace->data != IOAM6_NONE32)
		json_object_set_new(object, "data", json_integer(namespace->data));
	if (namespace->data_wide != ~0ULL)
		json_object_set_new(object, "data_wide",
				    json_sprintf("%llu", (unsigned long long)namespace->data_wide));
	if (namespace->schema_id == IOAM6_SNAPSHOT_NONE)
		return object;
	for (unsigned int i = 0; i < namespace->schema_words * IOAM6_WORD; i++)
		sprintf(hex + 2 * i, "%02x", namespace->schema[i]);
	json_object_set_new(object, "schema_id", json_integer(namespace->schema_id));
	if (*hex)
		json_object_set_new(object, "schema", json_string(hex));
	return object;
}

json_t *namespaces_list_json(const struct ioam6_namespaces *namespaces)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < namespaces->count && i < IOAM6_NAMESPACES_MAX; i++)
		json_array_append_new(list, namespace_json(&namespaces->list[i]));
	return list;
}

json_t *namespaces_json(const char *folder)
{
	struct plane_namespaces *now = calloc(1, sizeof(*now));
	json_t *list = now && namespaces_get(folder, now) == 0 ? namespaces_list_json(&now->node) : json_array();

	free(now);
	return list;
}
