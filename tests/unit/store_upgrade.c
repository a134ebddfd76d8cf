/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Files of older versions. */
#include "store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "traces.h"

static int place_make(void **state)
{
	return place_make_at(state, "store-upgrade", "a/b/store.db");
}

/* What a store of schema 1 has, as it was written then. */
static const char version_1[] =
    "PRAGMA journal_mode=WAL;"
    "CREATE TABLE batch(number INTEGER PRIMARY KEY AUTOINCREMENT, otlp BLOB NOT NULL);"
    "CREATE TABLE trace_batch(trace BLOB, batch INTEGER, PRIMARY KEY(trace, batch)) WITHOUT ROWID;"
    "CREATE TABLE trace(id BLOB PRIMARY KEY, start_ns INTEGER, end_ns INTEGER, root_start_ns INTEGER,"
    " root_ns INTEGER, service TEXT, name TEXT, network_ns INTEGER, worst TEXT, worst_ns INTEGER,"
    " worst_usual_ns INTEGER) WITHOUT ROWID;"
    "CREATE INDEX trace_start ON trace(start_ns);"
    "CREATE TABLE network(trace BLOB, span BLOB, PRIMARY KEY(trace, span)) WITHOUT ROWID;"
    "CREATE TABLE exported(endpoint TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID;"
    "CREATE TABLE usual(key TEXT PRIMARY KEY, bytes BLOB) WITHOUT ROWID;"
    "CREATE TABLE instance(id TEXT);"
    "INSERT INTO instance VALUES('11111111-2222-3333-4444-555555555555');"
    "INSERT INTO usual VALUES('k', x'0102');"
    "INSERT INTO exported VALUES('http://a', 1);"
    "INSERT INTO trace VALUES(x'01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 5, 9, 5, 4, 'shop', 'GET', 3, 'r1', 2, 1);"
    "INSERT INTO network VALUES(x'01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', x'0202020202020202');"
    "INSERT INTO trace_batch VALUES(x'01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 2);"
    "PRAGMA application_id = 1752395886; PRAGMA user_version = 1";

static void old_store_write(const struct place *place, const char *path)
{
	struct span_list spans = { 0 };
	struct span_attrs resource = { 0 };
	sqlite3_stmt *stmt;
	uint8_t *otlp;
	sqlite3 *db;
	size_t len;

	(void)place;
	span_make(&spans, 1, 1, 0, 5, 9);
	assert_int_equal(otlp_encode(&spans, &resource, "1", &otlp, &len), 0);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, version_1, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO batch(otlp) VALUES(x''), (?1)", -1, &stmt, NULL),
			 SQLITE_OK);
	sqlite3_bind_blob(stmt, 1, otlp, (int)len, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	free(otlp);
	span_list_free(&spans);
}

static void upgrades(void **state)
{
	struct place *place = *state;
	struct span_list loaded = { 0 };
	struct store *store = NULL;
	struct store_dropped dropped = { 0 };
	struct store_trace row;
	char path[2 * PATH_SIZE], id[37];
	uint8_t trace_id[TRACE_ID_LEN], bytes[2];
	int64_t number;
	size_t len;

	snprintf(path, sizeof(path), "%s/old.db", place->folder);
	old_store_write(place, path);
	assert_int_equal(store_open(path, false, &store), -ENOTSUP); /* who only reads changes nothing */
	assert_non_null(strstr(store_error(NULL), "older"));
	if (store_open(path, true, &store))
		fail_msg("%s", store_error(NULL));
	assert_int_equal(store_instance_id(store, id), 0);
	assert_string_equal(id, "11111111-2222-3333-4444-555555555555");
	assert_int_equal(store_get_usual(store, "k", bytes, 2, &len), 1);
	assert_int_equal(store_exported(store, "http://a", &number), 0);
	assert_int_equal(number, 1);
	assert_int_equal(found(store, (struct store_search){ .service = "shop" }), 1);
	assert_int_equal(list(store, 1, list_first, &row), 1);
	assert_string_equal(row.name, "GET");
	assert_int_equal(row.network_ns, 3);
	assert_int_equal(row.queue_bytes, -1);
	assert_int_equal(store_find_trace(store, "01", trace_id), 1);
	assert_int_equal(store_load_trace(store, trace_id, &loaded), 0);
	assert_int_equal(loaded.count, 1);
	span_list_free(&loaded);
	assert_int_equal(store_keep(store, &(struct store_limits){ .age_ns = 3600000000000 }, time(NULL) * 1000000000,
				    NULL, 0, &dropped),
			 0);
	assert_int_equal(dropped.batches, 0); /* as old as the upgrade */
	four_add(store);
	assert_int_equal(found(store, (struct store_search){ .node = "r1" }), 1);
	store_close(store);
	store = NULL;
	assert_int_equal(store_open(path, false, &store), 0);
	store_close(store);
}

/* What a store of schema 2 has where it differs from what is made now: no lists in the rows of traces. */
static void back_to_2(const char *path)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db,
			 "INSERT INTO trace_batch SELECT number, 1 FROM trace;"
			 "INSERT INTO network SELECT number, network FROM trace WHERE length(network) = 8;"
			 "ALTER TABLE trace DROP COLUMN batches; ALTER TABLE trace DROP COLUMN network;"
			 "DROP TABLE trace_key; CREATE INDEX trace_last ON trace(last_batch);"
			 "PRAGMA user_version = 2",
			 NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* Its rows' lists stay in tables: all is found, and nothing counted twice. */
static void upgrades_2(void **state)
{
	struct place *place = *state;
	struct span_list spans = { 0 }, loaded = { 0 };
	struct store_trace row;

	transfer_make(&spans, 0x10, 400, "r1 eth1", 390, 190);
	batch_add(place->store, &spans, "network", "hopspan");
	store_close(place->store);
	place->store = NULL;
	back_to_2(place->path);
	assert_int_equal(store_open(place->path, false, &place->store), -ENOTSUP);
	assert_int_equal(store_open(place->path, true, &place->store), 0);
	transfer_make(&spans, 0x10, 400, "r1 eth1", 390, 190);
	batch_add(place->store, &spans, "network", "hopspan");
	transfer_make(&spans, 0x20, 60, "r9 eth2", 50, 10);
	batch_add(place->store, &spans, "network", "hopspan");
	assert_int_equal(list(place->store, 10, list_first, &row), 1);
	assert_int_equal(row.network_ns, 460);
	assert_int_equal(store_load_trace(place->store, row.trace_id, &loaded), 0);
	assert_int_equal(loaded.count, 4);
	span_list_free(&loaded);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(upgrades),
		TEST(upgrades_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
