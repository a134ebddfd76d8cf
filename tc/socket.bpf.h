/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The ranges of a socket: open one (socket option, sink), take the one a segment carries (stamp).
 */
#ifndef HOPSPAN_TC_SOCKET_BPF_H
#define HOPSPAN_TC_SOCKET_BPF_H

#include "kernel.bpf.h"
#include "sockopt.h"

/* enum of the kernel's tcp_states.h; sockets in 6 and 12 are but stand-ins, without storage */
enum { SOCKET_TCP_TIME_WAIT = 6, SOCKET_TCP_CLOSE = 7, SOCKET_TCP_LISTEN = 10, SOCKET_TCP_NEW_SYN_RECV = 12 };

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct socket_state);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} sockets SEC(".maps");

static __always_inline bool context_is_empty(const struct context *context)
{
	__u64 any = 0;

	for (int i = 0; i < CONTEXT_VERSION_AT; i++)
		any |= context->trace_id[i];
	return !any;
}

/* Opens a range; a second one at the same byte replaces the first. Returns false if that one's packet never went. */
static __always_inline bool range_open(struct socket_state *state, __u32 begin, bool from_start,
				       const struct context *context, bool wanted)
{
	__u32 slot, bit;
	bool displaced;

	bpf_spin_lock(&state->lock);
	slot = (state->opened - 1) & (SOCKET_RANGES - 1);
	if (!state->ranges[slot].used || state->ranges[slot].begin != begin)
		slot = state->opened++ & (SOCKET_RANGES - 1);
	bit = 1U << slot;
	displaced = state->waiting & bit;
	state->ranges[slot].begin = begin;
	state->ranges[slot].used = 1;
	state->ranges[slot].from_start = from_start;
	words_copy(&state->ranges[slot].context, context, CONTEXT_WORDS);
	state->waiting = wanted ? state->waiting | bit : state->waiting & ~bit;
	bpf_spin_unlock(&state->lock);
	return !displaced;
}

/*
 * Takes the context for the segment of `len` bytes at `seq`: that of its first byte; where that one has had its
 * packet, the first that begins inside. False: nothing to stamp.
 */
static __always_inline bool range_take(struct socket_state *state, __u32 seq, __u32 len, struct context *context)
{
	__u32 first = SOCKET_RANGES, inside = SOCKET_RANGES, slot;

	bpf_spin_lock(&state->lock);
	for (__u32 i = 1; i <= SOCKET_RANGES; i++) {
		struct socket_range *range;

		slot = (state->opened - i) & (SOCKET_RANGES - 1); /* newest first: the older, the earlier it begins */
		range = &state->ranges[slot];
		if (!range->used)
			break;
		if (range->from_start || (__s32)(range->begin - seq) <= 0) {
			first = slot;
			break;
		}
		if (range->begin - seq < len && state->waiting & 1U << slot)
			inside = slot;
	}
	slot = first < SOCKET_RANGES && state->waiting & 1U << first ? first : inside;
	if (slot < SOCKET_RANGES) {
		words_copy(context, &state->ranges[slot].context, CONTEXT_WORDS);
		state->waiting &= ~(1U << slot);
	}
	bpf_spin_unlock(&state->lock);
	if (slot == inside)
		context->attribution |= CONTEXT_INSIDE;
	return slot < SOCKET_RANGES;
}

#endif
