/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The store's batches: a queue for the exporter, and all there is of a trace's spans. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "otlp/otlp.h"
#include "store_mend.h"
#include "store_row.h"
#include "store_sql.h"

static int64_t now_unix_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int batch_insert(struct store *store, const uint8_t *otlp, size_t len, size_t spans, int64_t *number)
{
	sqlite3_stmt *stmt = store_statement(store, BATCH_ADD);
	int error;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_int64(stmt, 1, now_unix_ns());
	sqlite3_bind_int64(stmt, 2, (int64_t)spans);
	sqlite3_bind_blob64(stmt, 3, len ? (const void *)otlp : "", len, SQLITE_STATIC);
	error = store_step(store, stmt);
	if (!error)
		*number = sqlite3_last_insert_rowid(store->db);
	return error;
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

static int batch_add(struct store *store, const uint8_t *otlp, size_t len, const struct span_list *spans)
{
	int64_t number = 0;
	int error = store_do(store, "BEGIN IMMEDIATE");

	if (error)
		return error;
	error = batch_insert(store, otlp, len, spans->count, &number);
	if (!error)
		error = batch_index(store, spans, number);
	if (!error)
		error = store_do(store, "COMMIT");
	if (error)
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return error;
}

int store_add(struct store *store, const uint8_t *otlp, size_t len, const struct span_list *spans)
{
	int error = store_is_away(store) ? store_mend(store) : 0;

	if (!error)
		error = batch_add(store, otlp, len, spans);
	if (error == -EUCLEAN) {
		error = store_mend(store);
		if (!error)
			error = batch_add(store, otlp, len, spans);
	}
	return error;
}

/* Appends one more; false: no memory. */
static bool taken_append(struct store_taken *taken, sqlite3_stmt *stmt)
{
	size_t len = (size_t)sqlite3_column_bytes(stmt, 2);
	uint8_t *longer = realloc(taken->otlp, taken->len + len + 1);

	if (!longer)
		return false;
	if (len)
		memcpy(longer + taken->len, sqlite3_column_blob(stmt, 2), len);
	taken->otlp = longer;
	taken->len += len;
	taken->number = sqlite3_column_int64(stmt, 0);
	taken->spans += (uint64_t)sqlite3_column_int64(stmt, 1);
	taken->batches++;
	return true;
}

static bool taken_has_room(const struct store_taken *taken, sqlite3_stmt *stmt, uint64_t spans, size_t octets)
{
	return taken->batches == 0 || (taken->spans + (uint64_t)sqlite3_column_int64(stmt, 1) <= spans &&
				       taken->len + (size_t)sqlite3_column_bytes(stmt, 2) <= octets);
}

static int batches_take(struct store *store, int64_t after, uint64_t spans, size_t octets, struct store_taken *taken)
{
	sqlite3_stmt *stmt = store_statement(store, BATCH_NEXT);
	int got;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_int64(stmt, 1, after);
	while ((got = store_step(store, stmt)) == 1 && taken_has_room(taken, stmt, spans, octets))
		if (!taken_append(taken, stmt)) {
			got = store_say(store, -ENOMEM, "out of memory");
			break;
		}
	sqlite3_reset(stmt);
	return got < 0 ? got : taken->batches > 0;
}

int store_take(struct store *store, int64_t after, uint64_t spans, size_t octets, struct store_taken *taken)
{
	int got = store_is_away(store) ? store_mend(store) : 0;

	*taken = (struct store_taken){ .number = after };
	if (!got)
		got = batches_take(store, after, spans, octets, taken);
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
	return 0;
}

int store_set_exported(struct store *store, const char *endpoint, int64_t number)
{
	sqlite3_stmt *stmt = store_statement(store, EXPORTED_PUT);

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_text(stmt, 1, endpoint, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, number);
	return store_step(store, stmt);
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
