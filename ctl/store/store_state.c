/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* How the store is doing: can it be written, how large is it, how much waits in it. */
#include "store.h"

#include <errno.h>
#include <sys/stat.h>

#include "store_mend.h"
#include "store_sql.h"
#include "store_tail.h"

int store_queue(struct store *store, const char *endpoint, uint64_t *batches)
{
	sqlite3_stmt *stmt = store_statement(store, QUEUE_GET);
	int got;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_text(stmt, 1, endpoint, -1, SQLITE_STATIC);
	got = store_step(store, stmt);
	if (got != 1)
		return got ? got : -EBADMSG;
	*batches = (uint64_t)sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return 0;
}

int store_check(struct store *store)
{
	sqlite3_stmt *stmt = store_statement(store, CHECK_PUT);

	if (store_is_away(store))
		return store_say(store, -ESTALE, "its file was taken away while in use");
	return stmt ? store_step(store, stmt) : store_fail(store);
}

uint64_t store_unkept_spans(const struct store *store)
{
	return tail_unkept_spans(store->tail);
}

uint64_t store_bytes(const struct store *store)
{
	const char *path = sqlite3_db_filename(store->db, "main");
	struct stat file, log;
	uint64_t bytes = 0;

	if (stat(path, &file) == 0)
		bytes += (uint64_t)file.st_size;
	if (stat(sqlite3_filename_wal(path), &log) == 0)
		bytes += (uint64_t)log.st_size;
	return bytes;
}
