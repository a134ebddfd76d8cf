/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the store's files share: the handle and its statements. Only store*.c include this.
 */
#ifndef HOPSPAN_STORE_SQL_H
#define HOPSPAN_STORE_SQL_H

#include <sqlite3.h>

#include "packed.h"
#include "store.h"

/* Their text is in store_sql.c. */
enum statement {
	BATCH_ADD,
	BATCH_NEXT,
	BATCH_GET,
	TRACE_BATCH_ADD,
	TRACE_BATCHES,
	TRACE_GET,
	TRACE_ADD,
	TRACE_PUT,
	TRACE_SINCE,
	TRACE_UNKEYED,
	TRACE_KEYED,
	KEY_STATE,
	KEY_ADD,
	TRACE_LIST,
	NETWORK_ADD,
	EXPORTED_GET,
	EXPORTED_PUT,
	USUAL_PUT,
	USUAL_GET,
	USUAL_ALL,
	INSTANCE_GET,
	CHECK_PUT,
	QUEUE_GET,
	OLD_BATCHES,
	OLD_BATCH_DELETE,
	OLD_TRACES,
	OLD_INDEX_DELETE,
	OLD_NETWORK_DELETE,
	OLD_TRACE_DELETE,
	OLD_KEY_DELETE,
	STATEMENT_COUNT,
};

/* What was put since store_begin(). */
struct adding {
	struct packed *first, **last;
	bool tail_used;	     /* before */
	int64_t next_number; /* of a trace */
	int64_t next_bucket; /* of TRACE_BUCKET traces */
	int error;
	char why[256];
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	struct tail *tail;
	int64_t tried_unix_ns; /* last time that the tail was to go into the file */
	int64_t damaged;       /* number of the last batch that was told to be */
	struct adding adding;
	char error[256];
};

/* Opens the file at `path` into a handle that has none. */
int store_open_file(struct store *store, const char *path, bool create);
void store_close_file(struct store *store);

/* Makes the schema in an empty file if `create`, upgrades an old one, and checks it in any other. */
int store_schema(struct store *store, bool create);

/* Keeps the text for store_error() and returns `error`. */
int store_say(struct store *store, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with SQLite's text and code of what just failed. */
int store_fail(struct store *store);

/* Whether it may pass, and spans can be sent on meanwhile. */
bool store_is_disk_trouble(int error);

/* Runs SQL without parameters or results. */
int store_do(struct store *store, const char *sql);

/* The one integer that `sql` asks for. */
int store_number(struct store *store, const char *sql, int64_t *number);

/* Prepared once, ready to bind; NULL: see store_fail(). */
sqlite3_stmt *store_statement(struct store *store, enum statement statement);

/* The first row of a statement with this one parameter: as store_step(), and `*stmt` to read it from. */
int store_ask(struct store *store, enum statement statement, int64_t parameter, sqlite3_stmt **stmt);

/* 1: a row, to be followed by another step or sqlite3_reset(); 0: done and reset; -errno, reset too. */
int store_step(struct store *store, sqlite3_stmt *stmt);

#endif
