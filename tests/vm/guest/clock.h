/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One reading of both clocks, in one run of a program. */
#ifndef HOPSPAN_TESTS_CLOCK_H
#define HOPSPAN_TESTS_CLOCK_H

#include <stdint.h>

struct clock_sample {
	uint64_t before_ns, after_ns; /* the helper for TAI */
	uint64_t ours_ns;	      /* monotonic + offset */
};

#endif
