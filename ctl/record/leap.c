/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * TAI - UTC from tzdata's leap-seconds.list: lines "NTP seconds, TAI - UTC", in order of time. Read once.
 */
#include "leap.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LEAP_PATH_DEFAULT "/usr/share/zoneinfo/leap-seconds.list"

enum {
	LEAP_MAX = 128,
	LEAP_WITHOUT_LIST = 37, /* since 2017 */
	LEAP_TRIES = 8,
};
static const int64_t ntp_of_unix_epoch_s = 2208988800; /* 1900 to 1970 */
static const int64_t second_ns = 1000000000;

static struct leap {
	int64_t since_unix_s;
	int seconds;
} leaps[LEAP_MAX];
static unsigned int leap_count;
static pthread_once_t leap_once = PTHREAD_ONCE_INIT;

static void leap_read(void)
{
	const char *path = getenv("HOPSPAN_LEAP_SECONDS");
	FILE *file = fopen(path ? path : LEAP_PATH_DEFAULT, "re");
	char line[256];

	while (file && leap_count < LEAP_MAX && fgets(line, sizeof(line), file)) {
		long long ntp_s;
		int seconds;

		if (sscanf(line, "%lld %d", &ntp_s, &seconds) == 2)
			leaps[leap_count++] = (struct leap){ ntp_s - ntp_of_unix_epoch_s, seconds };
	}
	if (file)
		fclose(file);
}

int leap_seconds(int64_t unix_s)
{
	unsigned int i;

	pthread_once(&leap_once, leap_read);
	if (leap_count == 0)
		return LEAP_WITHOUT_LIST;
	for (i = leap_count - 1; i > 0 && leaps[i].since_unix_s > unix_s; i--)
		;
	return leaps[i].seconds;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * second_ns + now.tv_nsec;
}

int64_t leap_missing_ns(void)
{
	int64_t before = 0, tai = 0, after;

	/* Again if we were off the processor, or the clock was set, between the readings. */
	for (int i = 0; i < LEAP_TRIES; i++) {
		before = clock_ns(CLOCK_REALTIME);
		tai = clock_ns(CLOCK_TAI);
		after = clock_ns(CLOCK_REALTIME);
		if (after >= before && after - before < second_ns / 10)
			break;
	}
	return tai - before < second_ns / 2 ? leap_seconds(before / second_ns) * second_ns : 0;
}
