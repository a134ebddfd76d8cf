/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The programs' clock between two readings of the kernel's TAI. */
#include "clock.h"
#include "tc/plane.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct clock_sample);
} sample SEC(".maps");

SEC("tc")
int clock_compare(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct clock_sample *s = bpf_map_lookup_elem(&sample, &key);

	(void)skb;
	if (!s)
		return 1;
	s->before_ns = bpf_ktime_get_tai_ns();
	s->ours_ns = clock_tai_ns();
	s->after_ns = bpf_ktime_get_tai_ns();
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
