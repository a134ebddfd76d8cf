/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The policy of a peer: how packets to it are stamped, and whether answers to it carry a context back.
 */
#ifndef HOPSPAN_TC_POLICY_BPF_H
#define HOPSPAN_TC_POLICY_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "stamp.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STAMP_PREFIXES_MAX);
	__type(key, struct stamp_prefix);
	__type(value, struct stamp_policy);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} stamp_prefix SEC(".maps");

#endif
