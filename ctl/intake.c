/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Parents of network spans, and a queue on disk of what other collectors pass on. */
#include "intake.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "otlp/otlp.h"
#include "spans/attribute.h"

/* The queue's reader, as the store knows those who have had its batches. */
#define READER "collect"

enum { BATCHES_AT_ONCE = 256, TRIM_BATCHES = 256 };

#define DONE_KEPT_NS 1000000000LL

struct parent {
	uint8_t trace_id[TRACE_ID_LEN], id[SPAN_ID_LEN];
	int64_t start_unix_ns, end_unix_ns;
};

struct intake {
	pthread_mutex_t lock; /* of what the doors write */
	struct parent *parents;
	unsigned int parent_count;
	struct store *in;
	/* The reader's own. */
	char *path;
	struct store *out;
	int64_t read, done, kept; /* numbers of batches; kept: from which on they are still in the file */
	struct intake_counts counts;
};

/* Nothing is left in it: a new file is smaller. */
static void queue_clear(const char *path)
{
	struct store *queue;
	uint64_t batches = 1;

	if (store_open(path, false, &queue))
		return;
	if (store_queue(queue, READER, &batches))
		batches = 1;
	store_close(queue);
	if (batches == 0)
		unlink(path);
}

static int queue_open(struct intake *intake)
{
	int error;

	queue_clear(intake->path);
	error = store_open(intake->path, true, &intake->in);
	if (!error)
		error = store_open(intake->path, true, &intake->out);
	if (error) {
		fprintf(stderr, "hopspan collect: %s: %s\n", intake->path, store_error(NULL));
		return error;
	}
	error = store_exported(intake->out, READER, &intake->done);
	intake->read = intake->kept = intake->done;
	return error;
}

int intake_new(const char *store_path, struct intake **out)
{
	struct intake *intake = calloc(1, sizeof(*intake));
	int error;

	if (!intake || asprintf(&intake->path, "%s.passed", store_path) < 0) {
		free(intake);
		return -ENOMEM;
	}
	pthread_mutex_init(&intake->lock, NULL);
	error = queue_open(intake);
	if (error)
		intake_free(intake);
	else
		*out = intake;
	return error;
}

void intake_free(struct intake *intake)
{
	if (!intake)
		return;
	store_close(intake->in);
	store_close(intake->out);
	pthread_mutex_destroy(&intake->lock);
	free(intake->parents);
	free(intake->path);
	free(intake);
}

static bool is_passed_on(const struct span_list *spans)
{
	for (size_t i = 0; i < spans->count; i++)
		if (attr_find(&spans->spans[i].attrs, attributes[AT_records].key))
			return true;
	return false;
}

static void parents_put(struct intake *intake, const struct span_list *spans)
{
	if (!intake->parents)
		intake->parents = calloc(INTAKE_PARENTS_MAX, sizeof(intake->parents[0]));
	for (size_t i = 0; intake->parents && i < spans->count && intake->parent_count < INTAKE_PARENTS_MAX; i++) {
		struct parent *parent = &intake->parents[intake->parent_count];
		const struct span *span = &spans->spans[i];

		if (strcmp(span->scope, "hopspan") == 0)
			continue;
		memcpy(parent->trace_id, span->trace_id, TRACE_ID_LEN);
		memcpy(parent->id, span->id, SPAN_ID_LEN);
		parent->start_unix_ns = span->start_unix_ns;
		parent->end_unix_ns = span->end_unix_ns;
		intake->parent_count++;
	}
}

int intake_look(const struct span_list *spans, const uint8_t *otlp, size_t len, void *arg)
{
	static const struct span_list none;
	struct intake *intake = arg;
	int taken = 0;

	pthread_mutex_lock(&intake->lock);
	parents_put(intake, spans);
	if (is_passed_on(spans)) {
		taken = store_add(intake->in, otlp, len, &none);
		taken = taken ? taken : 1;
	}
	pthread_mutex_unlock(&intake->lock);
	return taken;
}

static void parents_read(struct intake *intake, struct transfers *transfers)
{
	struct parent *parents;
	unsigned int count;

	pthread_mutex_lock(&intake->lock);
	parents = intake->parents;
	count = intake->parent_count;
	intake->parents = NULL;
	intake->parent_count = 0;
	pthread_mutex_unlock(&intake->lock);
	for (unsigned int i = 0; i < count; i++) {
		struct span span = { .start_unix_ns = parents[i].start_unix_ns, .end_unix_ns = parents[i].end_unix_ns };

		memcpy(span.trace_id, parents[i].trace_id, TRACE_ID_LEN);
		memcpy(span.id, parents[i].id, SPAN_ID_LEN);
		transfers_add_parent(transfers, &span);
	}
	free(parents);
}

/* Is it one that is drawn again from the packets of its transfer? */
static bool is_drawn_again(const struct span *span)
{
	const char *kind = attr_get_string(&span->attrs, attributes[AT_kind].key, "retransmission");

	return strcmp(span->scope, "hopspan") == 0 && strcmp(kind, "retransmission") != 0;
}

/* All else that came in the same batch: a collector between may have joined them. */
static int others_store(const uint8_t *otlp, size_t len, const struct span_list *spans, struct store *store)
{
	struct span_list others = { 0 };
	size_t count = 0, rest_len;
	uint8_t *rest;
	int error;

	for (size_t i = 0; i < spans->count; i++)
		count += !is_drawn_again(&spans->spans[i]);
	if (!count)
		return 0;
	error = otlp_without(otlp, len, spans, is_drawn_again, &rest, &rest_len);
	if (error)
		return error;
	error = otlp_decode(rest, rest_len, &others);
	if (!error)
		error = store_add(store, rest, rest_len, &others);
	span_list_free(&others);
	free(rest);
	return error;
}

static void batch_take(struct intake *intake, struct transfers *transfers, const struct span_list *spans,
		       int64_t number, int64_t now_unix_ns)
{
	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->spans[i];

		if (!is_drawn_again(span))
			continue;
		if (!attr_find(&span->attrs, attributes[AT_records].key))
			transfers_add_usual(transfers, span);
		else if (transfers_add_passed(transfers, span, number, now_unix_ns))
			intake->counts.bad_spans++;
	}
	intake->counts.batches++;
}

int intake_read(struct intake *intake, struct transfers *transfers, struct store *store, int64_t now_unix_ns)
{
	int got = 0, error = 0;

	parents_read(intake, transfers);
	for (int i = 0; !error && i < BATCHES_AT_ONCE; i++) {
		struct span_list spans = { 0 };
		int64_t number;
		uint8_t *otlp;
		size_t len;

		got = store_next_batch(intake->out, intake->read, &number, &otlp, &len);
		if (got <= 0)
			return got;
		error = otlp_decode(otlp, len, &spans);
		if (!error)
			error = others_store(otlp, len, &spans, store);
		if (!error) {
			batch_take(intake, transfers, &spans, number, now_unix_ns);
			intake->read = number;
		}
		span_list_free(&spans);
		free(otlp);
	}
	return error;
}

/* What is done is deleted, many batches at once. */
static void queue_trim(struct intake *intake, int64_t now_unix_ns)
{
	static const struct store_limits limits = { .age_ns = DONE_KEPT_NS };
	static const char *const readers[] = { READER };
	struct store_dropped dropped = { 0 };

	if (intake->done - intake->kept < TRIM_BATCHES)
		return;
	store_keep(intake->out, &limits, now_unix_ns, readers, 1, &dropped);
	intake->kept = intake->done;
}

void intake_done(struct intake *intake, const struct transfers *transfers, int64_t now_unix_ns)
{
	int64_t done = transfers_passed(transfers);

	if (done > intake->done && !store_set_exported(intake->out, READER, done))
		intake->done = done;
	queue_trim(intake, now_unix_ns);
}

void intake_count(const struct intake *intake, struct intake_counts *counts)
{
	*counts = intake->counts;
}
