/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The host's budgets of stamped packets, which all its devices share.
 */
#ifndef HOPSPAN_TC_BUDGET_BPF_H
#define HOPSPAN_TC_BUDGET_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#include "stamp.h"
#include "wire/outcome.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stamp_host);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} stamp_host SEC(".maps");

/* Is there a packet left in the budget? The clock is read only when it is used up. */
static __always_inline bool budget_left(struct stamp_budget *budget)
{
	__u64 now;

	if (!budget->window_packets || budget->left)
		return true;
	now = bpf_ktime_get_ns();
	if (now - budget->filled_ns < STAMP_BUDGET_WINDOW_NS)
		return false;
	budget->filled_ns = now;
	budget->left = budget->window_packets;
	return true;
}

static __always_inline void budget_spend(struct stamp_budget *budget)
{
	if (budget->left)
		budget->left--;
}

/* Pass: the host's budgets allow one more. */
static __always_inline enum outcome budgets_left(struct stamp_host *host, bool bulk)
{
	if (!budget_left(&host->all))
		return OUTCOME_bare_budget;
	return bulk && !budget_left(&host->bulk) ? OUTCOME_bare_bulk_budget : OUTCOME_pass;
}

#endif
