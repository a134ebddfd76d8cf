/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Traces found by their ids: many of them, those of another process, those that are forgotten, and those that are gone.
 */
#include "store/store_key.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "otlp/otlp.h"
#include "place.h"
#include "store/store_recent.h"
#include "wire/bytes.h"

enum { MANY = 3 * TRACE_BUCKET + 100, AT_ONCE = 500 };

static int place_make(void **state)
{
	return place_make_at(state, "store-key", "store.db");
}

/* Spread over all ids, and the same each time. */
static void id_make(uint32_t i, uint8_t id[TRACE_ID_LEN])
{
	uint64_t word = (i + 1) * 0x9e3779b97f4a7c15;

	be64_store(id, word ^ word >> 31);
	be64_store(id + 8, word);
}

/* One span each for traces from `first` to `last`, AT_ONCE in a batch. */
static void traces_add(struct store *store, uint32_t first, uint32_t last, uint8_t span_id)
{
	for (uint32_t from = first; from < last; from += AT_ONCE) {
		struct span_list spans = { 0 };
		struct span_attrs resource = { 0 };
		uint8_t *otlp;
		size_t len;

		for (uint32_t i = from; i < last && i < from + AT_ONCE; i++) {
			struct span *span = span_list_add(&spans);

			id_make(i, span->trace_id);
			memset(span->id, span_id, SPAN_ID_LEN);
			span->start_unix_ns = i + 1;
			span->end_unix_ns = i + 2;
		}
		assert_int_equal(otlp_encode(&spans, &resource, "1", &otlp, &len), 0);
		assert_int_equal(store_add(store, otlp, len, &spans), 0);
		span_list_free(&spans);
		free(otlp);
	}
}

static size_t spans_of(struct store *store, uint32_t i)
{
	struct span_list spans = { 0 };
	uint8_t id[TRACE_ID_LEN];
	size_t count;

	id_make(i, id);
	assert_int_equal(store_load_trace(store, id, &spans), 0);
	count = spans.count;
	span_list_free(&spans);
	return count;
}

static int row_count(const struct store_trace *trace, void *arg)
{
	(void)trace;
	++*(int *)arg;
	return 0;
}

static int rows(struct store *store)
{
	int count = 0;

	assert_int_equal(store_list(store, &(struct store_search){ .limit = 10 * MANY }, row_count, &count), 0);
	return count;
}

static void prefix_of(uint32_t i, unsigned int digits, char text[2 * TRACE_ID_LEN + 1])
{
	uint8_t id[TRACE_ID_LEN];

	id_make(i, id);
	for (unsigned int k = 0; k < TRACE_ID_LEN; k++)
		sprintf(text + 2 * k, "%02x", id[k]);
	text[digits] = 0;
}

/* In full buckets and behind them, whole and by their beginning. */
static void found_among_many(void **state)
{
	static const uint32_t some[] = { 0, 1, 5000, TRACE_BUCKET - 1, TRACE_BUCKET, 2 * TRACE_BUCKET + 7, MANY - 1 };
	struct place *place = *state;
	char prefix[2 * TRACE_ID_LEN + 1];
	uint8_t id[TRACE_ID_LEN], expected[TRACE_ID_LEN];

	traces_add(place->store, 0, MANY, 1);
	for (unsigned int i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		assert_int_equal(spans_of(place->store, some[i]), 1);
		id_make(some[i], expected);
		for (unsigned int digits = 12; digits <= 2 * TRACE_ID_LEN; digits++) {
			prefix_of(some[i], digits, prefix);
			assert_int_equal(store_find_trace(place->store, prefix, id), 1);
			assert_memory_equal(id, expected, TRACE_ID_LEN);
		}
	}
	assert_int_equal(store_find_trace(place->store, "0", id), 2);
	assert_int_equal(spans_of(place->store, MANY), 0);
	assert_int_equal(rows(place->store), MANY);
}

/* More spans of the same traces join their rows: in this process, and in one that has just begun. */
static void joined(void **state)
{
	struct place *place = *state;

	traces_add(place->store, 0, MANY, 1);
	traces_add(place->store, 0, MANY, 2);
	store_close(place->store);
	assert_int_equal(store_open(place->path, true, &place->store), 0);
	traces_add(place->store, 100, MANY, 3);
	assert_int_equal(rows(place->store), MANY);
	assert_int_equal(spans_of(place->store, 99), 2);
	assert_int_equal(spans_of(place->store, 100), 3);
	assert_int_equal(spans_of(place->store, MANY - 1), 3);
}

static void process_add(const char *path, uint32_t first, uint32_t last, uint8_t span_id)
{
	struct store *store;
	int status;

	if (fork() == 0) {
		if (store_open(path, true, &store))
			_exit(1);
		traces_add(store, first, last, span_id);
		store_close(store);
		_exit(0);
	}
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
}

/* Two processes in turn, on the same traces and on others. */
static void two_processes(void **state)
{
	struct place *place = *state;

	traces_add(place->store, 0, 1000, 1);
	process_add(place->path, 500, 1500, 2);
	traces_add(place->store, 1000, 2000, 3);
	process_add(place->path, 0, 2000, 4);
	assert_int_equal(rows(place->store), 2000);
	assert_int_equal(spans_of(place->store, 0), 2);
	assert_int_equal(spans_of(place->store, 700), 3);
	assert_int_equal(spans_of(place->store, 1200), 3);
	assert_int_equal(spans_of(place->store, 1700), 2);
}

/* A transaction that failed gave numbers that others get again. */
static void rolled_back(void **state)
{
	struct place *place = *state;
	struct span_list spans = { 0 };
	struct span *span;
	sqlite3 *db;

	traces_add(place->store, 0, 10, 1);
	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "CREATE TRIGGER t BEFORE INSERT ON trace BEGIN SELECT RAISE(ABORT, 'no room'); END", NULL,
			 NULL, NULL),
	    SQLITE_OK);
	span = span_list_add(&spans);
	id_make(50, span->trace_id);
	assert_true(store_add(place->store, (const uint8_t *)"x", 1, &spans) < 0);
	span_list_free(&spans);
	assert_int_equal(sqlite3_exec(db, "DROP TRIGGER t", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	process_add(place->path, 10, 20, 1);
	traces_add(place->store, 5, 60, 2);
	assert_int_equal(rows(place->store), 60);
	assert_int_equal(spans_of(place->store, 10), 2);
	assert_int_equal(spans_of(place->store, 50), 1);
}

/* Old traces go with their keys, those that go on stay, and numbers are not given again. */
static void kept_and_dropped(void **state)
{
	struct place *place = *state;
	const struct store_limits all = { .octets = 1 };
	struct store_dropped dropped = { 0 };
	int64_t keys = -1;
	sqlite3_stmt *stmt;
	sqlite3 *db;

	traces_add(place->store, 0, 2 * TRACE_BUCKET, 1);
	traces_add(place->store, 7, 8, 2);
	for (int i = 0; i < 100 && dropped.batches < 2 * TRACE_BUCKET / AT_ONCE + 2; i++)
		assert_int_equal(store_keep(place->store, &all, 0, NULL, 0, &dropped), 0);
	assert_int_equal(rows(place->store), 0);
	traces_add(place->store, 7, TRACE_BUCKET, 3);
	assert_int_equal(rows(place->store), TRACE_BUCKET - 7);
	assert_int_equal(spans_of(place->store, 7), 1);
	assert_int_equal(spans_of(place->store, TRACE_BUCKET - 1), 1);
	assert_int_equal(spans_of(place->store, TRACE_BUCKET), 0);
	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM trace_key", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	keys = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	assert_in_range(keys, 0, TRACE_BUCKET);
}

static int64_t now_unix_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* One of the first goes on when all others of its bucket are gone: those that come then have other numbers. */
static void one_goes_on(void **state)
{
	struct place *place = *state;
	const struct store_limits young = { .age_ns = 1 };
	struct store_dropped dropped = { 0 };
	int64_t then_ns;

	traces_add(place->store, 0, TRACE_BUCKET + 1, 1);
	then_ns = now_unix_ns();
	usleep(1000);
	traces_add(place->store, 7, 8, 2);
	assert_int_equal(store_keep(place->store, &young, then_ns + 1, NULL, 0, &dropped), 0);
	assert_int_equal(rows(place->store), 1);
	traces_add(place->store, 20, 2000, 3);
	traces_add(place->store, 7, 8, 4);
	assert_int_equal(rows(place->store), 1981);
	assert_int_equal(spans_of(place->store, 7), 2);
	assert_int_equal(spans_of(place->store, 20), 1);
	assert_int_equal(spans_of(place->store, 1999), 1);
	assert_int_equal(spans_of(place->store, 19), 0);
}

static bool is_wanted(int64_t number, void *arg)
{
	return number == *(int64_t *)arg;
}

static bool is_remembered(const struct recent *recent, uint32_t i)
{
	uint8_t id[TRACE_ID_LEN];
	int64_t number = i + 1;

	id_make(i, id);
	return recent_find(recent, id, is_wanted, &number) == number;
}

/* As many as promised, and not twice as many: memory has an end. */
static void forgets(void **state)
{
	struct recent recent = { 0 };
	uint32_t count = 3 * RECENT_TRACES + 1;
	uint8_t id[TRACE_ID_LEN];

	(void)state;
	assert_false(is_remembered(&recent, 0));
	for (uint32_t i = 0; i < count; i++) {
		id_make(i, id);
		recent_add(&recent, id, i + 1);
	}
	for (uint32_t i = count - RECENT_TRACES; i < count; i += 97)
		assert_true(is_remembered(&recent, i));
	for (uint32_t i = 0; i < count - 2 * RECENT_TRACES - 1; i += 97)
		assert_false(is_remembered(&recent, i));
	assert_false(is_remembered(&recent, count));
	recent_free(&recent);
	assert_false(is_remembered(&recent, count - 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(found_among_many), TEST(joined),	   TEST(two_processes),	      TEST(rolled_back),
		TEST(kept_and_dropped), TEST(one_goes_on), cmocka_unit_test(forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
