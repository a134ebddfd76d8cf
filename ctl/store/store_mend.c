/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sets a damaged file aside and begins a new one. Handles of several threads may find the damage at once. */
#include "store_mend.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store_sql.h"

enum { HEAD_APPLICATION_AT = 68 }; /* SQLite's file format, section 1.3 */

static const char *const beside[] = { "", "-wal", "-shm" };

bool store_was_ours(const char *path)
{
	char log[PATH_MAX + 8], application[4] = "";
	FILE *file = fopen(path, "re");
	bool ours = file && fseek(file, HEAD_APPLICATION_AT, SEEK_SET) == 0 &&
		    fread(application, sizeof(application), 1, file) == 1 && memcmp(application, "hspn", 4) == 0;

	if (file)
		fclose(file);
	snprintf(log, sizeof(log), "%s-wal", path);
	return ours || access(log, F_OK) == 0;
}

bool store_is_away(struct store *store)
{
	int moved = 0;

	return sqlite3_file_control(store->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}

static int file_set_aside(struct store *store, const char *path)
{
	char from[PATH_MAX + 8], to[PATH_MAX + 64], when[32];
	time_t now = time(NULL);
	struct tm tm;

	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	for (unsigned int i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		snprintf(from, sizeof(from), "%s%s", path, beside[i]);
		snprintf(to, sizeof(to), "%s.damaged-%s%s", path, when, beside[i]);
		if (rename(from, to) && (errno != ENOENT || i == 0))
			return store_say(store, -errno, "damaged, and cannot be set aside: %s", strerror(errno));
	}
	fprintf(stderr, "store %s: damaged (%s); set aside as %s.damaged-%s, a new one is begun\n", path, store->error,
		path, when);
	return 0;
}

int store_mend(struct store *store)
{
	static pthread_mutex_t mending = PTHREAD_MUTEX_INITIALIZER;
	char path[PATH_MAX];
	int error = 0;

	snprintf(path, sizeof(path), "%s", sqlite3_db_filename(store->db, "main"));
	pthread_mutex_lock(&mending);
	if (!store_is_away(store))
		error = file_set_aside(store, path);
	if (!error) {
		store_close_file(store);
		error = store_open_file(store, path, true);
	}
	pthread_mutex_unlock(&mending);
	return error;
}
