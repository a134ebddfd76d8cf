/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What is too old, or too much, leaves the store from its old end. */
#include <errno.h>
#include <time.h>

#include "store_key.h"
#include "store_sql.h"
#include "wire/bytes.h"

enum { STEP_BATCHES = 8, WORK_MAX_MS = 50 };

/* The last batch that all endpoints have. */
static int sent_by_all(struct store *store, const char *const *endpoints, unsigned int count, int64_t *sent)
{
	*sent = INT64_MAX;
	for (unsigned int i = 0; i < count; i++) {
		int64_t number = 0;
		int error = store_exported(store, endpoints[i], &number);

		if (error)
			return error;
		if (number < *sent)
			*sent = number;
	}
	return 0;
}

static int octets_used(struct store *store, uint64_t *octets)
{
	int64_t pages = 0, unused = 0, size = 0;
	int error = store_number(store, "PRAGMA page_count", &pages);

	if (!error)
		error = store_number(store, "PRAGMA freelist_count", &unused);
	if (!error)
		error = store_number(store, "PRAGMA page_size", &size);
	*octets = (uint64_t)((pages - unused) * size);
	return error;
}

/* 1, 0 or -errno. */
static int is_too_large(struct store *store, const struct store_limits *limits)
{
	uint64_t octets = 0;
	int error = limits->octets ? octets_used(store, &octets) : 0;

	return error ? error : octets > limits->octets;
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* The number before which are all traces that have no batch behind `last`. */
static int old_traces(struct store *store, int64_t last, int64_t *before)
{
	sqlite3_stmt *stmt = store_statement(store, OLD_TRACES);
	uint8_t number[8];
	int got;

	if (!stmt)
		return store_fail(store);
	be64_store(number, (uint64_t)last);
	sqlite3_bind_int64(stmt, 1, last);
	sqlite3_bind_blob(stmt, 2, number, sizeof(number), SQLITE_STATIC);
	got = store_step(store, stmt);
	if (got != 1)
		return got ? got : -EBADMSG;
	*before = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return 0;
}

static int old_delete(struct store *store, int64_t last)
{
	static const enum statement deletes[] = { OLD_INDEX_DELETE, OLD_NETWORK_DELETE, OLD_TRACE_DELETE };
	int64_t before = 0;
	sqlite3_stmt *stmt;
	int error = store_ask(store, OLD_BATCH_DELETE, last, &stmt);

	if (!error)
		error = old_traces(store, last, &before);
	for (unsigned int i = 0; !error && i < sizeof(deletes) / sizeof(deletes[0]); i++) {
		stmt = store_statement(store, deletes[i]);
		if (!stmt)
			return store_fail(store);
		sqlite3_bind_int64(stmt, 1, last);
		sqlite3_bind_int64(stmt, 2, before);
		error = store_step(store, stmt);
	}
	return error ? error : store_key_trim(store);
}

/* The oldest batches up to number `last` and from before `before_ns`: 1 and the last of them, 0: none. */
static int old_find(struct store *store, int64_t sent, int64_t last, int64_t before_ns, int64_t *number,
		    struct store_dropped *dropped)
{
	sqlite3_stmt *stmt = store_statement(store, OLD_BATCHES);
	int got;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_int64(stmt, 1, sent);
	sqlite3_bind_int64(stmt, 2, last);
	sqlite3_bind_int64(stmt, 3, before_ns);
	sqlite3_bind_int(stmt, 4, STEP_BATCHES);
	got = store_step(store, stmt);
	if (got != 1)
		return got;
	*number = sqlite3_column_int64(stmt, 0);
	dropped->batches += (uint64_t)sqlite3_column_int64(stmt, 1);
	dropped->spans += (uint64_t)sqlite3_column_int64(stmt, 2);
	dropped->unsent_spans += (uint64_t)sqlite3_column_int64(stmt, 3);
	got = sqlite3_column_int64(stmt, 1) > 0;
	sqlite3_reset(stmt);
	return got;
}

static int keep_step(struct store *store, int64_t sent, int64_t last, int64_t before_ns, struct store_dropped *dropped)
{
	struct store_dropped found = *dropped;
	int64_t number = 0;
	int error = store_do(store, "BEGIN IMMEDIATE"), got;

	if (error)
		return error;
	got = old_find(store, sent, last, before_ns, &number, &found);
	error = got == 1 ? old_delete(store, number) : got;
	if (!error)
		error = store_do(store, "COMMIT");
	if (error) {
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
		return error;
	}
	*dropped = found;
	return got;
}

int store_keep(struct store *store, const struct store_limits *limits, int64_t now_unix_ns,
	       const char *const *endpoints, unsigned int count, struct store_dropped *dropped)
{
	int64_t sent = 0, end_ms = monotonic_ms() + WORK_MAX_MS;
	uint64_t before = dropped->batches;
	int got = sent_by_all(store, endpoints, count, &sent);

	if (got == 0 && limits->age_ns)
		do
			got = keep_step(store, sent, sent, now_unix_ns - limits->age_ns, dropped);
		while (got == 1 && monotonic_ms() < end_ms);
	while (got >= 0 && (got = is_too_large(store, limits)) == 1 && monotonic_ms() < end_ms)
		if ((got = keep_step(store, sent, INT64_MAX, INT64_MAX, dropped)) <= 0)
			break;
	if (got >= 0 && dropped->batches > before)
		got = store_do(store, "PRAGMA incremental_vacuum(4096)");
	return got < 0 ? got : 0;
}
