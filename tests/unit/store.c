/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The store: batches in and out, traces by their ids, what is usual, several at once. */
#include "store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "traces.h"

static int place_make(void **state)
{
	return place_make_at(state, "store", "a/b/store.db");
}

static void survives_reopen(void **state)
{
	struct place *place = *state;
	struct span_list spans = { 0 }, loaded = { 0 };
	uint8_t trace_id[TRACE_ID_LEN], *otlp;
	char id[37], again[37];
	int64_t number, exported;
	size_t len;

	assert_int_equal(store_instance_id(place->store, id), 0);
	attr_string(&spans.arena, &span_make(&spans, 1, 1, 0, 100, 200)->attrs, "k", "v");
	batch_add(place->store, &spans, "shop", "app");
	assert_int_equal(store_set_exported(place->store, "http://a", 1), 0);
	reopen(place);

	assert_int_equal(store_find_trace(place->store, "01", trace_id), 1);
	assert_int_equal(store_load_trace(place->store, trace_id, &loaded), 0);
	assert_int_equal(loaded.count, 1);
	assert_string_equal(loaded.spans[0].service, "shop");
	assert_string_equal(attr_get_string(&loaded.spans[0].attrs, "k", ""), "v");
	assert_int_equal(store_exported(place->store, "http://a", &exported), 0);
	assert_int_equal(exported, 1);
	assert_int_equal(store_exported(place->store, "http://b", &exported), 0);
	assert_int_equal(exported, 0);
	assert_int_equal(store_next_batch(place->store, 0, &number, &otlp, &len), 1);
	assert_int_equal(number, 1);
	free(otlp);
	assert_int_equal(store_next_batch(place->store, number, &number, &otlp, &len), 0);
	assert_int_equal(store_instance_id(place->store, again), 0);
	assert_string_equal(id, again);
	assert_int_equal(strlen(id), 36);
	span_list_free(&loaded);
}

static void batches_in_order(void **state)
{
	struct place *place = *state;
	static const uint8_t bytes[3][4] = { "one", "two", "\0\1\2" };
	const struct span_list none = { 0 };
	int64_t number = 0, before;

	for (int i = 0; i < 3; i++)
		assert_int_equal(store_add(place->store, bytes[i], sizeof(bytes[i]), &none), 0);
	for (int i = 0; i < 3; i++) {
		uint8_t *otlp;
		size_t len;

		before = number;
		assert_int_equal(store_next_batch(place->store, before, &number, &otlp, &len), 1);
		assert_true(number > before);
		assert_int_equal(len, sizeof(bytes[i]));
		assert_memory_equal(otlp, bytes[i], len);
		free(otlp);
	}
}

static void prefixes(void **state)
{
	struct place *place = *state;
	struct span_list spans = { 0 };
	uint8_t id[TRACE_ID_LEN] = { 0 };

	span_make(&spans, 0x12, 1, 0, 1, 2);
	span_make(&spans, 0x1f, 1, 0, 1, 2);
	span_make(&spans, 0x20, 1, 0, 1, 2);
	batch_add(place->store, &spans, "s", "app");
	assert_int_equal(store_find_trace(place->store, "1", id), 2);
	assert_int_equal(id[0], 0);
	assert_int_equal(store_find_trace(place->store, "1F", id), 1);
	assert_int_equal(id[0], 0x1f);
	assert_int_equal(store_find_trace(place->store, "2", id), 1);
	assert_int_equal(id[0], 0x20);
	assert_int_equal(store_find_trace(place->store, "12aaa", id), 1);
	assert_int_equal(store_find_trace(place->store, "12aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", id), 1);
	assert_int_equal(id[0], 0x12);
	assert_int_equal(store_find_trace(place->store, "12ab", id), 0);
	assert_int_equal(store_find_trace(place->store, "3", id), 0);
	assert_int_equal(store_find_trace(place->store, "", id), -EINVAL);
	assert_int_equal(store_find_trace(place->store, "1g", id), -EINVAL);
	assert_non_null(strstr(store_error(place->store), "1g"));
	assert_int_equal(store_find_trace(place->store, "12aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1", id), -EINVAL);
}

/* A trace in several batches with a repeated one, beside another trace. */
static void load_without_duplicates(void **state)
{
	struct place *place = *state;
	struct span_list spans = { 0 }, loaded = { 0 };
	uint8_t id[TRACE_ID_LEN];
	unsigned int seen = 0;

	for (int i = 0; i < 2; i++) {
		span_make(&spans, 1, 1, 0, 1, 9);
		span_make(&spans, 1, 2, 1, 2, 8);
		span_make(&spans, 2, 2, 1, 2, 8);
		batch_add(place->store, &spans, "shop", "app");
	}
	span_make(&spans, 1, 3, 1, 2, 8);
	batch_add(place->store, &spans, "cart", "app");
	assert_int_equal(store_find_trace(place->store, "01", id), 1);
	span_list_add(&loaded)->name = "before";
	assert_int_equal(store_load_trace(place->store, id, &loaded), 0);
	assert_int_equal(loaded.count, 4);
	assert_string_equal(loaded.spans[0].name, "before");
	for (size_t i = 1; i < loaded.count; i++)
		seen |= 1U << loaded.spans[i].id[0];
	assert_int_equal(seen, 1 << 1 | 1 << 2 | 1 << 3);
	memset(id, 0xee, sizeof(id));
	assert_int_equal(store_load_trace(place->store, id, &loaded), 0);
	assert_int_equal(loaded.count, 4);
	span_list_free(&loaded);
}

struct usual_seen {
	int count;
	char last[16];
};

static void usual_take(const char *key, const void *bytes, size_t len, void *arg)
{
	struct usual_seen *seen = arg;

	seen->count++;
	if (strcmp(key, "b") == 0 && len < sizeof(seen->last))
		memcpy(seen->last, bytes, len);
}

static void usual_kept(void **state)
{
	struct place *place = *state;
	struct usual_seen seen = { 0 };
	char bytes[4] = "";
	size_t len = 0;

	assert_int_equal(store_save_usual(place->store, "a", "first", 5), 0);
	assert_int_equal(store_save_usual(place->store, "b", "old", 3), 0);
	assert_int_equal(store_save_usual(place->store, "b", "new\0x", 5), 0);
	reopen(place);
	assert_int_equal(store_load_usual(place->store, usual_take, &seen), 0);
	assert_int_equal(seen.count, 2);
	assert_memory_equal(seen.last, "new\0x", 6);
	assert_int_equal(store_get_usual(place->store, "a", bytes, sizeof(bytes), &len), 1);
	assert_int_equal(len, 4);
	assert_memory_equal(bytes, "firs", 4);
	assert_int_equal(store_get_usual(place->store, "c", bytes, sizeof(bytes), &len), 0);
}

/* A batch whose index cannot be written is not there either. */
static void all_or_nothing(void **state)
{
	struct place *place = *state;
	struct span_list spans = { 0 };
	uint8_t *otlp;
	int64_t number;
	size_t len;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "CREATE TRIGGER t BEFORE INSERT ON trace BEGIN SELECT RAISE(ABORT, 'no room'); END", NULL,
			 NULL, NULL),
	    SQLITE_OK);
	span_make(&spans, 1, 1, 0, 1, 2);
	assert_true(store_add(place->store, (const uint8_t *)"x", 1, &spans) < 0);
	assert_string_equal(store_error(place->store), "no room");
	assert_int_equal(store_next_batch(place->store, 0, &number, &otlp, &len), 0);
	assert_int_equal(sqlite3_exec(db, "DROP TRIGGER t", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	batch_add(place->store, &spans, "s", "app");
	assert_int_equal(store_next_batch(place->store, 0, &number, &otlp, &len), 1);
	free(otlp);
}

/* Several processes make and fill one file at once. */
static void several_processes(void **state)
{
	enum { PROCESSES = 6, BATCHES = 30 };
	struct place *place = *state;
	struct store *store = NULL;
	char path[2 * PATH_SIZE];
	int64_t number = 0;
	int count = 0, status;
	uint8_t *otlp;
	size_t len;

	snprintf(path, sizeof(path), "%s/new/store.db", place->folder);
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			const struct span_list none = { 0 };
			int error = store_open(path, true, &store);

			for (int k = 0; !error && k < BATCHES; k++)
				error = store_add(store, (const uint8_t *)"x", 1, &none);
			_exit(error ? 1 : 0);
		}
	for (int i = 0; i < PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(store_open(path, false, &store), 0);
	while (store_next_batch(store, number, &number, &otlp, &len) == 1) {
		count++;
		free(otlp);
	}
	assert_int_equal(count, PROCESSES * BATCHES);
	store_close(store);
}

static void queue_counts(void **state)
{
	const struct span_list none = { 0 };
	struct place *place = *state;
	uint64_t waiting = 99;
	sqlite3 *db;

	assert_int_equal(store_queue(place->store, "http://a", &waiting), 0);
	assert_int_equal(waiting, 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(store_add(place->store, (const uint8_t *)"x", 1, &none), 0);
	assert_int_equal(store_set_exported(place->store, "http://a", 2), 0);
	assert_int_equal(store_queue(place->store, "http://a", &waiting), 0);
	assert_int_equal(waiting, 3);
	assert_int_equal(store_queue(place->store, "http://b", &waiting), 0);
	assert_int_equal(waiting, 5);

	/* what has left the store is not waited for */
	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DELETE FROM batch WHERE number <= 4", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(store_queue(place->store, "http://a", &waiting), 0);
	assert_int_equal(waiting, 1);
	assert_int_equal(sqlite3_exec(db, "DELETE FROM batch", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(store_queue(place->store, "http://b", &waiting), 0);
	assert_int_equal(waiting, 0);
	sqlite3_close(db);
}

/* Several batches at once, a trace in all of them. */
static void batches_together(void **state)
{
	struct place *place = *state;
	struct span_list spans[3] = { 0 }, loaded = { 0 };
	struct span_attrs resource = { 0 };
	struct store_taken taken;
	uint8_t id[TRACE_ID_LEN], *otlp[3];
	size_t len[3];

	store_begin(place->store);
	for (uint8_t i = 0; i < 3; i++) {
		span_make(&spans[i], i % 2 ? 1 : 2, (uint8_t)(i + 1), 0, 1, 2);
		span_make(&spans[i], 3, (uint8_t)(i + 1), 0, 1, 2);
		spans_name(&spans[i], "s", "app");
		assert_int_equal(otlp_encode(&spans[i], &resource, "1", &otlp[i], &len[i]), 0);
		store_put(place->store, otlp[i], len[i], &spans[i]);
		span_list_free(&spans[i]);
	}
	assert_int_equal(store_commit(place->store), 0);
	assert_int_equal(store_find_trace(place->store, "03", id), 1);
	assert_int_equal(store_load_trace(place->store, id, &loaded), 0);
	assert_int_equal(loaded.count, 3);
	assert_int_equal(store_find_trace(place->store, "02", id), 1);
	assert_int_equal(store_load_trace(place->store, id, &loaded), 0);
	assert_int_equal(loaded.count, 5);
	assert_int_equal(store_take(place->store, 0, 4, 1 << 20, &taken), 1);
	assert_int_equal(taken.batches, 2);
	assert_true(taken.more);
	assert_int_equal(taken.len, len[0] + len[1]);
	assert_memory_equal(taken.otlp, otlp[0], len[0]);
	assert_memory_equal(taken.otlp + len[0], otlp[1], len[1]);
	free(taken.otlp);
	for (int i = 0; i < 3; i++)
		free(otlp[i]);
	span_list_free(&loaded);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(survives_reopen),	       TEST(batches_in_order), TEST(prefixes),
		TEST(load_without_duplicates), TEST(usual_kept),       TEST(all_or_nothing),
		TEST(several_processes),       TEST(queue_counts),     TEST(batches_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
