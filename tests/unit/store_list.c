/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The rows of traces: what they say, which are found, and in what order. */
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "traces.h"

static int place_make(void **state)
{
	return place_make_at(state, "store-list", "a/b/store.db");
}

static void list_row(void **state)
{
	struct place *place = *state;
	struct span_list spans = { 0 };
	struct store_trace row;
	struct span *span;

	for (int i = 0; i < 2; i++) { /* the second time changes nothing */
		transfer_make(&spans, 0x10, 400, "r1 eth1", 390, 190);
		transfer_make(&spans, 0x20, 60, "r9 eth2", 50, 10);
		batch_add(place->store, &spans, "network", "hopspan");
		assert_int_equal(list(place->store, 10, list_first, &row), 1);
		assert_string_equal(row.name, "");
		assert_int_equal(row.network_ns, 460);
		assert_string_equal(row.worst, "r1 eth1");
		assert_int_equal(row.worst_ns, 390);
		assert_int_equal(row.worst_usual_ns, 190);
		assert_int_equal(row.start_unix_ns, 1000);
		assert_int_equal(row.duration_ns, 400);
	}
	/* the root comes last, from another service, beside its child */
	span_make(&spans, 1, 2, 1, 950, 1500)->name = "GET";
	span_make(&spans, 1, 1, 0, 900, 1600)->name = "GET /checkout";
	batch_add(place->store, &spans, "shop", "app");
	reopen(place);
	assert_int_equal(list(place->store, 10, list_first, &row), 1);
	assert_string_equal(row.service, "shop");
	assert_string_equal(row.name, "GET /checkout");
	assert_int_equal(row.start_unix_ns, 900);
	assert_int_equal(row.duration_ns, 700);
	assert_int_equal(row.network_ns, 460);
	assert_string_equal(row.worst, "r1 eth1");

	span = span_make(&spans, 1, 0x30, 2, 1000, 1300);
	attr_string(&spans.arena, &span->attrs, "hopspan.kind", "retransmission");
	batch_add(place->store, &spans, "network", "hopspan");
	assert_int_equal(list(place->store, 10, list_first, &row), 1);
	assert_int_equal(row.network_ns, 760);
	assert_string_equal(row.worst, "packet lost");
	assert_int_equal(row.worst_ns, 300);
	assert_int_equal(row.worst_usual_ns, 0);
}

/* The same attributes from an application are not the network's. */
static void list_ignores_others(void **state)
{
	struct place *place = *state;
	struct span_list spans = { 0 };
	struct store_trace row;

	transfer_make(&spans, 0x10, 400, "r1 eth1", 390, 190);
	batch_add(place->store, &spans, "shop", "app");
	assert_int_equal(list(place->store, 10, list_first, &row), 1);
	assert_int_equal(row.network_ns, 0);
	assert_string_equal(row.worst, "");
}

static void list_newest_first(void **state)
{
	struct place *place = *state;
	struct span_list spans = { 0 };
	struct store_trace row;
	char name[300];
	int count = 0;

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = 0;
	memcpy(name + 126, "\xc3\xa9", 2); /* would be cut in its middle */
	span_make(&spans, 1, 1, 0, 100, 200);
	span_make(&spans, 2, 1, 0, 300, 400)->name = name;
	span_make(&spans, 3, 1, 0, 200, 300);
	batch_add(place->store, &spans, "s", "app");
	assert_int_equal(list(place->store, 10, list_first, &row), 1);
	assert_int_equal(row.trace_id[0], 2);
	assert_int_equal(strlen(row.name), 126);
	assert_int_equal(list(place->store, 2, list_count, &count), 0);
	assert_int_equal(count, 2);
}

/* Times and durations that no clock shows must not overflow. */
static void extreme_times(void **state)
{
	struct place *place = *state;
	struct span_list spans = { 0 };
	struct store_trace row;

	for (uint8_t id = 1; id < 4; id++) {
		struct span *span = span_make(&spans, 1, id, 9, 0, INT64_MAX);

		attr_string(&spans.arena, &span->attrs, "hopspan.kind", "transfer");
		attr_string(&spans.arena, &span->attrs, "hopspan.worst", "r1");
		attr_int(&spans.arena, &span->attrs, "hopspan.worst_ns", INT64_MIN);
	}
	span_make(&spans, 1, 8, 0, INT64_MAX, 0);
	batch_add(place->store, &spans, "network", "hopspan");
	assert_int_equal(list(place->store, 1, list_first, &row), 1);
	assert_int_equal(row.network_ns, INT64_MAX);
	assert_int_equal(row.duration_ns, 0);
	assert_int_equal(row.worst_ns, 0);
}

static void searches(void **state)
{
	const int64_t ms = 1000000;
	struct place *place = *state;
	struct store_trace row;

	four_add(place->store);
	assert_int_equal(found(place->store, (struct store_search){ 0 }), 4);
	assert_int_equal(found(place->store, (struct store_search){ .since_unix_ns = 2000 * ms }), 3);
	assert_int_equal(found(place->store, (struct store_search){ .until_unix_ns = 2000 * ms }), 2);
	assert_int_equal(found(place->store, (struct store_search){ .duration_min_ns = 30 * ms }), 2);
	assert_int_equal(found(place->store, (struct store_search){ .duration_max_ns = 10 * ms }), 1);
	assert_int_equal(found(place->store, (struct store_search){ .service = "odd" }), 2);
	assert_int_equal(found(place->store, (struct store_search){ .service = "network" }), 4);
	assert_int_equal(found(place->store, (struct store_search){ .service = "od" }), 0);
	assert_int_equal(found(place->store, (struct store_search){ .service = "" }), 0);
	assert_int_equal(found(place->store, (struct store_search){ .service = "odd\nnetwork" }), 0);
	assert_int_equal(found(place->store, (struct store_search){ .node = "r3" }), 1);
	assert_int_equal(found(place->store, (struct store_search){ .node = "r" }), 4);
	assert_int_equal(found(place->store, (struct store_search){ .queue_min_bytes = 3000 }), 2);
	assert_int_equal(found(place->store, (struct store_search){ .node = "r3", .queue_min_bytes = 3000 }), 1);
	assert_int_equal(found(place->store, (struct store_search){ .node = "r3", .queue_min_bytes = 3001 }), 0);
	assert_int_equal(found(place->store, (struct store_search){ .node = "r", .queue_min_bytes = 1 }), 0);
	assert_int_equal(found(place->store, (struct store_search){ .service = "even", .node = "r4" }), 1);
	assert_int_equal(list(place->store, 1, list_first, &row), 1);
	assert_int_equal(row.queue_bytes, 4000);
}

/* More nodes and services than a row holds: no crash, and the first ones are found. */
static void long_lists(void **state)
{
	struct place *place = *state;
	struct span_list spans = { 0 };
	char name[300];

	for (int i = 0; i < 400; i++) {
		struct span *span = span_make(&spans, 1, 1, 0, 1, 2);

		snprintf(name, sizeof(name), i % 50 ? "node-%d" : "node-%d-%0260d", i, 0);
		attr_string(&spans.arena, &span->attrs, "hopspan.node", arena_strdup(&spans.arena, name));
		attr_int(&spans.arena, &span->attrs, "hopspan.queue_bytes", i % 7);
	}
	attr_string(&spans.arena, &span_make(&spans, 1, 1, 0, 1, 2)->attrs, "hopspan.node", "node-1");
	batch_add(place->store, &spans, "s", "hopspan");
	assert_int_equal(found(place->store, (struct store_search){ .node = "node-1" }), 1);
	assert_int_equal(found(place->store, (struct store_search){ .node = "node-5", .queue_min_bytes = 5 }), 1);
}

/* More batches and more transfers than a row has room for, in one batch and in many; the second time nothing changes.
 */
static void lists_beyond_the_row(void **state)
{
	struct place *place = *state;

	for (int again = 0; again < 2; again++) {
		struct span_list spans = { 0 }, loaded = { 0 };
		struct store_trace row;

		for (uint8_t i = 1; i <= 100; i++)
			transfer_make(&spans, (uint8_t)(2 * i), 10, "r1", 5, 1);
		batch_add(place->store, &spans, "network", "hopspan");
		for (uint8_t i = 1; i <= 100; i++) {
			span_make(&spans, 1, (uint8_t)(2 * i), 1, 1, 2)->id[0] = 1;
			batch_add(place->store, &spans, "s", "app");
		}
		assert_int_equal(list(place->store, 10, list_first, &row), 1);
		assert_int_equal(row.network_ns, 1000);
		assert_int_equal(store_load_trace(place->store, row.trace_id, &loaded), 0);
		assert_int_equal(loaded.count, 300);
		span_list_free(&loaded);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(list_row), TEST(list_ignores_others), TEST(list_newest_first),    TEST(extreme_times),
		TEST(searches), TEST(long_lists),	   TEST(lists_beyond_the_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
