/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Paths as JSON and as text. */
#include "path_json.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "path_map.h"
#include "plane/counters.h"

enum { LINES_MAX = 32 };

static json_int_t unix_minus_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (json_int_t)now.tv_sec * 1000000000 + now.tv_nsec - (json_int_t)path_map_now_ns();
}

static json_t *entry_json(const struct path_entry *entry, json_int_t to_unix_ns)
{
	const struct path *path = &entry->path;
	char address[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, entry->address, address, sizeof(address));
	return json_pack("{s:s, s:s, s:I, s:I, s:i, s:I, s:I, s:I, s:I}", "destination", address, "state",
			 path_state_name(path->state), "since_unix_ns", (json_int_t)path->since_ns + to_unix_ns,
			 "asked_unix_ns", (json_int_t)path->asked_ns + to_unix_ns, "flow_label", (int)path->flow_label,
			 "stamped", (json_int_t)path->stamped, "stamped_repeated", (json_int_t)path->stamped_repeated,
			 "segments", (json_int_t)path->segments, "repeated", (json_int_t)path->repeated);
}

static int entry_compare(const void *a, const void *b)
{
	return memcmp(((const struct path_entry *)a)->address, ((const struct path_entry *)b)->address, 16);
}

static bool is_watched(const char *folder)
{
	int map = counters_open_map(folder, "stamp_watch");
	bool watched = map >= 0 && path_map_is_watched(map, path_map_now_ns());

	if (map >= 0)
		close(map);
	return watched;
}

void path_json(json_t *object, const char *folder)
{
	json_int_t to_unix_ns = unix_minus_monotonic_ns();
	int map = counters_open_map(folder, "stamp_path"), count = -1;
	struct path_entry *entries = map < 0 ? NULL : calloc(PATH_MAX_PATHS, sizeof(*entries));
	json_t *list;

	if (entries)
		count = path_map_read(map, entries);
	if (count > 0) {
		list = json_array();
		qsort(entries, (size_t)count, sizeof(*entries), entry_compare);
		for (int i = 0; i < count; i++)
			json_array_append_new(list, entry_json(&entries[i], to_unix_ns));
		json_object_set_new(object, "paths_watched", json_boolean(is_watched(folder)));
		json_object_set_new(object, "paths", list);
	}
	free(entries);
	if (map >= 0)
		close(map);
}

static void entry_print(const json_t *entry, json_int_t now_unix_ns, const char *indent)
{
	json_int_t since_ns = json_integer_value(json_object_get(entry, "since_unix_ns"));

	printf("%spath %-39s %-8s for %lld s, %lld of %lld segments stamped, %lld of %lld sent again\n", indent,
	       json_string_value(json_object_get(entry, "destination")),
	       json_string_value(json_object_get(entry, "state")), (long long)((now_unix_ns - since_ns) / 1000000000),
	       (long long)json_integer_value(json_object_get(entry, "stamped")),
	       (long long)json_integer_value(json_object_get(entry, "segments")),
	       (long long)json_integer_value(json_object_get(entry, "stamped_repeated")),
	       (long long)json_integer_value(json_object_get(entry, "repeated")));
}

void path_print(const json_t *object, const char *indent)
{
	const json_t *list = json_object_get(object, "paths"), *entry;
	json_int_t now_unix_ns = unix_minus_monotonic_ns() + (json_int_t)path_map_now_ns();
	size_t i;

	if (!list)
		return;
	if (!json_is_true(json_object_get(object, "paths_watched")))
		printf("%sno collector watches the paths, so none is trusted: hopspan collect\n", indent);
	json_array_foreach (list, i, entry) {
		if (i == LINES_MAX)
			break;
		entry_print(entry, now_unix_ns, indent);
	}
	if (json_array_size(list) > LINES_MAX)
		printf("%sand %zu more paths (-j lists all)\n", indent, json_array_size(list) - LINES_MAX);
}
