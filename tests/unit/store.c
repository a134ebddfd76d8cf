/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The store: batches in and out, the index, rows, baselines, and files that are no store. */
#include "store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
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

/* Text that cannot be packed to much less: `len` characters and a zero. */
static char *noise_make(size_t len)
{
	char *text = malloc(len + 1);
	uint64_t word = 1;

	for (size_t i = 0; i < len; i++) {
		word = word * 6364136223846793005 + 1442695040888963407;
		text[i] = (char)('0' + (word >> 58));
	}
	text[len] = 0;
	return text;
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

static int list(struct store *store, int limit, int (*row)(const struct store_trace *trace, void *arg), void *arg)
{
	return store_list(store, &(struct store_search){ .limit = limit }, row, arg);
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

/* Traces 1 to 4, each two spans of 10 ms: an application's, and a stay in node rN whose queue has N * 1000 octets. */
static void four_add(struct store *store)
{
	const int64_t ms = 1000000;

	for (uint8_t i = 1; i <= 4; i++) {
		struct span_list spans = { 0 };
		struct span *span;
		char name[8];

		span_make(&spans, i, 1, 0, 1000 * ms * i, 1000 * ms * i + 10 * ms * i);
		batch_add(store, &spans, i % 2 ? "odd" : "even", "app");
		span = span_make(&spans, i, 2, 1, 1000 * ms * i, 1000 * ms * i + ms);
		snprintf(name, sizeof(name), "r%d", i);
		attr_string(&spans.arena, &span->attrs, "hopspan.node", arena_strdup(&spans.arena, name));
		attr_int(&spans.arena, &span->attrs, "hopspan.queue_bytes", 1000 * i);
		span = span_make(&spans, i, 3, 1, 1000 * ms * i, 1000 * ms * i + ms);
		attr_string(&spans.arena, &span->attrs, "hopspan.node", "r");
		batch_add(store, &spans, "network", "hopspan");
	}
}

static int found(struct store *store, struct store_search search)
{
	int count = 0;

	search.limit = 100;
	assert_int_equal(store_list(store, &search, list_count, &count), 0);
	return count;
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

static uint64_t take_all(struct store *store, const char *endpoint)
{
	struct store_taken taken;
	uint64_t batches = 0;
	int64_t number;

	assert_int_equal(store_exported(store, endpoint, &number), 0);
	while (store_take(store, number, 100, 1 << 20, &taken) == 1) {
		batches += taken.batches;
		assert_true(taken.number > number);
		number = taken.number;
		free(taken.otlp);
	}
	assert_int_equal(store_set_exported(store, endpoint, number), 0);
	return batches;
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
		TEST(survives_reopen),
		TEST(batches_in_order),
		TEST(prefixes),
		TEST(load_without_duplicates),
		TEST(list_row),
		TEST(list_ignores_others),
		TEST(list_newest_first),
		TEST(extreme_times),
		TEST(usual_kept),
		TEST(all_or_nothing),
		TEST(not_a_store),
		TEST(damaged_file),
		TEST(several_processes),
		TEST(queue_counts),
		TEST(check_finds_trouble),
		TEST(searches),
		TEST(long_lists),
		TEST(keeps_within_limits),
		TEST(takes_what_fits),
		TEST(upgrades),
		TEST(upgrades_2),
		TEST(lists_beyond_the_row),
		TEST(batches_together),
		TEST(damaged_batch),
		TEST(damaged_set_aside),
		TEST(removed_while_used),
		TEST(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
