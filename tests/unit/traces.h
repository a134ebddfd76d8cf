/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Ground under the tests of the store: spans, batches of them, and what is found. Include after cmocka.h. */
#ifndef HOPSPAN_UNIT_TRACES_H
#define HOPSPAN_UNIT_TRACES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "otlp/otlp.h"
#include "place.h"

static inline void reopen(struct place *place)
{
	store_close(place->store);
	place->store = NULL;
	assert_int_equal(store_open(place->path, false, &place->store), 0);
}

/* Trace 01aa..., with the last octet of the ids as told. */
static inline struct span *span_make(struct span_list *spans, uint8_t trace, uint8_t id, uint8_t parent, int64_t start,
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

static inline void spans_name(struct span_list *spans, const char *service, const char *scope)
{
	for (size_t i = 0; i < spans->count; i++) {
		spans->spans[i].service = service;
		spans->spans[i].scope = scope;
	}
}

/* Adds the spans as a batch and empties the list. */
static inline void batch_add(struct store *store, struct span_list *spans, const char *service, const char *scope)
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
static inline char *noise_make(size_t len)
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

/* Of trace 1, with the node that it says is the worst, whose span has the next id. */
static inline void transfer_make(struct span_list *spans, uint8_t id, int64_t duration_ns, const char *worst,
				 int64_t worst_ns, int64_t usual_ns)
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

/* For the list: a copy of its first row; how many it has. */
static inline int list_first(const struct store_trace *trace, void *arg)
{
	*(struct store_trace *)arg = *trace;
	return 1;
}

static inline int list_count(const struct store_trace *trace, void *arg)
{
	(void)trace;
	++*(int *)arg;
	return 0;
}

static inline int list(struct store *store, int limit, int (*row)(const struct store_trace *trace, void *arg),
		       void *arg)
{
	return store_list(store, &(struct store_search){ .limit = limit }, row, arg);
}

/* Traces 1 to 4, each two spans of 10 ms: an application's, and a stay in node rN whose queue has N * 1000 octets. */
static inline void four_add(struct store *store)
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

/* How many a search finds. */
static inline int found(struct store *store, struct store_search search)
{
	int count = 0;

	search.limit = 100;
	assert_int_equal(store_list(store, &search, list_count, &count), 0);
	return count;
}

/* Sends on all that waits for `endpoint`: batches. */
static inline uint64_t take_all(struct store *store, const char *endpoint)
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

#endif
