/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The ranges of a socket: open one (socket option, sink), take the one a segment carries (stamp).
 */
#ifndef HOPSPAN_TC_SOCKET_BPF_H
#define HOPSPAN_TC_SOCKET_BPF_H

#include "kernel.bpf.h"
#include "sockopt.h"

/* enum of the kernel's tcp_states.h; sockets in 6 and 12 are but stand-ins, without storage */
enum { SOCKET_CONNECTED = 1 /* also of UDP */, SOCKET_TCP_TIME_WAIT = 6, SOCKET_TCP_CLOSE = 7, SOCKET_TCP_LISTEN = 10, SOCKET_TCP_NEW_SYN_RECV = 12 };

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

enum range_opened { RANGE_NEW, RANGE_REPLACED, RANGE_FORGOT };

/*
 * Opens a range. A second one at the same byte replaces the first: RANGE_REPLACED if that one's packet never went.
 * RANGE_FORGOT: there were too many in flight, and the oldest will have no packet.
 */
static __always_inline enum range_opened range_open(struct socket_state *state, __u32 begin, bool from_start,
						    const struct context *context, bool wanted)
{
	enum range_opened how = RANGE_REPLACED;
	struct socket_range *range;
	__u32 slot;
	__u64 bit;

	bpf_spin_lock(&state->lock);
	slot = (state->opened - 1) & (SOCKET_RANGES - 1);
	if (!state->ranges[slot].used || state->ranges[slot].begin != begin) {
		slot = state->opened++ & (SOCKET_RANGES - 1);
		how = RANGE_FORGOT;
	}
	bit = 1ULL << slot;
	if (!(state->waiting & bit))
		how = RANGE_NEW;
	range = &state->ranges[slot];
	range->begin = begin;
	range->used = 1;
	range->from_start = from_start;
	words_copy(&range->context, context, CONTEXT_WORDS);
	state->waiting = wanted ? state->waiting | bit : state->waiting & ~bit;
	bpf_spin_unlock(&state->lock);
	return how;
}

enum { RANGE_STEPS = 8 }; /* ranges looked at for one packet; what is left of them is for the next */

/* The slot of the oldest range that waits; there is one. */
static __always_inline __u32 range_oldest(const struct socket_state *state)
{
	__u32 turn = state->opened & (SOCKET_RANGES - 1); /* the oldest slot of all */
	__u64 by_age = state->waiting >> turn | state->waiting << ((SOCKET_RANGES - turn) & (SOCKET_RANGES - 1));
	__u64 before = (by_age & -by_age) - 1; /* ones below the lowest bit */

	return (turn + __builtin_popcountll(before)) & (SOCKET_RANGES - 1);
}

/* Are all bytes of the range before `seq`? Then they have gone bare, and it waits in vain. */
static __always_inline bool range_is_over(const struct socket_state *state, __u32 slot, __u32 seq)
{
	__u32 next = (slot + 1) & (SOCKET_RANGES - 1);

	return next != (state->opened & (SOCKET_RANGES - 1)) && (__s32)(state->ranges[next].begin - seq) <= 0;
}

/*
 * Takes the context for the segment of `len` bytes at `seq`: that of its first byte; where that one has had its
 * packet, the first that begins inside. *first_seq is the first byte it speaks for. False: nothing to stamp.
 * Adds to *unstamped the ranges whose bytes all went without it.
 */
static __always_inline bool range_take(struct socket_state *state, __u32 seq, __u32 len, struct context *context,
				       __u32 *first_seq, __u32 *unstamped)
{
	bool taken = false, inside = false;

	bpf_spin_lock(&state->lock);
	for (int i = 0; i < RANGE_STEPS && state->waiting && !taken; i++) {
		__u32 slot = range_oldest(state);
		struct socket_range *range = &state->ranges[slot];
		__u32 ahead = range->begin - seq; /* bytes of the packet before the range, if less than 2^31 */

		if (range_is_over(state, slot, seq)) {
			state->waiting &= ~(1ULL << slot);
			++*unstamped;
			continue;
		}
		inside = !range->from_start && (__s32)ahead > 0;
		if (inside && ahead >= len)
			break;
		words_copy(context, &range->context, CONTEXT_WORDS);
		*first_seq = inside ? range->begin : seq;
		state->waiting &= ~(1ULL << slot);
		taken = true;
	}
	bpf_spin_unlock(&state->lock);
	if (taken && inside)
		context->attribution |= CONTEXT_INSIDE;
	return taken;
}

#endif
