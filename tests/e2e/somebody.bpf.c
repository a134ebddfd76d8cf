/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Somebody else's XDP program: passes all. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp.frags")
int somebody(struct xdp_md *xdp)
{
	(void)xdp;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
