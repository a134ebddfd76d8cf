/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One word and its value at a time. */
#include "search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "quantity.h"

enum { LIST_MAX = 100000 };

static const char *const words[] = { "limit", "since", "until", "longer", "shorter", "service", "node", "queue" };

bool search_knows(const char *word)
{
	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static int limit_read(const struct command *command, const char *value, struct store_search *search)
{
	char *end;
	long limit;

	errno = 0;
	limit = strtol(value, &end, 10);
	if (errno || end == value || *end || limit < 1 || limit > LIST_MAX)
		return misuse(command, "limit \"%s\" is not a number from 1 to %d", value, LIST_MAX);
	search->limit = (int)limit;
	return 0;
}

/* So long ago, or a UTC time as `trace list` and RFC 3339 write it. */
static int time_read(const struct command *command, const char *word, const char *value, int64_t *unix_ns)
{
	static const char *const forms[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S",
					     "%Y-%m-%d" };
	int64_t ago_ns;

	if (quantity_time(value, &ago_ns) == 0) {
		*unix_ns = time(NULL) * 1000000000LL - ago_ns;
		return 0;
	}
	for (unsigned int i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(value, forms[i], &tm);

		if (end && !*end) {
			*unix_ns = timegm(&tm) * 1000000000LL;
			return 0;
		}
	}
	return misuse(command, "%s \"%s\" is no time: 15m, 2h, 3d (ago), or 2026-11-20T14:02:11Z", word, value);
}

static int duration_read(const struct command *command, const char *word, const char *value, int64_t *ns)
{
	return quantity_time(value, ns) ? misuse(command, "%s \"%s\" is no duration: 30ms, 1.5s", word, value) : 0;
}

static int queue_read(const struct command *command, const char *value, struct store_search *search)
{
	uint64_t octets;

	if (quantity_octets(value, &octets) || octets > INT64_MAX)
		return misuse(command, "queue \"%s\" is no number of octets: 10000, 64k", value);
	search->queue_min_bytes = (int64_t)octets;
	return 0;
}

int search_word(const struct command *command, const char *word, const char *value, struct store_search *search)
{
	if (strcmp(word, "limit") == 0)
		return limit_read(command, value, search);
	if (strcmp(word, "since") == 0)
		return time_read(command, word, value, &search->since_unix_ns);
	if (strcmp(word, "until") == 0)
		return time_read(command, word, value, &search->until_unix_ns);
	if (strcmp(word, "longer") == 0)
		return duration_read(command, word, value, &search->duration_min_ns);
	if (strcmp(word, "shorter") == 0)
		return duration_read(command, word, value, &search->duration_max_ns);
	if (strcmp(word, "queue") == 0)
		return queue_read(command, value, search);
	*(strcmp(word, "node") == 0 ? &search->node : &search->service) = value;
	return 0;
}
