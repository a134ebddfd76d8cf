/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Files that are no store, that are damaged, and that are gone. */
#include "store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "traces.h"

static int place_make(void **state)
{
	return place_make_at(state, "store-damage", "a/b/store.db");
}

static void file_write(const char *path, const char *text, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
}

static void not_a_store(void **state)
{
	struct place *place = *state;
	struct store *store = NULL;
	char path[2 * PATH_SIZE], text[8192];
	sqlite3 *db;

	memset(text, 'x', sizeof(text));
	snprintf(path, sizeof(path), "%s/none.db", place->folder);
	assert_int_equal(store_open(path, false, &store), -ENOENT);
	assert_string_equal(store_error(NULL), "No such file or directory");
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(store_open(place->folder, true, &store), -EISDIR);

	file_write(path, text, sizeof(text));
	assert_int_equal(store_open(path, true, &store), -EBADMSG);
	assert_non_null(strstr(store_error(NULL), "not a database"));
	file_write(path, "", 0);
	assert_int_equal(store_open(path, false, &store), -EBADMSG);
	assert_non_null(strstr(store_error(NULL), "empty"));

	snprintf(path, sizeof(path), "%s/other.db", place->folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(store_open(path, true, &store), -EBADMSG);
	assert_non_null(strstr(store_error(NULL), "not a hopspan store"));

	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 1000", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(store_open(place->path, true, &store), -ENOTSUP);
	assert_non_null(strstr(store_error(NULL), "newer"));
	assert_null(store);
}

/* Any page overwritten: an error or an answer, no crash. */
static void damaged_file(void **state)
{
	struct place *place = *state;
	struct span_list spans = { 0 };
	int opened = 0, refused = 0;
	FILE *file;
	long size;

	for (uint8_t i = 1; i < 40; i++)
		span_make(&spans, i, 1, 0, i, i + 1);
	batch_add(place->store, &spans, "s", "app");
	store_close(place->store);
	place->store = NULL;
	file = fopen(place->path, "r+");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	for (long at = size - 2048; at >= 0; at -= 2048) {
		struct span_list loaded = { 0 };
		uint8_t id[TRACE_ID_LEN] = { 0 };
		char noise[1024];
		int count = 0, error;

		memset(noise, 0x5a, sizeof(noise));
		fseek(file, at, SEEK_SET);
		assert_int_equal(fwrite(noise, 1, sizeof(noise), file), sizeof(noise));
		fflush(file);
		error = store_open(place->path, false, &place->store);
		opened += error == 0;
		if (!error)
			error = list(place->store, 100, list_count, &count);
		if (!error && store_find_trace(place->store, "05", id) == 1)
			error = store_load_trace(place->store, id, &loaded);
		refused += error != 0;
		span_list_free(&loaded);
		store_close(place->store);
		place->store = NULL;
	}
	fclose(file);
	assert_true(opened > 0);
	assert_true(refused > 0);
}

/* Octets of a batch are wrong where SQLite has no reason to look: those behind it are sent on. */
static void damaged_batch(void **state)
{
	static const char *const damages[] = {
		"UPDATE batch SET otlp = substr(otlp, 1, length(otlp) - 20)",
		"UPDATE batch SET otlp = CAST(substr(otlp, 1, 40) || zeroblob(9) || substr(otlp, 50) AS BLOB)",
		"UPDATE batch SET otlp = CAST(substr(otlp, 1, 6) || x'ffffffffffff' || substr(otlp, 13) AS BLOB)",
	};
	struct place *place = *state;
	const struct span_list none = { 0 };
	char *text = noise_make(1000);
	int64_t number = 0;
	uint8_t *otlp;
	size_t len;
	sqlite3 *db;

	memset(text, 'x', 300); /* it is to be packed */
	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	for (unsigned int i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		assert_int_equal(store_add(place->store, (const uint8_t *)text, 1000, &none), 0);
		assert_int_equal(sqlite3_exec(db, damages[i], NULL, NULL, NULL), SQLITE_OK);
	}
	sqlite3_close(db);
	assert_int_equal(store_next_batch(place->store, 0, &number, &otlp, &len), 0);
	assert_int_equal(store_add(place->store, (const uint8_t *)text, 1000, &none), 0);
	assert_int_equal(store_next_batch(place->store, 0, &number, &otlp, &len), 1);
	assert_int_equal(number, 4);
	assert_int_equal(len, 1000);
	assert_memory_equal(otlp, text, 1000);
	free(otlp);
	free(text);
}

static int asides(const struct place *place)
{
	char command[4 * PATH_SIZE];
	int count = -1;
	FILE *out;

	snprintf(command, sizeof(command), "find %s -name 'store.db.damaged-*Z' | wc -l", place->folder);
	out = popen(command, "r");
	assert_int_equal(fscanf(out, "%d", &count), 1);
	pclose(out);
	return count;
}

static void noise_write(const char *path, long from, size_t len)
{
	FILE *file = fopen(path, "r+");

	assert_non_null(file);
	fseek(file, from, SEEK_SET);
	while (len--)
		fputc(0x5a, file);
	fclose(file);
}

/* A collector begins anew, and what is there is kept; also in the midst of its work, with two handles. */
static void damaged_set_aside(void **state)
{
	struct place *place = *state;
	struct span_list spans = { 0 };
	struct store *other = NULL;
	uint8_t *otlp;
	int64_t number;
	size_t len;

	four_add(place->store);
	store_close(place->store);
	place->store = NULL;
	noise_write(place->path, 0, 60); /* the head, but for what tells whose it is */
	assert_int_equal(store_open(place->path, false, &place->store), -EBADMSG);
	assert_int_equal(asides(place), 0);
	assert_int_equal(store_open(place->path, true, &place->store), 0);
	assert_int_equal(asides(place), 1);
	assert_int_equal(found(place->store, (struct store_search){ 0 }), 0);

	four_add(place->store);
	assert_int_equal(store_next_batch(place->store, 0, &number, &otlp, &len), 1);
	free(otlp);
	store_close(place->store);
	sleep(1); /* the name of the next is of another second */
	assert_int_equal(store_open(place->path, true, &place->store), 0);
	assert_int_equal(store_open(place->path, true, &other), 0);
	assert_int_equal(take_all(other, "http://a"), 8);
	noise_write(place->path, 4096, 1 << 16); /* all but the first page */
	span_make(&spans, 9, 1, 0, 1, 2);
	batch_add(place->store, &spans, "s", "app");
	assert_int_equal(asides(place), 2);
	span_make(&spans, 10, 1, 0, 1, 2);
	batch_add(other, &spans, "s", "app");
	assert_int_equal(asides(place), 2);
	assert_int_equal(found(other, (struct store_search){ 0 }), 2);
	assert_int_equal(store_next_batch(other, 8, &number, &otlp, &len), 1); /* numbers went on */
	free(otlp);
	store_close(other);
}

/* Somebody removes the file in use: the next batch makes another. */
static void removed_while_used(void **state)
{
	struct place *place = *state;

	four_add(place->store);
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(store_check(place->store), -ESTALE);
	four_add(place->store);
	assert_int_equal(store_check(place->store), 0);
	assert_int_equal(found(place->store, (struct store_search){ 0 }), 4);
	assert_int_equal(asides(place), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(not_a_store),	 TEST(damaged_file),	   TEST(damaged_batch),
		TEST(damaged_set_aside), TEST(removed_while_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
