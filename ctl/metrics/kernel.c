/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What hopspan's programs in the kernel have counted, as `hopspan status` shows it. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "pages.h"
#include "path/path_map.h"
#include "plane/counters.h"
#include "plane/device.h"
#include "plane/wait.h"
#include "text.h"

static void device_write(const struct text *text, const char *cookie, int ifindex, const char *name, const char *role)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", ifindex);
	text_sample(text, METRIC_device_info, 1, "netns", cookie, "dev", name, "ifindex", number, "role", role, NULL);
}

/* A name alone may be there twice: one that is gone, and the next. */
static void devices_write(const char *folder, const char *cookie, void *text)
{
	int devices = devices_open(folder, false);
	struct device device;

	if (devices < 0)
		return;
	for (int i = device_next(devices, 0); i; i = device_next(devices, i)) {
		if (!device_get(devices, i, &device))
			continue;
		if (device.roles & DEVICE_HOST)
			device_write(text, cookie, i, device.name, "host");
		if (device.roles & DEVICE_ROUTER)
			device_write(text, cookie, i, device.name, "router");
		if (device.roles & DEVICE_BORDER)
			device_write(text, cookie, i, device.name, "border");
	}
	close(devices);
}

/* All outcomes, also those at 0: the first one of a kind is then an increase. */
static void packets_write(const char *folder, const char *cookie, void *text)
{
	uint64_t counts[OUTCOME_COUNT];

	for (int role = 0; role < COUNTERS_ROLES; role++) {
		if (counters_read(folder, counters_roles[role], counts))
			continue;
		for (int i = 0; i < OUTCOME_COUNT; i++)
			text_sample(text, METRIC_packets_total, counts[i], "netns", cookie, "role",
				    counters_roles[role], "outcome", outcome_name(i), NULL);
	}
}

/* Bounds are the doublings from 1.024 us on; the histogram's buckets begin there, too. */
enum { WAIT_BOUND_FIRST = 10, WAIT_BOUNDS = 27 };

static void wait_write(const struct text *text, const char *cookie, const char *dev, const struct wait_key *key,
		       const struct wait_queue *queue)
{
	double bounds[WAIT_BOUNDS];
	uint64_t below[WAIT_BOUNDS], values = 0;
	struct text_histogram histogram = { bounds, below, WAIT_BOUNDS, 0, (double)queue->sum_ns / 1e9, NULL };
	char ifindex[16], number[16];
	unsigned int bucket = 0;

	for (unsigned int i = 0; i < WAIT_BOUNDS; i++) {
		uint64_t bound_ns = 1ULL << (WAIT_BOUND_FIRST + i);

		for (; bucket < WAIT_BUCKETS && histogram_least(bucket) < bound_ns; bucket++)
			values += queue->count[bucket];
		bounds[i] = (double)bound_ns / 1e9;
		below[i] = values;
	}
	for (; bucket < WAIT_BUCKETS; bucket++)
		values += queue->count[bucket];
	histogram.values = values;
	snprintf(ifindex, sizeof(ifindex), "%u", key->ifindex);
	snprintf(number, sizeof(number), "%u", key->queue);
	text_histogram(text, METRIC_wait_seconds, &histogram, "netns", cookie, "dev", dev, "ifindex", ifindex, "queue",
		       number, NULL);
}

struct wait_page {
	const struct text *text;
	const char *cookie;
	int devices;
};

static void wait_named(const struct wait_key *key, const struct wait_queue *queue, void *arg)
{
	const struct wait_page *page = arg;
	struct device device;

	if (device_get(page->devices, (int)key->ifindex, &device))
		wait_write(page->text, page->cookie, device.name, key, queue);
}

static void waits_write(const char *folder, const char *cookie, void *text)
{
	struct wait_page page = { .text = text, .cookie = cookie, .devices = devices_open(folder, false) };

	if (page.devices < 0)
		return;
	wait_each(folder, wait_named, &page);
	close(page.devices);
}

static void contexts_write(const char *folder, const char *id, void *text)
{
	uint64_t counts[OUTCOME_COUNT];

	if (counters_read(folder, "sockopt", counts))
		return;
	for (int i = 0; i < OUTCOME_COUNT; i++)
		text_sample(text, METRIC_contexts_total, counts[i], "cgroup", id, "outcome", outcome_name(i), NULL);
}

static void paths_write(const char *folder, const char *cookie, void *text)
{
	int map = counters_open_map(folder, "stamp_path"), count = -1;
	struct path_entry *entries = map < 0 ? NULL : calloc(PATH_MAX_PATHS, sizeof(*entries));
	uint64_t states[PATH_REFUSED + 1] = { 0 };

	if (entries)
		count = path_map_read(map, entries);
	for (int i = 0; i < count; i++)
		if (entries[i].path.state <= PATH_REFUSED)
			states[entries[i].path.state]++;
	for (uint32_t i = 0; count >= 0 && i <= PATH_REFUSED; i++)
		text_sample(text, METRIC_paths, states[i], "netns", cookie, "state", path_state_name(i), NULL);
	free(entries);
	if (map >= 0)
		close(map);
}

void pages_kernel(const struct text *text)
{
	static const struct {
		enum metric metric;
		const char *kind;
		void (*write)(const char *folder, const char *name, void *text);
	} families[] = {
		{ METRIC_device_info, "netns", devices_write }, { METRIC_packets_total, "netns", packets_write },
		{ METRIC_wait_seconds, "netns", waits_write },	{ METRIC_contexts_total, "cgroup", contexts_write },
		{ METRIC_paths, "netns", paths_write },
	};
	struct places places;
	int error = geteuid() ? -EPERM : places_open(&places, 0, "hopspan collect");

	for (unsigned int i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		text_family(text, families[i].metric);
		if (!error)
			places_each(places.root, families[i].kind, families[i].write, (void *)text);
	}
}
