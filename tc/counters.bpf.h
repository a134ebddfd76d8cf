/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The counters of a BPF program, by outcome: every way out of it counts one.
 */
#ifndef HOPSPAN_TC_COUNTERS_BPF_H
#define HOPSPAN_TC_COUNTERS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "wire/outcome.h"

/* The counters of one role, by outcome; all programs of the role in a folder share them. */
#define PLANE_COUNTERS(role)                                                                              \
	struct {                                                                                          \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                                  \
		__uint(max_entries, OUTCOME_COUNT);                                                       \
		__type(key, __u32);                                                                       \
		__type(value, __u64);                                                                     \
		__uint(pinning, LIBBPF_PIN_BY_NAME);                                                      \
	} role##_count SEC(".maps");                                                                      \
	static __always_inline __attribute__((unused)) void count_more(enum outcome outcome, __u32 times) \
	{                                                                                                 \
		__u32 key = outcome;                                                                      \
		__u64 *counter = bpf_map_lookup_elem(&role##_count, &key);                                \
		if (counter)                                                                              \
			*counter += times;                                                                \
	}                                                                                                 \
	static __always_inline void count(enum outcome outcome)                                           \
	{                                                                                                 \
		count_more(outcome, 1);                                                                   \
	}

#endif
