/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A moving minimum. */
#include "least.h"

void least_add(struct least_slot *slots, int count, int64_t slot_ns, int64_t passage_ns, int64_t now_unix_ns)
{
	int64_t number = now_unix_ns / slot_ns;
	struct least_slot *slot = &slots[(uint64_t)number % count];
	bool fresh = !slot->packets || slot->number < number;

	if (!fresh && slot->number > number)
		return;
	if (fresh)
		*slot = (struct least_slot){ .number = number };
	if (fresh || passage_ns < slot->passage_ns) {
		slot->passage_ns = passage_ns;
		slot->at_unix_ns = now_unix_ns;
	}
	slot->packets++;
}

bool least_get(const struct least_slot *slots, int count, int64_t slot_ns, int64_t now_unix_ns, int64_t *least_ns)
{
	bool found = false;

	for (int i = 0; i < count; i++) {
		if (!slots[i].packets || now_unix_ns - slots[i].at_unix_ns > count * slot_ns)
			continue;
		if (!found || slots[i].passage_ns < *least_ns)
			*least_ns = slots[i].passage_ns;
		found = true;
	}
	return found;
}
