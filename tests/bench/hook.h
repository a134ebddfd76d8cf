/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A hook on which hopspan's program runs, with a program before and one behind it that do nothing: what the three cost
 * by the kernel's own account (bpf_stats), which adds the same to each.
 */
#ifndef HOPSPAN_BENCH_HOOK_H
#define HOPSPAN_BENCH_HOOK_H

#include <bpf/libbpf.h>
#include <stdint.h>

#include "ctl/plane/program.h"
#include "wire/outcome.h"

enum hook_program { HOOK_OURS, HOOK_EMPTY, HOOK_EMPTY_FIRST, HOOK_PROGRAMS };

struct hook_stats {
	uint64_t ns[HOOK_PROGRAMS], runs[HOOK_PROGRAMS];
	uint64_t counts[OUTCOME_COUNT]; /* of the role */
};

struct hook {
	struct bpf_tc_hook tc;
	struct bpf_object *empty[HOOK_PROGRAMS];
	int fds[HOOK_PROGRAMS];
	int counters;
};

/* In the network namespace of the calling thread; `program` is attached there already. */
void hook_init(struct hook *hook, const char *bench_object, const char *dev, enum bpf_tc_attach_point point,
	       enum program program);
void hook_free(struct hook *hook);

/* A map of hopspan's program there, whose name begins like this. */
int hook_map(const struct hook *hook, const char *name);

/* What has happened since `before`, which becomes now. */
struct hook_stats hook_since(const struct hook *hook, struct hook_stats *before);

#endif
