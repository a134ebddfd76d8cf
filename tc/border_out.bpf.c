/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The border of the domain, for what goes out: tc egress, behind all other programs of ours.
 */
#include "border.h"
#include "counters.bpf.h"

PLANE_COUNTERS(border_out)

const volatile struct border_config config SEC(".rodata.config");

#include "border.bpf.h"

SEC("tc")
int tc_border_out(struct __sk_buff *skb)
{
	enum outcome outcome = border_meet(skb);

	count(outcome);
	return border_verdict(outcome);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
