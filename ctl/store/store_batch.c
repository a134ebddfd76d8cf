/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The store's batches: a queue for the exporter, and all there is of a trace's spans. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "otlp/otlp.h"
#include "store_mend.h"
#include "store_row.h"
#include "store_sql.h"
#include "store_tail.h"

#define TRY_AGAIN_NS 1000000000 /* after a disk was full */

static int64_t now_unix_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* `*number` is the one it is to have, 0: the next; and then the one it has. */
static int batch_insert(struct store *store, const uint8_t *otlp, size_t len, size_t spans, int64_t *number)
{
	sqlite3_stmt *stmt = store_statement(store, BATCH_ADD);
	int error;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_int64(stmt, 1, now_unix_ns());
	sqlite3_bind_int64(stmt, 2, (int64_t)spans);
	sqlite3_bind_blob64(stmt, 3, len ? (const void *)otlp : "", len, SQLITE_STATIC);
	if (*number)
		sqlite3_bind_int64(stmt, 4, *number);
	else
		sqlite3_bind_null(stmt, 4);
	error = store_step(store, stmt);
	if (error)
		return error;
	*number = sqlite3_last_insert_rowid(store->db);
	tail_saw(store->tail, *number);
	return 0;
}

static int trace_batch_insert(struct store *store, int64_t trace, int64_t number)
{
	sqlite3_stmt *stmt = store_statement(store, TRACE_BATCH_ADD);

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_int64(stmt, 1, trace);
	sqlite3_bind_int64(stmt, 2, number);
	return store_step(store, stmt);
}

static int by_trace(const void *a, const void *b)
{
	const struct span *const *left = a, *const *right = b;

	return memcmp((*left)->trace_id, (*right)->trace_id, TRACE_ID_LEN);
}

/* The spans' traces one after the other; `sorted` has all of them by trace. */
static int index_insert(struct store *store, const struct span **sorted, size_t count, int64_t number)
{
	int64_t trace;
	int error = 0;

	for (size_t first = 0, next; !error && first < count; first = next) {
		for (next = first + 1; next < count && by_trace(&sorted[first], &sorted[next]) == 0;)
			next++;
		error = store_row_update(store, &sorted[first], next - first, number, &trace);
		if (!error)
			error = trace_batch_insert(store, trace, number);
	}
	return error;
}

static int batch_index(struct store *store, const struct span_list *spans, int64_t number)
{
	const struct span **sorted = calloc(spans->count + 1, sizeof(*sorted));
	int error;

	if (!sorted)
		return store_say(store, -ENOMEM, "out of memory");
	for (size_t i = 0; i < spans->count; i++)
		sorted[i] = &spans->spans[i];
	qsort(sorted, spans->count, sizeof(*sorted), by_trace);
	error = index_insert(store, sorted, spans->count, number);
	free(sorted);
	return error;
}

/* In the caller's transaction. */
static int batch_write(struct store *store, const uint8_t *otlp, size_t len, const struct span_list *spans,
		       int64_t number)
{
	int error = batch_insert(store, otlp, len, spans->count, &number);

	return error ? error : batch_index(store, spans, number);
}

static int transaction_end(struct store *store, int error)
{
	if (!error)
		error = store_do(store, "COMMIT");
	if (error)
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return error;
}

static int batch_add(struct store *store, const uint8_t *otlp, size_t len, const struct span_list *spans)
{
	int error = store_do(store, "BEGIN IMMEDIATE");

	return error ? error : transaction_end(store, batch_write(store, otlp, len, spans, 0));
}

/* The tail's batches into the file, under the numbers they have, which exporters know. */
static int tail_write(struct store *store, const struct tail_batch *batch)
{
	int error = store_do(store, "BEGIN IMMEDIATE");

	if (error)
		return error;
	for (; !error && batch; batch = batch->next) {
		struct span_list spans = { 0 };

		error = otlp_decode(batch->otlp, batch->len, &spans);
		if (!error)
			error = batch_write(store, batch->otlp, batch->len, &spans, batch->number);
		span_list_free(&spans);
	}
	return transaction_end(store, error);
}

static bool is_disk_trouble(int error)
{
	return error == -ENOSPC || error == -EIO || error == -EROFS;
}

/* Trying costs a transaction, so not with each batch. */
static bool may_try(struct store *store)
{
	int64_t now_ns = now_unix_ns();

	if (now_ns - store->tried_unix_ns < TRY_AGAIN_NS && now_ns >= store->tried_unix_ns)
		return false;
	store->tried_unix_ns = now_ns;
	return true;
}

/* True: nothing is in the tail any more. */
static bool tail_flush(struct store *store, const struct tail_batch *first)
{
	if (first && (!may_try(store) || tail_write(store, first)))
		return false;
	if (first) {
		tail_empty(store->tail);
		fprintf(stderr, "store %s: can be written again\n", sqlite3_db_filename(store->db, "main"));
	}
	return true;
}

static int64_t last_number(struct store *store)
{
	int64_t number = 0;

	return store_number(store, "SELECT seq FROM sqlite_sequence WHERE name = 'batch'", &number) ? 0 : number;
}

/* Into the file; into the tail where the disk is full. */
static int batch_keep(struct store *store, const uint8_t *otlp, size_t len, const struct span_list *spans)
{
	const struct tail_batch *first = tail_lock(store->tail);
	char why[sizeof(store->error)];
	int error = -ENOSPC;

	if (tail_flush(store, first))
		error = batch_add(store, otlp, len, spans);
	snprintf(why, sizeof(why), "%s", store->error);
	if (is_disk_trouble(error) && tail_add(store->tail, last_number(store), otlp, len, spans->count)) {
		error = 0;
		if (!first)
			fprintf(stderr, "store %s: %s: spans are sent on, but not kept\n",
				sqlite3_db_filename(store->db, "main"), why);
	}
	tail_unlock(store->tail);
	return error ? store_say(store, error, "%s", why) : 0;
}

int store_add(struct store *store, const uint8_t *otlp, size_t len, const struct span_list *spans)
{
	int error = store_is_away(store) ? store_mend(store) : 0;

	if (!error)
		error = batch_keep(store, otlp, len, spans);
	if (error == -EUCLEAN) {
		error = store_mend(store);
		if (!error)
			error = batch_keep(store, otlp, len, spans);
	}
	return error;
}

/* 1, or -ENOMEM. */
static int taken_append(struct store *store, struct store_taken *taken, const struct tail_batch *batch,
			const uint8_t *otlp)
{
	uint8_t *longer = realloc(taken->otlp, taken->len + batch->len + 1);

	if (!longer)
		return store_say(store, -ENOMEM, "out of memory");
	if (batch->len)
		memcpy(longer + taken->len, otlp, batch->len);
	taken->otlp = longer;
	taken->len += batch->len;
	taken->number = batch->number;
	tail_saw(store->tail, batch->number);
	taken->spans += batch->spans;
	taken->batches++;
	return 1;
}

static bool taken_has_room(const struct store_taken *taken, const struct tail_batch *batch, uint64_t spans,
			   size_t octets)
{
	return taken->batches == 0 || (taken->spans + batch->spans <= spans && taken->len + batch->len <= octets);
}

/* 1 and 0 as store_take(), 0 also for what has no room. */
static int file_take(struct store *store, uint64_t spans, size_t octets, struct store_taken *taken)
{
	sqlite3_stmt *stmt = store_statement(store, BATCH_NEXT);
	int got;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_int64(stmt, 1, taken->number);
	while ((got = store_step(store, stmt)) == 1) {
		struct tail_batch batch = { .number = sqlite3_column_int64(stmt, 0),
					    .spans = (uint64_t)sqlite3_column_int64(stmt, 1),
					    .len = (size_t)sqlite3_column_bytes(stmt, 2) };

		if (!taken_has_room(taken, &batch, spans, octets) ||
		    (got = taken_append(store, taken, &batch, sqlite3_column_blob(stmt, 2))) < 0)
			break;
	}
	sqlite3_reset(stmt);
	return got < 0 ? got : taken->batches > 0;
}

static int tail_take(struct store *store, uint64_t spans, size_t octets, struct store_taken *taken)
{
	const struct tail_batch *batch = tail_lock(store->tail);
	int got = 1;

	for (; got == 1 && batch; batch = batch->next) {
		if (batch->number <= taken->number)
			continue;
		if (!taken_has_room(taken, batch, spans, octets))
			break;
		got = taken_append(store, taken, batch, batch->otlp);
	}
	tail_unlock(store->tail);
	return got < 0 ? got : taken->batches > 0;
}

int store_take(struct store *store, int64_t after, uint64_t spans, size_t octets, struct store_taken *taken)
{
	int got = store_is_away(store) ? store_mend(store) : 0;

	*taken = (struct store_taken){ .number = after };
	if (!got)
		got = file_take(store, spans, octets, taken);
	if (got == 0)
		got = tail_take(store, spans, octets, taken);
	if (got < 0) {
		free(taken->otlp);
		taken->otlp = NULL;
		if (got == -EUCLEAN)
			store_mend(store);
	}
	return got;
}

int store_next_batch(struct store *store, int64_t after, int64_t *number, uint8_t **otlp, size_t *len)
{
	struct store_taken taken;
	int got = store_take(store, after, 0, 0, &taken);

	if (got == 1) {
		*number = taken.number;
		*otlp = taken.otlp;
		*len = taken.len;
	}
	return got;
}

int store_exported(struct store *store, const char *endpoint, int64_t *number)
{
	sqlite3_stmt *stmt = store_statement(store, EXPORTED_GET);
	int got;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_text(stmt, 1, endpoint, -1, SQLITE_STATIC);
	got = store_step(store, stmt);
	if (got < 0)
		return got;
	*number = got ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_reset(stmt);
	tail_reader(store->tail, endpoint, *number);
	return 0;
}

int store_set_exported(struct store *store, const char *endpoint, int64_t number)
{
	sqlite3_stmt *stmt = store_statement(store, EXPORTED_PUT);
	int error;

	tail_reader(store->tail, endpoint, number);
	if (!stmt)
		return store_fail(store);
	sqlite3_bind_text(stmt, 1, endpoint, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, number);
	error = store_step(store, stmt);
	return is_disk_trouble(error) && tail_is_used(store->tail) ? 0 : error;
}

/* Drops the spans of other traces from `first` on. */
static void spans_keep(struct span_list *spans, size_t first, const uint8_t *trace_id)
{
	size_t kept = first;

	for (size_t i = first; i < spans->count; i++)
		if (memcmp(spans->spans[i].trace_id, trace_id, TRACE_ID_LEN) == 0)
			spans->spans[kept++] = spans->spans[i];
	spans->count = kept;
}

static int by_id(const void *a, const void *b)
{
	const struct span *left = a, *right = b;

	return memcmp(left->id, right->id, SPAN_ID_LEN);
}

/* A span that was sent twice is the same twice: its id tells. */
static void spans_unique(struct span_list *spans, size_t first)
{
	size_t kept = first;

	if (spans->count == first)
		return;
	qsort(&spans->spans[first], spans->count - first, sizeof(*spans->spans), by_id);
	for (size_t i = first + 1; i < spans->count; i++)
		if (by_id(&spans->spans[kept], &spans->spans[i]) != 0)
			spans->spans[++kept] = spans->spans[i];
	spans->count = kept + 1;
}

int store_load_trace(struct store *store, const uint8_t trace_id[TRACE_ID_LEN], struct span_list *spans)
{
	sqlite3_stmt *stmt = store_statement(store, BATCH_OF_TRACE);
	size_t first = spans->count;
	int got;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_blob(stmt, 1, trace_id, TRACE_ID_LEN, SQLITE_STATIC);
	while ((got = store_step(store, stmt)) == 1) {
		size_t batch = spans->count;

		got = otlp_decode(sqlite3_column_blob(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1), spans);
		if (got) {
			long long number = sqlite3_column_int64(stmt, 0);

			sqlite3_reset(stmt);
			spans->count = first;
			return store_say(store, got, "batch %lld is damaged", number);
		}
		spans_keep(spans, batch, trace_id);
	}
	spans_unique(spans, first);
	return got;
}
