/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Paths that are not known for sure, at tc egress: may the packet itself be stamped, and what became of those that
 * were?
 */
#ifndef HOPSPAN_TC_PATH_BPF_H
#define HOPSPAN_TC_PATH_BPF_H

#include "path.h"
#include "stamp.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PATH_MAX_PATHS);
	__type(key, __u8[16]);
	__type(value, struct path);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} stamp_path SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct path_watch);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} stamp_watch SEC(".maps");

static __always_inline void path_change(struct path *path, enum path_state state, __u64 now)
{
	path->state = state;
	path->since_ns = now;
	path->trying_ns = 0;
}

/* The path of a packet that wants a stamp, known from now on. */
static __always_inline struct path *path_ask(const struct stamp_work *work, __u64 now)
{
	const void *key = work->destination.address;
	struct path *path = bpf_map_lookup_elem(&stamp_path, key);

	if (!path) {
		struct path new = { .since_ns = now };

		bpf_map_update_elem(&stamp_path, key, &new, BPF_NOEXIST);
		path = bpf_map_lookup_elem(&stamp_path, key);
	}
	if (path) {
		path->asked_ns = now;
		path->flow_label = work->flow_label;
	}
	return path;
}

static __always_inline bool path_is_watched(__u64 now)
{
	__u32 key = 0;
	struct path_watch *watch = bpf_map_lookup_elem(&stamp_watch, &key);

	/* It may have been written since `now` was read. */
	return watch && watch->alive_ns && (__s64)(now - watch->alive_ns) < (__s64)PATH_WATCH_NS;
}

/* One packet at a time tries a path. */
static __always_inline bool path_try(struct path *path, __u64 socket, __u64 now)
{
	__u64 before = path->trying_ns;

	if (before && (__s64)(now - before) < (__s64)PATH_TRY_NS)
		return false;
	if (!__sync_bool_compare_and_swap(&path->trying_ns, before, now))
		return false;
	path->trying_socket = socket;
	return true;
}

/* May the header go into the packet itself on this path? Datagrams are never acknowledged and so try nothing. */
static __always_inline bool path_carries(struct stamp_work *work, __u64 socket, bool acknowledged)
{
	__u64 now = bpf_ktime_get_ns();
	struct path *path = path_ask(work, now);

	if (!path || !path_is_watched(now))
		return false;
	if (path->state == PATH_PROVED || (path->state == PATH_TRYING && !acknowledged))
		return true;
	if (path->state != PATH_TRYING || !path_try(path, socket, now))
		return false;
	work->trial = 1;
	return true;
}

/* TCP's own counters tell how all segments fare. */
static __always_inline void sent_count_all(struct path *path, struct socket_state *state, struct bpf_tcp_sock *tp)
{
	__sync_fetch_and_add(&path->segments, (__u64)(tp->data_segs_out - state->seen_segments));
	__sync_fetch_and_add(&path->repeated, (__u64)(tp->total_retrans - state->seen_repeated));
	state->seen_segments = tp->data_segs_out;
	state->seen_repeated = tp->total_retrans;
}

/* The stamped segment has left: remembered until it is acknowledged. */
static __always_inline void sent_remember(struct socket_state *state, const struct stamp_work *work,
					  struct bpf_tcp_sock *tp)
{
	struct path *path = bpf_map_lookup_elem(&stamp_path, work->destination.address);
	struct socket_sent *sent = &state->sent[state->sent_count++ & (SOCKET_SENT - 1)];

	sent->begin = work->range.seq;
	sent->end = work->range.seq + work->range.len;
	state->sent_mss = tp->mss_cache;
	state->sent_trial |= work->trial;
	if (!path)
		return;
	__sync_fetch_and_add(&path->stamped, 1);
	sent_count_all(path, state, tp);
}

static __always_inline bool sent_overlaps(const struct socket_state *state, __u32 begin, __u32 end)
{
	bool overlaps = false;

	for (__u32 i = 0; i < SOCKET_SENT; i++)
		overlaps |= i < state->sent_count && (__s32)(state->sent[i].end - begin) > 0 &&
			    (__s32)(end - state->sent[i].begin) > 0;
	return overlaps;
}

/* After the segment that path_carries() allowed: it went stamped, or not after all. */
static __always_inline void path_sent(struct socket_state *state, const struct stamp_work *work,
				      struct bpf_tcp_sock *tp, bool stamped)
{
	struct path *path;

	if (stamped) {
		sent_remember(state, work, tp);
		return;
	}
	path = work->trial ? bpf_map_lookup_elem(&stamp_path, work->destination.address) : NULL;
	if (path)
		path->trying_ns = 0;
}

/* All stamped segments have been acknowledged. */
static __always_inline void sent_arrived(struct socket_state *state, const struct stamp_work *work, __u64 socket)
{
	struct path *path;

	state->sent_count = 0;
	if (!state->sent_trial)
		return;
	state->sent_trial = 0;
	path = bpf_map_lookup_elem(&stamp_path, work->destination.address);
	if (path && path->state == PATH_TRYING && path->trying_socket == socket)
		path_change(path, PATH_PROVED, bpf_ktime_get_ns());
}

/* A stamped segment is sent again, and not because the path's MTU fell: back to shadows until the path is proved anew.
 */
static __always_inline void sent_repeated(struct socket_state *state, const struct stamp_work *work,
					  struct bpf_tcp_sock *tp)
{
	struct path *path = bpf_map_lookup_elem(&stamp_path, work->destination.address);

	state->sent_count = 0;
	state->sent_trial = 0;
	if (!path)
		return;
	__sync_fetch_and_add(&path->stamped_repeated, 1);
	sent_count_all(path, state, tp); /* it is among them at the same moment */
	if (path->state == PATH_PROVED || path->state == PATH_TRYING)
		path_change(path, PATH_DOUBTED, bpf_ktime_get_ns());
}

/* A packet of a socket that has stamped segments under way: do they arrive? */
static __always_inline void sent_watch(struct socket_state *state, const struct stamp_work *work,
				       struct bpf_tcp_sock *tp, __u64 socket)
{
	__u32 newest = state->sent[(state->sent_count - 1) & (SOCKET_SENT - 1)].end, seq = work->range.seq;

	if ((__s32)(tp->snd_una - newest) >= 0)
		sent_arrived(state, work, socket);
	else if (work->range.len && (__s32)(seq - tp->snd_nxt) < 0 && tp->mss_cache >= state->sent_mss &&
		 sent_overlaps(state, seq, seq + work->range.len))
		sent_repeated(state, work, tp);
}

#endif
