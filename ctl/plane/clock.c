/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sets the map "clock" while programs read it and refresh it: each field that they may see then is right. */
#include "clock.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"
#include "record/leap.h"
#include "tc/plane.h"

static int64_t clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now.tv_sec * (int64_t)IOAM6_NS_PER_S + now.tv_nsec;
}

/* TAI - CLOCK_MONOTONIC, of several readings the one that was interrupted least; *mono_ns: when. */
static int64_t clock_mono_to_tai_ns(int64_t *mono_ns)
{
	int64_t best_ns = INT64_MAX, offset_ns = 0;

	for (int i = 0; i < 8; i++) {
		int64_t before_ns = clock_ns(CLOCK_MONOTONIC), tai_ns = clock_ns(CLOCK_TAI),
			took_ns = clock_ns(CLOCK_MONOTONIC) - before_ns;

		if (took_ns >= best_ns)
			continue;
		best_ns = took_ns;
		offset_ns = tai_ns - before_ns - took_ns / 2;
		*mono_ns = before_ns;
	}
	return offset_ns;
}

/* As the programs would work it out at this moment. */
static struct plane_clock clock_now(int64_t offset_ns)
{
	int64_t mono_ns = 0, correction_ns = leap_missing_ns() + offset_ns;
	int64_t mono_to_tai_ns = clock_mono_to_tai_ns(&mono_ns);

	return (struct plane_clock){
		.mono_to_tai_ns = mono_to_tai_ns + correction_ns,
		.refreshed_ns = (uint64_t)mono_ns,
		.correction_ns = correction_ns,
		.offset_ns = offset_ns,
		.tai_to_utc_ns = leap_seconds(time(NULL)) * (int64_t)IOAM6_NS_PER_S,
	};
}

int clock_set(const char *folder, int64_t offset_ns)
{
	struct plane_clock clock = clock_now(offset_ns);
	int fd = counters_make_map(folder, "clock", BPF_MAP_TYPE_ARRAY, sizeof(clock), NULL), key = 0, error = 0;

	if (fd < 0)
		return fd;
	if (bpf_map_update_elem(fd, &key, &clock, BPF_ANY))
		error = -errno;
	close(fd);
	return error;
}

int64_t clock_offset_ns(const char *folder)
{
	struct plane_clock clock = { 0 };
	int key = 0, fd = counters_open_map(folder, "clock");

	if (fd >= 0) {
		bpf_map_lookup_elem(fd, &key, &clock);
		close(fd);
	}
	return clock.offset_ns;
}
