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
 * A stamped segment was sent again. After a good time (twice what it would have to wait, at least 20 s) that is a
 * chance loss until the contrary is known, and the path is probed at once.
 */
static inline void backoff_doubted(struct backoff *backoff, uint64_t good_ns, uint64_t now_ns)
{
	uint64_t least_ns = 2 * backoff_ns(backoff);

	if (good_ns >= (least_ns ? least_ns : 2 * BACKOFF_FIRST_NS))
		backoff->setbacks = 0;
	backoff->next_ns = now_ns + backoff_ns(backoff);
	backoff->setbacks++;
}

#endif
