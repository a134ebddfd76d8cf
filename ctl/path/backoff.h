/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* When a path is probed next: 10 s after a setback, twice as long after each further one, up to 10 minutes. */
#ifndef HOPSPAN_PATH_BACKOFF_H
#define HOPSPAN_PATH_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_NS 10000000000ULL
#define BACKOFF_MOST_NS 600000000000ULL

struct backoff {
	unsigned int setbacks; /* in a row */
	uint64_t next_ns;      /* CLOCK_MONOTONIC; 0: at once */
};

/* What the setbacks so far cost: 0 without one. */
static inline uint64_t backoff_ns(const struct backoff *backoff)
{
	uint64_t ns = backoff->setbacks ? BACKOFF_FIRST_NS : 0;

	for (unsigned int i = 1; i < backoff->setbacks && ns < BACKOFF_MOST_NS; i++)
		ns *= 2;
	return ns < BACKOFF_MOST_NS ? ns : BACKOFF_MOST_NS;
}

/* A probe told that the option does not come through, or nothing. */
static inline void backoff_failed(struct backoff *backoff, uint64_t now_ns)
{
	backoff->setbacks++;
	backoff->next_ns = now_ns + backoff_ns(backoff);
}

/*
 * A stamped segment was sent again. The first time, and after a good while (twice what it would have to wait, at least
 * 20 s), that is a chance loss until the contrary is known: probed at once. `proved_ns`: how long it was, 0: never.
 */
static inline void backoff_doubted(struct backoff *backoff, uint64_t proved_ns, uint64_t now_ns)
{
	uint64_t wait_ns = backoff_ns(backoff);

	if (wait_ns < BACKOFF_FIRST_NS)
		wait_ns = BACKOFF_FIRST_NS;
	if (proved_ns >= 2 * wait_ns || (proved_ns && !backoff->setbacks)) {
		backoff->setbacks = 0;
		wait_ns = 0;
	}
	backoff->setbacks++;
	backoff->next_ns = now_ns + wait_ns;
}

#endif
