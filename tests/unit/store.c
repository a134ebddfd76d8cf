/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The store: batches in and out, the index, rows, baselines, and files that are no store. */
#include "store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "otlp/otlp.h"
#include "place.h"

static int place_make(void **state)
{
	return place_make_at(state, "store", "a/b/store.db");
}

static void reopen(struct place *place)
{
	store_close(place->store);
	place->store = NULL;
	assert_int_equal(store_open(place->path, false, &place->store), 0);
}

/* Trace 01aa..., with the last octet of the ids as told. */
static struct span *span_make(struct span_list *spans, uint8_t trace, uint8_t id, uint8_t parent, int64_t start,
			      int64_t end)
{
	struct span *span = span_list_add(spans);

	memset(span->trace_id, 0xaa, TRACE_ID_LEN);
	span->trace_id[0] = trace;
	memset(span->id, id, SPAN_ID_LEN);
	memset(span->parent_id, parent, SPAN_ID_LEN);
	span->name = "span";
	span->start_unix_ns = start;
	span->end_unix_ns = end;
	return span;
}

static void spans_name(struct span_list *spans, const char *service, const char *scope)
{
	for (size_t i = 0; i < spans->count; i++) {
		spans->spans[i].service = service;
		spans->spans[i].scope = scope;
	}
}

/* Adds the spans as a batch and empties the list. */
static void batch_add(struct store *store, struct span_list *spans, const char *service, const char *scope)
{
	struct span_attrs resource = { 0 };
	uint8_t *otlp;
	size_t len;

	spans_name(spans, service, scope);
	attr_string(&spans->arena, &resource, "service.name", service);
	assert_int_equal(otlp_encode(spans, &resource, "1", &otlp, &len), 0);
	assert_int_equal(store_add(store, otlp, len, spans), 0);
	free(otlp);
	span_list_free(spans);
}

static int list_first(const struct store_trace *trace, void *arg)
{
	*(struct store_trace *)arg = *trace;
	return 1;
}

static int list_count(const struct store_trace *trace, void *arg)
{
	(void)trace;
	++*(int *)arg;
	return 0;
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

static void transfer_make(struct span_list *spans, uint8_t id, int64_t duration_ns, const char *worst, int64_t worst_ns,
			  int64_t usual_ns)
{
	struct span *span = span_make(spans, 1, id, 2, 1000, 1000 + duration_ns);

	attr_string(&spans->arena, &span->attrs, "hopspan.kind", "transfer");
	attr_int(&spans->arena, &span->attrs, "hopspan.usual_ns", 5);
	attr_string(&spans->arena, &span->attrs, "hopspan.worst", worst);
	attr_int(&spans->arena, &span->attrs, "hopspan.worst_ns", worst_ns);
	span = span_make(spans, 1, id + 1, id, 1000, 1000 + worst_ns);
	span->name = worst;
	attr_string(&spans->arena, &span->attrs, "hopspan.kind", "node");
	attr_int(&spans->arena, &span->attrs, "hopspan.usual_ns", usual_ns);
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
		assert_int_equal(store_list(place->store, 10, list_first, &row), 1);
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
	assert_int_equal(store_list(place->store, 10, list_first, &row), 1);
	assert_string_equal(row.service, "shop");
	assert_string_equal(row.name, "GET /checkout");
	assert_int_equal(row.start_unix_ns, 900);
	assert_int_equal(row.duration_ns, 700);
	assert_int_equal(row.network_ns, 460);
	assert_string_equal(row.worst, "r1 eth1");

	span = span_make(&spans, 1, 0x30, 2, 1000, 1300);
	attr_string(&spans.arena, &span->attrs, "hopspan.kind", "retransmission");
	batch_add(place->store, &spans, "network", "hopspan");
	assert_int_equal(store_list(place->store, 10, list_first, &row), 1);
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
	assert_int_equal(store_list(place->store, 10, list_first, &row), 1);
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
	assert_int_equal(store_list(place->store, 10, list_first, &row), 1);
	assert_int_equal(row.trace_id[0], 2);
	assert_int_equal(strlen(row.name), 126);
	assert_int_equal(store_list(place->store, 2, list_count, &count), 0);
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
	assert_int_equal(store_list(place->store, 1, list_first, &row), 1);
	assert_int_equal(row.network_ns, INT64_MAX);
	assert_int_equal(row.duration_ns, 0);
	assert_int_equal(row.worst_ns, 0);
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
			error = store_list(place->store, 100, list_count, &count);
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

static void check_finds_trouble(void **state)
{
	static const uint8_t large[1 << 20];
	const struct span_list none = { 0 };
	struct place *place = *state;
	char moved[PATH_SIZE + 8];
	uint64_t bytes = store_bytes(place->store);
	sqlite3 *db;

	assert_int_equal(store_check(place->store), 0);
	assert_true(store_bytes(place->store) > bytes); /* it has written indeed */
	assert_int_equal(store_check(place->store), 0);
	assert_int_equal(store_add(place->store, large, sizeof(large), &none), 0);
	assert_true(store_bytes(place->store) >= bytes + sizeof(large));

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(survives_reopen),	       TEST(batches_in_order), TEST(prefixes),
		TEST(load_without_duplicates), TEST(list_row),	       TEST(list_ignores_others),
		TEST(list_newest_first),       TEST(extreme_times),    TEST(usual_kept),
		TEST(all_or_nothing),	       TEST(not_a_store),      TEST(damaged_file),
		TEST(several_processes),       TEST(queue_counts),     TEST(check_finds_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
