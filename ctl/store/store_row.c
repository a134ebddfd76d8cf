/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The rows of `trace list`: read, joined with new spans, written back, found and listed. */
#include "store_row.h"

#include <errno.h>
#include <string.h>

#include "otlp/otlp.h"
#include "store_sql.h"

/* As the table has it. */
struct row {
	struct store_trace shown; /* but for its duration, which follows from the others */
	int64_t end_unix_ns;
	bool has_root;
	int64_t root_start_unix_ns, root_ns;
};

/* Cut to `size`, never inside a character. */
static void text_copy(char *to, size_t size, const char *from)
{
	size_t len = 0, next;

	while ((next = utf8_len(from + len)) && len + next < size)
		len += next;
	memcpy(to, from, len);
	to[len] = 0;
}

static void column_text(sqlite3_stmt *stmt, int column, char *to, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	text_copy(to, size, text ? text : "");
}

/* The columns of TRACE_GET and TRACE_LIST. False: not a row of ours. */
static bool row_read(sqlite3_stmt *stmt, struct row *row)
{
	struct store_trace *shown = &row->shown;

	*row = (struct row){ 0 };
	if (sqlite3_column_bytes(stmt, 0) != TRACE_ID_LEN)
		return false;
	memcpy(shown->trace_id, sqlite3_column_blob(stmt, 0), TRACE_ID_LEN);
	shown->start_unix_ns = sqlite3_column_int64(stmt, 1);
	row->end_unix_ns = sqlite3_column_int64(stmt, 2);
	row->has_root = sqlite3_column_type(stmt, 3) != SQLITE_NULL;
	row->root_start_unix_ns = sqlite3_column_int64(stmt, 3);
	row->root_ns = sqlite3_column_int64(stmt, 4);
	column_text(stmt, 5, shown->service, sizeof(shown->service));
	column_text(stmt, 6, shown->name, sizeof(shown->name));
	shown->network_ns = sqlite3_column_int64(stmt, 7);
	column_text(stmt, 8, shown->worst, sizeof(shown->worst));
	shown->worst_ns = sqlite3_column_int64(stmt, 9);
	shown->worst_usual_ns = sqlite3_column_int64(stmt, 10);
	shown->duration_ns = row->has_root ? row->root_ns : row->end_unix_ns - shown->start_unix_ns;
	return true;
}

static int row_write(struct store *store, const struct row *row)
{
	const struct store_trace *shown = &row->shown;
	sqlite3_stmt *stmt = store_statement(store, TRACE_PUT);

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_blob(stmt, 1, shown->trace_id, TRACE_ID_LEN, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, shown->start_unix_ns);
	sqlite3_bind_int64(stmt, 3, row->end_unix_ns);
	if (row->has_root)
		sqlite3_bind_int64(stmt, 4, row->root_start_unix_ns);
	else
		sqlite3_bind_null(stmt, 4);
	sqlite3_bind_int64(stmt, 5, row->root_ns);
	sqlite3_bind_text(stmt, 6, shown->service, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 7, shown->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 8, shown->network_ns);
	sqlite3_bind_text(stmt, 9, shown->worst, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 10, shown->worst_ns);
	sqlite3_bind_int64(stmt, 11, shown->worst_usual_ns);
	return store_step(store, stmt);
}

/* The trace's row, or a new one that begins with `span`. */
static int row_get(struct store *store, const struct span *span, struct row *row)
{
	sqlite3_stmt *stmt = store_statement(store, TRACE_GET);
	int got;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_blob(stmt, 1, span->trace_id, TRACE_ID_LEN, SQLITE_STATIC);
	got = store_step(store, stmt);
	if (got == 1) {
		row_read(stmt, row);
		sqlite3_reset(stmt);
	} else if (got == 0) {
		*row = (struct row){ .end_unix_ns = span->end_unix_ns };
		row->shown.start_unix_ns = span->start_unix_ns;
		memcpy(row->shown.trace_id, span->trace_id, TRACE_ID_LEN);
	}
	return got < 0 ? got : 0;
}

/* 1: not seen before, 0: seen, or -errno. */
static int network_insert(struct store *store, const struct span *span)
{
	sqlite3_stmt *stmt = store_statement(store, NETWORK_ADD);
	int error;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_blob(stmt, 1, span->trace_id, TRACE_ID_LEN, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 2, span->id, SPAN_ID_LEN, SQLITE_STATIC);
	error = store_step(store, stmt);
	return error ? error : sqlite3_changes(store->db) != 0;
}

/* What is usual at the place `name`: the span there says it, and comes in the same batch as its transfer. */
static int64_t place_usual_ns(const struct span **spans, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(spans[i]->scope, "hopspan") == 0 && strcmp(spans[i]->name, name) == 0) {
			int64_t usual_ns = attr_get_int(&spans[i]->attrs, "hopspan.usual_ns", 0);

			if (usual_ns > 0)
				return usual_ns;
		}
	return 0;
}

/* Not negative, whatever was sent. */
static int64_t span_ns(const struct span *span)
{
	return span->end_unix_ns > span->start_unix_ns ? span->end_unix_ns - span->start_unix_ns : 0;
}

static int64_t attr_ns(const struct span *span, const char *key)
{
	int64_t ns = attr_get_int(&span->attrs, key, 0);

	return ns > 0 ? ns : 0;
}

static void worst_join(struct store_trace *shown, const char *name, int64_t time_ns, int64_t usual_ns)
{
	if (shown->worst[0] && time_ns - usual_ns <= shown->worst_ns - shown->worst_usual_ns)
		return;
	text_copy(shown->worst, sizeof(shown->worst), name);
	shown->worst_ns = time_ns;
	shown->worst_usual_ns = usual_ns;
}

/* A span of the collector's own: `spans` are all that came with it. */
static int network_join(struct store *store, struct row *row, const struct span *span, const struct span **spans,
			size_t count)
{
	const char *kind = attr_get_string(&span->attrs, "hopspan.kind", ""), *worst;
	int64_t duration_ns = span_ns(span);
	bool lost = strcmp(kind, "retransmission") == 0;
	int new;

	if (!lost && strcmp(kind, "transfer") != 0)
		return 0;
	new = network_insert(store, span);
	if (new <= 0)
		return new;
	if (__builtin_add_overflow(row->shown.network_ns, duration_ns, &row->shown.network_ns))
		row->shown.network_ns = INT64_MAX;
	worst = attr_get_string(&span->attrs, "hopspan.worst", "");
	if (lost)
		worst_join(&row->shown, "packet lost", duration_ns, 0);
	else if (worst[0])
		worst_join(&row->shown, worst, attr_ns(span, "hopspan.worst_ns"), place_usual_ns(spans, count, worst));
	return 0;
}

/* Of several roots the first in time names the trace. */
static void root_join(struct row *row, const struct span *span)
{
	static const uint8_t none[SPAN_ID_LEN];

	if (memcmp(span->parent_id, none, SPAN_ID_LEN) != 0 ||
	    (row->has_root && span->start_unix_ns >= row->root_start_unix_ns))
		return;
	row->has_root = true;
	row->root_start_unix_ns = span->start_unix_ns;
	row->root_ns = span_ns(span);
	text_copy(row->shown.service, sizeof(row->shown.service), span->service);
	text_copy(row->shown.name, sizeof(row->shown.name), span->name);
}

int store_row_update(struct store *store, const struct span **spans, size_t count)
{
	struct row row;
	int error = row_get(store, spans[0], &row);

	for (size_t i = 0; !error && i < count; i++) {
		const struct span *span = spans[i];

		if (span->start_unix_ns < row.shown.start_unix_ns)
			row.shown.start_unix_ns = span->start_unix_ns;
		if (span->end_unix_ns > row.end_unix_ns)
			row.end_unix_ns = span->end_unix_ns;
		root_join(&row, span);
		if (strcmp(span->scope, "hopspan") == 0)
			error = network_join(store, &row, span, spans, count);
	}
	return error ? error : row_write(store, &row);
}

int store_list(struct store *store, int limit, int (*row)(const struct store_trace *trace, void *arg), void *arg)
{
	sqlite3_stmt *stmt = store_statement(store, TRACE_LIST);
	int got, answer = 0;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_int(stmt, 1, limit);
	while ((got = store_step(store, stmt)) == 1) {
		struct row read;

		if (row_read(stmt, &read))
			answer = row(&read.shown, arg);
		if (answer)
			break;
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

int store_find_trace(struct store *store, const char *prefix, uint8_t trace_id[TRACE_ID_LEN])
{
	uint8_t low[TRACE_ID_LEN], high[TRACE_ID_LEN], found[TRACE_ID_LEN] = { 0 };
	sqlite3_stmt *stmt;
	int count = 0, got;

	if (!prefix_range(prefix, low, high))
		return store_say(store, -EINVAL, "\"%s\" is not the beginning of a trace id", prefix);
	stmt = store_statement(store, TRACE_FIND);
	if (!stmt)
		return store_fail(store);
	sqlite3_bind_blob(stmt, 1, low, TRACE_ID_LEN, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 2, high, TRACE_ID_LEN, SQLITE_STATIC);
	while ((got = store_step(store, stmt)) == 1)
		if (sqlite3_column_bytes(stmt, 0) == TRACE_ID_LEN && ++count == 1)
			memcpy(found, sqlite3_column_blob(stmt, 0), TRACE_ID_LEN);
	if (got == 0 && count == 1)
		memcpy(trace_id, found, TRACE_ID_LEN);
	return got < 0 ? got : count;
}
