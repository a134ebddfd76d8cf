/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Spans -> OTLP -> spans, and bytes that are no OTLP. */
#include "otlp/otlp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "otlp/protobuf.h"

static const char *path[] = { "client", "r1", "?", "" };

static void ids_set(struct span *span, uint8_t trace, uint8_t id, uint8_t parent)
{
	memset(span->trace_id, trace, TRACE_ID_LEN);
	memset(span->id, id, SPAN_ID_LEN);
	memset(span->parent_id, parent, SPAN_ID_LEN);
}

/* A span with everything, and one with nothing. */
static void spans_make(struct span_list *spans)
{
	struct arena *arena = &spans->arena;
	struct span *span = span_list_add(spans);

	ids_set(span, 1, 2, 3);
	span->flags = SPAN_FLAG_HAS_IS_REMOTE | SPAN_FLAG_IS_REMOTE | 1;
	span->kind = SPAN_CLIENT;
	span->status = SPAN_STATUS_ERROR;
	span->status_message = "packet lost";
	span->name = "GET /caf\xc3\xa9";
	span->start_unix_ns = 1795226400123456789;
	span->end_unix_ns = 1795226400173456789;
	attr_string(arena, &span->attrs, "text", "a word");
	attr_string(arena, &span->attrs, "empty", "");
	attr_int(arena, &span->attrs, "int", -1);
	attr_int(arena, &span->attrs, "zero", 0);
	attr_int(arena, &span->attrs, "least", INT64_MIN);
	attr_bool(arena, &span->attrs, "yes", true);
	attr_bool(arena, &span->attrs, "no", false);
	attr_double(arena, &span->attrs, "real", 2.5);
	attr_strings(arena, &span->attrs, "path", path, 4);
	attr_strings(arena, &span->attrs, "nothing", path, 0);
	span->event_count = 2;
	span->events = arena_alloc(arena, 2 * sizeof(*span->events));
	span->events[0].name = "queued";
	span->events[0].time_unix_ns = 1795226400133456789;
	attr_int(arena, &span->events[0].attrs, "hopspan.queue_bytes", 57916);
	span->events[1].name = "";

	ids_set(span_list_add(spans), 4, 5, 0);
}

static void spans_encode(uint8_t **otlp, size_t *len)
{
	struct span_list spans = { 0 };
	struct span_attrs resource = { 0 };

	spans_make(&spans);
	attr_string(&spans.arena, &resource, "host.name", "h");
	attr_string(&spans.arena, &resource, "service.name", "network");
	assert_int_equal(otlp_encode(&spans, &resource, "0.1.0", otlp, len), 0);
	span_list_free(&spans);
}

static void assert_attr_same(const struct span_attr *a, const struct span_attr *b)
{
	assert_string_equal(a->key, b->key);
	assert_int_equal(a->type, b->type);
	if (a->type == ATTR_STRING)
		assert_string_equal(a->string, b->string);
	if (a->type == ATTR_INT)
		assert_int_equal(a->integer, b->integer);
	if (a->type == ATTR_BOOL)
		assert_int_equal(a->boolean, b->boolean);
	if (a->type == ATTR_DOUBLE)
		assert_true(a->real == b->real);
	if (a->type == ATTR_STRINGS) {
		assert_int_equal(a->strings.count, b->strings.count);
		for (size_t i = 0; i < a->strings.count; i++)
			assert_string_equal(a->strings.list[i], b->strings.list[i]);
	}
}

static void assert_attrs_same(const struct span_attrs *a, const struct span_attrs *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++)
		assert_attr_same(&a->list[i], &b->list[i]);
}

static void assert_span_same(const struct span *a, const struct span *b)
{
	assert_memory_equal(a->trace_id, b->trace_id, TRACE_ID_LEN);
	assert_memory_equal(a->id, b->id, SPAN_ID_LEN);
	assert_memory_equal(a->parent_id, b->parent_id, SPAN_ID_LEN);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->status, b->status);
	assert_string_equal(a->status_message ? a->status_message : "-", b->status_message ? b->status_message : "-");
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->start_unix_ns, b->start_unix_ns);
	assert_int_equal(a->end_unix_ns, b->end_unix_ns);
	assert_attrs_same(&a->attrs, &b->attrs);
	assert_int_equal(a->event_count, b->event_count);
	for (size_t i = 0; i < a->event_count; i++) {
		assert_string_equal(a->events[i].name, b->events[i].name);
		assert_int_equal(a->events[i].time_unix_ns, b->events[i].time_unix_ns);
		assert_attrs_same(&a->events[i].attrs, &b->events[i].attrs);
	}
}

static void round_trip(void **state)
{
	struct span_list in = { 0 }, out = { 0 };
	uint8_t *otlp;
	size_t len;

	(void)state;
	spans_make(&in);
	spans_encode(&otlp, &len);
	assert_int_equal(otlp_decode(otlp, len, &out), 0);
	assert_int_equal(out.count, in.count);
	for (size_t i = 0; i < in.count; i++) {
		assert_span_same(&in.spans[i], &out.spans[i]);
		assert_string_equal(out.spans[i].service, "network");
		assert_string_equal(out.spans[i].scope, "hopspan");
	}
	free(otlp);
	span_list_free(&in);
	span_list_free(&out);
}

/* A cut request is refused or, cut between two fields, shorter; what the list had stays. */
static void cut_anywhere(void **state)
{
	struct span_list spans = { 0 };
	size_t len, refused = 0;
	uint8_t *otlp;

	(void)state;
	span_list_add(&spans)->name = "before";
	spans_encode(&otlp, &len);
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *part = malloc(cut + 1); /* its own, so that a tool that watches memory sees a read beyond */
		int error;

		memcpy(part, otlp, cut);
		part = realloc(part, cut ? cut : 1);
		error = otlp_decode(part, cut, &spans);
		assert_true(error == 0 || error == -EBADMSG);
		assert_int_equal(spans.count, 1);
		refused += error != 0;
		free(part);
	}
	assert_int_equal(refused, len - 1); /* the whole is one field; only no octets at all are a request */
	assert_string_equal(spans.spans[0].name, "before");
	free(otlp);
	span_list_free(&spans);
}

/* Every octet with every bit turned, and noise: no crash, and nothing but the three answers. */
static void garbage(void **state)
{
	struct span_list spans = { 0 };
	size_t len, refused = 0;
	uint8_t *otlp, noise[200];
	unsigned int seed = 1;

	(void)state;
	spans_encode(&otlp, &len);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		int error;

		otlp[bit / 8] ^= (uint8_t)(1 << bit % 8);
		error = otlp_decode(otlp, len, &spans);
		assert_true(error == 0 || error == -EBADMSG || error == -EINVAL);
		refused += error != 0;
		otlp[bit / 8] ^= (uint8_t)(1 << bit % 8);
		span_list_free(&spans);
	}
	assert_true(refused > len);
	for (int i = 0; i < 20000; i++) {
		for (size_t k = 0; k < sizeof(noise); k++)
			noise[k] = (uint8_t)rand_r(&seed);
		noise[0] = 0x0a; /* into the first field */
		noise[1] = 0xc5;
		noise[2] = 0x01;
		assert_true(otlp_decode(noise, sizeof(noise), &spans) <= 0);
		span_list_free(&spans);
	}
	free(otlp);
}

/* A request of one span, as another program would send it. */
struct foreign {
	Otlp__ExportTraceServiceRequest request;
	Otlp__ResourceSpans resource_spans, *resources;
	Otlp__ScopeSpans scope_spans, *scopes;
	Otlp__Span span, *spans;
	Otlp__KeyValue pair, *pairs;
	Otlp__AnyValue value;
	uint8_t id[TRACE_ID_LEN];
};

static void foreign_init(struct foreign *f)
{
	otlp__export_trace_service_request__init(&f->request);
	otlp__resource_spans__init(&f->resource_spans);
	otlp__scope_spans__init(&f->scope_spans);
	otlp__span__init(&f->span);
	otlp__key_value__init(&f->pair);
	otlp__any_value__init(&f->value);
	f->resources = &f->resource_spans;
	f->scopes = &f->scope_spans;
	f->spans = &f->span;
	f->pairs = &f->pair;
	f->request.n_resource_spans = f->resource_spans.n_scope_spans = f->scope_spans.n_spans = 1;
	f->request.resource_spans = &f->resources;
	f->resource_spans.scope_spans = &f->scopes;
	f->scope_spans.spans = &f->spans;
	memset(f->id, 7, sizeof(f->id));
	f->span.trace_id = (ProtobufCBinaryData){ TRACE_ID_LEN, f->id };
	f->span.span_id = (ProtobufCBinaryData){ SPAN_ID_LEN, f->id };
	f->span.name = (char *)"name";
	f->span.n_attributes = 1;
	f->span.attributes = &f->pairs;
	f->pair.key = (char *)"key";
	f->pair.value = &f->value;
}

static int foreign_decode(const struct foreign *f, struct span_list *spans)
{
	size_t len = otlp__export_trace_service_request__get_packed_size(&f->request);
	uint8_t *otlp = malloc(len);
	int error;

	otlp__export_trace_service_request__pack(&f->request, otlp);
	error = otlp_decode(otlp, len, spans);
	free(otlp);
	return error;
}

static void id_lengths(void **state)
{
	struct span_list spans = { 0 };
	uint8_t zero[TRACE_ID_LEN] = { 0 };

	(void)state;
	for (size_t len = 0; len <= TRACE_ID_LEN; len++) {
		struct foreign trace, span, parent;

		foreign_init(&trace);
		foreign_init(&span);
		foreign_init(&parent);
		trace.span.trace_id.len = span.span.span_id.len = len;
		parent.span.parent_span_id = (ProtobufCBinaryData){ len, parent.id };
		assert_int_equal(foreign_decode(&trace, &spans), len == TRACE_ID_LEN ? 0 : -EINVAL);
		assert_int_equal(foreign_decode(&span, &spans), len == SPAN_ID_LEN ? 0 : -EINVAL);
		assert_int_equal(foreign_decode(&parent, &spans), len == 0 || len == SPAN_ID_LEN ? 0 : -EINVAL);
	}
	assert_int_equal(spans.count, 4);

	struct foreign nothing;
	foreign_init(&nothing);
	nothing.span.trace_id.data = zero;
	assert_int_equal(foreign_decode(&nothing, &spans), -EINVAL);
	foreign_init(&nothing);
	nothing.span.span_id.data = zero;
	assert_int_equal(foreign_decode(&nothing, &spans), -EINVAL);
	assert_int_equal(spans.count, 4);
	span_list_free(&spans);
}

/* Values that have no place in a span are left out; text becomes UTF-8; times and enumerations stay in range. */
static void foreign_values(void **state)
{
	struct span_list spans = { 0 };
	Otlp__ArrayValue array = OTLP__ARRAY_VALUE__INIT;
	Otlp__AnyValue *element, number = OTLP__ANY_VALUE__INIT;
	struct foreign f;

	(void)state;
	foreign_init(&f); /* no value at all */
	assert_int_equal(foreign_decode(&f, &spans), 0);
	f.pair.value = NULL;
	assert_int_equal(foreign_decode(&f, &spans), 0);
	f.pair.value = &f.value;
	f.value.value_case = OTLP__ANY_VALUE__VALUE_BYTES_VALUE;
	f.value.bytes_value = (ProtobufCBinaryData){ TRACE_ID_LEN, f.id };
	assert_int_equal(foreign_decode(&f, &spans), 0);
	number.value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
	element = &number;
	array.n_values = 1;
	array.values = &element;
	f.value.value_case = OTLP__ANY_VALUE__VALUE_ARRAY_VALUE;
	f.value.array_value = &array;
	assert_int_equal(foreign_decode(&f, &spans), 0);
	assert_int_equal(spans.count, 4);
	for (size_t i = 0; i < spans.count; i++)
		assert_int_equal(spans.spans[i].attrs.count, 0);

	f.value.value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
	f.value.string_value = (char *)"\xc3\xa9 \xc3 \xed\xa0\x80 \xf4\x90\x80\x80 \xc0\x80 \xf0\x9f\x98\x80";
	f.span.kind = 77;
	f.span.end_time_unix_nano = UINT64_MAX;
	assert_int_equal(foreign_decode(&f, &spans), 0);
	assert_string_equal(attr_get_string(&spans.spans[4].attrs, "key", NULL),
			    "\xc3\xa9 ? ??? ???? ?? \xf0\x9f\x98\x80");
	assert_int_equal(spans.spans[4].kind, SPAN_UNSPECIFIED);
	assert_int_equal(spans.spans[4].end_unix_ns, INT64_MAX);
	assert_string_equal(spans.spans[4].service, "");
	assert_string_equal(spans.spans[4].scope, "");
	span_list_free(&spans);
}

/* An array in an array in an array: protobuf-c would recurse until the stack ends. */
static void nested(void **state)
{
	enum { DEEP = 1000000, ROOM = 12 * DEEP };
	/* request > resource spans > resource > key value > any value */
	static const uint8_t way[] = { 0x12, 0x0a, 0x0a, 0x0a };
	uint8_t *bytes = malloc(ROOM), *at = bytes + ROOM;
	struct span_list spans = { 0 };
	int level = 0;

	(void)state;
	assert_non_null(bytes);
	for (; level < DEEP + (int)sizeof(way); level++) {
		size_t len = (size_t)(bytes + ROOM - at);
		uint8_t varint[5], key = level < DEEP ? (level % 2 ? 0x2a : 0x0a) : way[level - DEEP];
		size_t n = 0;

		do
			varint[n++] = (uint8_t)((len & 0x7f) | (len > 0x7f ? 0x80 : 0));
		while (len >>= 7);
		at -= n;
		memcpy(at, varint, n);
		*--at = key;
	}
	assert_int_equal(otlp_decode(at, (size_t)(bytes + ROOM - at), &spans), -EBADMSG);
	assert_int_equal(spans.count, 0);
	free(bytes);
}

/* The same singular message again and again: joining them would take the square of their number. */
static void repeated_singular(void **state)
{
	static const uint8_t once[] = { 0x0a, 0x02, 0x0a, 0x00 };
	static const uint8_t twice[] = { 0x0a, 0x04, 0x0a, 0x00, 0x0a, 0x00 };
	struct span_list spans = { 0 };

	(void)state;
	assert_int_equal(otlp_decode(once, sizeof(once), &spans), 0);
	assert_int_equal(otlp_decode(twice, sizeof(twice), &spans), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),	     cmocka_unit_test(cut_anywhere),   cmocka_unit_test(garbage),
		cmocka_unit_test(id_lengths),	     cmocka_unit_test(foreign_values), cmocka_unit_test(nested),
		cmocka_unit_test(repeated_singular),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
