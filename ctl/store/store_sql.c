/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The store's schema and every SQL statement.
 *
 *	batch        the OTLP bytes, as they came or will go; numbers only grow, also past what is deleted
 *	trace_batch  which batches hold spans of a trace
 *	trace        a row of `trace list`
 *	network      transfers and retransmissions that are counted in it: a batch that comes twice counts once
 *	exported    the last batch that an endpoint has; under no endpoint, how often it was tried whether one can write
 */
#include "store_sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <uuid/uuid.h>

enum {
	APPLICATION_ID = 0x6873706e, /* "hspn" */
	SCHEMA_VERSION = 1,
	WAL_TRIES = 250,
	WAL_PAUSE_US = 20000,
};

static const char schema[] = "CREATE TABLE batch(number INTEGER PRIMARY KEY AUTOINCREMENT, otlp BLOB NOT NULL);"
			     "CREATE TABLE trace_batch(trace BLOB, batch INTEGER, PRIMARY KEY(trace, batch))"
			     " WITHOUT ROWID;"
			     "CREATE TABLE trace(id BLOB PRIMARY KEY, start_ns INTEGER, end_ns INTEGER,"
			     " root_start_ns INTEGER, root_ns INTEGER, service TEXT, name TEXT,"
			     " network_ns INTEGER, worst TEXT, worst_ns INTEGER, worst_usual_ns INTEGER)"
			     " WITHOUT ROWID;"
			     "CREATE INDEX trace_start ON trace(start_ns);"
			     "CREATE TABLE network(trace BLOB, span BLOB, PRIMARY KEY(trace, span)) WITHOUT ROWID;"
			     "CREATE TABLE exported(endpoint TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID;"
			     "CREATE TABLE usual(key TEXT PRIMARY KEY, bytes BLOB) WITHOUT ROWID;"
			     "CREATE TABLE instance(id TEXT);";

#define TRACE_COLUMNS \
	"id, start_ns, end_ns, root_start_ns, root_ns, service, name, network_ns, worst, worst_ns, worst_usual_ns"

static const char *const sql[STATEMENT_COUNT] = {
	[BATCH_ADD] = "INSERT INTO batch(otlp) VALUES(?1)",
	[BATCH_NEXT] = "SELECT number, otlp FROM batch WHERE number > ?1 ORDER BY number LIMIT 1",
	[BATCH_OF_TRACE] = "SELECT number, otlp FROM trace_batch JOIN batch ON number = batch WHERE trace = ?1"
			   " ORDER BY number",
	[TRACE_BATCH_ADD] = "INSERT INTO trace_batch(trace, batch) VALUES(?1, ?2)",
	[TRACE_GET] = "SELECT " TRACE_COLUMNS " FROM trace WHERE id = ?1",
	[TRACE_PUT] = "INSERT OR REPLACE INTO trace(" TRACE_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
	[TRACE_FIND] = "SELECT id FROM trace WHERE id BETWEEN ?1 AND ?2 LIMIT 2",
	[TRACE_LIST] = "SELECT " TRACE_COLUMNS " FROM trace ORDER BY start_ns DESC LIMIT ?1",
	[NETWORK_ADD] = "INSERT OR IGNORE INTO network(trace, span) VALUES(?1, ?2)",
	[EXPORTED_GET] = "SELECT number FROM exported WHERE endpoint = ?1",
	[EXPORTED_PUT] = "INSERT OR REPLACE INTO exported(endpoint, number) VALUES(?1, ?2)",
	[USUAL_PUT] = "INSERT OR REPLACE INTO usual(key, bytes) VALUES(?1, ?2)",
	[USUAL_GET] = "SELECT bytes FROM usual WHERE key = ?1",
	[USUAL_ALL] = "SELECT key, bytes FROM usual",
	[INSTANCE_GET] = "SELECT id FROM instance",
	/* SQLite writes nothing that is there already */
	[CHECK_PUT] = "INSERT INTO exported(endpoint, number) VALUES('', 1)"
		      " ON CONFLICT(endpoint) DO UPDATE SET number = number + 1",
	/* from the ends of the index: batches leave the store from its old end only */
	[QUEUE_GET] = "SELECT max(0, ifnull((SELECT max(number) FROM batch) -"
		      " max(ifnull((SELECT number FROM exported WHERE endpoint = ?1), 0),"
		      " (SELECT min(number) - 1 FROM batch)), 0))",
};

int store_say(struct store *store, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(store->error, sizeof(store->error), format, args);
	va_end(args);
	return error;
}

static int sqlite_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_TOOBIG:
		return -EFBIG;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
	case SQLITE_ERROR: /* our SQL does not fit the file's schema */
		return -EBADMSG;
	default:
		return -EIO;
	}
}

int store_fail(struct store *store)
{
	return store_say(store, sqlite_errno(sqlite3_errcode(store->db)), "%s", sqlite3_errmsg(store->db));
}

int store_do(struct store *store, const char *text)
{
	return sqlite3_exec(store->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_fail(store);
}

sqlite3_stmt *store_statement(struct store *store, enum statement statement)
{
	sqlite3_stmt **stmt = &store->statements[statement];

	if (!*stmt &&
	    sqlite3_prepare_v3(store->db, sql[statement], -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) != SQLITE_OK)
		store_fail(store);
	return *stmt;
}

int store_step(struct store *store, sqlite3_stmt *stmt)
{
	int code = sqlite3_step(stmt), error = 0;

	if (code == SQLITE_ROW)
		return 1;
	if (code != SQLITE_DONE)
		error = store_fail(store);
	sqlite3_reset(stmt);
	return error;
}

/* The one integer that `text` asks for. */
static int number_get(struct store *store, const char *text, int64_t *number)
{
	sqlite3_stmt *stmt;
	int got;

	if (sqlite3_prepare_v2(store->db, text, -1, &stmt, NULL) != SQLITE_OK)
		return store_fail(store);
	got = store_step(store, stmt);
	if (got == 1)
		*number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return got == 1 ? 0 : got < 0 ? got : -EBADMSG;
}

/* 1: ours, 0: an empty file, or -errno. */
static int schema_check(struct store *store)
{
	int64_t application = 0, version = 0, tables = 0;
	int error = number_get(store, "PRAGMA application_id", &application);

	if (!error)
		error = number_get(store, "PRAGMA user_version", &version);
	if (!error)
		error = number_get(store, "SELECT count(*) FROM sqlite_master", &tables);
	if (error)
		return error;
	if (application == 0 && version == 0 && tables == 0)
		return 0;
	if (application != APPLICATION_ID || version < 1)
		return store_say(store, -EBADMSG, "a database, but not a hopspan store");
	if (version > SCHEMA_VERSION)
		return store_say(store, -ENOTSUP, "made by a newer hopspan (schema %lld, this one knows %d)",
				 (long long)version, SCHEMA_VERSION);
	return 1;
}

static int schema_make(struct store *store)
{
	char text[160], id[UUID_STR_LEN];
	uuid_t uuid;
	int error = store_do(store, schema);

	uuid_generate_random(uuid);
	uuid_unparse_lower(uuid, id);
	snprintf(text, sizeof(text),
		 "INSERT INTO instance VALUES('%s'); PRAGMA application_id=%d; PRAGMA user_version=%d", id,
		 APPLICATION_ID, SCHEMA_VERSION);
	return error ? error : store_do(store, text);
}

/* Others that open at the same moment make this fail at once: SQLite does not wait here. */
static int wal_set(struct store *store)
{
	int error;

	for (int i = 0; i < WAL_TRIES; i++) {
		error = store_do(store, "PRAGMA journal_mode=WAL");
		if (error != -EBUSY)
			break;
		usleep(WAL_PAUSE_US);
	}
	return error;
}

int store_schema(struct store *store, bool create)
{
	int state = schema_check(store), error;

	if (state != 0)
		return state < 0 ? state : 0;
	if (!create)
		return store_say(store, -EBADMSG, "an empty file, not a hopspan store");
	error = wal_set(store);
	if (!error)
		error = store_do(store, "BEGIN IMMEDIATE");
	if (error)
		return error;
	state = schema_check(store); /* another process may have been first */
	error = state < 0 ? state : state == 0 ? schema_make(store) : 0;
	if (!error)
		error = store_do(store, "COMMIT");
	if (error)
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return error;
}
