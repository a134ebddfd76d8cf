/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Every SQL statement on the tables of store_schema.c. */
#include "store_sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define TRACE_COLUMNS                                                                                       \
	"number, id, start_ns, end_ns, root_start_ns, root_ns, service, name, network_ns, worst, worst_ns," \
	" worst_usual_ns, services, nodes, queue_bytes, last_batch, batches, network"
#define OLD_NUMBERS "(SELECT number FROM trace WHERE number < ?2 AND last_batch <= ?1)"
#define TRACE_DURATION "CASE WHEN root_start_ns IS NULL THEN end_ns - start_ns ELSE root_ns END"

static const char *const sql[STATEMENT_COUNT] = {
	[BATCH_ADD] = "INSERT INTO batch(number, stored_ns, spans, otlp) VALUES(?4, ?1, ?2, ?3)",
	[BATCH_NEXT] = "SELECT number, spans, otlp FROM batch WHERE number > ?1 ORDER BY number",
	[BATCH_GET] = "SELECT otlp FROM batch WHERE number = ?1",
	[TRACE_BATCH_ADD] = "INSERT OR IGNORE INTO trace_batch(trace, batch) VALUES(?1, ?2)",
	[TRACE_BATCHES] = "SELECT batch FROM trace_batch WHERE trace = ?1",
	[TRACE_GET] = "SELECT " TRACE_COLUMNS " FROM trace WHERE number = ?1",
	[TRACE_ADD] = "INSERT INTO trace(" TRACE_COLUMNS
		      ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18)",
	[TRACE_PUT] = "UPDATE trace SET start_ns = ?3, end_ns = ?4, root_start_ns = ?5, root_ns = ?6, service = ?7,"
		      " name = ?8, network_ns = ?9, worst = ?10, worst_ns = ?11, worst_usual_ns = ?12, services = ?13,"
		      " nodes = ?14, queue_bytes = ?15, last_batch = ?16, batches = ?17, network = ?18"
		      " WHERE number = ?1 AND id = ?2",
	[TRACE_SINCE] = "SELECT number, id FROM trace WHERE number > ?1 ORDER BY number",
	[TRACE_UNKEYED] = "SELECT number, id FROM trace WHERE number >= ?1 AND id BETWEEN ?2 AND ?3",
	[TRACE_KEYED] = "SELECT trace.number, id FROM trace_key JOIN trace ON trace.number = trace_key.number"
			" WHERE bucket = ?1 AND key BETWEEN substr(?2, 1, 8) AND substr(?3, 1, 8)"
			" AND id BETWEEN ?2 AND ?3",
	[KEY_STATE] = "SELECT ifnull((SELECT min(bucket) FROM trace_key), 0),"
		      " ifnull((SELECT max(bucket) FROM trace_key), -1), ifnull((SELECT max(number) FROM trace), 0)",
	[KEY_ADD] = "INSERT INTO trace_key SELECT ?1, substr(id, 1, 8), number FROM trace"
		    " WHERE number BETWEEN ?2 AND ?3 ORDER BY 2, 3",
	[TRACE_LIST] = "SELECT " TRACE_COLUMNS " FROM trace WHERE start_ns BETWEEN ?1 AND ?2 AND"
		       " " TRACE_DURATION " BETWEEN ?3 AND ?4 AND (?5 IS NULL OR instr(services, ?5)) AND"
		       " (?6 IS NULL OR instr(nodes, ?6)) AND (?7 IS NULL OR queue_bytes >= ?7) ORDER BY start_ns DESC",
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
	[OLD_BATCHES] =
	    "SELECT max(number), count(*), sum(spans), sum(spans) FILTER (WHERE number > ?1) FROM"
	    " (SELECT number, spans FROM batch WHERE number <= ?2 AND stored_ns < ?3 ORDER BY number LIMIT ?4)",
	[OLD_BATCH_DELETE] = "DELETE FROM batch WHERE number <= ?1",
	/* traces are numbered in the order of their first batches: behind the first that began later is none to delete
	 */
	[OLD_TRACES] = "SELECT ifnull((SELECT number FROM trace WHERE ifnull(substr(batches, 1, 8) > ?2,"
		       " last_batch > ?1) ORDER BY number LIMIT 1), 9223372036854775807)",
	[OLD_INDEX_DELETE] = "DELETE FROM trace_batch WHERE trace IN " OLD_NUMBERS,
	[OLD_NETWORK_DELETE] = "DELETE FROM network WHERE trace IN " OLD_NUMBERS,
	[OLD_TRACE_DELETE] = "DELETE FROM trace WHERE number IN " OLD_NUMBERS,
	[OLD_KEY_DELETE] = "DELETE FROM trace_key WHERE bucket <"
			   " ifnull((SELECT min(number) FROM trace) / ?1, 9223372036854775807)",
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
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_CORRUPT:
		return -EUCLEAN;
	case SQLITE_NOTADB:
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

int store_ask(struct store *store, enum statement statement, int64_t parameter, sqlite3_stmt **stmt)
{
	*stmt = store_statement(store, statement);
	if (!*stmt)
		return store_fail(store);
	sqlite3_bind_int64(*stmt, 1, parameter);
	return store_step(store, *stmt);
}
