/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "policy.h"

#include <bpf/bpf.h>
#include <err.h>

void policy_change(int policies, int host, enum stamp_way way, const struct encap_shape *shape)
{
	struct stamp_prefix all = { 0 };
	struct stamp_policy policy;
	struct stamp_host shared;
	uint32_t key = 0;

	if (bpf_map_lookup_elem(policies, &all, &policy) || bpf_map_lookup_elem(host, &key, &shared))
		err(1, "policy of ::/0");
	policy.way = way;
	policy.shape = *shape;
	shared.policies_ns++;
	if (bpf_map_update_elem(policies, &all, &policy, BPF_EXIST) ||
	    bpf_map_update_elem(host, &key, &shared, BPF_EXIST))
		err(1, "policy of ::/0");
}
