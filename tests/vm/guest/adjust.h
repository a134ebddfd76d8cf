/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sets the system's clock, for tests in a guest; ends the program where that fails. */
#ifndef HOPSPAN_TESTS_ADJUST_H
#define HOPSPAN_TESTS_ADJUST_H

#include <err.h>
#include <stdint.h>
#include <sys/timex.h>

static const int64_t second_ns = 1000000000;
static const long ppm = 1 << 16; /* of adjtimex */

static inline void clock_step(int64_t by_ns)
{
	int64_t seconds = by_ns >= 0 ? by_ns / second_ns : -((-by_ns + second_ns - 1) / second_ns);
	struct timex change = { .modes = ADJ_SETOFFSET | ADJ_NANO,
				.time = { .tv_sec = seconds, .tv_usec = by_ns - seconds * second_ns } };

	if (adjtimex(&change) < 0)
		err(1, "adjtimex, step");
}

static inline void clock_slew(int64_t parts)
{
	struct timex change = { .modes = ADJ_FREQUENCY, .freq = parts * ppm };

	if (adjtimex(&change) < 0)
		err(1, "adjtimex, frequency");
}

static inline void clock_tai(int64_t seconds)
{
	struct timex change = { .modes = ADJ_TAI, .constant = seconds };

	if (adjtimex(&change) < 0)
		err(1, "adjtimex, TAI");
}

#endif
