/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the measurement of waits is measured against: nothing, at the same place. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tp_btf/net_dev_start_xmit")
int wait_empty(void *arguments)
{
	(void)arguments;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
