/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Requests in which some spans name nothing: the others are kept octet for octet, those are told of. */
#include "otlp/rejected.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "otlp/lines.h"
#include "otlp/otlp.h"
#include "place.h"

enum { RESOURCES = 3, SPANS = 6 }; /* spans of each */

static uint8_t good_id[TRACE_ID_LEN] = { 7, 7, 7, 7, 7, 7, 7, 7, 7 }, zero_id[TRACE_ID_LEN];

/* A request of spans that are named by their place in it: "0 GET", "1 GET", ... */
struct request {
	Otlp__ExportTraceServiceRequest request;
	Otlp__ResourceSpans resource[RESOURCES], *resources[RESOURCES];
	Otlp__ScopeSpans scope[RESOURCES], *scopes[RESOURCES];
	Otlp__InstrumentationScope library;
	Otlp__Span span[RESOURCES][SPANS], *spans[RESOURCES][SPANS];
	char names[RESOURCES][SPANS][16];
};

static void span_init(struct request *r, int i, int k)
{
	Otlp__Span *span = &r->span[i][k];

	otlp__span__init(span);
	snprintf(r->names[i][k], sizeof(r->names[i][k]), "%d GET", i * SPANS + k);
	span->name = r->names[i][k];
	span->trace_id = (ProtobufCBinaryData){ TRACE_ID_LEN, good_id };
	span->span_id = (ProtobufCBinaryData){ SPAN_ID_LEN, good_id };
	r->spans[i][k] = span;
}

static void request_init(struct request *r)
{
	otlp__export_trace_service_request__init(&r->request);
	otlp__instrumentation_scope__init(&r->library);
	r->library.name = (char *)"library";
	for (int i = 0; i < RESOURCES; i++) {
		otlp__resource_spans__init(&r->resource[i]);
		otlp__scope_spans__init(&r->scope[i]);
		for (int k = 0; k < SPANS; k++)
			span_init(r, i, k);
		r->scope[i].scope = &r->library;
		r->scope[i].n_spans = SPANS;
		r->scope[i].spans = r->spans[i];
		r->scopes[i] = &r->scope[i];
		r->resource[i].n_scope_spans = 1;
		r->resource[i].scope_spans = &r->scopes[i];
		r->resources[i] = &r->resource[i];
	}
	r->request.n_resource_spans = RESOURCES;
	r->request.resource_spans = r->resources;
}

static uint8_t *request_pack(const struct request *r, size_t *len)
{
	uint8_t *otlp = malloc(otlp__export_trace_service_request__get_packed_size(&r->request) + 1);

	*len = otlp__export_trace_service_request__pack(&r->request, otlp);
	return otlp;
}

/* What otlp_decode_good() makes of a request. */
struct made {
	struct span_list spans;
	struct rejected rejected;
	uint8_t *kept;
	size_t kept_len;
};

static int made_of(const struct request *r, struct made *made)
{
	size_t len;
	uint8_t *otlp = request_pack(r, &len);
	int error;

	made->spans = (struct span_list){ 0 };
	error = otlp_decode_good(otlp, len, &made->spans, &made->rejected, &made->kept, &made->kept_len);
	free(otlp);
	return error;
}

static void made_free(struct made *made)
{
	free(made->kept);
	span_list_free(&made->spans);
}

static void all_good(void **state)
{
	struct request r;
	struct made made;

	(void)state;
	request_init(&r);
	r.span[0][1].parent_span_id = (ProtobufCBinaryData){ SPAN_ID_LEN, zero_id }; /* a root's may be */
	assert_int_equal(made_of(&r, &made), 0);
	assert_int_equal(made.spans.count, RESOURCES * SPANS);
	assert_null(made.kept);
	assert_int_equal(made.rejected.spans, 0);
	assert_string_equal(made.rejected.why, "");
	made_free(&made);
}

/* One span with each fault, a whole resource without a good one: what is kept is what a sender without them had sent.
 */
static void rest_is_kept(void **state)
{
	const ProtobufCBinaryData zero = { TRACE_ID_LEN, zero_id }, zero_span = { SPAN_ID_LEN, zero_id },
				  none = { 0, NULL };
	struct request r, without;
	struct made made;
	uint8_t *expected;
	size_t len;

	(void)state;
	request_init(&r);
	r.span[0][0].trace_id.len = 3;
	r.span[0][2].trace_id = zero;
	r.span[0][5].span_id = none;
	r.span[2][1].span_id = zero_span;
	r.span[2][2].parent_span_id = (ProtobufCBinaryData){ 9, good_id };
	for (int k = 0; k < SPANS; k++)
		r.span[1][k].span_id.len = TRACE_ID_LEN;
	request_init(&without);
	without.scope[0].n_spans = without.scope[2].n_spans = 3;
	without.spans[0][0] = &without.span[0][1];
	without.spans[0][1] = &without.span[0][3];
	without.spans[0][2] = &without.span[0][4];
	without.spans[2][1] = &without.span[2][3];
	without.spans[2][2] = &without.span[2][4];
	without.scope[2].n_spans++;
	without.spans[2][3] = &without.span[2][5];
	without.request.n_resource_spans = 2;
	without.resources[1] = &without.resource[2];
	expected = request_pack(&without, &len);

	assert_int_equal(made_of(&r, &made), 0);
	assert_int_equal(made.kept_len, len);
	assert_memory_equal(made.kept, expected, len);
	assert_int_equal(made.spans.count, 7);
	assert_string_equal(made.spans.spans[0].name, "1 GET");
	assert_string_equal(made.spans.spans[6].name, "17 GET");
	assert_int_equal(made.rejected.spans, 11);
	assert_int_equal(made.rejected.reasons[REJECT_trace_id_length], 1);
	assert_int_equal(made.rejected.reasons[REJECT_trace_id_zero], 1);
	assert_int_equal(made.rejected.reasons[REJECT_span_id_length], 1 + SPANS);
	assert_int_equal(made.rejected.reasons[REJECT_span_id_zero], 1);
	assert_int_equal(made.rejected.reasons[REJECT_parent_span_id_length], 1);
	assert_string_equal(made.rejected.why,
			    "11 of 18 spans rejected: "
			    "\"0 GET\" (trace_id 070707, span_id 0707070707070707): trace_id has not 16 octets; "
			    "\"2 GET\" (trace_id 00000000000000000000000000000000, span_id 0707070707070707): "
			    "trace_id is all zero; "
			    "\"5 GET\" (trace_id 07070707070707070700000000000000, span_id none): "
			    "span_id has not 8 octets; and 8 more");
	made_free(&made);
	free(expected);
}

/* What this program knows nothing of, and what comes behind the spans in their scope. */
static void unknown_is_kept(void **state)
{
	static const uint8_t future[] = { 0xc2, 0x3e, 5, 'f', 'u', 't', 'u', 'r' }; /* field 1000 */
	ProtobufCMessageUnknownField field = { 1000, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, sizeof(future) - 2,
					       (uint8_t *)future + 2 };
	struct request r;
	struct made made;

	(void)state;
	request_init(&r);
	r.request.n_resource_spans = 1;
	r.scope[0].n_spans = 2;
	r.scope[0].schema_url = (char *)"https://schema";
	r.span[0][0].trace_id.len = 0;
	r.span[0][0].trace_state = (char *)"of-a-bad-one=1";
	r.span[0][1].trace_state = (char *)"of-a-good-one=1";
	r.span[0][1].base.n_unknown_fields = 1;
	r.span[0][1].base.unknown_fields = &field;
	assert_int_equal(made_of(&r, &made), 0);
	assert_int_equal(made.spans.count, 1);
	assert_non_null(memmem(made.kept, made.kept_len, future, sizeof(future)));
	assert_non_null(memmem(made.kept, made.kept_len, "https://schema", 14));
	assert_non_null(memmem(made.kept, made.kept_len, "of-a-good-one", 13));
	assert_null(memmem(made.kept, made.kept_len, "of-a-bad-one", 12));
	made_free(&made);
}

static void nothing_is_kept(void **state)
{
	struct request r;
	struct made made;
	static const uint8_t garbage[] = "this is no protobuf";

	(void)state;
	request_init(&r);
	for (int i = 0; i < RESOURCES; i++)
		for (int k = 0; k < SPANS; k++)
			r.span[i][k].trace_id = (ProtobufCBinaryData){ 0, NULL };
	assert_int_equal(made_of(&r, &made), 0);
	assert_int_equal(made.spans.count, 0);
	assert_non_null(made.kept);
	assert_int_equal(made.kept_len, 0);
	assert_int_equal(made.rejected.reasons[REJECT_trace_id_length], RESOURCES * SPANS);
	made_free(&made);
	assert_int_equal(
	    otlp_decode_good(garbage, sizeof(garbage), &made.spans, &made.rejected, &made.kept, &made.kept_len),
	    -EBADMSG);
	assert_null(made.kept);
	assert_int_equal(made.rejected.spans, 0);
}

/* A span that is good by its ids and no protobuf makes the request no OTLP, whatever else is in it. */
static void no_otlp(void **state)
{
	/* resource spans > scope spans > a span whose trace_id is a number; one without ids */
	static const uint8_t number[] = { 0x0a, 8, 0x12, 6, 0x12, 2, 0x08, 1, 0x12, 0 };
	struct made made = { 0 };

	(void)state;
	assert_int_equal(
	    otlp_decode_good(number, sizeof(number), &made.spans, &made.rejected, &made.kept, &made.kept_len),
	    -EBADMSG);
	assert_null(made.kept);
}

/* Names come from anywhere and go to logs. */
static void text_is_clean(void **state)
{
	static const char name[] = "\33[2J\n\xff 0123456789012345678901234567890123456789";
	struct request r;
	struct made made;
	uint8_t long_id[40];

	(void)state;
	memset(long_id, 0xab, sizeof(long_id));
	request_init(&r);
	r.request.n_resource_spans = 1;
	r.scope[0].n_spans = 2;
	r.span[0][0].name = (char *)name;
	r.span[0][0].trace_id = (ProtobufCBinaryData){ sizeof(long_id), long_id };
	assert_int_equal(made_of(&r, &made), 0);
	assert_string_equal(made.rejected.why,
			    "1 of 2 spans rejected: \"?[2J?? 012345678901234567890123456789012\" "
			    "(trace_id abababababababababababababababab..., span_id 0707070707070707): "
			    "trace_id has not 16 octets");
	made_free(&made);
}

#define SPAN_LINE(trace, span) "{\"traceId\":\"" trace "\",\"spanId\":\"" span "\",\"name\":\"GET\"}"
#define LINE(spans) "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" spans "]}]}]}\n"
#define TRACE "5b8efff798038103d269b633813fc60c"

/* The same of files. */
static void lines_are_kept(void **state)
{
	struct place *place = *state;
	static const char text[] = LINE(SPAN_LINE(TRACE, "01")) /* nothing good */
	    LINE(SPAN_LINE(TRACE, "eee19b7ec3c1b174") "," SPAN_LINE("", "eee19b7ec3c1b175"))
		LINE(SPAN_LINE(TRACE, "eee19b7ec3c1b176")) "{\n";
	struct lines_counts counts = { 0 };
	struct span_list spans = { 0 };
	FILE *file = fmemopen((char *)text, strlen(text), "r");
	uint8_t trace_id[TRACE_ID_LEN];

	assert_int_equal(lines_read(file, "lines", place->store, &counts), 0);
	fclose(file);
	assert_int_equal(counts.lines, 4);
	assert_int_equal(counts.spans, 2);
	assert_int_equal(counts.rejected_spans, 2);
	assert_int_equal(counts.bad_lines, 2);
	assert_int_equal(store_find_trace(place->store, "5b8e", trace_id), 1);
	assert_int_equal(store_load_trace(place->store, trace_id, &spans), 0);
	assert_int_equal(spans.count, 2);
	span_list_free(&spans);
}

static int place_make(void **state)
{
	return place_make_at(state, "rejected", "store.db");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_good),
		cmocka_unit_test(rest_is_kept),
		cmocka_unit_test(unknown_is_kept),
		cmocka_unit_test(nothing_is_kept),
		cmocka_unit_test(no_otlp),
		cmocka_unit_test(text_is_clean),
		cmocka_unit_test_setup_teardown(lines_are_kept, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
