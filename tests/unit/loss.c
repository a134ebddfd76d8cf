/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Segments that were sent again, as spans. */
#include "packets.h"

#define MS_NS 1000000LL

static struct repeat repeat_of(unsigned int trace, int64_t first_ms, int64_t again_ms)
{
	struct record record = packet(trace, 0, 0);

	return (struct repeat){
		.source = record.source,
		.destination = record.destination,
		.source_port = record.source_port,
		.destination_port = record.destination_port,
		.octets = 100,
		.context = record.context,
		.first_unix_ns = BASE_NS + first_ms * MS_NS,
		.again_unix_ns = BASE_NS + again_ms * MS_NS,
		.seen_unix_ns = BASE_NS + again_ms * MS_NS,
	};
}

static void add(struct drawing *drawing, struct repeat repeat)
{
	transfers_add_repeat(drawing->transfers, &repeat);
}

static struct span_list *close_at(struct drawing *drawing, int64_t at_ms)
{
	span_list_free(&drawing->spans);
	transfers_close(drawing->transfers, BASE_NS + at_ms * MS_NS, at_ms < 0, SIZE_MAX, &drawing->spans);
	return &drawing->spans;
}

static void test_one(void **state)
{
	const struct span *span;

	add(*state, repeat_of(1, 0, 204));
	assert_int_equal(close_at(*state, 1203)->count, 0);
	assert_int_equal(close_at(*state, 1204)->count, 1);
	span = &((struct drawing *)*state)->spans.spans[0];
	assert_times(span, 0, 204000);
	assert_string_equal(span->name, "retransmission");
	assert_int_equal(span->status, SPAN_STATUS_ERROR);
	assert_string_equal(span->status_message, "packet lost");
	assert_int_equal(span->flags, 0x301);
	assert_int_equal(span->parent_id[0], 0xa1);
	assert_string_equal(text_of(span, AT_kind), "retransmission");
	assert_string_equal(text_of(span, AT_about), "204.000 ms until a lost packet was sent again, 100 B");
	assert_string_equal(text_of(span, AT_destination_address), "2001:db8:2::20");
	assert_int_equal(span->event_count, 2);
	assert_string_equal(span->events[0].name, "sent");
	assert_int_equal(span->events[1].time_unix_ns, span->end_unix_ns);
	for (size_t a = 0; a < span->attrs.count; a++)
		assert_listed(span, &span->attrs.list[a]);
}

/* Segments of one loss, and one that was lost twice, are one span; of another trace another. */
static void test_joined(void **state)
{
	struct span_list *spans;

	add(*state, repeat_of(1, 0, 200));
	add(*state, repeat_of(1, 1, 201));
	add(*state, repeat_of(2, 50, 260));
	add(*state, repeat_of(1, 200, 600));
	spans = close_at(*state, -1);
	assert_int_equal(spans->count, 2);
	assert_times(&spans->spans[0], 50000, 260000);
	assert_times(&spans->spans[1], 0, 600000);
	assert_int_equal(number_of(&spans->spans[1], AT_packets), 3);
	assert_string_equal(text_of(&spans->spans[1], AT_about),
			    "600.000 ms until lost packets were sent again, 300 B in 3 packets");
	assert_memory_not_equal(spans->spans[0].id, spans->spans[1].id, SPAN_ID_LEN);
}

/* A reply's sender is the other host, 5 ms ahead: drawn by the client's clock. */
static void test_reply_clock(void **state)
{
	struct record request = packet(1, 0, 0), answer = packet(1, 10000 + 5000, 0);
	struct repeat repeat = repeat_of(1, 15, 220);
	const struct span *span;

	arrive(&request, 64, 100 + 5000);
	request.seen_unix_ns = BASE_NS;
	transfers_add(((struct drawing *)*state)->transfers, &request);
	answer.context.attribution = CONTEXT_LEARNT;
	answer.source = request.destination;
	answer.destination = request.source;
	arrive(&answer, 64, 10100);
	transfers_add(((struct drawing *)*state)->transfers, &answer);
	repeat.source = request.destination;
	repeat.destination = request.source;
	repeat.context.attribution = CONTEXT_LEARNT;
	add(*state, repeat);
	span = span_named(close_at(*state, -1), "retransmission");
	assert_times(span, 10000, 215000);
	assert_int_equal(number_of(span, AT_adjusted_ns), -5 * MS_NS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, drawing_setup, drawing_teardown)
	const struct CMUnitTest tests[] = { TEST(test_one), TEST(test_joined), TEST(test_reply_clock) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
