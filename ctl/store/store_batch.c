/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Batches out of the store: in their order for who sends them on, and all that hold spans of a trace. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packed.h"
#include "store_key.h"
#include "store_mend.h"
#include "store_row.h"
#include "store_sql.h"
#include "store_tail.h"
#include "wire/bytes.h"

/* A batch on its way out. */
struct leaving {
	int64_t number;
	uint64_t spans;
	const uint8_t *packed;
	size_t packed_len, len; /* len: unpacked */
};

/* What one call may take. */
struct room {
	uint64_t spans;
	size_t octets;
};

static bool has_room(struct store_taken *taken, const struct leaving *batch, const struct room *room)
{
	bool has = taken->batches == 0 ||
		   (taken->spans + batch->spans <= room->spans && taken->len + batch->len <= room->octets);

	taken->more = !has;
	return has;
}

/* Room for `len` more; with more batches to come twice as much, up to what there will be. */
static int taken_grow(struct store_taken *taken, size_t len, const struct room *room)
{
	size_t needed = taken->len + len, size = 2 * needed < room->octets ? 2 * needed : room->octets;
	uint8_t *otlp;

	if (taken->otlp && needed <= taken->size)
		return 0;
	if (size < needed)
		size = needed;
	otlp = realloc(taken->otlp, size + 1);
	if (!otlp)
		return -ENOMEM;
	taken->otlp = otlp;
	taken->size = size;
	return 0;
}

/* 0, -ENOMEM, or -EBADMSG: it is left out. */
static int taken_append(struct store *store, struct store_taken *taken, const struct leaving *batch,
			const struct room *room)
{
	int error = taken_grow(taken, batch->len, room);

	if (error)
		return store_say(store, error, "out of memory");
	error = packed_read(batch->packed, batch->packed_len, taken->otlp + taken->len, batch->len);
	if (error)
		return error;
	taken->len += batch->len;
	taken->number = batch->number;
	tail_saw(store->tail, batch->number);
	taken->spans += batch->spans;
	taken->batches++;
	return 0;
}

/* The row of BATCH_NEXT. */
static int row_leave(sqlite3_stmt *stmt, struct leaving *batch)
{
	*batch = (struct leaving){ .number = sqlite3_column_int64(stmt, 0),
				   .spans = (uint64_t)sqlite3_column_int64(stmt, 1),
				   .packed = sqlite3_column_blob(stmt, 2),
				   .packed_len = (size_t)sqlite3_column_bytes(stmt, 2) };
	return packed_size(batch->packed, batch->packed_len, &batch->len);
}

/* A damaged one is gone for who sends on, who counts it by the gap between numbers. Said once. */
static void damaged_say(struct store *store, int64_t number)
{
	if (number <= store->damaged)
		return;
	store->damaged = number;
	fprintf(stderr, "store %s: batch %lld is damaged and left out\n", sqlite3_db_filename(store->db, "main"),
		(long long)number);
}

/* 1 and 0 as store_take(), 0 also for what has no room. */
static int file_take(struct store *store, const struct room *room, struct store_taken *taken)
{
	sqlite3_stmt *stmt = store_statement(store, BATCH_NEXT);
	int got;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_int64(stmt, 1, taken->number);
	while ((got = store_step(store, stmt)) == 1) {
		struct leaving batch;
		int error = row_leave(stmt, &batch);

		if (!error && !has_room(taken, &batch, room))
			break;
		if (!error)
			error = taken_append(store, taken, &batch, room);
		if (error == -EBADMSG)
			damaged_say(store, batch.number);
		else if (error)
			got = error;
		if (got < 0)
			break;
	}
	sqlite3_reset(stmt);
	return got < 0 ? got : taken->batches > 0;
}

static int tail_take(struct store *store, const struct room *room, struct store_taken *taken)
{
	const struct packed *batch = tail_lock(store->tail);
	int error = 0;

	for (; !error && batch; batch = batch->next) {
		struct leaving leaving = { batch->number, batch->spans, batch->octets, batch->len, 0 };

		if (batch->number <= taken->number)
			continue;
		error = packed_size(batch->octets, batch->len, &leaving.len);
		if (!error && !has_room(taken, &leaving, room))
			break;
		if (!error)
			error = taken_append(store, taken, &leaving, room);
	}
	tail_unlock(store->tail);
	return error ? error : taken->batches > 0;
}

int store_take(struct store *store, int64_t after, uint64_t spans, size_t octets, struct store_taken *taken)
{
	const struct room room = { spans, octets };
	int got = store_is_away(store) ? store_mend(store) : 0;

	*taken = (struct store_taken){ .number = after };
	if (!got)
		got = file_take(store, &room, taken);
	if (got == 0)
		got = tail_take(store, &room, taken);
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
	return store_is_disk_trouble(error) && tail_is_used(store->tail) ? 0 : error;
}

/* Of batches, or of traces. */
struct numbers {
	struct store *store;
	int64_t *list;
	size_t count;
};

static int numbers_add(struct numbers *numbers, int64_t number)
{
	int64_t *list = reallocarray(numbers->list, numbers->count + 1, sizeof(*list));

	if (!list)
		return store_say(numbers->store, -ENOMEM, "out of memory");
	list[numbers->count++] = number;
	numbers->list = list;
	return 0;
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

/* Those that have no room in the row. */
static int trace_more(struct store *store, int64_t trace, struct numbers *numbers)
{
	sqlite3_stmt *stmt;
	int got = store_ask(store, TRACE_BATCHES, trace, &stmt), error = 0;

	for (; got == 1 && !error; got = store_step(store, stmt))
		error = numbers_add(numbers, sqlite3_column_int64(stmt, 0));
	if (got == 1)
		sqlite3_reset(stmt);
	return error ? error : got;
}

/* One that has left the store meanwhile has no spans. */
static int batch_load(struct store *store, int64_t number, struct span_list *spans)
{
	sqlite3_stmt *stmt;
	int got = store_ask(store, BATCH_GET, number, &stmt), error;

	if (got != 1)
		return got;
	error = packed_decode(sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0), spans);
	sqlite3_reset(stmt);
	return error ? store_say(store, error, "batch %lld is damaged", (long long)number) : 0;
}

/* The batches of a trace's row. */
static int row_batches(struct store *store, int64_t trace, struct numbers *numbers)
{
	struct store_row row;
	int got = store_row_get(store, trace, &row), error = 0;

	if (got != 1)
		return got;
	for (unsigned int i = 0; !error && i < row.batch_count; i++)
		error = numbers_add(numbers, (int64_t)be64_load(row.batches[i]));
	return error ? error : trace_more(store, trace, numbers);
}

static int row_found(int64_t number, const uint8_t trace_id[TRACE_ID_LEN], void *rows)
{
	(void)trace_id;
	return numbers_add(rows, number);
}

/* The batches that hold spans of the trace; of several rows, too, which have none in common. */
static int trace_batches(struct store *store, const uint8_t trace_id[TRACE_ID_LEN], struct numbers *batches)
{
	struct numbers rows = { .store = store };
	int error = store_key_find(store, trace_id, trace_id, row_found, &rows);

	for (size_t i = 0; !error && i < rows.count; i++)
		error = row_batches(store, rows.list[i], batches);
	free(rows.list);
	return error;
}

int store_load_trace(struct store *store, const uint8_t trace_id[TRACE_ID_LEN], struct span_list *spans)
{
	size_t first = spans->count;
	struct numbers batches = { .store = store };
	int error = trace_batches(store, trace_id, &batches);

	for (size_t i = 0; !error && i < batches.count; i++) {
		size_t batch = spans->count;

		error = batch_load(store, batches.list[i], spans);
		spans_keep(spans, batch, trace_id);
	}
	free(batches.list);
	if (error)
		spans->count = first;
	spans_unique(spans, first);
	return error;
}
