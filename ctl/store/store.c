/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The store's file: opening and closing it, and what it keeps beside spans. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_mend.h"
#include "store_sql.h"
#include "store_tail.h"

enum { BUSY_MS = 5000, INSTANCE_ID_SIZE = 37 };

/* What the write-ahead log is cut to once its content is in the file, and after how many pages that is: a page of an
 * index that is written again and again goes into the file once. */
#define LOG_SIZE_MAX "67108864"
#define LOG_PAGES "4000"

static _Thread_local char open_error[256];

const char *store_path(void)
{
	const char *path = getenv("HOPSPAN_STORE");

	return path && *path ? path : STORE_PATH_DEFAULT;
}

const char *store_error(const struct store *store)
{
	return store ? store->error : open_error;
}

/* Like mkdir -p for the folder of `path`. */
static int folder_make(const char *path)
{
	char *folder = strdup(path), *at = folder;
	int error = 0;

	if (!folder)
		return -ENOMEM;
	while (!error && (at = strchr(at + 1, '/'))) {
		*at = 0;
		if (mkdir(folder, 0755) && errno != EEXIST)
			error = -errno;
		*at = '/';
	}
	free(folder);
	return error;
}

/* SQLite says "unable to open" to all of these. */
static int file_check(struct store *store, const char *path, bool create)
{
	struct stat stat_buf;
	int error = create ? folder_make(path) : 0;

	if (error)
		return store_say(store, error, "cannot make its folder: %s", strerror(-error));
	if (stat(path, &stat_buf) && (!create || errno != ENOENT)) {
		error = -errno;
		return store_say(store, error, "%s", strerror(-error));
	}
	return 0;
}

int store_open_file(struct store *store, const char *path, bool create)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
	int error = file_check(store, path, create);

	if (error)
		return error;
	if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) {
		error = sqlite3_system_errno(store->db);
		return store_say(store, error ? -error : -EIO, "%s%s%s", sqlite3_errmsg(store->db), error ? ": " : "",
				 error ? strerror(error) : "");
	}
	sqlite3_extended_result_codes(store->db, 1);
	sqlite3_busy_timeout(store->db, BUSY_MS);
	error = store_do(store, "PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=" LOG_SIZE_MAX
				"; PRAGMA wal_autocheckpoint=" LOG_PAGES);
	return error ? error : store_schema(store, create);
}

void store_close_file(struct store *store)
{
	for (int i = 0; i < STATEMENT_COUNT; i++) {
		sqlite3_finalize(store->statements[i]);
		store->statements[i] = NULL;
	}
	sqlite3_close(store->db);
	store->db = NULL;
}

/* Each handle has one thread, and nobody asks how much memory SQLite has: no lock around each piece of it. */
static void sqlite_set(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int store_open(const char *path, bool create, struct store **out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct store *store = calloc(1, sizeof(*store));
	int error;

	pthread_once(&once, sqlite_set);
	if (!store) {
		snprintf(open_error, sizeof(open_error), "out of memory");
		return -ENOMEM;
	}
	error = store_open_file(store, path, create);
	if (create && (error == -EUCLEAN || (error == -EBADMSG && store_was_ours(path))))
		error = store_mend(store);
	if (!error && !(store->tail = tail_open(sqlite3_db_filename(store->db, "main"))))
		error = store_say(store, -ENOMEM, "out of memory");
	if (error) {
		memcpy(open_error, store->error, sizeof(open_error));
		store_close(store);
		return error;
	}
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	tail_close(store->tail);
	store_close_file(store);
	free(store);
}

int store_save_usual(struct store *store, const char *key, const void *bytes, size_t len)
{
	sqlite3_stmt *stmt = store_statement(store, USUAL_PUT);

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(stmt, 2, bytes, len, SQLITE_STATIC);
	return store_step(store, stmt);
}

int store_load_usual(struct store *store, void (*each)(const char *key, const void *bytes, size_t len, void *arg),
		     void *arg)
{
	sqlite3_stmt *stmt = store_statement(store, USUAL_ALL);
	int got;

	if (!stmt)
		return store_fail(store);
	while ((got = store_step(store, stmt)) == 1) {
		const char *key = (const char *)sqlite3_column_text(stmt, 0);
		const void *bytes = sqlite3_column_blob(stmt, 1);

		each(key ? key : "", bytes, (size_t)sqlite3_column_bytes(stmt, 1), arg);
	}
	return got;
}

int store_get_usual(struct store *store, const char *key, void *bytes, size_t size, size_t *len)
{
	sqlite3_stmt *stmt = store_statement(store, USUAL_GET);
	int got;

	if (!stmt)
		return store_fail(store);
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	got = store_step(store, stmt);
	if (got == 1) {
		const void *found = sqlite3_column_blob(stmt, 0);
		size_t there = (size_t)sqlite3_column_bytes(stmt, 0);

		*len = there < size ? there : size;
		if (*len)
			memcpy(bytes, found, *len);
		sqlite3_reset(stmt);
	}
	return got;
}

int store_instance_id(struct store *store, char id[INSTANCE_ID_SIZE])
{
	sqlite3_stmt *stmt = store_statement(store, INSTANCE_GET);
	const char *text;
	int got;

	if (!stmt)
		return store_fail(store);
	got = store_step(store, stmt);
	if (got < 0)
		return got;
	text = got ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
	if (!text || strlen(text) != INSTANCE_ID_SIZE - 1)
		got = store_say(store, -EBADMSG, "no instance id");
	else
		memcpy(id, text, INSTANCE_ID_SIZE);
	sqlite3_reset(stmt);
	return got < 0 ? got : 0;
}
