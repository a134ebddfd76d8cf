/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "store_key.h"

#include <errno.h>
#include <string.h>

#include "store_sql.h"
#include "store_tail.h"

enum { BUCKETS_AT_ONCE = 8 };

/* Buckets that are full, from the first to the last (-1: none), and the last trace's number. */
struct key_state {
	int64_t first_bucket, last_bucket, last_number;
};

static int state_get(struct store *store, struct key_state *state)
{
	sqlite3_stmt *stmt = store_statement(store, KEY_STATE);
	int got = stmt ? store_step(store, stmt) : store_fail(store);

	if (got != 1)
		return got ? got : -EBADMSG;
	*state = (struct key_state){ sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
				     sqlite3_column_int64(stmt, 2) };
	sqlite3_reset(stmt);
	return 0;
}

/* Those that the file has and this process has not seen: after its start, and from other processes. */
static int recent_read(struct store *store, struct recent *recent, int64_t last)
{
	int64_t since = recent->last > last - RECENT_TRACES ? recent->last : last - RECENT_TRACES;
	sqlite3_stmt *stmt;
	int got = store_ask(store, TRACE_SINCE, since, &stmt);

	for (; got == 1; got = store_step(store, stmt))
		if (sqlite3_column_bytes(stmt, 1) == TRACE_ID_LEN)
			recent_add(recent, sqlite3_column_blob(stmt, 1), sqlite3_column_int64(stmt, 0));
	return got;
}

/* A number of a full bucket is not given again, also when its traces are gone. */
int store_key_begin(struct store *store)
{
	struct recent *recent = tail_recent(store->tail);
	struct adding *adding = &store->adding;
	struct key_state state;
	int error = state_get(store, &state);

	if (!error && state.last_number > recent->last)
		error = recent_read(store, recent, state.last_number);
	if (error)
		return error;
	recent->last = state.last_number;
	adding->next_bucket = state.last_bucket + 1;
	adding->next_number = state.last_number + 1;
	if (adding->next_number < adding->next_bucket * TRACE_BUCKET)
		adding->next_number = adding->next_bucket * TRACE_BUCKET;
	return 0;
}

static int bucket_add(struct store *store, int64_t bucket)
{
	sqlite3_stmt *stmt = store_statement(store, KEY_ADD);

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_int64(stmt, 1, bucket);
	sqlite3_bind_int64(stmt, 2, bucket * TRACE_BUCKET);
	sqlite3_bind_int64(stmt, 3, (bucket + 1) * TRACE_BUCKET - 1);
	return store_step(store, stmt);
}

int store_key_end(struct store *store)
{
	struct adding *adding = &store->adding;
	int error = 0;

	for (int i = 0; !error && i < BUCKETS_AT_ONCE; i++) {
		if (adding->next_number < (adding->next_bucket + 1) * TRACE_BUCKET)
			break;
		error = bucket_add(store, adding->next_bucket++);
	}
	return error;
}

int store_key_trim(struct store *store)
{
	sqlite3_stmt *stmt;

	return store_ask(store, OLD_KEY_DELETE, TRACE_BUCKET, &stmt);
}

/* By TRACE_KEYED in a bucket, or by TRACE_UNKEYED from a number on. */
static int range_find(struct store *store, enum statement statement, int64_t from, const uint8_t low[TRACE_ID_LEN],
		      const uint8_t high[TRACE_ID_LEN],
		      int (*each)(int64_t number, const uint8_t trace_id[TRACE_ID_LEN], void *arg), void *arg)
{
	sqlite3_stmt *stmt = store_statement(store, statement);
	int got, answer = 0;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_int64(stmt, 1, from);
	sqlite3_bind_blob(stmt, 2, low, TRACE_ID_LEN, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 3, high, TRACE_ID_LEN, SQLITE_STATIC);
	while (!answer && (got = store_step(store, stmt)) == 1)
		if (sqlite3_column_bytes(stmt, 1) == TRACE_ID_LEN)
			answer = each(sqlite3_column_int64(stmt, 0), sqlite3_column_blob(stmt, 1), arg);
	sqlite3_reset(stmt);
	return answer ? answer : got;
}

int store_key_find(struct store *store, const uint8_t low[TRACE_ID_LEN], const uint8_t high[TRACE_ID_LEN],
		   int (*each)(int64_t number, const uint8_t trace_id[TRACE_ID_LEN], void *arg), void *arg)
{
	struct key_state state;
	int answer = state_get(store, &state);

	if (answer)
		return answer;
	for (int64_t bucket = state.first_bucket; !answer && bucket <= state.last_bucket; bucket++)
		answer = range_find(store, TRACE_KEYED, bucket, low, high, each, arg);
	if (answer)
		return answer;
	return range_find(store, TRACE_UNKEYED, (state.last_bucket + 1) * TRACE_BUCKET, low, high, each, arg);
}
