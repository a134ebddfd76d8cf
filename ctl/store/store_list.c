/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Traces found: by what they are like, and by the beginning of their id. */
#include <errno.h>
#include <string.h>

#include "store_key.h"
#include "store_row.h"
#include "store_sql.h"

static void name_bind(sqlite3_stmt *stmt, int at, const char *name, char end)
{
	char line[STORE_LINE_MAX];

	if (!name)
		sqlite3_bind_null(stmt, at);
	else if (store_line(line, name, end))
		sqlite3_bind_text(stmt, at, line, -1, SQLITE_TRANSIENT);
	else
		sqlite3_bind_text(stmt, at, "\n\n", -1, SQLITE_STATIC); /* no list has an empty line */
}

static void search_bind(sqlite3_stmt *stmt, const struct store_search *search)
{
	sqlite3_bind_int64(stmt, 1, search->since_unix_ns ? search->since_unix_ns : INT64_MIN);
	sqlite3_bind_int64(stmt, 2, search->until_unix_ns ? search->until_unix_ns : INT64_MAX);
	sqlite3_bind_int64(stmt, 3, search->duration_min_ns ? search->duration_min_ns : INT64_MIN);
	sqlite3_bind_int64(stmt, 4, search->duration_max_ns ? search->duration_max_ns : INT64_MAX);
	name_bind(stmt, 5, search->service, '\n');
	name_bind(stmt, 6, search->node, '\t');
	if (search->queue_min_bytes)
		sqlite3_bind_int64(stmt, 7, search->queue_min_bytes);
	else
		sqlite3_bind_null(stmt, 7);
}

/* The one condition that SQL does not see. */
static bool queue_matches(const struct store_search *search, const struct store_row *row)
{
	return !search->node || !search->queue_min_bytes ||
	       store_node_queue(row->nodes, search->node) >= search->queue_min_bytes;
}

int store_list(struct store *store, const struct store_search *search,
	       int (*row)(const struct store_trace *trace, void *arg), void *arg)
{
	sqlite3_stmt *stmt = store_statement(store, TRACE_LIST);
	int got = 0, answer = 0, left = search->limit;

	if (!stmt)
		return store_fail(store);
	search_bind(stmt, search);
	while (left && !answer && (got = store_step(store, stmt)) == 1) {
		struct store_row read;

		if (!store_row_read(stmt, &read) || !queue_matches(search, &read))
			continue;
		answer = row(&read.shown, arg);
		left--;
	}
	sqlite3_reset(stmt);
	return got < 0 ? got : answer;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The lowest and the highest id that begin with `prefix`. */
static bool prefix_range(const char *prefix, uint8_t low[TRACE_ID_LEN], uint8_t high[TRACE_ID_LEN])
{
	size_t len = strlen(prefix);

	if (len == 0 || len > 2 * TRACE_ID_LEN)
		return false;
	memset(low, 0, TRACE_ID_LEN);
	memset(high, 0xff, TRACE_ID_LEN);
	for (size_t i = 0; i < len; i++) {
		int digit = hex_digit(prefix[i]), shift = i % 2 ? 0 : 4;

		if (digit < 0)
			return false;
		low[i / 2] |= (uint8_t)(digit << shift);
		high[i / 2] &= (uint8_t)(digit << shift | (shift ? 0x0f : 0xf0));
	}
	return true;
}

/* How many there are, of which two are enough to know. */
struct found {
	int count;
	uint8_t trace_id[TRACE_ID_LEN];
};

static int id_found(int64_t number, const uint8_t trace_id[TRACE_ID_LEN], void *arg)
{
	struct found *found = arg;

	(void)number;
	if (found->count == 1 && memcmp(found->trace_id, trace_id, TRACE_ID_LEN) == 0)
		return 0;
	memcpy(found->trace_id, trace_id, TRACE_ID_LEN);
	return ++found->count == 2;
}

int store_find_trace(struct store *store, const char *prefix, uint8_t trace_id[TRACE_ID_LEN])
{
	uint8_t low[TRACE_ID_LEN], high[TRACE_ID_LEN];
	struct found found = { 0 };
	int got;

	if (!prefix_range(prefix, low, high))
		return store_say(store, -EINVAL, "\"%s\" is not the beginning of a trace id", prefix);
	got = store_key_find(store, low, high, id_found, &found);
	if (got < 0)
		return got;
	if (found.count == 1)
		memcpy(trace_id, found.trace_id, TRACE_ID_LEN);
	return found.count;
}
