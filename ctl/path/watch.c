/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The thread that looks at all paths: finds the namespaces, keeps the beat, lets the probes run between two looks. */
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "path_map.h"
#include "paths.h"
#include "plane/places.h"

enum { LOOK_NS = 200000000, REFRESH_LOOKS = 3, NAMESPACES_MAX = 256 };

struct watch {
	pthread_t thread;
	int stop; /* eventfd */
	struct paths *list[NAMESPACES_MAX];
	bool seen[NAMESPACES_MAX];
	unsigned int count;
	struct prober prober;
	struct tell log;
	struct path_counts counts;
};

static void netns_see(const char *folder, const char *name, void *arg)
{
	struct watch *watch = arg;
	uint64_t cookie = strtoull(name, NULL, 10);

	for (unsigned int i = 0; i < watch->count; i++)
		if (paths_cookie(watch->list[i]) == cookie && paths_are_current(watch->list[i])) {
			watch->seen[i] = true;
			return;
		}
	if (watch->count == NAMESPACES_MAX)
		return;
	watch->list[watch->count] = paths_open(folder, cookie, &watch->prober, &watch->log, &watch->counts);
	if (watch->list[watch->count])
		watch->seen[watch->count++] = true;
}

/* Namespaces come and go, and so do the maps in their folders. */
static void watch_refresh(struct watch *watch)
{
	struct places places;

	for (unsigned int i = 0; i < watch->count; i++)
		watch->seen[i] = false;
	if (places_open(&places, 0, "hopspan collect") == 0)
		places_each(places.root, "netns", netns_see, watch);
	for (unsigned int i = watch->count; i-- > 0;) {
		if (watch->seen[i]) {
			paths_refresh(watch->list[i]);
			continue;
		}
		paths_close(watch->list[i], false);
		watch->count--;
		watch->list[i] = watch->list[watch->count];
		watch->seen[i] = watch->seen[watch->count];
	}
}

/* Until `until_ns`, or something is to be done before. False: it is over. */
static bool watch_wait(struct watch *watch, uint64_t until_ns)
{
	struct pollfd waits[PROBER_MAX + 1];
	unsigned int count = prober_waits(&watch->prober, waits, &until_ns);
	uint64_t now_ns = path_map_now_ns();
	struct timespec timeout = { 0 };

	if (until_ns > now_ns) {
		timeout.tv_sec = (time_t)((until_ns - now_ns) / 1000000000);
		timeout.tv_nsec = (long)((until_ns - now_ns) % 1000000000);
	}
	waits[count] = (struct pollfd){ .fd = watch->stop, .events = POLLIN };
	ppoll(waits, count + 1, &timeout, NULL);
	return !waits[count].revents;
}

static void *watch_run(void *arg)
{
	struct watch *watch = arg;
	uint64_t next_look_ns = 0, now_ns;

	for (unsigned int looks = 0; watch_wait(watch, next_look_ns);) {
		now_ns = path_map_now_ns();
		prober_step(&watch->prober, now_ns, paths_probed);
		if (now_ns < next_look_ns)
			continue;
		if (looks++ % REFRESH_LOOKS == 0)
			watch_refresh(watch);
		for (unsigned int i = 0; i < watch->count; i++)
			paths_look(watch->list[i], now_ns);
		tell_rest(&watch->log, now_ns);
		next_look_ns = now_ns + LOOK_NS;
	}
	while (watch->count)
		paths_close(watch->list[--watch->count], true);
	prober_close(&watch->prober);
	return NULL;
}

int watch_start(struct watch **watch)
{
	struct watch *made = calloc(1, sizeof(*made));
	int error;

	if (!made)
		return -ENOMEM;
	made->stop = eventfd(0, EFD_CLOEXEC);
	error = made->stop < 0 ? -errno : -pthread_create(&made->thread, NULL, watch_run, made);
	if (error) {
		if (made->stop >= 0)
			close(made->stop);
		free(made);
		return error;
	}
	*watch = made;
	return 0;
}

const struct path_counts *watch_counts(const struct watch *watch)
{
	return &watch->counts;
}

void watch_stop(struct watch *watch)
{
	if (!watch)
		return;
	eventfd_write(watch->stop, 1);
	pthread_join(watch->thread, NULL);
	close(watch->stop);
	free(watch);
}
