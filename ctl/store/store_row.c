/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The rows of traces: read, joined with new spans, written back. */
#include "store_row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otlp/otlp.h"
#include "store_sql.h"
#include "store_tail.h"
#include "wire/bytes.h"

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

/* A list of 8 octets each. */
static unsigned int column_list(sqlite3_stmt *stmt, int column, uint8_t list[ROW_LIST_MAX][8])
{
	unsigned int count = (unsigned int)sqlite3_column_bytes(stmt, column) / 8;

	if (count > ROW_LIST_MAX)
		count = ROW_LIST_MAX;
	if (count)
		memcpy(list, sqlite3_column_blob(stmt, column), count * 8);
	return count;
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
	row->batch_count = column_list(stmt, 16, row->batches);
	row->network_count = column_list(stmt, 17, row->network);
	row->in_tables = sqlite3_column_type(stmt, 16) == SQLITE_NULL;
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

/* By TRACE_ADD or TRACE_PUT. */
static int row_write(struct store *store, enum statement how, const struct store_row *row, int64_t last_batch)
{
	const struct store_trace *shown = &row->shown;
	sqlite3_stmt *stmt = store_statement(store, how);

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
	sqlite3_bind_int64(stmt, 16, last_batch);
	sqlite3_bind_blob(stmt, 17, row->in_tables ? NULL : row->batches, (int)row->batch_count * 8, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 18, row->network, (int)row->network_count * SPAN_ID_LEN, SQLITE_STATIC);
	return store_step(store, stmt);
}

static void row_begin(const struct span *span, struct store_row *row)
{
	*row = (struct store_row){ .end_unix_ns = span->end_unix_ns, .services = "\n", .nodes = "\n" };
	row->shown.start_unix_ns = span->start_unix_ns;
	row->shown.queue_bytes = -1;
	memcpy(row->shown.trace_id, span->trace_id, TRACE_ID_LEN);
}

int store_row_get(struct store *store, int64_t number, struct store_row *row)
{
	sqlite3_stmt *stmt;
	int got = store_ask(store, TRACE_GET, number, &stmt);

	if (got != 1)
		return got;
	got = store_row_read(stmt, row);
	sqlite3_reset(stmt);
	return got;
}

/* Adds 8 octets to a list of the row, beyond its end to the list's table. 1: not seen before, 0: seen, or -errno. */
static int list_add(struct store *store, const struct store_row *row, uint8_t list[ROW_LIST_MAX][8],
		    unsigned int *count, const uint8_t value[8], enum statement beyond)
{
	sqlite3_stmt *stmt;
	int error;

	for (unsigned int i = *count; i-- > 0;)
		if (memcmp(list[i], value, 8) == 0)
			return 0;
	if (*count < ROW_LIST_MAX && !row->in_tables) {
		memcpy(list[(*count)++], value, 8);
		return 1;
	}
	stmt = store_statement(store, beyond);
	if (!stmt)
		return store_fail(store);
	sqlite3_bind_int64(stmt, 1, row->number);
	if (beyond == TRACE_BATCH_ADD)
		sqlite3_bind_int64(stmt, 2, (int64_t)be64_load(value));
	else
		sqlite3_bind_blob(stmt, 2, value, SPAN_ID_LEN, SQLITE_STATIC);
	error = store_step(store, stmt);
	return error ? error : sqlite3_changes(store->db) != 0;
}

size_t store_line(char line[STORE_LINE_MAX], const char *name, char end)
{
	size_t len = strnlen(name, STORE_NAME_MAX + 1);

	if (!len || len > STORE_NAME_MAX || memchr(name, '\n', len) || memchr(name, '\t', len))
		return 0;
	line[0] = '\n';
	memcpy(line + 1, name, len);
	line[len + 1] = end;
	line[len + 2] = 0;
	return len + 2;
}

/* A list that is full stays as it is: what it lacks is not found. */
static void service_join(struct store_row *row, const char *service)
{
	char line[STORE_LINE_MAX];
	size_t used = strlen(row->services), len = store_line(line, service, '\n');

	if (len && used + len <= sizeof(row->services) && !strstr(row->services, line))
		memcpy(row->services + used, line + 1, len);
}

int64_t store_node_queue(const char *nodes, const char *name)
{
	char line[STORE_LINE_MAX];
	size_t len = store_line(line, name, '\t');
	const char *at = len ? strstr(nodes, line) : NULL;

	return at ? strtoll(at + len, NULL, 10) : INT64_MIN;
}

static void line_remove(char *line)
{
	char *next = strchr(line + 1, '\n');

	memmove(line, next, strlen(next) + 1);
}

/* A node's line is its name and the longest queue it told, -1 where it told none. */
static void node_join(struct store_row *row, const char *name, int64_t queue_bytes)
{
	enum { NUMBER_MAX = 24 };
	char line[STORE_LINE_MAX], *before;
	size_t len = store_line(line, name, '\t'), used = strlen(row->nodes);

	if (!len || used + len + NUMBER_MAX > sizeof(row->nodes))
		return;
	before = strstr(row->nodes, line);
	if (before && strtoll(before + len, NULL, 10) >= queue_bytes)
		return;
	if (before)
		line_remove(before);
	used = strlen(row->nodes);
	memcpy(row->nodes + used, line + 1, len - 1);
	sprintf(row->nodes + used + len - 1, "%lld\n", (long long)queue_bytes);
}

/* In one pass: most attributes are neither. */
static void place_join(struct store_row *row, const struct span *span)
{
	const char *node = NULL;
	int64_t queue_bytes = -1;

	for (size_t i = 0; i < span->attrs.count; i++) {
		const struct span_attr *attr = &span->attrs.list[i];

		if (strncmp(attr->key, "hopspan.", 8) != 0)
			continue;
		if (attr->type == ATTR_STRING && strcmp(attr->key + 8, "node") == 0)
			node = attr->string;
		else if (attr->type == ATTR_INT && strcmp(attr->key + 8, "queue_bytes") == 0)
			queue_bytes = attr->integer;
	}
	if (queue_bytes > row->shown.queue_bytes)
		row->shown.queue_bytes = queue_bytes;
	if (node)
		node_join(row, node, queue_bytes);
}

/* What is usual at the place `name`: the span there says it, and comes in the same batch as its transfer. */
static int64_t place_usual_ns(const struct store_run *run, const char *name)
{
	for (size_t i = 0; i < run->count; i++) {
		const struct span *span = &run->spans[i];

		if (strcmp(span->scope, "hopspan") == 0 && strcmp(span->name, name) == 0) {
			int64_t usual_ns = attr_get_int(&span->attrs, "hopspan.usual_ns", 0);

			if (usual_ns > 0)
				return usual_ns;
		}
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

/* A transfer's, or a loss's; `run` is all that came with it. */
static int network_join(struct store *store, struct store_row *row, const struct span *span, bool lost,
			const struct store_run *run)
{
	int64_t duration_ns = span_ns(span);
	const char *worst;
	int new = list_add(store, row, row->network, &row->network_count, span->id, NETWORK_ADD);

	if (new <= 0)
		return new;
	if (__builtin_add_overflow(row->shown.network_ns, duration_ns, &row->shown.network_ns))
		row->shown.network_ns = INT64_MAX;
	worst = attr_get_string(&span->attrs, "hopspan.worst", "");
	if (lost)
		worst_join(&row->shown, "packet lost", duration_ns, 0);
	else if (worst[0])
		worst_join(&row->shown, worst, attr_ns(span, "hopspan.worst_ns"), place_usual_ns(run, worst));
	return 0;
}

/* A span of the collector's own. A link is at no node. */
static int own_join(struct store *store, struct store_row *row, const struct span *span, const struct store_run *run)
{
	const char *kind = attr_get_string(&span->attrs, "hopspan.kind", "");

	if (strcmp(kind, "link") == 0)
		return 0;
	if (strcmp(kind, "transfer") == 0)
		return network_join(store, row, span, false, run);
	if (strcmp(kind, "retransmission") == 0)
		return network_join(store, row, span, true, run);
	place_join(row, span);
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

static int run_join(struct store *store, struct store_row *row, const struct store_run *run)
{
	int error = 0;

	for (size_t i = 0; error >= 0 && i < run->count; i++) {
		const struct span *span = &run->spans[i];

		if (span->start_unix_ns < row->shown.start_unix_ns)
			row->shown.start_unix_ns = span->start_unix_ns;
		if (span->end_unix_ns > row->end_unix_ns)
			row->end_unix_ns = span->end_unix_ns;
		root_join(row, span);
		if (i == 0 || span->service != span[-1].service)
			service_join(row, span->service);
		if (strcmp(span->scope, "hopspan") == 0)
			error = own_join(store, row, span, run);
	}
	return error;
}

static int runs_join(struct store *store, struct store_row *row, const struct store_run *runs, size_t count,
		     int64_t batch)
{
	uint8_t number[8];
	int error;

	be64_store(number, (uint64_t)batch);
	error = list_add(store, row, row->batches, &row->batch_count, number, TRACE_BATCH_ADD);
	for (size_t i = 0; error >= 0 && i < count; i++)
		error = run_join(store, row, &runs[i]);
	return error < 0 ? error : 0;
}

/* The row of a trace that came before. */
struct before {
	struct store *store;
	const uint8_t *trace_id;
	struct store_row *row;
	int error;
};

static bool is_before(int64_t number, void *arg)
{
	struct before *before = arg;
	int got = store_row_get(before->store, number, before->row);

	if (got < 0)
		before->error = got;
	return got < 0 || (got == 1 && memcmp(before->row->shown.trace_id, before->trace_id, TRACE_ID_LEN) == 0);
}

/* 1 and the trace's row, 0: it is new, or -errno. */
static int row_before(struct store *store, const uint8_t trace_id[TRACE_ID_LEN], struct store_row *row)
{
	struct before before = { store, trace_id, row, 0 }; /* cppcheck-suppress ctuuninitvar */
	int64_t number = recent_find(tail_recent(store->tail), trace_id, is_before, &before);

	return before.error ? before.error : number != 0;
}

int store_row_add(struct store *store, const struct store_run *runs, size_t count, int64_t batch)
{
	const struct span *span = runs->spans;
	struct store_row row;
	int before = row_before(store, span->trace_id, &row), error;

	if (before < 0)
		return before;
	if (!before) {
		row_begin(span, &row);
		row.number = store->adding.next_number++;
		recent_add(tail_recent(store->tail), span->trace_id, row.number);
	}
	error = runs_join(store, &row, runs, count, batch);
	return error ? error : row_write(store, before ? TRACE_PUT : TRACE_ADD, &row, batch);
}
