/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ground under every BPF program, tc and XDP: its counters and the clock.
 */
#ifndef HOPSPAN_TC_PLANE_BPF_H
#define HOPSPAN_TC_PLANE_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

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

/*
 * The kernel's TAI jumps by the leap seconds when a time daemon tells it of them, or takes them back; ours has them
 * already. `raw_ns`: the offset without the correction, as it is now. The correction is there before the offset, so
 * that another processor sees the jump once.
 */
static __always_inline void clock_correct(struct plane_clock *c, __s64 raw_ns)
{
	__s64 jump_ns = raw_ns - (c->mono_to_tai_ns - c->correction_ns), leaps_ns = c->tai_to_utc_ns;
	bool told = c->correction_ns == c->offset_ns;

	jump_ns = told ? -jump_ns - leaps_ns : jump_ns - leaps_ns;
	if (jump_ns > -PLANE_CLOCK_LEAP_NS && jump_ns < PLANE_CLOCK_LEAP_NS)
		c->correction_ns = told ? c->offset_ns + leaps_ns : c->offset_ns;
	asm volatile("" ::: "memory");
}

/* Racing refreshes write the same. One that was interrupted between its readings is left to the next packet. */
static __always_inline void clock_refresh(struct plane_clock *c)
{
	__u64 before_ns = bpf_ktime_get_ns(), tai_ns = bpf_ktime_get_tai_ns(), took_ns = bpf_ktime_get_ns() - before_ns;
	__s64 raw_ns = tai_ns - before_ns - took_ns / 2;

	if (took_ns > PLANE_CLOCK_READ_NS)
		return;
	clock_correct(c, raw_ns);
	c->mono_to_tai_ns = raw_ns + c->correction_ns;
	c->refreshed_ns = before_ns;
}

/* TAI - CLOCK_MONOTONIC, at CLOCK_MONOTONIC `mono_ns`. */
static __always_inline __u64 clock_mono_to_tai(__u64 mono_ns)
{
	__u32 key = 0;
	struct plane_clock *c = bpf_map_lookup_elem(&clock, &key);

	if (!c)
		return 0;
	if ((__s64)(mono_ns - c->refreshed_ns) > PLANE_CLOCK_REFRESH_NS)
		clock_refresh(c);
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

static __always_inline __u32 xdp_octets(struct xdp_md *xdp)
{
	return bpf_xdp_get_buff_len(xdp);
}

static __always_inline __u32 skb_octets(const struct __sk_buff *skb)
{
	return skb->len;
}

#define FRAME_OCTETS(packet) _Generic((packet), struct xdp_md * : xdp_octets, struct __sk_buff * : skb_octets)(packet)

/*
 * Is the packet at `ip6` all in its frame? Linux drops those that claim to be longer. The frame is asked only where not
 * all of it is linear.
 */
#define FRAME_HOLDS(packet, ip6, end, link_len) \
	((ip6) + IPV6_LEN <= (end) &&           \
	 (ipv6_is_whole(ip6, (end) - (ip6)) || ipv6_is_whole(ip6, FRAME_OCTETS(packet) - (link_len))))

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
		*why = OUTCOME_bad_truncated;                                                              \
		if (!FRAME_HOLDS(packet, ip6, end, config.self.link_len))                                  \
			return false;                                                                      \
		if (ioam6_find_usual(ip6, end, config.self.namespace, found))                              \
			return true;                                                                       \
		walked = plane_walk(packet, found);                                                        \
		*why = walked;                                                                             \
		return walked == PLANE_WALKED;                                                             \
	}

enum { PLANE_WALKED = -1 };

#endif
