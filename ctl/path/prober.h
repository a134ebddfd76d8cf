/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* All probes that are under way on this host: few at a time, and few begun in a second. */
#ifndef HOPSPAN_PATH_PROBER_H
#define HOPSPAN_PATH_PROBER_H

#include <poll.h>

#include "probe.h"

enum { PROBER_MAX = 8, PROBER_SPACING_NS = 100000000 /* between two beginnings */ };

struct prober {
	struct {
		struct probe *probe;
		void *owner;
	} running[PROBER_MAX];
	unsigned int count;
	uint64_t next_start_ns;
};

bool prober_may_start(const struct prober *prober, uint64_t now_ns);

/* `owner` is told by prober_step(). 0 or -errno. */
int prober_start(struct prober *prober, struct netns *netns, const struct probe_target *target, void *owner,
		 uint64_t now_ns);

/* The owner goes, and its probe with it. */
void prober_forget(struct prober *prober, const void *owner);

/* Fills `waits` for what runs, their number; lowers *until_ns to when one of them is due. */
unsigned int prober_waits(const struct prober *prober, struct pollfd waits[PROBER_MAX], uint64_t *until_ns);

/* Calls `over` for each that is over, which starts and forgets none. */
void prober_step(struct prober *prober, uint64_t now_ns,
		 void (*over)(void *owner, const struct probe *probe, uint64_t now_ns));

void prober_close(struct prober *prober);

#endif
