/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Clocks that disagree: requests and replies between a client and a server over two routers, each with a clock of its
 * own, in every order of knowing; what is drawn is compared with what happened.
 */
#include <math.h>

#include "packets.h"

#define SECOND_NS 1000000000LL
#define MS_NS 1000000LL

/* What each clock is ahead, ns, and how it drifts, ns per s. */
struct skew {
	int64_t client_ns, r1_ns, r2_ns, server_ns;
	int64_t r1_drift_ns;
	bool seconds; /* stamps have them */
};

struct fixture {
	struct drawing drawn;
	struct skew skew;
	unsigned int number;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	drawing_begin(&fixture->drawn);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	drawing_end(&fixture->drawn);
	free(fixture);
	return 0;
}

static int64_t r1_ahead(const struct skew *skew, int64_t at_ns)
{
	return skew->r1_ns + skew->r1_drift_ns * (at_ns / MS_NS) / 1000;
}

/* A node's stamp at `at_ns` (behind BASE_NS) of real time. */
static void stamp(struct record *record, unsigned int hop, const struct skew *skew, int64_t at_ns, int64_t ahead_ns)
{
	int64_t tai_ns = BASE_NS + at_ns + ahead_ns + 37 * SECOND_NS;

	record->hops[hop].fraction = (uint32_t)(tai_ns % SECOND_NS);
	if (!skew->seconds)
		return;
	record->type |= IOAM6_SECONDS;
	record->hops[hop].seconds = (uint32_t)(tai_ns / SECOND_NS);
}

enum { LINK_US = 50, STAY_US = 6 };

/*
 * client -50- r1, 6 -50- r2, 6 -50- server and back; `queue_us` is waited for in r1 on the way there. The record is as
 * the receiver's sink has it.
 */
static struct record crossing(struct fixture *fixture, int64_t at_ns, bool back, int64_t queue_us)
{
	const struct skew *skew = &fixture->skew;
	struct record record = packet(0, 0, 0);
	int64_t first_ns = at_ns + LINK_US * 1000, second_ns = first_ns + (STAY_US + queue_us + LINK_US) * 1000,
		arrived_ns = second_ns + (STAY_US + LINK_US) * 1000;
	struct in6_addr source = record.source;

	memcpy(record.context.trace_id, &fixture->number, sizeof(fixture->number));
	if (back) {
		record.context.attribution = CONTEXT_LEARNT;
		record.source = record.destination;
		record.destination = source;
		record.hops[0].id = CART;
	}
	add_hop(&record, back ? R2 : R1, 63, 0, STAY_US * 1000, queue_us ? 1000 : 0);
	add_hop(&record, back ? R1 : R2, 62, 0, STAY_US * 1000, 0);
	arrive(&record, 62, 0);
	stamp(&record, 0, skew, at_ns, back ? skew->server_ns : skew->client_ns);
	stamp(&record, 1, skew, first_ns, back ? skew->r2_ns : r1_ahead(skew, first_ns));
	stamp(&record, 2, skew, second_ns, back ? r1_ahead(skew, second_ns) : skew->r2_ns);
	record.time_unix_ns = BASE_NS + arrived_ns + (back ? skew->client_ns : skew->server_ns);
	record.seen_unix_ns = BASE_NS + arrived_ns;
	return record;
}

static void cross(struct fixture *fixture, int64_t at_ns, bool back, int64_t queue_us)
{
	struct record record = crossing(fixture, at_ns, back, queue_us);

	transfers_add(fixture->drawn.transfers, &record);
	fixture->number++;
}

static struct span_list *close_all(struct fixture *fixture)
{
	span_list_free(&fixture->drawn.spans);
	transfers_close(fixture->drawn.transfers, 0, true, SIZE_MAX, &fixture->drawn.spans);
	assert_sound(&fixture->drawn.spans);
	return &fixture->drawn.spans;
}

/* `pairs` requests and replies, 10 ms apart, from `from_ns` on. */
static int64_t talk(struct fixture *fixture, int64_t from_ns, unsigned int pairs)
{
	for (unsigned int i = 0; i < pairs; i++, from_ns += 10 * MS_NS) {
		cross(fixture, from_ns, false, i % 3 * 1000);
		cross(fixture, from_ns + 5 * MS_NS, true, 0);
	}
	span_list_free(&fixture->drawn.spans);
	transfers_close(fixture->drawn.transfers, 0, true, SIZE_MAX, &fixture->drawn.spans);
	return from_ns;
}

static void assert_near(const struct span *span, int64_t start_ns, int64_t length_ns, int64_t error_ns)
{
	int64_t away_ns = span->start_unix_ns - BASE_NS - start_ns,
		longer_ns = span->end_unix_ns - span->start_unix_ns - length_ns;

	if (llabs(away_ns) > error_ns || llabs(longer_ns) > error_ns + 2000)
		fail_msg("%s starts %lld ns late and is %lld ns longer", span->name, (long long)away_ns,
			 (long long)longer_ns);
}

/* The request, or reply, is drawn as it was, by the client's clock; each mark says how far its stamp was off. */
static void assert_true_times(struct fixture *fixture, int64_t at_ns, bool back, int64_t queue_us, int64_t error_ns)
{
	int64_t client_ns = fixture->skew.client_ns, start_ns = at_ns + client_ns, away_ns;
	const struct span *stay;
	struct span_list *spans;

	cross(fixture, at_ns, back, queue_us);
	spans = close_all(fixture);
	assert_near(span_named(spans, back ? "reply" : "request"), start_ns, (162 + queue_us) * 1000, error_ns);
	stay = span_named(spans, "r1 eth1");
	start_ns += (back ? 2 * LINK_US + STAY_US : LINK_US) * 1000;
	assert_near(stay, start_ns, (STAY_US + queue_us) * 1000, error_ns);
	assert_near(span_named(spans, back ? "r2 port1" : "client -> r1"),
		    at_ns + client_ns + (back ? LINK_US * 1000 : 0), (back ? STAY_US : LINK_US) * 1000, error_ns);
	away_ns = fixture->skew.client_ns - r1_ahead(&fixture->skew, at_ns);
	if (!fixture->skew.seconds)
		away_ns = remainder(away_ns, 1e9);
	if (llabs(away_ns) > 1000 + error_ns)
		assert_in_range(number_of(stay, AT_adjusted_ns) - away_ns + 100000, 100000 - error_ns - 1000,
				100000 + error_ns + 1000);
	assert_in_range(number_of(&spans->spans[0], AT_clock_error_ns), 0, 160000);
}

/* Each host's clock in turn, and all at once; ways there and back take the same, so nothing is left of it. */
static void test_both_ways(void **state)
{
	static const struct skew skews[] = {
		{ 0, 0, 0, 0, 0, false },
		{ MS_NS, 0, 0, 0, 0, false },
		{ 0, -MS_NS, 0, 0, 0, false },
		{ 0, 400 * MS_NS, 0, 0, 0, false },
		{ -400 * MS_NS, 0, 0, 0, 0, false },
		{ 0, 0, 0, 400 * MS_NS, 0, false },
		{ 0, 0, 0, -400 * MS_NS, 0, false },
		{ 137 * MS_NS, -300 * MS_NS, 400 * MS_NS, -20 * MS_NS, 0, false },
		{ -200 * MS_NS, 190 * MS_NS, -400 * MS_NS, 120 * MS_NS, 0, false },
		{ 0, 0, 400 * MS_NS, 0, 20000, false },
		{ 5000 * MS_NS, -30000 * MS_NS, 400 * MS_NS, 86400000 * MS_NS, 0, true },
		{ -2300 * MS_NS, 7300 * MS_NS, 0, 100 * MS_NS, 10000, true },
	};
	struct fixture *fixture;

	for (unsigned int i = 0; i < sizeof(skews) / sizeof(skews[0]); i++) {
		int64_t at_ns, error_ns = skews[i].r1_drift_ns ? 3000 : 1000;

		if (i > 0) {
			teardown(state);
			setup(state);
		}
		fixture = *state;
		fixture->skew = skews[i];
		at_ns = talk(fixture, 0, 900);
		assert_true_times(fixture, at_ns, false, 0, error_ns);
		assert_true_times(fixture, at_ns + 20 * MS_NS, true, 0, error_ns);
		assert_true_times(fixture, at_ns + 40 * MS_NS, false, 80000, error_ns);
	}
}

/* What is not known at once is when the transfer ends: the reply has come by then. */
static void test_first(void **state)
{
	struct fixture *fixture = *state;
	struct span_list *spans;

	fixture->skew = (struct skew){ .server_ns = -30 * MS_NS, .r1_ns = 3 * MS_NS };
	cross(fixture, 0, false, 0);
	cross(fixture, 5 * MS_NS, true, 0);
	spans = close_all(fixture);
	assert_near(span_named(spans, "request"), 0, 162000, 1000);
	assert_near(span_named(spans, "client -> r1"), 0, 50000, 1000);
	assert_near(span_named(spans, "reply"), 5 * MS_NS, 162000, 1000);
}

/* One direction alone: no order is violated, and every packet's excess is seen. */
static void test_one_way(void **state)
{
	struct fixture *fixture = *state;
	struct span_list *spans;

	fixture->skew = (struct skew){ .server_ns = -30 * MS_NS, .r1_ns = 3 * MS_NS };
	for (unsigned int i = 0; i < 100; i++)
		cross(fixture, i * 10 * MS_NS, false, i % 3 * 1000);
	close_all(fixture);
	cross(fixture, SECOND_NS, false, 0);
	spans = close_all(fixture);
	assert_false(has(&spans->spans[0], AT_clock_error_ns));
	assert_int_equal(number_of(span_named(spans, "r2 -> server"), AT_link_ns), 0);
	assert_true(number_of(span_named(spans, "r2 -> server"), AT_adjusted_ns) > 29 * MS_NS);
	cross(fixture, SECOND_NS + 10 * MS_NS, false, 5000);
	spans = close_all(fixture);
	assert_int_equal(number_of(span_named(spans, "r1 eth1"), AT_wait_ns), 5 * MS_NS);
}

/* A clock is set while packets flow: within 6 s all is true again. */
static void test_clock_set(void **state)
{
	struct fixture *fixture = *state;
	int64_t at_ns;

	fixture->skew = (struct skew){ .r2_ns = 2 * MS_NS };
	at_ns = talk(fixture, 0, 1000);
	fixture->skew.r2_ns = -7 * MS_NS;
	fixture->skew.server_ns = 250 * MS_NS;
	at_ns = talk(fixture, at_ns, 600);
	assert_true_times(fixture, at_ns, false, 0, 3000);
}

/* The client's span of that packet, by its clock. */
static struct span client_span(const struct fixture *fixture, unsigned int number, int64_t at_ns, int64_t length_ns)
{
	struct record record = packet(0, 0, 0);
	struct span span = { .start_unix_ns = BASE_NS + at_ns + fixture->skew.client_ns };

	span.end_unix_ns = span.start_unix_ns + length_ns;
	memcpy(record.context.trace_id, &number, sizeof(number));
	memcpy(span.trace_id, record.context.trace_id, TRACE_ID_LEN);
	memcpy(span.id, record.context.span_id, SPAN_ID_LEN);
	return span;
}

/* Without seconds in the stamps the parent span has them, whether it comes before its packets or behind them. */
static void test_seconds_of_parent(void **state)
{
	static const int64_t client_ns[] = { 3 * SECOND_NS, -7 * SECOND_NS + 400 * MS_NS,
					     3600 * SECOND_NS - 2 * MS_NS };

	for (unsigned int i = 0; i < 2 * sizeof(client_ns) / sizeof(client_ns[0]); i++) {
		struct fixture *fixture;
		struct span span;
		int64_t at_ns;

		if (i > 0) {
			teardown(state);
			setup(state);
		}
		fixture = *state;
		fixture->skew =
		    (struct skew){ .client_ns = client_ns[i / 2], .r1_ns = 100 * MS_NS, .server_ns = SECOND_NS };
		at_ns = talk(fixture, 0, 20);
		span = client_span(fixture, fixture->number, at_ns - 100000, 8 * MS_NS);
		if (i % 2)
			transfers_add_parent(fixture->drawn.transfers, &span);
		cross(fixture, at_ns, false, 0);
		close_all(fixture);
		if (i % 2 == 0)
			transfers_add_parent(fixture->drawn.transfers, &span);
		assert_true_times(fixture, at_ns + 20 * MS_NS, false, 0, 1000);
		assert_true_times(fixture, at_ns + 40 * MS_NS, true, 0, 1000);
	}
}

/* A span of many seconds leaves open which one it was: the fewest seconds away that fit. Later ones tell more. */
static void test_long_parent(void **state)
{
	struct fixture *fixture = *state;
	struct span span;
	int64_t at_ns;

	fixture->skew.client_ns = 4 * SECOND_NS;
	at_ns = talk(fixture, 0, 20);
	span = client_span(fixture, fixture->number - 2, at_ns - 3 * SECOND_NS, 60 * SECOND_NS);
	transfers_add_parent(fixture->drawn.transfers, &span);
	span = client_span(fixture, fixture->number - 4, at_ns - 20 * MS_NS - 100000, 3500 * MS_NS);
	transfers_add_parent(fixture->drawn.transfers, &span);
	span = client_span(fixture, fixture->number - 6, at_ns - 30 * MS_NS - 3500 * MS_NS, 3600 * MS_NS);
	transfers_add_parent(fixture->drawn.transfers, &span);
	assert_true_times(fixture, at_ns, false, 0, 1000);
}

/* Only requests are seen, but with their parent spans: packets stand within them. */
static void test_one_way_with_parent(void **state)
{
	struct fixture *fixture = *state;
	const struct span *request;
	struct span span;

	fixture->skew = (struct skew){ .client_ns = 2 * SECOND_NS };
	for (unsigned int i = 0; i < 20; i++) {
		cross(fixture, i * 10 * MS_NS, false, 0);
		span = client_span(fixture, fixture->number - 1, i * 10 * MS_NS - 50000, 5 * MS_NS);
		transfers_add_parent(fixture->drawn.transfers, &span);
		close_all(fixture);
	}
	cross(fixture, 200 * MS_NS, false, 0);
	span = client_span(fixture, fixture->number - 1, 200 * MS_NS - 50000, 5 * MS_NS);
	request = &close_all(fixture)->spans[0];
	assert_true(request->start_unix_ns >= span.start_unix_ns - 2 * MS_NS);
	assert_true(request->end_unix_ns <= span.end_unix_ns + 2 * MS_NS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_both_ways),
		TEST(test_first),
		TEST(test_one_way),
		TEST(test_clock_set),
		TEST(test_seconds_of_parent),
		TEST(test_long_parent),
		TEST(test_one_way_with_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
