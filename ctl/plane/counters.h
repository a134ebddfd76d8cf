/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The programs' counters, by outcome, summed over processors. */
#ifndef HOPSPAN_COUNTERS_H
#define HOPSPAN_COUNTERS_H

#include <stdint.h>

#include "wire/outcome.h"

struct json_t;

/* A pinned map of a namespace's folder: fd or -errno. */
int counters_open_map(const char *folder, const char *name);

/* The same; where there is none, one with a single entry is made and pinned. `type` is an enum bpf_map_type. */
struct bpf_map_create_opts;
int counters_make_map(const char *folder, const char *name, int type, uint32_t value_size,
		      const struct bpf_map_create_opts *options);

/* Who counts in a namespace: "stamp", "sink", "transit", "depart", "wait", "border_in", "border_out". */
enum { COUNTERS_ROLES = 7 };
extern const char *const counters_roles[COUNTERS_ROLES];

/* Of one of them, or of a cgroup's "sockopt". 0 or -errno. */
int counters_read(const char *folder, const char *role, uint64_t counts[OUTCOME_COUNT]);

/* {"stamped_clone": 12, ...}: those that are not 0; empty without the map. */
struct json_t *counters_json(const char *folder, const char *role);

const char *outcome_name(enum outcome outcome);
const char *outcome_text(enum outcome outcome);

#endif
