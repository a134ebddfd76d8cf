/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What becomes of one path: what tc/stamp changed, what a probe said. */
#include "watched.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* 0 for what tc/stamp has noted after `now_ns` was read. */
static uint64_t elapsed_ns(uint64_t since_ns, uint64_t now_ns)
{
	return now_ns > since_ns ? now_ns - since_ns : 0;
}

static const char *address_text(const struct watched *watched, char text[INET6_ADDRSTRLEN])
{
	return inet_ntop(AF_INET6, watched->address, text, INET6_ADDRSTRLEN);
}

static const char *answers_text(const struct watched *watched, char text[80])
{
	snprintf(text, 80, "%u of %u echoes came back with the option, %u of %u without", watched->came[PROBE_OPTION],
		 watched->sent[PROBE_OPTION], watched->came[PROBE_BARE], watched->sent[PROBE_BARE]);
	return text;
}

/* Counts since the path was proved first; one that is younger than what was seen has begun anew. */
static void counts_take(struct watched *watched, const struct path *fresh)
{
	static const struct path none;
	const struct path *before = fresh->segments < watched->path.segments ? &none : &watched->path;
	struct judge_counts *news = &watched->group->news;

	if (!watched->was_proved)
		return;
	news->stamped += fresh->stamped - before->stamped;
	news->stamped_repeated += fresh->stamped_repeated - before->stamped_repeated;
	news->segments += fresh->segments - before->segments;
	news->repeated += fresh->repeated - before->repeated;
}

static void proved_see(struct watched *watched, const struct path *fresh, struct tell *log, uint64_t now_ns)
{
	char address[INET6_ADDRSTRLEN], answers[80];

	watched->proved_ns = fresh->since_ns;
	if (!watched->sent[PROBE_BARE])
		tell(log, now_ns, "path %s: proved", address_text(watched, address));
	else
		tell(log, now_ns, "path %s: proved%s: %s", address_text(watched, address),
		     watched->was_proved ? " again" : "", answers_text(watched, answers));
	watched->was_proved = true;
	watched->told = PROBE_PASSES;
}

static void doubted_see(struct watched *watched, struct tell *log, uint64_t now_ns)
{
	char address[INET6_ADDRSTRLEN];

	backoff_doubted(&watched->backoff, watched->proved_ns ? elapsed_ns(watched->proved_ns, now_ns) + 1 : 0, now_ns);
	watched->proved_ns = 0;
	tell(log, now_ns, "path %s: a stamped segment had to be sent again, shadows until the path is proved anew",
	     address_text(watched, address));
}

void watched_see(struct watched *watched, const struct path *fresh, struct tell *log, uint64_t now_ns)
{
	uint32_t before = watched->path.state;

	counts_take(watched, fresh);
	watched->path = *fresh;
	if (fresh->state == before)
		return;
	if (fresh->state == PATH_PROVED)
		proved_see(watched, fresh, log, now_ns);
	else if (fresh->state == PATH_DOUBTED)
		doubted_see(watched, log, now_ns);
}

bool watched_is_idle(const struct watched *watched, uint64_t now_ns)
{
	uint32_t state = watched->path.state;

	return (state == PATH_PROVED || state == PATH_TRYING) &&
	       elapsed_ns(watched->path.asked_ns, now_ns) > WATCHED_IDLE_NS;
}

static bool is_due(const struct watched *watched, uint64_t now_ns)
{
	switch (watched->path.state) {
	case PATH_TRYING:
		return elapsed_ns(watched->probed_ns, now_ns) >= WATCHED_TRYING_NS;
	case PATH_PROVED:
		return elapsed_ns(watched->probed_ns, now_ns) >= WATCHED_PROVED_NS;
	default:
		return now_ns >= watched->backoff.next_ns;
	}
}

bool watched_wants_probe(const struct watched *watched, uint64_t now_ns)
{
	return !watched->is_probed && elapsed_ns(watched->path.asked_ns, now_ns) < WATCHED_WANTED_NS &&
	       is_due(watched, now_ns);
}

/* Said once, until there is something else to say. */
static void verdict_tell(struct watched *watched, enum probe_verdict verdict, struct tell *log, uint64_t now_ns)
{
	static const char *const says[] = {
		[PROBE_UNCLEAR] = "too many packets are lost to tell whether the option comes through: shadows",
		[PROBE_BLOCKED] = "refused: the option does not come through: shadows",
		[PROBE_UNANSWERED] = "no answer to echo requests, so nothing is known: shadows",
	};
	char address[INET6_ADDRSTRLEN], answers[80];

	if (verdict == PROBE_PASSES || verdict == watched->told)
		return;
	watched->told = verdict;
	tell(log, now_ns, "path %s: %s (%s)", address_text(watched, address), says[verdict],
	     answers_text(watched, answers));
}

/* Packets of the path itself say more than silence: without an answer it stays what it is. */
enum path_state watched_probed(struct watched *watched, enum probe_verdict verdict, const struct probe_counts *counts,
			       struct tell *log, uint64_t now_ns)
{
	enum path_state state = watched->path.state;
	bool trusted = state == PATH_TRYING || state == PATH_PROVED;

	watched->is_probed = false;
	watched->probed_ns = now_ns;
	if (trusted && verdict != PROBE_BLOCKED)
		return state;
	probe_sums(counts, watched->sent, watched->came);
	verdict_tell(watched, verdict, log, now_ns);
	if (verdict == PROBE_PASSES)
		return PATH_TRYING;
	backoff_failed(&watched->backoff, now_ns);
	return verdict == PROBE_BLOCKED ? PATH_REFUSED : state;
}

void watched_not_probed(struct watched *watched, int error, struct tell *log, uint64_t now_ns)
{
	char address[INET6_ADDRSTRLEN];

	watched->is_probed = false;
	watched->probed_ns = now_ns;
	if (!watched->backoff.setbacks)
		tell(log, now_ns, "path %s: not probed: %s", address_text(watched, address), strerror(-error));
	backoff_failed(&watched->backoff, now_ns);
}
