/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Requests in pieces: each span once, in order, under its own resource and scope, with what OTLP does not know. */
#include "otlp/cut.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "otlp/otlp.h"

enum { RESOURCES = 5, SPANS = 7, TEXT = 300 };

/* "added in 2030": field 1000 of a ResourceSpans, of which this program knows nothing. */
static const uint8_t unknown[] = { 0xc2, 0x3e, 5, 'f', 'u', 't', 'u', 'r' };

struct request {
	uint8_t *otlp;
	size_t len, count, max;
};

static int request_append(uint8_t *otlp, size_t len, void *arg)
{
	struct request *all = arg;

	assert_true(len <= all->max);
	all->otlp = realloc(all->otlp, all->len + len);
	memcpy(all->otlp + all->len, otlp, len);
	all->len += len;
	all->count++;
	free(otlp);
	return 0;
}

/* One resource, its spans of lengths that differ; `id` is the first one's. */
static void resource_make(struct request *request, uint8_t id)
{
	struct span_list spans = { 0 };
	struct span_attrs resource = { 0 };
	uint8_t *otlp;
	size_t len;

	attr_string(&spans.arena, &resource, "service.name", arena_printf(&spans.arena, "service %d", id));
	for (int i = 0; i < SPANS; i++) {
		struct span *span = span_list_add(&spans);

		memset(span->trace_id, 1, TRACE_ID_LEN);
		memset(span->id, id + i, SPAN_ID_LEN);
		span->name = arena_printf(&spans.arena, "%*d", 1 + (id * 37 + i * 61) % TEXT, i);
	}
	assert_int_equal(otlp_encode(&spans, &resource, "1", &otlp, &len), 0);
	request_append(otlp, len, request);
	span_list_free(&spans);
}

static void request_make(struct request *request)
{
	*request = (struct request){ .max = SIZE_MAX };
	for (int i = 0; i < RESOURCES; i++)
		resource_make(request, (uint8_t)(1 + i * SPANS));
}

static void assert_same_spans(const struct span_list *a, const struct span_list *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_memory_equal(a->spans[i].id, b->spans[i].id, SPAN_ID_LEN);
		assert_string_equal(a->spans[i].name, b->spans[i].name);
		assert_string_equal(a->spans[i].service, b->spans[i].service);
		assert_string_equal(a->spans[i].scope, b->spans[i].scope);
	}
}

/* At any size that the longest span fits in; the pieces one after the other are a request again. */
static void pieces_are_the_whole(void **state)
{
	struct request whole, pieces;
	struct span_list before = { 0 };

	(void)state;
	request_make(&whole);
	assert_int_equal(otlp_decode(whole.otlp, whole.len, &before), 0);
	assert_int_equal(otlp_span_count(whole.otlp, whole.len), RESOURCES * SPANS);
	for (size_t max = 600; max < whole.len + 600; max += 13) {
		struct span_list after = { 0 };
		uint64_t too_large = 1;

		pieces = (struct request){ .max = max };
		assert_int_equal(otlp_cut(whole.otlp, whole.len, max, request_append, &pieces, &too_large), 0);
		assert_int_equal(too_large, 0);
		assert_int_equal(otlp_span_count(pieces.otlp, pieces.len), RESOURCES * SPANS);
		assert_int_equal(otlp_decode(pieces.otlp, pieces.len, &after), 0);
		assert_same_spans(&before, &after);
		/* no more of them than twice what must be */
		assert_true(pieces.count <= 2 * (whole.len / max + 1));
		span_list_free(&after);
		free(pieces.otlp);
	}
	span_list_free(&before);
	free(whole.otlp);
}

static void too_large_spans(void **state)
{
	struct request whole, pieces = { .max = 250 };
	uint64_t too_large;

	(void)state;
	request_make(&whole);
	assert_int_equal(otlp_cut(whole.otlp, whole.len, pieces.max, request_append, &pieces, &too_large), 0);
	assert_true(too_large > 0 && too_large < RESOURCES * SPANS);
	assert_int_equal(otlp_span_count(pieces.otlp, pieces.len), RESOURCES * SPANS - too_large);
	free(pieces.otlp);
	pieces = (struct request){ .max = 1 };
	assert_int_equal(otlp_cut(whole.otlp, whole.len, pieces.max, request_append, &pieces, &too_large), 0);
	assert_int_equal(too_large, RESOURCES * SPANS);
	assert_int_equal(pieces.count, 0);
	free(whole.otlp);
}

static size_t occurrences(const struct request *request, const uint8_t *what, size_t len)
{
	size_t count = 0;

	for (const uint8_t *at = request->otlp;
	     (at = memmem(at, request->len - (size_t)(at - request->otlp), what, len)); at += len)
		count++;
	return count;
}

/* A resource with a field that is not ours, in front of its scopes. */
static void unknown_fields(void **state)
{
	struct request known = { .max = SIZE_MAX }, whole = { .max = SIZE_MAX }, pieces = { .max = 700 };
	uint64_t too_large;
	size_t content, prefix = 3;
	uint8_t *otlp;

	(void)state;
	resource_make(&known, 1);
	/* key, and a length of two octets as it is above 127 and below 16384 */
	assert_true((known.otlp[1] & 0x80) && !(known.otlp[2] & 0x80));
	content = known.len - prefix + sizeof(unknown);
	otlp = malloc(prefix + content);
	otlp[0] = known.otlp[0];
	otlp[1] = (uint8_t)(content | 0x80);
	otlp[2] = (uint8_t)(content >> 7);
	memcpy(otlp + prefix, unknown, sizeof(unknown));
	memcpy(otlp + prefix + sizeof(unknown), known.otlp + prefix, known.len - prefix);
	request_append(otlp, prefix + content, &whole);
	assert_int_equal(otlp_cut(whole.otlp, whole.len, pieces.max, request_append, &pieces, &too_large), 0);
	assert_true(pieces.count > 1);
	assert_int_equal(occurrences(&pieces, unknown, sizeof(unknown)), pieces.count);
	free(known.otlp);
	free(whole.otlp);
	free(pieces.otlp);
}

/* Cut anywhere, and with any octet changed: refused or not, nothing is read outside. */
static void damaged(void **state)
{
	struct request whole, pieces;
	uint64_t too_large;
	int refused = 0;

	(void)state;
	request_make(&whole);
	for (size_t i = 0; i < whole.len; i++) {
		uint8_t *copy = malloc(i + 1);

		memcpy(copy, whole.otlp, i + 1);
		copy[i] ^= (uint8_t)(1 << i % 8);
		pieces = (struct request){ .max = 1000 };
		refused += otlp_cut(copy, i + 1, pieces.max, request_append, &pieces, &too_large) == -EBADMSG;
		free(pieces.otlp);
		otlp_span_count(copy, i + 1);
		free(copy);
	}
	assert_true(refused > (int)whole.len / 2);
	free(whole.otlp);
}

static int piece_stop(uint8_t *otlp, size_t len, void *arg)
{
	(void)len;
	free(otlp);
	return --*(int *)arg ? 0 : 42;
}

static void stops_when_told(void **state)
{
	struct request whole;
	uint64_t too_large;
	int left = 3;

	(void)state;
	request_make(&whole);
	assert_int_equal(otlp_cut(whole.otlp, whole.len, 700, piece_stop, &left, &too_large), 42);
	assert_int_equal(left, 0);
	assert_int_equal(otlp_cut(NULL, 0, 700, piece_stop, &left, &too_large), 0);
	assert_int_equal(otlp_span_count(NULL, 0), 0);
	free(whole.otlp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_the_whole), cmocka_unit_test(too_large_spans),
		cmocka_unit_test(unknown_fields),	cmocka_unit_test(damaged),
		cmocka_unit_test(stops_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
