/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reads the per-processor counters of the programs. */
#include "counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
	const char *name, *text;
} outcomes[] = {
#define OUTCOME_ROW(name, text) { #name, text },
	OUTCOME_LIST(OUTCOME_ROW)
};

const char *const counters_roles[COUNTERS_ROLES] = { "stamp", "sink",	   "transit",	"depart",
						     "wait",  "border_in", "border_out" };

const char *outcome_name(enum outcome outcome)
{
	return outcomes[outcome].name;
}

const char *outcome_text(enum outcome outcome)
{
	return outcomes[outcome].text;
}

int counters_open_map(const char *folder, const char *name)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

int counters_make_map(const char *folder, const char *name, int type, uint32_t value_size,
		      const struct bpf_map_create_opts *options)
{
	int fd = counters_open_map(folder, name), error;
	char path[PATH_MAX];

	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = bpf_map_create(type, name, sizeof(uint32_t), value_size, 1, options);
	if (fd < 0)
		return -errno;
	if (bpf_obj_pin(fd, path) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

int counters_read(const char *folder, const char *role, uint64_t counts[OUTCOME_COUNT])
{
	int cpus = libbpf_num_possible_cpus(), fd;
	char name[32];
	uint64_t *values;

	snprintf(name, sizeof(name), "%s_count", role);
	fd = counters_open_map(folder, name);
	if (fd < 0 || cpus < 0)
		return fd < 0 ? fd : cpus;
	values = calloc((size_t)cpus, sizeof(*values));
	for (uint32_t i = 0; values && i < OUTCOME_COUNT; i++) {
		counts[i] = 0;
		if (bpf_map_lookup_elem(fd, &i, values))
			continue; /* a map of an older version is shorter */
		for (int cpu = 0; cpu < cpus; cpu++)
			counts[i] += values[cpu];
	}
	free(values);
	close(fd);
	return values ? 0 : -ENOMEM;
}

json_t *counters_json(const char *folder, const char *role)
{
	uint64_t counts[OUTCOME_COUNT];
	json_t *object = json_object();

	if (counters_read(folder, role, counts))
		return object;
	for (int i = 0; i < OUTCOME_COUNT; i++)
		if (counts[i])
			json_object_set_new(object, outcome_name(i), json_integer((json_int_t)counts[i]));
	return object;
}
