/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What leaves the store, and what it cannot keep: limits of age and size, a full disk. */
#include "store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "traces.h"

static int place_make(void **state)
{
	return place_make_at(state, "store-keep", "a/b/store.db");
}

static void keeps_within_limits(void **state)
{
	static const char *const endpoints[] = { "http://a", "http://b" };
	const struct store_limits young = { .age_ns = 1000 }, small = { .octets = 200000 };
	const int64_t later = INT64_MAX / 2;
	struct place *place = *state;
	struct store_dropped dropped = { 0 };
	uint8_t *otlp, *large = (uint8_t *)noise_make(100000);
	int64_t number;
	size_t len;

	four_add(place->store); /* batches 1 to 8 */
	assert_int_equal(store_keep(place->store, &young, 0, endpoints, 2, &dropped), 0);
	assert_int_equal(store_set_exported(place->store, "http://a", 8), 0);
	assert_int_equal(store_set_exported(place->store, "http://b", 3), 0);
	assert_int_equal(store_keep(place->store, &(struct store_limits){ 0 }, later, endpoints, 2, &dropped), 0);
	assert_int_equal(dropped.batches, 0);

	/* what b does not have stays; trace 2 has lost a batch, trace 1 both */
	assert_int_equal(store_keep(place->store, &young, later, endpoints, 2, &dropped), 0);
	assert_int_equal(dropped.batches, 3);
	assert_int_equal(dropped.spans, 4);
	assert_int_equal(dropped.unsent_spans, 0);
	assert_int_equal(store_next_batch(place->store, 0, &number, &otlp, &len), 1);
	assert_int_equal(number, 4);
	free(otlp);
	assert_int_equal(found(place->store, (struct store_search){ 0 }), 3);
	assert_int_equal(found(place->store, (struct store_search){ .node = "r1" }), 0);

	/* too much: also what b does not have, which is counted */
	for (int i = 0; i < 10; i++)
		assert_int_equal(store_add(place->store, large, 100000, &(struct span_list){ 0 }), 0);
	assert_int_equal(store_keep(place->store, &small, later, endpoints, 2, &dropped), 0);
	assert_in_range(dropped.batches, 11, 18);
	assert_int_equal(dropped.unsent_spans, 8);
	assert_int_equal(found(place->store, (struct store_search){ 0 }), 0);
	assert_int_equal(store_keep(place->store, &(struct store_limits){ .octets = 1 }, later, endpoints, 2, &dropped),
			 0);
	assert_int_equal(dropped.batches, 18);
	assert_int_equal(store_next_batch(place->store, 0, &number, &otlp, &len), 0);

	/* numbers go on */
	assert_int_equal(store_add(place->store, large, 1, &(struct span_list){ 0 }), 0);
	assert_int_equal(store_next_batch(place->store, 0, &number, &otlp, &len), 1);
	assert_int_equal(number, 19);
	free(otlp);
	free(large);
}

static void takes_what_fits(void **state)
{
	struct place *place = *state;
	struct store_taken taken;

	four_add(place->store); /* batches of 1 and 2 spans in turn */
	assert_int_equal(store_take(place->store, 0, 4, 1 << 20, &taken), 1);
	assert_int_equal(taken.batches, 3);
	assert_int_equal(taken.spans, 4);
	assert_int_equal(taken.number, 3);
	free(taken.otlp);
	assert_int_equal(store_take(place->store, 3, 100, 1, &taken), 1);
	assert_int_equal(taken.batches, 1);
	free(taken.otlp);
	assert_int_equal(store_take(place->store, 0, 100, 1 << 20, &taken), 1);
	assert_int_equal(taken.batches, 8);
	struct span_list spans = { 0 };
	assert_int_equal(otlp_decode(taken.otlp, taken.len, &spans), 0);
	assert_int_equal(spans.count, 12);
	span_list_free(&spans);
	free(taken.otlp);
	assert_int_equal(store_take(place->store, 8, 100, 1 << 20, &taken), 0);
}

static void check_finds_trouble(void **state)
{
	enum { LARGE = 1 << 20 };
	const struct span_list none = { 0 };
	struct place *place = *state;
	char moved[PATH_SIZE + 8], *large = noise_make(LARGE);
	uint64_t bytes = store_bytes(place->store);
	sqlite3 *db;

	assert_int_equal(store_check(place->store), 0);
	assert_true(store_bytes(place->store) > bytes); /* it has written indeed */
	assert_int_equal(store_check(place->store), 0);
	assert_int_equal(store_add(place->store, (const uint8_t *)large, LARGE, &none), 0);
	assert_true(store_bytes(place->store) >= bytes + LARGE / 2);
	free(large);

	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE); DROP TABLE exported", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(store_check(place->store), -EBADMSG);
	assert_int_equal(sqlite3_exec(db,
				      "CREATE TABLE exported(endpoint TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(store_check(place->store), 0);
	sqlite3_close(db);

	snprintf(moved, sizeof(moved), "%s.away", place->path);
	assert_int_equal(rename(place->path, moved), 0);
	assert_int_equal(store_check(place->store), -ESTALE);
	assert_int_equal(rename(moved, place->path), 0);
	assert_int_equal(store_check(place->store), 0);
}

static void file_size_limit(rlim_t size)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN); /* a write beyond it fails instead */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Adds batches of one span and some 100 kB each: how many the store takes. */
static int large_add(struct store *store, uint8_t first, int count)
{
	char *text = noise_make(99999);
	int taken = 0;

	for (int i = 0; i < count; i++) {
		struct span_list spans = { 0 };
		struct span_attrs resource = { 0 };
		uint8_t *otlp;
		size_t len;

		attr_string(&spans.arena, &span_make(&spans, (uint8_t)(first + i), 1, 0, 1, 2)->attrs, "k", text);
		assert_int_equal(otlp_encode(&spans, &resource, "1", &otlp, &len), 0);
		taken += store_add(store, otlp, len, &spans) == 0;
		free(otlp);
		span_list_free(&spans);
	}
	free(text);
	return taken;
}

/* What cannot be written is sent on all the same, and written once that can be done again. */
static void full_disk(void **state)
{
	struct place *place = *state;
	struct store *exporter = NULL;
	int64_t number;

	four_add(place->store); /* batches 1 to 8 */
	file_size_limit(300000);
	assert_in_range(large_add(place->store, 10, 10), 0, 3); /* nobody to send to: refused */
	assert_int_equal(store_open(place->path, true, &exporter), 0);
	assert_in_range(take_all(exporter, "http://a"), 8, 11);
	assert_int_equal(large_add(place->store, 20, 10), 10);
	assert_int_equal(take_all(exporter, "http://a"), 10);
	assert_int_equal(large_add(place->store, 30, 10), 10);
	assert_int_equal(take_all(exporter, "http://a"), 10);
	assert_int_equal(found(place->store, (struct store_search){ .limit = 100 }) > 20, 0);
	assert_int_equal(store_unkept_spans(place->store), 0);

	file_size_limit(RLIM_INFINITY);
	sleep(1); /* it is not tried all the time */
	assert_int_equal(large_add(place->store, 40, 1), 1);
	assert_true(found(place->store, (struct store_search){ .limit = 100 }) >= 25);
	assert_int_equal(take_all(exporter, "http://a"), 1); /* nothing twice */
	assert_int_equal(store_exported(exporter, "http://a", &number), 0);
	store_close(exporter);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keeps_within_limits),
		TEST(takes_what_fits),
		TEST(check_finds_trouble),
		TEST(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
