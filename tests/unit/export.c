/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The exporter with a destination that answers when and how a test says: what is sent, again, in pieces, and the
 * cursor. */
#include "otlp/export.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "otlp/cut.h"
#include "otlp/otlp.h"
#include "place.h"

#define KEY "told"

enum { WINDOW = 4, SENT_MAX = 256, WAIT_S = 30, SPANS_MAX = 1024 };

/* A copy of what was sent. */
struct sent {
	uint8_t *otlp;
	size_t len;
};

/* Its destination is the exporter's; all else outlives it. */
struct told {
	struct destination *destination;
	pthread_mutex_t lock;  /* of what follows */
	bool holds;	       /* answers only what answer() says */
	size_t takes_max;      /* octets */
	unsigned int refusals; /* to come: the next ones are to be sent again */
	struct message *open[WINDOW];
	struct sent sent[SENT_MAX];
	unsigned int sent_count, delivered;
};

static struct told told;

static int place_make(void **state)
{
	return place_make_at(state, "export", "store.db");
}

static void message_answer(struct message *message, enum delivery delivery)
{
	message->delivery = delivery;
	told.delivered += delivery == DELIVERY_DONE;
	if (delivery != DELIVERY_DONE)
		snprintf(message->error, sizeof(message->error), "as the test says");
}

static void told_send(struct destination *destination, struct message *message)
{
	(void)destination;
	pthread_mutex_lock(&told.lock);
	assert_true(told.sent_count < SENT_MAX);
	told.sent[told.sent_count].otlp = malloc(message->len);
	memcpy(told.sent[told.sent_count].otlp, message->otlp, message->len);
	told.sent[told.sent_count++].len = message->len;
	for (int i = 0; told.holds && i < WINDOW; i++)
		if (!told.open[i]) {
			told.open[i] = message;
			message = NULL;
			break;
		}
	if (message && message->len > told.takes_max)
		message_answer(message, DELIVERY_TOO_LARGE);
	else if (message)
		message_answer(message, told.refusals && told.refusals-- ? DELIVERY_AGAIN : DELIVERY_DONE);
	pthread_mutex_unlock(&told.lock);
}

static void told_wait(struct destination *destination, int ms)
{
	(void)destination;
	usleep(ms > 5 ? 5000 : 0);
}

static const char *told_trouble(struct destination *destination)
{
	(void)destination;
	return NULL;
}

static void told_free(struct destination *destination)
{
	free(destination->name);
	free(destination->key);
	free(destination);
}

static void told_begin(void)
{
	memset(&told, 0, sizeof(told));
	pthread_mutex_init(&told.lock, NULL);
	told.takes_max = SIZE_MAX;
}

static void told_end(void)
{
	for (unsigned int i = 0; i < told.sent_count; i++)
		free(told.sent[i].otlp);
}

static struct export *told_start(const char *store_path, bool joins, size_t message_max)
{
	struct destination *destination = calloc(1, sizeof(*destination));
	struct export *export;

	*destination = (struct destination){ .name = strdup("the test's"),
					     .key = strdup(KEY),
					     .message_max = message_max,
					     .under_way_max = WINDOW,
					     .joins = joins,
					     .send = told_send,
					     .wait = told_wait,
					     .trouble = told_trouble,
					     .free = told_free };
	assert_int_equal(export_start(destination, store_path, &export), 0);
	return export;
}

/* A batch of `count` spans; trace `first` and those that follow. */
static void batch_add(struct store *store, int first, int count)
{
	struct span_list spans = { 0 };
	struct span_attrs resource = { 0 };
	uint8_t *otlp;
	size_t len;

	attr_string(&spans.arena, &resource, "service.name", "shop");
	for (int i = first; i < first + count; i++) {
		struct span *span = span_list_add(&spans);

		span->trace_id[0] = (uint8_t)(1 + i / 256);
		span->trace_id[1] = (uint8_t)i;
		span->id[0] = 1;
		span->name = "GET";
	}
	assert_int_equal(otlp_encode(&spans, &resource, "1", &otlp, &len), 0);
	assert_int_equal(store_add(store, otlp, len, &spans), 0);
	free(otlp);
	span_list_free(&spans);
}

static bool within(bool (*is)(const void *arg), const void *arg)
{
	time_t end = time(NULL) + WAIT_S;

	while (!is(arg)) {
		if (time(NULL) >= end)
			return false;
		usleep(2000);
	}
	return true;
}

static bool sent_enough(const void *arg)
{
	bool is;

	pthread_mutex_lock(&told.lock);
	is = told.sent_count >= *(const unsigned int *)arg;
	pthread_mutex_unlock(&told.lock);
	return is;
}

struct cursor {
	struct store *store;
	int64_t number;
};

static bool cursor_there(const void *arg)
{
	const struct cursor *cursor = arg;
	int64_t number;

	assert_int_equal(store_exported(cursor->store, KEY, &number), 0);
	return number == cursor->number;
}

static void assert_cursor(struct place *place, int64_t number)
{
	assert_true(within(cursor_there, &(struct cursor){ place->store, number }));
}

/* Message `i` of those that are held. */
static void answer(unsigned int i, enum delivery delivery)
{
	pthread_mutex_lock(&told.lock);
	assert_non_null(told.open[i]);
	message_answer(told.open[i], delivery);
	told.open[i] = NULL;
	pthread_mutex_unlock(&told.lock);
}

static void assert_sent(unsigned int count)
{
	assert_true(within(sent_enough, &count));
	assert_int_equal(told.sent_count, count);
}

/* Reports come in any order; the cursor stops before what has none, and that alone is sent after a restart. */
static void cursor_waits_for_the_first(void **state)
{
	struct place *place = *state;
	struct export *export;

	told_begin();
	told.holds = true;
	for (int i = 0; i < WINDOW + 2; i++)
		batch_add(place->store, i, 1);
	export = told_start(place->path, false, 4096);
	assert_sent(WINDOW);
	answer(1, DELIVERY_DONE);
	answer(2, DELIVERY_DONE);
	assert_sent(WINDOW + 2);
	assert_cursor(place, 0);
	answer(0, DELIVERY_DONE);
	assert_cursor(place, 3);
	export_stop(export, 0);
	assert_cursor(place, 3);

	memset(told.open, 0, sizeof(told.open));
	told.holds = false;
	export = told_start(place->path, false, 4096);
	assert_cursor(place, WINDOW + 2);
	export_stop(export, WAIT_S * 1000);
	assert_int_equal(told.sent_count, WINDOW + 2 + 3);
	assert_memory_equal(told.sent[WINDOW + 2].otlp, told.sent[3].otlp, told.sent[3].len);
	told_end();
}

/* Of what was sent and taken from message `first` on: each span once. */
static void assert_delivered(unsigned int first, int count)
{
	struct span_list spans = { 0 };
	bool seen[SPANS_MAX] = { false };

	for (unsigned int i = first; i < told.sent_count; i++)
		if (told.sent[i].len <= told.takes_max)
			assert_int_equal(otlp_decode(told.sent[i].otlp, told.sent[i].len, &spans), 0);
	assert_int_equal(spans.count, count);
	for (int i = 0; i < count; i++) {
		const uint8_t *id = spans.spans[i].trace_id;
		int number = (id[0] - 1) * 256 + id[1];

		assert_in_range(number, 0, count - 1);
		assert_false(seen[number]);
		seen[number] = true;
	}
	span_list_free(&spans);
}

static void batches_join(void **state)
{
	enum { COUNT = 100, MAX = 1000 };
	struct place *place = *state;
	struct export *export;
	struct export_counts counts;

	told_begin();
	for (int i = 0; i < COUNT; i++)
		batch_add(place->store, i, 1);
	export = told_start(place->path, true, MAX);
	assert_cursor(place, COUNT);
	export_counts(export, &counts);
	export_stop(export, 0);
	for (unsigned int i = 0; i + 1 < told.sent_count; i++)
		assert_in_range(told.sent[i].len, MAX * 3 / 4, MAX);
	assert_delivered(0, COUNT);
	assert_int_equal(counts.batches, told.sent_count);
	assert_int_equal(counts.spans, COUNT);
	told_end();
}

/* A batch that is longer than a message may be, between others. */
static void batch_in_pieces(void **state)
{
	enum { COUNT = 300, MAX = 2000 };
	struct place *place = *state;
	struct export *export;

	told_begin();
	batch_add(place->store, 0, 2);
	batch_add(place->store, 2, COUNT - 4);
	batch_add(place->store, COUNT - 2, 2);
	export = told_start(place->path, true, MAX);
	assert_cursor(place, 3);
	export_stop(export, 0);
	for (unsigned int i = 0; i < told.sent_count; i++)
		assert_in_range(told.sent[i].len, 1, MAX);
	assert_delivered(0, COUNT);
	told_end();
}

/* The other side takes less than it was thought to: halves, until they fit, and no whole ones any more. */
static void smaller_when_told(void **state)
{
	enum { COUNT = 1000, TAKES = 9000 };
	struct place *place = *state;
	struct export *export;
	struct export_counts counts;
	unsigned int sent;

	told_begin();
	told.takes_max = TAKES;
	batch_add(place->store, 0, COUNT);
	export = told_start(place->path, true, 1 << 20);
	assert_cursor(place, 1);
	assert_delivered(0, COUNT);
	sent = told.sent_count;
	batch_add(place->store, 0, COUNT);
	assert_cursor(place, 2);
	export_counts(export, &counts);
	export_stop(export, 0);
	for (unsigned int i = sent; i < told.sent_count; i++)
		assert_in_range(told.sent[i].len, 1, TAKES);
	assert_delivered(sent, COUNT);
	assert_int_equal(counts.rejected_spans, 0);
	assert_int_equal(counts.spans, 2 * COUNT);
	told_end();
}

/* One span that nobody takes: counted, and the others go. */
static void too_large_for_all(void **state)
{
	struct place *place = *state;
	struct export *export;
	struct export_counts counts;
	unsigned int sent = 3;

	told_begin();
	told.takes_max = 0;
	batch_add(place->store, 0, 2);
	export = told_start(place->path, true, 1 << 20);
	assert_cursor(place, 1);
	assert_int_equal(told.sent_count, sent);
	pthread_mutex_lock(&told.lock);
	told.takes_max = SIZE_MAX;
	pthread_mutex_unlock(&told.lock);
	batch_add(place->store, 2, 1);
	assert_cursor(place, 2);
	export_counts(export, &counts);
	assert_int_equal(counts.rejected_spans, 2);
	assert_int_equal(counts.spans, 1);
	export_stop(export, 0);

	export = told_start(place->path, true, 20); /* not even to be sent */
	batch_add(place->store, 3, 5);
	assert_cursor(place, 3);
	export_counts(export, &counts);
	assert_int_equal(counts.rejected_spans, 5);
	export_stop(export, 0);
	told_end();
}

/* Refused for now: the same octets again, while the others go on. */
static void again(void **state)
{
	struct place *place = *state;
	struct export *export;
	struct export_counts counts;
	char error[EXPORT_ERROR_SIZE];

	told_begin();
	told.refusals = 1;
	batch_add(place->store, 0, 1);
	batch_add(place->store, 1, 1);
	export = told_start(place->path, false, 4096);
	assert_cursor(place, 2);
	export_counts(export, &counts);
	export_error(export, error);
	export_stop(export, 0);
	assert_string_equal(error, "");
	assert_int_equal(told.sent_count, 3);
	assert_int_equal(told.sent[2].len, told.sent[0].len);
	assert_memory_equal(told.sent[2].otlp, told.sent[0].otlp, told.sent[0].len);
	assert_int_equal(counts.retries, 1);
	assert_int_equal(counts.batches, 2);
	told_end();
}

/* Told to stop while all that may be under way waits to be sent again: that is sent, and what is behind it, too. */
static void stop_sends_all(void **state)
{
	struct place *place = *state;
	struct export *export;

	told_begin();
	told.refusals = WINDOW;
	for (int i = 0; i < WINDOW + 3; i++)
		batch_add(place->store, i, 1);
	export = told_start(place->path, false, 4096);
	assert_true(within(sent_enough, &(unsigned int){ WINDOW }));
	export_stop(export, WAIT_S * 1000);
	assert_cursor(place, WINDOW + 3);
	assert_int_equal(told.delivered, WINDOW + 3);
	told_end();
}

/* What has left the store before its turn. */
static void missing_batches(void **state)
{
	struct place *place = *state;
	struct export *export;
	struct export_counts counts;
	sqlite3 *db;

	told_begin();
	batch_add(place->store, 0, 1);
	export = told_start(place->path, false, 4096);
	assert_cursor(place, 1);
	export_stop(export, WAIT_S * 1000);
	for (int i = 1; i < 5; i++)
		batch_add(place->store, i, 1);
	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DELETE FROM batch WHERE number < 4", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	export = told_start(place->path, false, 4096);
	assert_cursor(place, 5);
	export_counts(export, &counts);
	export_stop(export, 0);
	assert_int_equal(counts.dropped_batches, 2);
	assert_int_equal(counts.batches, 2);
	told_end();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)
	const struct CMUnitTest tests[] = {
		TEST(cursor_waits_for_the_first), TEST(batches_join), TEST(batch_in_pieces), TEST(smaller_when_told),
		TEST(too_large_for_all),	  TEST(again),	      TEST(stop_sends_all),  TEST(missing_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
