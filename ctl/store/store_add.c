/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Batches into the store: packed, with a row for each trace in them; into memory while the disk is full. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "otlp/otlp.h"
#include "packed.h"
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

static int row_insert(struct store *store, const uint8_t *packed, size_t len, size_t spans, int64_t *number)
{
	sqlite3_stmt *stmt = store_statement(store, BATCH_ADD);
	int error;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_int64(stmt, 1, now_unix_ns());
	sqlite3_bind_int64(stmt, 2, (int64_t)spans);
	sqlite3_bind_blob64(stmt, 3, packed, len, SQLITE_STATIC);
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

/* `*number` is the one it is to have, 0: the next; and then the one it has. */
static int batch_insert(struct store *store, const struct store_batch *batch, int64_t *number)
{
	uint8_t *packed;
	size_t len;
	int error = packed_make(batch->otlp, batch->len, &packed, &len);

	if (error)
		return store_say(store, error, "out of memory");
	error = row_insert(store, packed, len, batch->spans->count, number);
	free(packed);
	return error;
}

/* The spans' traces, in the order of their ids, as those of the index are: what is near is written at once. */
static int by_trace(const void *a, const void *b)
{
	const struct store_run *left = a, *right = b;
	int order = memcmp(left->spans->trace_id, right->spans->trace_id, TRACE_ID_LEN);

	if (!order)
		order = left->batch < right->batch ? -1 : left->batch > right->batch;
	return order ? order : left->spans < right->spans ? -1 : left->spans > right->spans;
}

static bool same_trace(const struct span *a, const struct span *b)
{
	return memcmp(a->trace_id, b->trace_id, TRACE_ID_LEN) == 0;
}

/* The batch's runs go to `runs`: how many. */
static size_t runs_fill(const struct span_list *spans, int64_t number, struct store_run *runs)
{
	size_t count = 0;

	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->spans[i];

		if (i > 0 && same_trace(span, span - 1))
			runs[count - 1].count++;
		else
			runs[count++] = (struct store_run){ span, 1, number };
	}
	return count;
}

static int runs_index(struct store *store, struct store_run *runs, size_t count)
{
	int error = 0;

	qsort(runs, count, sizeof(*runs), by_trace);
	for (size_t first = 0, next; !error && first < count; first = next) {
		for (next = first + 1; next < count && same_trace(runs[first].spans, runs[next].spans);)
			next++;
		error = store_row_add(store, &runs[first], next - first);
	}
	return error;
}

static int batches_index(struct store *store, const struct store_batch *batches, unsigned int count,
			 const int64_t *numbers)
{
	size_t spans = 0, used = 0;
	struct store_run *runs;
	int error;

	for (unsigned int i = 0; i < count; i++)
		spans += batches[i].spans->count;
	runs = calloc(spans + 1, sizeof(*runs));
	if (!runs)
		return store_say(store, -ENOMEM, "out of memory");
	for (unsigned int i = 0; i < count; i++)
		used += runs_fill(batches[i].spans, numbers[i], runs + used);
	error = runs_index(store, runs, used);
	free(runs);
	return error;
}

/* In the caller's transaction. */
static int batches_write(struct store *store, const struct store_batch *batches, unsigned int count, int64_t *numbers)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < count; i++)
		error = batch_insert(store, &batches[i], &numbers[i]);
	return error ? error : batches_index(store, batches, count, numbers);
}

static int transaction_end(struct store *store, int error)
{
	if (!error)
		error = store_do(store, "COMMIT");
	if (error)
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return error;
}

static int batches_add(struct store *store, const struct store_batch *batches, unsigned int count)
{
	int64_t numbers[STORE_BATCHES_MAX] = { 0 };
	int error = store_do(store, "BEGIN IMMEDIATE");

	return error ? error : transaction_end(store, batches_write(store, batches, count, numbers));
}

/* The tail's batches into the file, under the numbers they have, which exporters know. */
static int tail_write(struct store *store, const struct tail_batch *batch)
{
	int error = store_do(store, "BEGIN IMMEDIATE");

	if (error)
		return error;
	for (; !error && batch; batch = batch->next) {
		struct span_list spans = { 0 };
		const struct store_batch whole = { batch->otlp, batch->len, &spans };
		int64_t number = batch->number;

		error = otlp_decode(batch->otlp, batch->len, &spans);
		if (!error)
			error = batches_write(store, &whole, 1, &number);
		span_list_free(&spans);
	}
	return transaction_end(store, error);
}

bool store_is_disk_trouble(int error)
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

static bool tail_take_all(struct store *store, const struct store_batch *batches, unsigned int count)
{
	int64_t last = last_number(store);
	bool taken = true;

	for (unsigned int i = 0; taken && i < count; i++)
		taken = tail_add(store->tail, last, batches[i].otlp, batches[i].len, batches[i].spans->count);
	return taken;
}

/* Into the file; into the tail where the disk is full. */
static int batches_keep(struct store *store, const struct store_batch *batches, unsigned int count)
{
	const struct tail_batch *first = tail_lock(store->tail);
	char why[sizeof(store->error)];
	int error = -ENOSPC;

	if (tail_flush(store, first))
		error = batches_add(store, batches, count);
	snprintf(why, sizeof(why), "%s", store->error);
	if (store_is_disk_trouble(error) && tail_take_all(store, batches, count)) {
		error = 0;
		if (!first)
			fprintf(stderr, "store %s: %s: spans are sent on, but not kept\n",
				sqlite3_db_filename(store->db, "main"), why);
	}
	tail_unlock(store->tail);
	return error ? store_say(store, error, "%s", why) : 0;
}

int store_add_batches(struct store *store, const struct store_batch *batches, unsigned int count)
{
	int error = store_is_away(store) ? store_mend(store) : 0;

	if (!error)
		error = batches_keep(store, batches, count);
	if (error == -EUCLEAN) {
		error = store_mend(store);
		if (!error)
			error = batches_keep(store, batches, count);
	}
	return error;
}

int store_add(struct store *store, const uint8_t *otlp, size_t len, const struct span_list *spans)
{
	return store_add_batches(store, &(struct store_batch){ otlp, len, spans }, 1);
}
