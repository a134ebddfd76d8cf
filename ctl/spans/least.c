/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A moving minimum. */
#include "least.h"

bool least_add(struct least_slot *slots, int count, int64_t slot_ns, int64_t passage_ns, int64_t now_unix_ns)
{
	int64_t number = now_unix_ns / slot_ns;
	struct least_slot *slot = &slots[(uint64_t)number % count];
	bool fresh = !slot->packets || slot->number < number;

	if (!fresh && slot->number > number)
		return false;
	if (fresh)
		*slot = (struct least_slot){ .number = number };
	if (fresh || passage_ns < slot->passage_ns) {
		slot->passage_ns = passage_ns;
		slot->at_unix_ns = now_unix_ns;
	}
	slot->packets++;
	return fresh;
}

bool least_get(const struct least_slot *slots, int count, int64_t slot_ns, double drift, int64_t now_unix_ns,
	       int64_t *least_ns)
{
	bool found = false;

	for (int i = 0; i < count; i++) {
		int64_t age_ns = now_unix_ns - slots[i].at_unix_ns, passage_ns;

		if (!slots[i].packets || age_ns > count * slot_ns)
			continue;
		passage_ns = slots[i].passage_ns + (int64_t)(drift * (double)age_ns);
		if (!found || passage_ns < *least_ns)
			*least_ns = passage_ns;
		found = true;
	}
	return found;
}
