/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ground under every BPF program, tc and XDP: its counters and the clock.
 */
#ifndef HOPSPAN_TC_PLANE_BPF_H
#define HOPSPAN_TC_PLANE_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "counters.bpf.h"
#include "plane.h"
#include "wire/node.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct plane_clock);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} clock SEC(".maps");

/* TAI - CLOCK_MONOTONIC, at CLOCK_MONOTONIC `mono_ns`. Racing refreshes write the same value. */
static __always_inline __u64 clock_mono_to_tai(__u64 mono_ns)
{
	__u32 key = 0;
	struct plane_clock *c = bpf_map_lookup_elem(&clock, &key);

	if (!c)
		return 0;
	if (mono_ns - c->refreshed_ns > PLANE_CLOCK_REFRESH_NS) {
		c->mono_to_tai_ns = bpf_ktime_get_tai_ns() - bpf_ktime_get_ns() + c->correction_ns;
		c->refreshed_ns = mono_ns;
	}
	return c->mono_to_tai_ns;
}

static __always_inline __u64 clock_tai_ns(void)
{
	__u64 now = bpf_ktime_get_ns();

	return now + clock_mono_to_tai(now);
}

/* What the formats that count UTC need. */
static __always_inline __u64 clock_tai_to_utc_ns(void)
{
	__u32 key = 0;
	struct plane_clock *c = bpf_map_lookup_elem(&clock, &key);

	return c ? (__u64)c->tai_to_utc_ns : 0;
}

/*
 * plane_find() is ioam6_find() on the packet of `context_type` (a tc or an XDP program's). The walk over an unusual
 * header is a global function: the verifier looks at it once, and not once for each state that its caller may be in,
 * which for the verifier of Linux 6.1 are more than it has patience for.
 */
#define PLANE_FIND(context_type)                                                                           \
	__attribute__((noinline)) int plane_walk(struct context_type *packet, struct ioam6_found *found)   \
	{                                                                                                  \
		__u8 *ip6 = (__u8 *)(long)packet->data + config.self.link_len;                             \
		const __u8 *end = (__u8 *)(long)packet->data_end;                                          \
		enum outcome why = OUTCOME_bad_truncated;                                                  \
                                                                                                           \
		if (!found)                                                                                \
			return why;                                                                        \
		return ioam6_walk(ip6, end, config.self.namespace, found, &why) ? PLANE_WALKED : (int)why; \
	}                                                                                                  \
                                                                                                           \
	static __always_inline bool plane_find(struct context_type *packet, __u8 *ip6, const __u8 *end,    \
					       struct ioam6_found *found, enum outcome *why)               \
	{                                                                                                  \
		int walked;                                                                                \
                                                                                                           \
		if (ioam6_find_usual(ip6, end, config.self.namespace, found))                              \
			return true;                                                                       \
		walked = plane_walk(packet, found);                                                        \
		*why = walked;                                                                             \
		return walked == PLANE_WALKED;                                                             \
	}

enum { PLANE_WALKED = -1 };

#endif
