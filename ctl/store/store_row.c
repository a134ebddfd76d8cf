/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The rows of traces: read, joined with new spans, written back. */
#include "store_row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otlp/otlp.h"
#include "store_sql.h"

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

bool store_row_read(sqlite3_stmt *stmt, struct store_row *row)
{
	struct store_trace *shown = &row->shown;

	*row = (struct store_row){ 0 };
	if (sqlite3_column_bytes(stmt, 1) != TRACE_ID_LEN)
		return false;
	row->number = sqlite3_column_int64(stmt, 0);
	memcpy(shown->trace_id, sqlite3_column_blob(stmt, 1), TRACE_ID_LEN);
	shown->start_unix_ns = sqlite3_column_int64(stmt, 2);
	row->end_unix_ns = sqlite3_column_int64(stmt, 3);
	row->has_root = sqlite3_column_type(stmt, 4) != SQLITE_NULL;
	row->root_start_unix_ns = sqlite3_column_int64(stmt, 4);
	row->root_ns = sqlite3_column_int64(stmt, 5);
	column_text(stmt, 6, shown->service, sizeof(shown->service));
	column_text(stmt, 7, shown->name, sizeof(shown->name));
	shown->network_ns = sqlite3_column_int64(stmt, 8);
	column_text(stmt, 9, shown->worst, sizeof(shown->worst));
	shown->worst_ns = sqlite3_column_int64(stmt, 10);
	shown->worst_usual_ns = sqlite3_column_int64(stmt, 11);
	column_text(stmt, 12, row->services, sizeof(row->services));
	column_text(stmt, 13, row->nodes, sizeof(row->nodes));
	shown->queue_bytes = sqlite3_column_type(stmt, 14) == SQLITE_NULL ? -1 : sqlite3_column_int64(stmt, 14);
	shown->duration_ns = row->has_root ? row->root_ns : row->end_unix_ns - shown->start_unix_ns;
	return true;
}

static void bind_if(sqlite3_stmt *stmt, int at, bool known, int64_t value)
{
	if (known)
		sqlite3_bind_int64(stmt, at, value);
	else
		sqlite3_bind_null(stmt, at);
}

static int row_write(struct store *store, const struct store_row *row, int64_t batch)
{
	const struct store_trace *shown = &row->shown;
	sqlite3_stmt *stmt = store_statement(store, TRACE_PUT);

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_int64(stmt, 1, row->number);
	sqlite3_bind_blob(stmt, 2, shown->trace_id, TRACE_ID_LEN, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, shown->start_unix_ns);
	sqlite3_bind_int64(stmt, 4, row->end_unix_ns);
	bind_if(stmt, 5, row->has_root, row->root_start_unix_ns);
	sqlite3_bind_int64(stmt, 6, row->root_ns);
	sqlite3_bind_text(stmt, 7, shown->service, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 8, shown->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 9, shown->network_ns);
	sqlite3_bind_text(stmt, 10, shown->worst, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 11, shown->worst_ns);
	sqlite3_bind_int64(stmt, 12, shown->worst_usual_ns);
	sqlite3_bind_text(stmt, 13, row->services, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 14, row->nodes, -1, SQLITE_STATIC);
	bind_if(stmt, 15, shown->queue_bytes >= 0, shown->queue_bytes);
	sqlite3_bind_int64(stmt, 16, batch);
	return store_step(store, stmt);
}

static int number_next(struct store *store, int64_t *number)
{
	sqlite3_stmt *stmt = store_statement(store, TRACE_NEXT);
	int got = stmt ? store_step(store, stmt) : store_fail(store);

	if (got != 1)
		return got ? got : -EBADMSG;
	*number = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return 0;
}

/* The trace's row, or a new one that begins with `span`. */
static int row_get(struct store *store, const struct span *span, struct store_row *row)
{
	sqlite3_stmt *stmt = store_statement(store, TRACE_GET);
	int got;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_blob(stmt, 1, span->trace_id, TRACE_ID_LEN, SQLITE_STATIC);
	got = store_step(store, stmt);
	if (got == 1) {
		store_row_read(stmt, row);
		sqlite3_reset(stmt);
		return 0;
	}
	*row = (struct store_row){ .end_unix_ns = span->end_unix_ns, .services = "\n", .nodes = "\n" };
	row->shown.start_unix_ns = span->start_unix_ns;
	row->shown.queue_bytes = -1;
	memcpy(row->shown.trace_id, span->trace_id, TRACE_ID_LEN);
	return got < 0 ? got : number_next(store, &row->number);
}

/* 1: not seen before, 0: seen, or -errno. */
static int network_insert(struct store *store, const struct store_row *row, const struct span *span)
{
	sqlite3_stmt *stmt = store_statement(store, NETWORK_ADD);
	int error;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_int64(stmt, 1, row->number);
	sqlite3_bind_blob(stmt, 2, span->id, SPAN_ID_LEN, SQLITE_STATIC);
	error = store_step(store, stmt);
	return error ? error : sqlite3_changes(store->db) != 0;
}

/* Where "\nNAME" and then `end` is in a list of lines; NULL: nowhere, or it cannot be a line. */
static char *line_find(char *lines, const char *name, char end)
{
	char line[STORE_NAME_MAX + 3];

	return store_line(line, sizeof(line), name, end) ? strstr(lines, line) : NULL;
}

bool store_line(char *line, size_t size, const char *name, char end)
{
	size_t len = strlen(name);

	if (!len || len + 3 > size || strpbrk(name, "\n\t"))
		return false;
	snprintf(line, size, "\n%s%c", name, end);
	return true;
}

/* A list that is full stays as it is: what it lacks is not found. */
static void service_join(struct store_row *row, const char *service)
{
	size_t used = strlen(row->services), len = strlen(service);

	if (!len || len > STORE_NAME_MAX || used + len + 2 > sizeof(row->services) || strpbrk(service, "\n\t") ||
	    line_find(row->services, service, '\n'))
		return;
	sprintf(row->services + used, "%s\n", service);
}

int64_t store_node_queue(const char *nodes, const char *name)
{
	const char *at = line_find((char *)nodes, name, '\t');

	return at ? strtoll(at + strlen(name) + 2, NULL, 10) : INT64_MIN;
}

/* A node's line is its name and the longest queue it told, -1 where it told none. */
static void node_join(struct store_row *row, const char *name, int64_t queue_bytes)
{
	enum { NUMBER_MAX = 24 };
	int64_t before = store_node_queue(row->nodes, name);
	size_t used = strlen(row->nodes), len = strlen(name);
	char *line, *next;

	if (before >= queue_bytes || !len || len > STORE_NAME_MAX || strpbrk(name, "\n\t") ||
	    used + len + NUMBER_MAX > sizeof(row->nodes))
		return;
	if (before != INT64_MIN) {
		line = line_find(row->nodes, name, '\t');
		next = strchr(line + 1, '\n');
		memmove(line, next, strlen(next) + 1);
		used = strlen(row->nodes);
	}
	sprintf(row->nodes + used, "%s\t%lld\n", name, (long long)queue_bytes);
}

static void place_join(struct store_row *row, const struct span *span)
{
	const char *node = attr_get_string(&span->attrs, "hopspan.node", NULL);
	int64_t queue_bytes = attr_get_int(&span->attrs, "hopspan.queue_bytes", -1);

	if (queue_bytes > row->shown.queue_bytes)
		row->shown.queue_bytes = queue_bytes;
	if (node)
		node_join(row, node, queue_bytes);
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
static int network_join(struct store *store, struct store_row *row, const struct span *span, const struct span **spans,
			size_t count)
{
	const char *kind = attr_get_string(&span->attrs, "hopspan.kind", ""), *worst;
	int64_t duration_ns = span_ns(span);
	bool lost = strcmp(kind, "retransmission") == 0;
	int new;

	if (!lost && strcmp(kind, "transfer") != 0)
		return 0;
	new = network_insert(store, row, span);
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
static void root_join(struct store_row *row, const struct span *span)
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

int store_row_update(struct store *store, const struct span **spans, size_t count, int64_t batch, int64_t *number)
{
	struct store_row row;
	int error = row_get(store, spans[0], &row);

	for (size_t i = 0; !error && i < count; i++) {
		const struct span *span = spans[i];

		if (span->start_unix_ns < row.shown.start_unix_ns)
			row.shown.start_unix_ns = span->start_unix_ns;
		if (span->end_unix_ns > row.end_unix_ns)
			row.end_unix_ns = span->end_unix_ns;
		root_join(&row, span);
		if (i == 0 || span->service != spans[i - 1]->service)
			service_join(&row, span->service);
		if (strcmp(span->scope, "hopspan") != 0)
			continue;
		place_join(&row, span);
		error = network_join(store, &row, span, spans, count);
	}
	*number = row.number;
	return error ? error : row_write(store, &row, batch);
}
