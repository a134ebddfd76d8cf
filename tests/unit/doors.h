/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ground under the tests of the doors: requests of one span, and a door that is open. Include after cmocka.h.
 */
#ifndef HOPSPAN_UNIT_DOORS_H
#define HOPSPAN_UNIT_DOORS_H

#include <stdint.h>
#include <string.h>

#include "otlp/otlp.h"
#include "otlp/receive.h"
#include "place.h"

enum { URL_SIZE = 96, BODY_SIZE = 4096, WAIT_S = 30 };

/* A request of one span, with ids and times of `trace`. `spans` gets it, too. */
static inline void otlp_make(uint8_t trace, const char *name, uint8_t **otlp, size_t *len, struct span_list *spans)
{
	struct span_attrs resource = { 0 };
	struct span *span = span_list_add(spans);

	memset(span->trace_id, trace, TRACE_ID_LEN);
	memset(span->id, trace, SPAN_ID_LEN);
	span->name = name;
	span->start_unix_ns = trace;
	span->end_unix_ns = 2 * trace;
	attr_string(&spans->arena, &resource, "service.name", "shop");
	assert_int_equal(otlp_encode(spans, &resource, "1", otlp, len), 0);
}

static inline void batch_add(struct store *store, uint8_t trace)
{
	struct span_list spans = { 0 };
	uint8_t *otlp;
	size_t len;

	otlp_make(trace, "GET", &otlp, &len, &spans);
	assert_int_equal(store_add(store, otlp, len, &spans), 0);
	free(otlp);
	span_list_free(&spans);
}

static inline struct receive *receive_open(const struct place *place)
{
	struct receive *receive;

	assert_int_equal(receive_start("127.0.0.1:0", place->path, NULL, &receive), 0);
	assert_true(receive_port(receive) != 0);
	return receive;
}

/* The next batch after `*after`. */
static inline void assert_batch(struct store *store, int64_t *after, const uint8_t *expected, size_t expected_len)
{
	uint8_t *otlp;
	size_t len;

	assert_int_equal(store_next_batch(store, *after, after, &otlp, &len), 1);
	assert_int_equal(len, expected_len);
	assert_memory_equal(otlp, expected, len);
	free(otlp);
}

#endif
