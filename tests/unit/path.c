/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One packet's spans: names, times and attributes, against numbers worked out by hand. */
#include "packets.h"

/* The spans of one packet; those before it are forgotten. */
static struct span_list *spans_of(struct drawing *drawing, struct record record)
{
	span_list_free(&drawing->spans);
	transfers_add(drawing->transfers, &record);
	transfers_close(drawing->transfers, 0, true, SIZE_MAX, &drawing->spans);
	assert_sound(&drawing->spans);
	return &drawing->spans;
}

static void test_plain(void **state)
{
	struct span_list *spans = spans_of(*state, plain(1, 0, 0, 0));
	const struct span *transfer = &spans->spans[0], *stay;

	assert_int_equal(spans->count, 7);
	assert_span(spans, "request", 0, 617);
	assert_span(spans, "client -> r1", 1, 49);
	assert_span(spans, "r1 eth1", 50, 56);
	assert_span(spans, "r1 -> r2", 57, 145);
	assert_span(spans, "r2 port1", 146, 157);
	assert_span(spans, "r2 -> r3", 158, 256);
	assert_span(spans, "r3 -> ? -> server", 257, 616);

	assert_memory_equal(transfer->parent_id, "\xa1\xa1\xa1\xa1\xa1\xa1\xa1\xa1", 8);
	assert_int_equal(transfer->flags, 0x301);
	assert_int_equal(spans->spans[1].flags, 0x101);
	assert_int_equal(transfer->kind, SPAN_INTERNAL);
	assert_string_equal(transfer->service, "network");
	assert_string_equal(transfer->scope, "hopspan");
	assert_string_equal(text_of(transfer, AT_transport), "tcp");
	assert_string_equal(text_of(transfer, AT_source_address), "2001:db8:1::10");
	assert_int_equal(number_of(transfer, AT_destination_port), 443);
	assert_int_equal(number_of(transfer, AT_silent_hops), 1);
	assert_int_equal(number_of(transfer, AT_max_ns), 617000);
	assert_string_equal(text_of(transfer, AT_stamp), "in-place");
	assert_false(has(transfer, AT_usual_ns));
	assert_false(has(transfer, AT_worst));
	assert_false(has(transfer, AT_adjusted_ns));
	assert_false(has(transfer, AT_overflow));

	stay = span_named(spans, "r1 eth1");
	assert_string_equal(text_of(stay, AT_about), "0.006 ms in r1, nothing queued at eth1");
	assert_string_equal(text_of(stay, AT_kind), "node");
	assert_string_equal(text_of(stay, AT_dataplane), "xdp");
	assert_string_equal(text_of(stay, AT_ingress_if), "eth0");
	assert_string_equal(text_of(stay, AT_wait), "measured");
	assert_int_equal(number_of(stay, AT_wait_ns), 0);
	assert_int_equal(number_of(stay, AT_hop), 1);
	assert_int_equal(number_of(stay, AT_hop_limit), 63);
	assert_int_equal(number_of(stay, AT_time_unix_ns), BASE_NS + 50000);
	assert_int_equal(stay->event_count, 0);
	assert_string_equal(
	    text_of(span_named(spans, "r3 -> ? -> server"), AT_about),
	    "0.360 ms, no departure time: stay in r3 and way to server together; 1 silent router between");
	assert_int_equal(number_of(span_named(spans, "client -> r1"), AT_link_ns), 50000);
	assert_string_equal(text_of(span_named(spans, "client -> r1"), AT_node), "shop-1");
	assert_false(has(span_named(spans, "r1 -> r2"), AT_node));
}

static void test_path_names(void **state)
{
	struct drawing *drawing = *state;
	static const char *const wanted[] = { "shop-1", "r1", "r2", "r3", "?", "cart-1" };
	const struct span_attr *path;

	transfers_set_receiver(drawing->transfers, "cart-1");
	path = attr_find(&spans_of(drawing, plain(1, 0, 0, 0))->spans[0].attrs, "hopspan.path");
	assert_non_null(path);
	assert_int_equal(path->strings.count, 6);
	for (int i = 0; i < 6; i++)
		assert_string_equal(path->strings.list[i], wanted[i]);
	assert_string_equal(text_of(span_named(&drawing->spans, "r3 -> ? -> server"), AT_to), "cart-1");
}

/* 90 us is the least from r1 to r2; 39794 us more is the wait, so the stay is 6 + 39794. */
static void test_queue(void **state)
{
	struct span_list *spans;
	const struct span *stay;

	spans_of(*state, plain(1, 0, 0, 0));
	spans = spans_of(*state, plain(2, 1000, 57916, 39794));
	assert_span(spans, "r1 eth1", 1050, 40850);
	assert_span(spans, "r1 -> r2", 40851, 40939);
	assert_span(spans, "r2 port1", 40940, 40951);
	stay = span_named(spans, "r1 eth1");
	assert_string_equal(text_of(stay, AT_about), "39.800 ms in r1, 39.794 of it waiting for eth1 behind 57.9 kB");
	assert_string_equal(text_of(stay, AT_wait), "estimated");
	assert_int_equal(number_of(stay, AT_wait_ns), 39794000);
	assert_int_equal(number_of(stay, AT_delay_ns), 6000);
	assert_int_equal(number_of(stay, AT_queue_bytes), 57916);
	assert_int_equal(stay->event_count, 1);
	assert_string_equal(stay->events[0].name, "queued");
	assert_int_equal(stay->events[0].time_unix_ns, BASE_NS + 1056000);
	assert_int_equal(attr_get_int(&stay->events[0].attrs, "hopspan.queue_bytes", -1), 57916);
}

static void test_no_least_known(void **state)
{
	struct span_list *spans = spans_of(*state, plain(1, 0, 57916, 1000));

	assert_int_equal(spans->count, 6);
	assert_span(spans, "r1 eth1 -> r2", 50, 1145);
	assert_string_equal(text_of(span_named(spans, "r1 eth1 -> r2"), AT_kind), "hop");
	assert_string_equal(text_of(span_named(spans, "r1 eth1 -> r2"), AT_about),
			    "1.096 ms, wait for eth1 behind 57.9 kB not known yet: stay in r1 and way to r2 together");
	assert_int_equal(number_of(span_named(spans, "r1 eth1 -> r2"), AT_link_ns), 1096000);
}

/* Only queued packets so far: the least of them, 1090 us, is in the bound. */
static void test_lower_bound(void **state)
{
	const struct span *stay;
	struct span_list *spans;

	spans_of(*state, plain(1, 0, 1514, 1000));
	spans = spans_of(*state, plain(2, 2000, 57916, 3000));
	stay = span_named(spans, "r1 eth1");
	assert_times(stay, 2050, 4056);
	assert_string_equal(text_of(stay, AT_wait), "lower-bound");
	assert_int_equal(number_of(stay, AT_wait_ns), 2000000);
	assert_string_equal(text_of(stay, AT_about),
			    "2.006 ms in r1, at least 2.000 of it waiting for eth1 behind 57.9 kB");
	assert_int_equal(number_of(span_named(spans, "r1 -> r2"), AT_link_ns), 1090000);
}

/* Faster than any before: no negative wait. */
static void test_wait_never_negative(void **state)
{
	struct span_list *spans;

	spans_of(*state, plain(1, 0, 0, 0));
	spans = spans_of(*state, plain(2, 1000, 1514, -20));
	assert_span(spans, "r1 eth1", 1050, 1056);
	assert_int_equal(number_of(span_named(spans, "r1 eth1"), AT_wait_ns), 0);
	assert_int_equal(number_of(span_named(spans, "r1 -> r2"), AT_link_ns), 70000);
}

static void test_queue_absent(void **state)
{
	struct span_list *spans = spans_of(*state, plain(1, 0, NONE, 0));

	assert_span(spans, "r1 -> r2", 50, 145);
	assert_string_equal(text_of(span_named(spans, "r1 -> r2"), AT_kind), "hop");
	assert_string_equal(text_of(span_named(spans, "r1 -> r2"), AT_about),
			    "0.096 ms, queue of eth1 not known: stay in r1 and way to r2 together");
	assert_false(has(span_named(spans, "r1 -> r2"), AT_queue_bytes));
}

/* DPDK's delay has the wait in it: nothing is added, even though no least is known. */
static void test_after_queue(void **state)
{
	struct record record = packet(1, 0, 0);
	const struct span *stay;

	add_hop(&record, R2, 64, 50, 900000, 30000);
	arrive(&record, 64, 1000);
	stay = span_named(spans_of(*state, record), "r2 port1");
	assert_times(stay, 50, 950);
	assert_string_equal(text_of(stay, AT_wait), "measured");
	assert_string_equal(text_of(stay, AT_about), "0.900 ms in r2, waiting for port1 behind 30.0 kB included");
	assert_int_equal(stay->event_count, 0);
}

/* 100 us is the client's least to r1; in the second packet 400 us more, behind 3 kB. */
static void test_sender_queue(void **state)
{
	struct record record = packet(1, 0, 0), queued = packet(2, 1000, 3028);
	struct span_list *spans;

	add_hop(&record, R1, 63, 100, 6000, 0);
	arrive(&record, 63, 206);
	spans_of(*state, record);
	add_hop(&queued, R1, 63, 1500, 6000, 0);
	arrive(&queued, 63, 1606);
	spans = spans_of(*state, queued);
	assert_int_equal(spans->count, 5);
	assert_span(spans, "client eth0", 1000, 1400);
	assert_span(spans, "client -> r1", 1401, 1499);
	assert_string_equal(text_of(span_named(spans, "client eth0"), AT_about),
			    "0.400 ms in client, 0.400 of it waiting for eth0 behind 3.0 kB");
	assert_false(has(span_named(spans, "client -> r1"), AT_node));
}

static void test_sender_queue_unknown(void **state)
{
	struct record record = packet(1, 0, NONE);
	struct span_list *spans;

	add_hop(&record, R1, 63, 100, 6000, 0);
	arrive(&record, 63, 206);
	spans = spans_of(*state, record);
	assert_span(spans, "client -> r1", 0, 99);
	assert_string_equal(text_of(span_named(spans, "client -> r1"), AT_kind), "hop");
}

static void test_reply(void **state)
{
	struct record record = packet(1, 0, 0);
	struct span_list *spans;

	record.context.attribution = CONTEXT_LEARNT;
	record.hops[0].id = CART;
	add_hop(&record, R1, 63, 100, 6000, 0);
	arrive(&record, 63, 206);
	spans = spans_of(*state, record);
	assert_span(spans, "reply", 0, 206);
	assert_span(spans, "server -> r1", 1, 99);
	assert_span(spans, "r1 -> client", 107, 205);
	assert_string_equal(text_of(&spans->spans[3], AT_direction), "reply");
	assert_string_equal(text_of(&spans->spans[1], AT_from), "cart-1");
}

/* 64 -> 63 are neighbours, 63 -> 63 a bump in the wire, 63 -> 60 leaves out 62 and 61; it arrives as it left. */
static void test_silent_in_the_middle(void **state)
{
	struct record record = packet(1, 0, 0);
	struct span_list *spans;

	add_hop(&record, R1, 63, 50, 6000, 0);
	add_hop(&record, R2, 63, 100, 6000, 0);
	add_hop(&record, R3, 60, 200, NONE, 0);
	arrive(&record, 60, 300);
	spans = spans_of(*state, record);
	assert_span(spans, "r1 -> r2", 57, 99);
	assert_span(spans, "r2 -> 2 x ? -> r3", 107, 199);
	assert_span(spans, "r3 -> server", 200, 299);
	assert_int_equal(number_of(span_named(spans, "r2 -> 2 x ? -> r3"), AT_silent_hops), 2);
	assert_string_equal(text_of(span_named(spans, "r2 -> 2 x ? -> r3"), AT_about),
			    "0.094 ms from r2 to r3; 2 silent routers between");
	assert_false(has(span_named(spans, "r3 -> server"), AT_silent_hops));
}

static void test_overflow(void **state)
{
	struct record record = packet(1, 0, 0);
	const struct span *last;

	add_hop(&record, SHAPED, 63, 50, 6000, 0);
	arrive(&record, 60, 300);
	record.overflow = true;
	spans_of(*state, record);
	last = span_named(&((struct drawing *)*state)->spans, "r4 -> 3 x ? -> server");
	assert_string_equal(text_of(last, AT_about), "0.244 ms from r4 to server; 3 routers had no room");
	assert_true(has(last, AT_overflow));
	assert_true(has(&((struct drawing *)*state)->spans.spans[0], AT_overflow));
}

static void test_packets_queued(void **state)
{
	struct record record = packet(1, 0, 0);
	const struct span *hop;

	add_hop(&record, SHAPED, 63, 50, 6000, 12);
	arrive(&record, 63, 300);
	hop = span_named(spans_of(*state, record), "r4 eth1 -> server");
	assert_int_equal(number_of(hop, AT_queue_raw), 12);
	assert_false(has(hop, AT_queue_bytes));
	assert_non_null(strstr(text_of(hop, AT_about), "behind 12 packets"));
}

/* Nodes and interfaces that nobody listed, one without a time, a delay that its field cannot hold. */
static void test_unknown(void **state)
{
	struct record record = packet(1, 0, 0);
	struct span_list *spans;

	add_hop(&record, 4711, 63, 50, 6000, 0);
	add_hop(&record, R1, 62, 100, NONE, 0);
	record.hops[2].fraction = NONE;
	add_hop(&record, R1, 61, 150, IOAM6_DELAY_OVERFLOW, 0);
	record.hops[3].egress_if = 9;
	arrive(&record, 61, 300);
	spans = spans_of(*state, record);
	assert_int_equal(spans->count, 5);
	assert_span(spans, "node 4711 if 2", 50, 56);
	assert_span(spans, "node 4711 -> r1 -> r1", 57, 149);
	assert_span(spans, "r1 -> server", 150, 299);
	assert_string_equal(text_of(span_named(spans, "r1 -> server"), AT_egress_if), "if 9");
	assert_int_equal(number_of(span_named(spans, "r1 -> server"), AT_delay_ns), 2147483648);
}

/* The sender wrote no time: the transfer begins with the first stamp. */
static void test_first_stamp(void **state)
{
	struct record record = plain(1, 0, 0, 0);
	struct span_list *spans;

	record.hops[0].fraction = NONE;
	spans = spans_of(*state, record);
	assert_int_equal(spans->count, 6);
	assert_span(spans, "request", 50, 617);
}

/* r3's clock has 1 us steps: 156.4 us is written as 156, 0.9 us before r2's departure. Too little to be marked. */
static void test_coarse_clock(void **state)
{
	struct record record = packet(1, 0, 0);
	struct span_list *spans;

	add_hop(&record, R2, 63, 50, 106900, 0);
	add_hop(&record, R3, 62, 156.4, NONE, 0);
	arrive(&record, 62, 300);
	spans = spans_of(*state, record);
	assert_span(spans, "r2 port1", 50, 156.9);
	assert_span(spans, "r2 -> r3", 156.9, 156.901);
	assert_span(spans, "r3 -> server", 156.9, 299);
	assert_false(has(span_named(spans, "r3 -> server"), AT_adjusted_ns));
	assert_int_equal(number_of(span_named(spans, "r2 -> r3"), AT_link_ns), 0);
}

/* r3 comes first and its clock is 2 us ahead: the coarse one is moved, not r2. */
static void test_coarse_clock_ahead(void **state)
{
	struct record record = packet(1, 0, 0);
	struct span_list *spans;

	add_hop(&record, R3, 63, 102, NONE, 0);
	add_hop(&record, R2, 62, 100.5, 6000, 0);
	arrive(&record, 62, 300);
	spans = spans_of(*state, record);
	assert_span(spans, "r2 port1", 100.5, 106.5);
	assert_span(spans, "r3 -> r2", 100.5, 100.501);
	assert_int_equal(number_of(span_named(spans, "r3 -> r2"), AT_adjusted_ns), -1500);
}

/* The server's clock was 5 ms behind and was set: until more packets tell, all seem to have waited so much longer. */
static void test_clock_set(void **state)
{
	struct record record = packet(1, 0, 0), queued = packet(2, 1000, 0);
	struct span_list *spans;

	add_hop(&record, R1, 63, 50, 6000, 0);
	arrive(&record, 63, 156 - 5056);
	spans_of(*state, record);
	add_hop(&queued, R1, 63, 1050, 6000, 1514);
	arrive(&queued, 63, 1156);
	spans = spans_of(*state, queued);
	assert_span(spans, "request", 1000, 1000 + 6 + 5056);
	assert_span(spans, "r1 eth1", 1000, 1000 + 6 + 5056);
	assert_int_equal(number_of(span_named(spans, "r1 eth1"), AT_wait_ns), 5056000);
}

/* r2's clock is 30 us behind: it alone is moved, to where r1 has let the packet go. */
static void test_clock_behind(void **state)
{
	struct record record = packet(1, 0, 0);
	struct span_list *spans;
	const struct span *stay;

	add_hop(&record, R1, 63, 50, 6000, 0);
	add_hop(&record, R2, 62, 36, 10000, 0);
	add_hop(&record, R3, 61, 100, NONE, 0);
	arrive(&record, 61, 200);
	spans = spans_of(*state, record);
	assert_span(spans, "r1 eth1", 50, 56);
	assert_span(spans, "r1 -> r2", 56, 56.001);
	assert_span(spans, "r2 port1", 56, 66);
	assert_span(spans, "r2 -> r3", 67, 99);
	stay = span_named(spans, "r2 port1");
	assert_int_equal(number_of(stay, AT_adjusted_ns), 20000);
	assert_int_equal(number_of(stay, AT_time_unix_ns), BASE_NS + 36000);
	assert_non_null(strstr(text_of(stay, AT_about), "clocks disagree, moved by 0.020"));
	assert_int_equal(number_of(span_named(spans, "r1 -> r2"), AT_adjusted_ns), 20000);
	assert_false(has(span_named(spans, "r1 eth1"), AT_adjusted_ns));
	assert_false(has(span_named(spans, "r3 -> server"), AT_adjusted_ns));
}

/* r1's clock is 5 ms ahead: r1 alone is moved, to where r2 has the packet. */
static void test_clock_ahead(void **state)
{
	struct record record = packet(1, 0, 0);
	struct span_list *spans;

	add_hop(&record, R1, 63, 5050, 6000, 0);
	add_hop(&record, R2, 62, 150, 10000, 0);
	arrive(&record, 62, 300);
	spans = spans_of(*state, record);
	assert_span(spans, "r1 eth1", 144, 150);
	assert_int_equal(number_of(span_named(spans, "r1 eth1"), AT_adjusted_ns), -4906000);
	assert_false(has(span_named(spans, "r2 port1"), AT_adjusted_ns));
}

/* The server's clock is 1 ms behind: the stays, 16 us, are what is sure; the client's clock holds. */
static void test_arrival_before_departure(void **state)
{
	struct record record = packet(1, 0, 0), reply;
	struct span_list *spans;

	add_hop(&record, R1, 63, 50, 6000, 0);
	add_hop(&record, R2, 62, 150, 10000, 0);
	arrive(&record, 62, -700);
	reply = record;
	spans = spans_of(*state, record);
	assert_span(spans, "request", 0, 16);
	assert_int_equal(number_of(&spans->spans[0], AT_adjusted_ns), 716000);
	reply.context.attribution = CONTEXT_LEARNT;
	spans = spans_of(*state, reply);
	assert_span(spans, "reply", -716, -700);
	assert_int_equal(number_of(&spans->spans[0], AT_adjusted_ns), -716000);
}

/* Links below 5 us are drawn whole. */
static void test_short_links(void **state)
{
	struct record record = packet(1, 0, 0);
	struct span_list *spans;

	add_hop(&record, R1, 63, 4.999, 6000, 0);
	add_hop(&record, R2, 62, 15.999, 1000, 0);
	arrive(&record, 62, 18);
	spans = spans_of(*state, record);
	assert_span(spans, "client -> r1", 0, 4.999);
	assert_span(spans, "r1 -> r2", 11.999, 14.999);
	assert_span(spans, "r2 -> server", 16.999, 18);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, drawing_setup, drawing_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_plain),	 TEST(test_path_names),
		TEST(test_queue),	 TEST(test_no_least_known),
		TEST(test_lower_bound),	 TEST(test_wait_never_negative),
		TEST(test_queue_absent), TEST(test_after_queue),
		TEST(test_sender_queue), TEST(test_sender_queue_unknown),
		TEST(test_reply),	 TEST(test_silent_in_the_middle),
		TEST(test_overflow),	 TEST(test_packets_queued),
		TEST(test_unknown),	 TEST(test_first_stamp),
		TEST(test_coarse_clock), TEST(test_coarse_clock_ahead),
		TEST(test_clock_set),	 TEST(test_clock_behind),
		TEST(test_clock_ahead),	 TEST(test_arrival_before_departure),
		TEST(test_short_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
