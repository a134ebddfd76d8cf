/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The store's tables, made and upgraded.
 *
 *	batch        the OTLP bytes, as they came or will go, packed (packed.h); numbers only grow, also past what is
 *	             deleted
 *	trace        a row of `trace list`; services and nodes are lists for searching (store_row.c). Which batches hold
 *	             its spans, 8 octets each, big endian, and the ids of transfers and retransmissions that are counted
 *	             in it (a batch that comes twice counts once); of both what has no room there (ROW_LIST_MAX) is in:
 *	trace_batch
 *	network
 *	trace_key    the traces' numbers by the first 8 octets of their ids, TRACE_BUCKET of them at a time
 *(store_key.c) exported     the last batch that an endpoint has; under no endpoint, how often it was tried to write
 *
 * Traces are numbered as they come, so that what is written together lies together. An index of all their ids would
 * change all over the file with each batch, which took more time than all else of a batch.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "store_sql.h"
#include "store_tail.h"

enum {
	APPLICATION_ID = 0x6873706e, /* "hspn" */
	SCHEMA_VERSION = 3,
	WAL_TRIES = 250,
	WAL_PAUSE_US = 20000,
};

#define TRACE_TABLE                                                                                          \
	"CREATE TABLE trace(number INTEGER PRIMARY KEY, id BLOB NOT NULL, start_ns INTEGER, end_ns INTEGER," \
	" root_start_ns INTEGER, root_ns INTEGER, service TEXT, name TEXT, network_ns INTEGER, worst TEXT,"  \
	" worst_ns INTEGER, worst_usual_ns INTEGER, services TEXT, nodes TEXT, queue_bytes INTEGER,"         \
	" last_batch INTEGER, batches BLOB, network BLOB);"                                                  \
	"CREATE INDEX trace_start ON trace(start_ns);"                                                       \
	"CREATE TABLE trace_key(bucket INTEGER, key BLOB, number INTEGER, PRIMARY KEY(bucket, key, number))" \
	" WITHOUT ROWID;"
#define LIST_TABLES                                                                                        \
	"CREATE TABLE trace_batch(trace INTEGER, batch INTEGER, PRIMARY KEY(trace, batch)) WITHOUT ROWID;" \
	"CREATE TABLE network(trace INTEGER, span BLOB, PRIMARY KEY(trace, span)) WITHOUT ROWID;"

static const char schema[] =
    "CREATE TABLE batch(number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " stored_ns INTEGER NOT NULL, spans INTEGER NOT NULL, otlp BLOB NOT NULL);" TRACE_TABLE LIST_TABLES
    "CREATE TABLE exported(endpoint TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID;"
    "CREATE TABLE usual(key TEXT PRIMARY KEY, bytes BLOB) WITHOUT ROWID;"
    "CREATE TABLE instance(id TEXT);";

/* Version 1 kept the same under the traces' ids, and nothing to search by. Batches are as old as the upgrade. */
static const char from_1[] =
    "ALTER TABLE batch ADD COLUMN spans INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE batch ADD COLUMN stored_ns INTEGER NOT NULL DEFAULT %lld;"
    "DROP INDEX trace_start;"
    "ALTER TABLE trace RENAME TO trace_1;"
    "ALTER TABLE trace_batch RENAME TO trace_batch_1;"
    "ALTER TABLE network RENAME TO network_1;" TRACE_TABLE LIST_TABLES
    "INSERT INTO trace(id, start_ns, end_ns, root_start_ns, root_ns, service, name, network_ns, worst, worst_ns,"
    " worst_usual_ns, services, nodes, last_batch) SELECT id, start_ns, end_ns, root_start_ns, root_ns, service, name,"
    " network_ns, worst, worst_ns, worst_usual_ns, char(10) || service || char(10), char(10),"
    " ifnull((SELECT max(batch) FROM trace_batch_1 WHERE trace = id), 0) FROM trace_1 ORDER BY start_ns;"
    "INSERT INTO trace_batch SELECT number, batch FROM trace_batch_1 JOIN trace ON id = trace_batch_1.trace;"
    "INSERT INTO network SELECT number, span FROM network_1 JOIN trace ON id = network_1.trace;"
    "DROP TABLE trace_1; DROP TABLE trace_batch_1; DROP TABLE network_1;"
    "PRAGMA user_version = 3";

/* Version 2 had both lists in tables alone, an index of all ids, and batches as they came. */
static const char from_2[] =
    "DROP INDEX trace_start; DROP INDEX trace_last; ALTER TABLE trace RENAME TO trace_2;" TRACE_TABLE
    "INSERT INTO trace SELECT number, id, start_ns, end_ns, root_start_ns, root_ns, service, name, network_ns, worst,"
    " worst_ns, worst_usual_ns, services, nodes, queue_bytes, last_batch, NULL, NULL FROM trace_2 ORDER BY number;"
    "DROP TABLE trace_2;"
    "PRAGMA user_version = 3";

/* The one integer that `text` asks for. */
int store_number(struct store *store, const char *text, int64_t *number)
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

/* The version, 0: an empty file, or -errno. */
static int schema_check(struct store *store)
{
	int64_t application = 0, version = 0, tables = 0;
	int error = store_number(store, "PRAGMA application_id", &application);

	if (!error)
		error = store_number(store, "PRAGMA user_version", &version);
	if (!error)
		error = store_number(store, "SELECT count(*) FROM sqlite_master", &tables);
	if (error)
		return error;
	if (application == 0 && version == 0 && tables == 0)
		return 0;
	if (application != APPLICATION_ID || version < 1)
		return store_say(store, -EBADMSG, "a database, but not a hopspan store");
	if (version > SCHEMA_VERSION)
		return store_say(store, -ENOTSUP, "made by a newer hopspan (schema %lld, this one knows %d)",
				 (long long)version, SCHEMA_VERSION);
	return (int)version;
}

static int64_t now_unix_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* In place of a file that was in use numbers go on, as exporters know how far they are. */
static int schema_make(struct store *store)
{
	char text[256], id[UUID_STR_LEN];
	uuid_t uuid;
	int error = store_do(store, schema);

	uuid_generate_random(uuid);
	uuid_unparse_lower(uuid, id);
	snprintf(text, sizeof(text),
		 "INSERT INTO instance VALUES('%s');"
		 "INSERT INTO sqlite_sequence(name, seq) VALUES('batch', %lld);"
		 "PRAGMA application_id=%d; PRAGMA user_version=%d",
		 id, store->tail ? (long long)tail_highest(store->tail) : 0, APPLICATION_ID, SCHEMA_VERSION);
	return error ? error : store_do(store, text);
}

static int schema_upgrade(struct store *store, int version)
{
	char text[sizeof(from_1) + 32];

	if (version == 2)
		return store_do(store, from_2);
	snprintf(text, sizeof(text), from_1, (long long)now_unix_ns());
	return store_do(store, text);
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

/* Makes or upgrades the tables: all of it or nothing. Another process may have been first. */
static int schema_write(struct store *store)
{
	int error = store_do(store, "BEGIN IMMEDIATE"), version;

	if (error)
		return error;
	version = schema_check(store);
	if (version == 0)
		error = schema_make(store);
	else if (version > 0 && version < SCHEMA_VERSION)
		error = schema_upgrade(store, version);
	else
		error = version < 0 ? version : 0;
	if (!error)
		error = store_do(store, "COMMIT");
	if (error)
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return error;
}

int store_schema(struct store *store, bool create)
{
	int version = schema_check(store), error = 0;

	if (version < 0 || version == SCHEMA_VERSION)
		return version < 0 ? version : 0;
	if (!create && version == 0)
		return store_say(store, -EBADMSG, "an empty file, not a hopspan store");
	if (!create)
		return store_say(store, -ENOTSUP, "made by an older hopspan; its collector upgrades it at its start");
	if (version == 0)
		error = store_do(store, "PRAGMA auto_vacuum=INCREMENTAL");
	if (!error)
		error = wal_set(store);
	return error ? error : schema_write(store);
}
