/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Finds hopspan's program on a tc hook and sets the empty ones behind it. */
#include "hook.h"

#include <bpf/bpf.h>
#include <err.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * One empty program goes before hopspan's, of two at one priority the newer comes first, and one behind: what is first
 * on a hook is cold, and so would an empty program be.
 */
static const uint32_t empty_priority[HOOK_PROGRAMS] = { [HOOK_EMPTY] = 100, [HOOK_EMPTY_FIRST] = 1 };

/* tc handles of hopspan's programs: this and enum program. */
enum { TC_PRIORITY = 2, TC_HANDLE = 0x68730000 };

static int program_find(const struct bpf_tc_hook *tc, enum program program)
{
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = TC_HANDLE + program, .priority = TC_PRIORITY);
	int fd = bpf_tc_query(tc, &options) ? -1 : bpf_prog_get_fd_by_id(options.prog_id);

	if (fd < 0)
		err(1, "hopspan's program %d is not attached", program);
	return fd;
}

static void empty_attach(struct hook *hook, enum hook_program program, const char *bench_object)
{
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = 1, .priority = empty_priority[program]);
	struct bpf_object *object = bpf_object__open_file(bench_object, NULL);
	struct bpf_program *each;
	struct bpf_map *map;

	if (!object)
		err(1, "%s", bench_object);
	bpf_object__for_each_program (each, object)
		bpf_program__set_autoload(each, strcmp(bpf_program__name(each), "tc_empty") == 0);
	bpf_object__for_each_map (map, object)
		bpf_map__set_pin_path(map, NULL); /* the clock that others of this object have */
	if (bpf_object__load(object))
		err(1, "%s: load", bench_object);
	hook->empty[program] = object;
	hook->fds[program] = bpf_program__fd(bpf_object__find_program_by_name(object, "tc_empty"));
	options.prog_fd = hook->fds[program];
	if (bpf_tc_attach(&hook->tc, &options))
		err(1, "attach an empty program");
}

void hook_init(struct hook *hook, const char *bench_object, const char *dev, enum bpf_tc_attach_point point,
	       enum program program)
{
	const char *counters = program == PROGRAM_STAMP	 ? "stamp_count"
			       : program == PROGRAM_SINK ? "sink_count"
							 : "depart_count";
	uint32_t ifindex = if_nametoindex(dev);

	*hook = (struct hook){ .tc = { .sz = sizeof(hook->tc), .ifindex = (int)ifindex, .attach_point = point } };
	if (!ifindex)
		err(1, "%s", dev);
	hook->fds[HOOK_OURS] = program_find(&hook->tc, program);
	empty_attach(hook, HOOK_EMPTY, bench_object);
	empty_attach(hook, HOOK_EMPTY_FIRST, bench_object);
	hook->counters = hook_map(hook, counters);
}

void hook_free(struct hook *hook)
{
	close(hook->fds[HOOK_OURS]);
	close(hook->counters);
	bpf_object__close(hook->empty[HOOK_EMPTY]);
	bpf_object__close(hook->empty[HOOK_EMPTY_FIRST]);
}

int hook_map(const struct hook *hook, const char *name)
{
	uint32_t ids[16], len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info program = { .map_ids = (uint64_t)(unsigned long)ids, .nr_map_ids = 16 };

	if (bpf_obj_get_info_by_fd(hook->fds[HOOK_OURS], &program, &len))
		err(1, "program's maps");
	for (uint32_t i = 0; i < program.nr_map_ids && i < 16; i++) {
		struct bpf_map_info map = { 0 };
		int fd = bpf_map_get_fd_by_id(ids[i]);

		len = sizeof(map);
		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &map, &len) == 0 &&
		    strncmp(map.name, name, strlen(name)) == 0)
			return fd;
		close(fd);
	}
	errx(1, "no map %s", name);
}

static void stats_read(const struct hook *hook, struct hook_stats *stats)
{
	int processors = libbpf_num_possible_cpus();
	uint64_t values[processors];

	memset(stats, 0, sizeof(*stats));
	for (int i = 0; i < HOOK_PROGRAMS; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);

		if (bpf_obj_get_info_by_fd(hook->fds[i], &info, &len))
			err(1, "program's statistics");
		stats->ns[i] = info.run_time_ns;
		stats->runs[i] = info.run_cnt;
	}
	for (uint32_t outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
		if (bpf_map_lookup_elem(hook->counters, &outcome, values))
			err(1, "counters");
		for (int i = 0; i < processors; i++)
			stats->counts[outcome] += values[i];
	}
}

struct hook_stats hook_since(const struct hook *hook, struct hook_stats *before)
{
	struct hook_stats now, since;

	stats_read(hook, &now);
	for (int i = 0; i < HOOK_PROGRAMS; i++) {
		since.ns[i] = now.ns[i] - before->ns[i];
		since.runs[i] = now.runs[i] - before->runs[i];
	}
	for (int i = 0; i < OUTCOME_COUNT; i++)
		since.counts[i] = now.counts[i] - before->counts[i];
	*before = now;
	return since;
}
