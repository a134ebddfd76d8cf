/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The ranges of a socket: open one (socket option, sink), take the one a segment carries (stamp).
 */
#ifndef HOPSPAN_TC_SOCKET_BPF_H
#define HOPSPAN_TC_SOCKET_BPF_H

#include "kernel.bpf.h"
#include "sockopt.h"

/* enum of the kernel's tcp_states.h; sockets in 6 and 12 are but stand-ins, without storage */
enum {
	SOCKET_CONNECTED = 1, /* UDP's as well */
	SOCKET_TCP_TIME_WAIT = 6,
	SOCKET_TCP_CLOSE = 7,
	SOCKET_TCP_LISTEN = 10,
	SOCKET_TCP_NEW_SYN_RECV = 12,
};

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

/* A bit per range of which a packet is still to be stamped. */
static __always_inline __u64 ranges_waiting(const struct socket_state *state)
{
	return state->wanted ^ state->served;
}

static __always_inline void range_serve(struct socket_state *state, __u64 bit)
{
	state->served = (state->served & ~bit) | (state->wanted & bit);
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
	range = &state->ranges[slot];
	if (!(ranges_waiting(state) & bit) || range->packets)
		how = RANGE_NEW;
	range->begin = begin;
	range->used = 1;
	range->from_start = from_start;
	range->packets = 0;
	words_copy(&range->context, context, CONTEXT_WORDS);
	state->wanted = (state->wanted & ~bit) | ((wanted ? ~state->served : state->served) & bit);
	bpf_spin_unlock(&state->lock);
	return how;
}

enum { RANGE_STEPS = 8 }; /* ranges looked at at once; what is left of them is for the next packet */

/*
 * What a packet asks of the ranges: those of its `len` bytes from `seq` on; and what range_take() answers. It stands in
 * a map, so that the verifier forgets what each turn of a loop has found.
 */
struct range_request {
	__u32 seq, len;
	__u64 candidates;   /* bit per range that may still take this packet */
	__u16 first, every; /* of the policy */
	__u32 first_seq;    /* the first byte that the context speaks for */
	__u32 unstamped;    /* counts the ranges whose bytes all went without it */
};

/* The slot of the oldest of these ranges; there is one, mostly the newest of all. */
static __always_inline __u32 range_oldest(const struct socket_state *state, __u64 slots)
{
	__u32 turn = state->opened & (SOCKET_RANGES - 1), newest = (turn - 1) & (SOCKET_RANGES - 1);
	__u64 by_age, before;

	if (slots == 1ULL << newest)
		return newest;
	by_age = slots >> turn | slots << ((SOCKET_RANGES - turn) & (SOCKET_RANGES - 1));
	before = (by_age & -by_age) - 1; /* ones below the lowest bit */
	return (turn + __builtin_popcountll(before)) & (SOCKET_RANGES - 1);
}

/* Are all bytes of the range before `seq`? Then they have gone, and it waits in vain. */
static __always_inline bool range_is_over(const struct socket_state *state, __u32 slot, __u32 seq)
{
	__u32 next = (slot + 1) & (SOCKET_RANGES - 1);

	return next != (state->opened & (SOCKET_RANGES - 1)) && (__s32)(state->ranges[next].begin - seq) <= 0;
}

/* Do all ranges that wait begin at `end` or behind it, as those of data that is still queued? There is one that waits.
 */
static __always_inline bool range_is_ahead(const struct socket_state *state, __u32 end)
{
	const struct socket_range *oldest = &state->ranges[range_oldest(state, ranges_waiting(state))];

	return !oldest->from_start && (__s32)(oldest->begin - end) >= 0;
}

/* Is this packet of the range one that the policy wants? The range is served when no later one may be. */
static __always_inline bool range_ask(struct socket_state *state, struct socket_range *range, __u64 bit,
				      const struct range_request *request)
{
	__u32 offered = range->packets++;
	bool taken = offered < request->first;

	if (request->every && offered + 1 >= request->first + request->every) {
		taken = true;
		range->packets = request->first;
	} else if (!request->every && offered + 1 >= request->first) {
		range_serve(state, bit);
	}
	return taken;
}

enum range_step { RANGE_PASSED, RANGE_TAKEN, RANGE_NONE };

/* One range for the packet: the oldest candidate. RANGE_NONE: none left that has bytes in it. */
static __always_inline enum range_step range_step(struct socket_state *state, struct range_request *request,
						  struct context *context)
{
	__u32 slot = range_oldest(state, request->candidates);
	__u64 bit = 1ULL << slot;
	struct socket_range *range = &state->ranges[slot];
	__u32 ahead = range->begin - request->seq; /* bytes of the packet before the range, if below 2^31 */
	bool inside = !range->from_start && (__s32)ahead > 0;

	if (range_is_over(state, slot, request->seq)) {
		range_serve(state, bit);
		request->candidates &= ~bit;
		request->unstamped += !range->packets;
		return RANGE_PASSED;
	}
	if (inside && ahead >= request->len)
		return RANGE_NONE;
	request->candidates &= ~bit;
	if (!range_ask(state, range, bit, request))
		return RANGE_PASSED;
	request->first_seq = inside ? range->begin : request->seq;
	words_copy(context, &range->context, CONTEXT_WORDS);
	if (inside)
		context->attribution |= CONTEXT_INSIDE;
	return RANGE_TAKEN;
}

/*
 * Takes a context for the packet: that of its first byte; where that one has had its packets, the first that begins
 * inside. Called again for the same packet it takes the next. False: nothing more to stamp. `alone`: nobody else stamps
 * the socket's packets meanwhile, nor sets its contexts.
 */
static __always_inline bool range_take(struct socket_state *state, struct range_request *request,
				       struct context *context, bool alone)
{
	enum range_step step = RANGE_PASSED;

	if (!alone)
		bpf_spin_lock(&state->lock);
	request->candidates &= ranges_waiting(state);
	for (int i = 0; i < RANGE_STEPS && request->candidates && step == RANGE_PASSED; i++) {
		step = range_step(state, request, context);
		asm volatile("" ::: "memory"); /* nothing found is kept in a register */
	}
	if (!alone)
		bpf_spin_unlock(&state->lock);
	return step == RANGE_TAKEN;
}

/* Do all bytes from `seq` on belong to the newest range? */
static __always_inline bool range_is_newest(const struct socket_state *state, __u32 seq)
{
	const struct socket_range *newest = &state->ranges[(state->opened - 1) & (SOCKET_RANGES - 1)];

	return newest->from_start || (__s32)(newest->begin - seq) <= 0;
}

#endif
