/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Batches into the store: packed, with a row for each trace in them; into memory while the disk is full. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "packed.h"
#include "store_key.h"
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

/* Under the number that it has, which exporters know, or the next. */
static int batch_insert(struct store *store, struct packed *batch)
{
	sqlite3_stmt *stmt = store_statement(store, BATCH_ADD);
	int error;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_int64(stmt, 1, now_unix_ns());
	sqlite3_bind_int64(stmt, 2, (int64_t)batch->spans);
	sqlite3_bind_blob64(stmt, 3, batch->octets, batch->len, SQLITE_STATIC);
	if (batch->number)
		sqlite3_bind_int64(stmt, 4, batch->number);
	else
		sqlite3_bind_null(stmt, 4);
	error = store_step(store, stmt);
	if (error)
		return error;
	batch->number = sqlite3_last_insert_rowid(store->db);
	tail_saw(store->tail, batch->number);
	return 0;
}

/* Spans by their traces, in the order of these as the index has it: what is near is written together. */
static int by_trace(const void *a, const void *b)
{
	const struct store_run *left = a, *right = b;
	int order = memcmp(left->spans->trace_id, right->spans->trace_id, TRACE_ID_LEN);

	return order ? order : left->spans < right->spans ? -1 : left->spans > right->spans;
}

static bool same_trace(const struct span *a, const struct span *b)
{
	return memcmp(a->trace_id, b->trace_id, TRACE_ID_LEN) == 0;
}

/* How many. */
static size_t runs_fill(const struct span_list *spans, struct store_run *runs)
{
	size_t count = 0;

	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->spans[i];

		if (i > 0 && same_trace(span, span - 1))
			runs[count - 1].count++;
		else
			runs[count++] = (struct store_run){ span, 1 };
	}
	return count;
}

static int batch_index(struct store *store, const struct span_list *spans, int64_t number)
{
	struct store_run *runs = calloc(spans->count + 1, sizeof(*runs));
	size_t count;
	int error = 0;

	if (!runs)
		return store_say(store, -ENOMEM, "out of memory");
	count = runs_fill(spans, runs);
	qsort(runs, count, sizeof(*runs), by_trace);
	for (size_t first = 0, next; !error && first < count; first = next) {
		for (next = first + 1; next < count && same_trace(runs[first].spans, runs[next].spans);)
			next++;
		error = store_row_add(store, &runs[first], next - first, number);
	}
	free(runs);
	return error;
}

/* In the caller's transaction. */
static int batch_write(struct store *store, struct packed *batch, const struct span_list *spans)
{
	int error = batch_insert(store, batch);

	return error ? error : batch_index(store, spans, batch->number);
}

static int transaction_begin(struct store *store)
{
	int error = store_do(store, "BEGIN IMMEDIATE");

	if (error)
		return error;
	error = store_key_begin(store);
	if (error)
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return error;
}

static int transaction_end(struct store *store, int error)
{
	if (!error)
		error = store_key_end(store);
	if (!error)
		error = store_do(store, "COMMIT");
	if (!error)
		tail_recent(store->tail)->last = store->adding.next_number - 1;
	if (error)
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return error;
}

/* Those that waited in memory, in a transaction of their own. */
static int list_write(struct store *store, struct packed *batch)
{
	int error = transaction_begin(store);

	if (error)
		return error;
	for (; !error && batch; batch = batch->next) {
		struct span_list spans = { 0 };

		error = packed_decode(batch->octets, batch->len, &spans);
		if (!error)
			error = batch_write(store, batch, &spans);
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
static bool tail_flush(struct store *store, struct packed *first)
{
	if (first && (!may_try(store) || list_write(store, first)))
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

/* Keeps the text, which what follows would overwrite. */
static void add_failed(struct store *store, int error)
{
	struct adding *adding = &store->adding;

	adding->error = error;
	snprintf(adding->why, sizeof(adding->why), "%s", store->error);
}

void store_begin(struct store *store)
{
	struct adding *adding = &store->adding;
	int error = store_is_away(store) ? store_mend(store) : 0;
	struct packed *tail = tail_lock(store->tail);

	*adding = (struct adding){ .last = &adding->first, .tail_used = tail != NULL };
	if (!error && tail_flush(store, tail))
		error = transaction_begin(store);
	else if (!error)
		error = -ENOSPC;
	if (error)
		add_failed(store, error);
}

void store_put(struct store *store, const uint8_t *otlp, size_t len, const struct span_list *spans)
{
	struct adding *adding = &store->adding;
	struct packed *batch = packed_new(otlp, len, spans->count);
	int error = batch ? 0 : store_say(store, -ENOMEM, "out of memory");

	if (batch) {
		*adding->last = batch;
		adding->last = &batch->next;
	}
	if (!error && !adding->error)
		error = batch_write(store, batch, spans);
	if (!error || adding->error)
		return;
	add_failed(store, error);
	transaction_end(store, error);
}

/* All of it into the file that takes the damaged one's place. */
static int add_mended(struct store *store, struct adding *adding)
{
	int error = store_mend(store);

	for (struct packed *batch = adding->first; batch; batch = batch->next)
		batch->number = 0;
	return error ? error : list_write(store, adding->first);
}

/* Into memory, where the disk is full. */
static int add_kept(struct store *store, struct adding *adding)
{
	if (!store_is_disk_trouble(adding->error))
		return adding->error;
	for (struct packed *batch = adding->first; batch; batch = batch->next)
		batch->number = 0;
	if (!tail_add(store->tail, last_number(store), adding->first))
		return adding->error;
	adding->first = NULL;
	if (!adding->tail_used)
		fprintf(stderr, "store %s: %s: spans are sent on, but not kept\n",
			sqlite3_db_filename(store->db, "main"), adding->why);
	return 0;
}

int store_commit(struct store *store)
{
	struct adding *adding = &store->adding;
	int error = adding->error;

	if (!error) {
		error = transaction_end(store, 0);
		if (error)
			add_failed(store, error);
	}
	if (error == -EUCLEAN) {
		error = add_mended(store, adding);
		add_failed(store, error);
	}
	if (error)
		error = add_kept(store, adding);
	tail_unlock(store->tail);
	packed_free_all(adding->first);
	return error ? store_say(store, error, "%s", adding->why) : 0;
}

int store_add(struct store *store, const uint8_t *otlp, size_t len, const struct span_list *spans)
{
	store_begin(store);
	store_put(store, otlp, len, spans);
	return store_commit(store);
}
