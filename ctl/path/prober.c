/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Runs several probes side by side. */
#include "prober.h"

bool prober_may_start(const struct prober *prober, uint64_t now_ns)
{
	return prober->count < PROBER_MAX && now_ns >= prober->next_start_ns;
}

int prober_start(struct prober *prober, struct netns *netns, const struct probe_target *target, void *owner,
		 uint64_t now_ns)
{
	int error;

	prober->next_start_ns = now_ns + PROBER_SPACING_NS;
	error = probe_start(netns, target, now_ns, &prober->running[prober->count].probe);
	if (!error)
		prober->running[prober->count++].owner = owner;
	return error;
}

static void prober_drop(struct prober *prober, unsigned int i)
{
	probe_free(prober->running[i].probe);
	prober->running[i] = prober->running[--prober->count];
}

void prober_forget(struct prober *prober, const void *owner)
{
	for (unsigned int i = prober->count; i-- > 0;)
		if (prober->running[i].owner == owner)
			prober_drop(prober, i);
}

unsigned int prober_waits(const struct prober *prober, struct pollfd waits[PROBER_MAX], uint64_t *until_ns)
{
	for (unsigned int i = 0; i < prober->count; i++) {
		const struct probe *probe = prober->running[i].probe;

		waits[i] = (struct pollfd){ .fd = probe_fd(probe), .events = POLLIN };
		if (probe_next_ns(probe) < *until_ns)
			*until_ns = probe_next_ns(probe);
	}
	return prober->count;
}

void prober_step(struct prober *prober, uint64_t now_ns,
		 void (*over)(void *owner, const struct probe *probe, uint64_t now_ns))
{
	for (unsigned int i = prober->count; i-- > 0;) {
		probe_step(prober->running[i].probe, now_ns);
		if (!probe_is_over(prober->running[i].probe))
			continue;
		over(prober->running[i].owner, prober->running[i].probe, now_ns);
		prober_drop(prober, i);
	}
}

void prober_close(struct prober *prober)
{
	while (prober->count)
		prober_drop(prober, prober->count - 1);
}
