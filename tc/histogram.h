/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Log-linear histograms of durations: 8 buckets per doubling, so that a bucket's middle is within 6 % of what is in it.
 * The same buckets for the programs in the kernel, for the collector and in its store.
 */
#ifndef HOPSPAN_TC_HISTOGRAM_H
#define HOPSPAN_TC_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEP_BITS = 3, HISTOGRAM_STEPS = 1 << HISTOGRAM_STEP_BITS };

/* Buckets for all values below 2^bits. */
#define HISTOGRAM_BUCKETS(bits) (((bits)-HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEPS)

/* The number of the highest bit that is set; 0 for 0. BPF has no instruction for it. */
static inline __attribute__((always_inline, unused)) uint32_t histogram_octave(uint64_t value)
{
	uint32_t octave = 0;

	for (uint32_t half = 32; half; half /= 2)
		if (value >> half) {
			value >>= half;
			octave += half;
		}
	return octave;
}

/* Below HISTOGRAM_STEPS each value is its own bucket; above, the leading one and the next three bits choose. */
static inline __attribute__((always_inline, unused)) uint32_t histogram_bucket(uint64_t value)
{
	uint32_t octave;

	if (value < HISTOGRAM_STEPS)
		return (uint32_t)value;
	octave = histogram_octave(value) - HISTOGRAM_STEP_BITS;
	return (octave + 1) * HISTOGRAM_STEPS + (uint32_t)(value >> octave & (HISTOGRAM_STEPS - 1));
}

/* The least value of a bucket; that of the next one is where it ends. */
static inline __attribute__((always_inline, unused)) uint64_t histogram_least(uint32_t bucket)
{
	if (bucket < HISTOGRAM_STEPS)
		return bucket;
	return (uint64_t)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << (bucket / HISTOGRAM_STEPS - 1);
}

static inline __attribute__((always_inline, unused)) uint64_t histogram_middle(uint32_t bucket)
{
	uint64_t least = histogram_least(bucket);

	return least + (histogram_least(bucket + 1) - least) / 2;
}

#endif
