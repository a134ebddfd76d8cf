/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The IOAM namespaces of the node as programs see them, and the node's data in each.
 */
#ifndef HOPSPAN_TC_NAMESPACES_BPF_H
#define HOPSPAN_TC_NAMESPACES_BPF_H

#include "plane.bpf.h"

struct namespaces_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct plane_namespaces));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct namespaces_inner);
} namespaces SEC(".maps");

/* As they are now; NULL: none. A program looks once per packet, or it might meet half of a change. */
static __always_inline const struct plane_namespaces *namespaces_now(void)
{
	__u32 key = 0;
	void *inner = bpf_map_lookup_elem(&namespaces, &key);

	return inner ? bpf_map_lookup_elem(inner, &key) : NULL;
}

/* Longer than a packet stays: after a change of its format, a time may be still in the one before. */
enum { FORMAT_SETTLED_NS = 1000000000 };

static __always_inline bool namespace_is_settled(const struct plane_namespaces *now, __u32 place, __u64 mono_ns)
{
	__u64 since_ns = now->since_ns[(place - 1) % IOAM6_NAMESPACES_MAX];

	return !since_ns || mono_ns - since_ns > FORMAT_SETTLED_NS;
}

/* This node's data at `tai_ns` in one namespace; the caller adds what else it knows. */
static __always_inline struct ioam6_node namespace_node(const volatile struct plane_node *self,
							const struct ioam6_namespace *namespace, __u64 tai_ns)
{
	struct ioam6_node node = IOAM6_NODE_UNKNOWN;

	node.id = self->id;
	node.id_wide = self->id_wide;
	ioam6_namespace_set(&node, namespace);
	if (namespace->time == IOAM6_TIME_PTP)
		ioam6_time_set(&node, IOAM6_TIME_PTP, tai_ns, 0);
	else
		ioam6_time_set(&node, namespace->time, tai_ns, clock_tai_to_utc_ns());
	return node;
}

#endif
