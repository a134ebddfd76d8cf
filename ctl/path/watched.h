/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One path as the collector sees it, beside what tc/stamp keeps of it (tc/path.h): what changed since the last look,
 * when it is to be probed, and what is said about it.
 */
#ifndef HOPSPAN_PATH_WATCHED_H
#define HOPSPAN_PATH_WATCHED_H

#include "backoff.h"
#include "group.h"
#include "probe.h"
#include "tc/path.h"
#include "tell.h"

#define WATCHED_WANTED_NS 30000000000ULL /* a path nobody asked for so long is not probed */
#define WATCHED_IDLE_NS 600000000000ULL	 /* a proved one is forgotten: networks change */
/* One that is in use is probed again so often: datagrams that are lost tell nobody, and only TCP leaves PATH_TRYING. */
#define WATCHED_TRYING_NS 60000000000ULL
#define WATCHED_PROVED_NS 600000000000ULL

struct paths;

struct watched {
	struct watched *next;
	struct paths *paths;
	struct group *group;
	uint8_t address[16];
	struct path path;   /* as last seen */
	uint64_t seen_turn; /* the look at which it was there last */
	uint64_t proved_ns; /* since when it is, or 0 */
	bool was_proved;    /* ever: from then on its segments are judged */
	bool is_probed;	    /* right now */
	uint64_t probed_ns; /* when the last probe ended, or 0 */
	struct backoff backoff;
	enum probe_verdict told; /* the last verdict that was said; PROBE_PASSES: none against it */
	unsigned int sent[PROBE_KINDS], came[PROBE_KINDS]; /* of the last probe */
};

/* Takes the map's values of now. */
void watched_see(struct watched *watched, const struct path *fresh, struct tell *log, uint64_t now_ns);

/* Trusted, but for long not wanted? */
bool watched_is_idle(const struct watched *watched, uint64_t now_ns);

/* Is it to be probed now? */
bool watched_wants_probe(const struct watched *watched, uint64_t now_ns);

/* The state that the path is to have after the probe; notes when the next one is due, and says what is news. */
enum path_state watched_probed(struct watched *watched, enum probe_verdict verdict, const struct probe_counts *counts,
			       struct tell *log, uint64_t now_ns);

/* No probe could be sent at all. */
void watched_not_probed(struct watched *watched, int error, struct tell *log, uint64_t now_ns);

#endif
