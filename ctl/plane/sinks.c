/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reads the ring buffers of all namespaces' sinks. */
#include "sinks.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"
#include "record/leap.h"
#include "places.h"
#include "tc/sink.h"
#include "tc/stamp.h"

enum { SINKS_MAX = 256, CLOCK_NEAR_NS = 500000000 };

struct sink {
	uint64_t cookie; /* of the namespace */
	struct ring_buffer *ring;
	int map;
	bool seen;
};

struct sinks {
	void (*take)(const struct record *record, void *arg);
	void (*take_repeat)(const struct repeat *repeat, void *arg);
	void *arg;
	struct sink list[SINKS_MAX];
	unsigned int count;
	struct sinks_counts counts;
};

/* The arrival's time, if the sink's clock is ours: a namespace's may be set off. */
static int64_t seen_unix_ns(int64_t time_unix_ns)
{
	struct timespec now;
	int64_t now_unix_ns;

	clock_gettime(CLOCK_REALTIME, &now);
	now_unix_ns = now.tv_sec * 1000000000LL + now.tv_nsec;
	return llabs(now_unix_ns - time_unix_ns) < CLOCK_NEAR_NS ? time_unix_ns : now_unix_ns;
}

/* TAI becomes Unix time here. */
static int64_t unix_ns_of(int64_t tai_ns)
{
	return tai_ns - leap_seconds(tai_ns / 1000000000) * 1000000000LL;
}

static void repeat_take(struct sinks *sinks, const struct stamp_repeat *raw)
{
	struct repeat repeat = {
		.source_port = raw->source_port,
		.destination_port = raw->destination_port,
		.octets = raw->octets,
		.context = raw->context,
		.first_unix_ns = unix_ns_of(raw->first_tai_ns),
		.again_unix_ns = unix_ns_of(raw->again_tai_ns),
	};

	memcpy(&repeat.source, raw->source, sizeof(repeat.source));
	memcpy(&repeat.destination, raw->destination, sizeof(repeat.destination));
	repeat.seen_unix_ns = seen_unix_ns(repeat.again_unix_ns);
	sinks->counts.repeats++;
	sinks->take_repeat(&repeat, sinks->arg);
}

/* One entry of a ring buffer. */
static int sink_take(void *arg, void *data, size_t len)
{
	const struct sink_record *raw = data;
	struct sinks *sinks = arg;
	struct record record;

	if (len == sizeof(struct stamp_repeat)) {
		repeat_take(sinks, data);
		return 0;
	}
	if (len < sizeof(*raw) || raw->packet_len > SINK_PACKET_LEN ||
	    record_decode(raw->packet, raw->packet_len, &record) != OUTCOME_recorded) {
		sinks->counts.undecoded++;
		return 0;
	}
	record.time_unix_ns = unix_ns_of(raw->time_tai_ns);
	record.seen_unix_ns = seen_unix_ns(record.time_unix_ns);
	sinks->counts.records++;
	sinks->take(&record, sinks->arg);
	return 0;
}

int sinks_open(void (*take)(const struct record *record, void *arg),
	       void (*take_repeat)(const struct repeat *repeat, void *arg), void *arg, struct sinks **sinks)
{
	struct sinks *made = calloc(1, sizeof(*made));

	if (!made)
		return -ENOMEM;
	made->take = take;
	made->take_repeat = take_repeat;
	made->arg = arg;
	*sinks = made;
	return 0;
}

static void sink_add(struct sinks *sinks, const char *folder, uint64_t cookie)
{
	struct sink *sink = &sinks->list[sinks->count];
	int map = counters_open_map(folder, "records");

	if (map < 0)
		return; /* a namespace without a sink */
	sink->ring = ring_buffer__new(map, sink_take, sinks, NULL);
	if (!sink->ring) {
		fprintf(stderr, "hopspan collect: %s/records: %s\n", folder, strerror(errno));
		close(map);
		return;
	}
	sink->map = map;
	sink->cookie = cookie;
	sink->seen = true;
	sinks->count++;
}

static void sink_drop(struct sinks *sinks, unsigned int i)
{
	ring_buffer__consume(sinks->list[i].ring);
	ring_buffer__free(sinks->list[i].ring);
	close(sinks->list[i].map);
	sinks->list[i] = sinks->list[--sinks->count];
}

static void netns_see(const char *folder, const char *name, void *arg)
{
	struct sinks *sinks = arg;
	uint64_t cookie = strtoull(name, NULL, 10);

	for (unsigned int i = 0; i < sinks->count; i++)
		if (sinks->list[i].cookie == cookie) {
			sinks->list[i].seen = true;
			return;
		}
	if (sinks->count < SINKS_MAX)
		sink_add(sinks, folder, cookie);
}

int sinks_refresh(struct sinks *sinks)
{
	struct places places;

	for (unsigned int i = 0; i < sinks->count; i++)
		sinks->list[i].seen = false;
	if (places_open(&places, 0, "hopspan collect"))
		return 0;
	places_each(places.root, "netns", netns_see, sinks);
	for (unsigned int i = sinks->count; i-- > 0;)
		if (!sinks->list[i].seen)
			sink_drop(sinks, i);
	return (int)sinks->count;
}

void sinks_read(struct sinks *sinks, int timeout_ms)
{
	struct pollfd waits[SINKS_MAX];

	for (unsigned int i = 0; i < sinks->count; i++)
		waits[i] = (struct pollfd){ .fd = ring_buffer__epoll_fd(sinks->list[i].ring), .events = POLLIN };
	poll(waits, sinks->count, timeout_ms);
	for (unsigned int i = 0; i < sinks->count; i++)
		ring_buffer__consume(sinks->list[i].ring);
}

void sinks_count(const struct sinks *sinks, struct sinks_counts *counts)
{
	*counts = sinks->counts;
}

void sinks_close(struct sinks *sinks)
{
	while (sinks && sinks->count)
		sink_drop(sinks, 0);
	free(sinks);
}
