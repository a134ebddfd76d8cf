/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which place is named, and in which words. */
#include "view/verdict.h"

#include "example.h"

/* The trace's verdict; `list` is given back. */
static void assert_verdict(struct span_list *list, const char *reason, const char *text)
{
	struct verdict verdict;

	verdict_find(list, &verdict);
	assert_string_equal(verdict.text, text);
	assert_string_equal(verdict.reason, reason);
	span_list_free(list);
}

/* shop calls cart: client span 0 to 48.2 ms, server span between. */
static void call_spans(struct span_list *list, int64_t server_start_us, int64_t server_end_us)
{
	example_span(list, 1, 0, "shop", "GET", 0, 48200)->kind = SPAN_CLIENT;
	example_span(list, 3, 1, "cart", "GET /cart", server_start_us, server_end_us)->kind = SPAN_SERVER;
}

static void set_int(struct span_list *list, struct span *span, const char *key, int64_t value)
{
	attr_int(&list->arena, &span->attrs, key, value);
}

static void test_queue(void **state)
{
	struct span_list list = { 0 };
	struct verdict verdict;

	(void)state;
	example_trace(&list);
	verdict_find(&list, &verdict);
	assert_string_equal(verdict.text, "39.8 of 48.2 ms in r1, waiting in the queue of eth1 (57.9 kB); "
					  "210 times its usual 0.19 ms.");
	assert_string_equal(verdict.reason, "queue");
	assert_string_equal(verdict.node, "r1");
	assert_string_equal(verdict.egress_if, "eth1");
	assert_string_equal(verdict.wait, "estimated");
	assert_int_equal(verdict.time_ns, 39800000);
	assert_int_equal(verdict.of_ns, 48200000);
	assert_int_equal(verdict.of->id[SPAN_ID_LEN - 1], EXAMPLE_CLIENT);
	assert_int_equal(verdict.at->id[SPAN_ID_LEN - 1], EXAMPLE_R1);
	assert_null(verdict.also);
	assert_int_equal(verdict.queue_bytes, 57916);
	assert_int_equal(verdict.usual_ns, 190000);
	assert_int_equal(verdict.usual_packets, -1);
	assert_true(verdict.times_usual > 209.4 && verdict.times_usual < 209.5);
	span_list_free(&list);
}

/* A stay of 39.8 ms behind a queue. */
static void queued_call(struct span_list *list, int64_t usual_us)
{
	call_spans(list, 40300, 47000);
	example_transfer(list, 10, 1, "request", 100, 40200, usual_us < 0 ? -1 : usual_us + 400);
	example_link(list, 11, 10, "link", "client", "r1", 100, 400, 300, 0);
	example_stay(list, 12, 10, "r1", "eth1", 400, 40200, usual_us, 57916);
}

static void test_queue_without_a_baseline(void **state)
{
	struct span_list list = { 0 };

	(void)state;
	queued_call(&list, -1);
	assert_verdict(&list, "queue",
		       "39.8 of 48.2 ms in r1, waiting in the queue of eth1 (57.9 kB); usual not known yet.");
}

static void test_queue_as_always(void **state)
{
	struct span_list list = { 0 };

	(void)state;
	queued_call(&list, 30000);
	assert_verdict(&list, "queue",
		       "39.8 of 48.2 ms in r1, waiting in the queue of eth1 (57.9 kB), as usual there.");
	queued_call(&list, 14000);
	assert_verdict(&list, "queue",
		       "39.8 of 48.2 ms in r1, waiting in the queue of eth1 (57.9 kB), usual 14.0 there.");
}

/* Three times its usual, and by a fifth of the client span above it: just so, and just not. */
static void test_thresholds(void **state)
{
	static const struct {
		int64_t stay_us, usual_us;
		const char *reason;
	} cases[] = {
		{ 15000, 5000, "router" }, { 15000, 5001, "usual" }, { 9640, 0, "router" },
		{ 9639, 0, "usual" },	   { 9740, 100, "router" },  { 9740, 101, "usual" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span_list list = { 0 };
		struct verdict verdict;

		example_span(&list, 1, 0, "shop", "GET", 0, 48200)->kind = SPAN_CLIENT;
		example_transfer(&list, 10, 1, "request", 100, 100 + cases[i].stay_us, cases[i].stay_us);
		example_stay(&list, 11, 10, "r1", "eth1", 100, 100 + cases[i].stay_us, cases[i].usual_us, 0);
		verdict_find(&list, &verdict);
		assert_string_equal(verdict.reason, cases[i].reason);
		span_list_free(&list);
	}
}

static void small_network(struct span_list *list, int64_t usual_us)
{
	example_transfer(list, 10, 1, "request", 100, 800, usual_us);
	example_stay(list, 11, 10, "r1", "eth1", 100, 800, usual_us, 57916);
	example_transfer(list, 20, 1, "reply", 47300, 47900, usual_us);
}

static void test_not_the_network(void **state)
{
	struct span_list list = { 0 };

	(void)state;
	call_spans(&list, 1000, 47100);
	small_network(&list, 600);
	assert_verdict(&list, "application", "network 1.3 of 48.2 ms, as usual; 46.1 ms in cart.");
	call_spans(&list, 1000, 47100);
	small_network(&list, -1);
	assert_verdict(&list, "application", "network 1.3 of 48.2 ms, usual not known yet; 46.1 ms in cart.");
	call_spans(&list, 1000, 47100);
	small_network(&list, 300);
	assert_verdict(&list, "application", "network 1.3 of 48.2 ms, usual 0.6; 46.1 ms in cart.");
}

/* The server sends no spans: its host is named instead; nor is anything named if the network had most. */
static void test_not_the_network_without_a_server_span(void **state)
{
	struct span_list list = { 0 };

	(void)state;
	example_span(&list, 1, 0, "shop", "GET", 0, 48200)->kind = SPAN_CLIENT;
	small_network(&list, 600);
	assert_verdict(&list, "application", "network 1.3 of 48.2 ms, as usual; 46.5 ms in cart-1.");
	example_span(&list, 1, 0, "shop", "GET", 0, 48200)->kind = SPAN_CLIENT;
	example_transfer(&list, 10, 1, "request", 100, 40000, 39000);
	assert_verdict(&list, "usual", "network 39.9 of 48.2 ms, as usual.");
}

static void test_router_without_a_queue(void **state)
{
	struct span_list list = { 0 };
	struct span *span;

	(void)state;
	call_spans(&list, 40300, 47000);
	example_transfer(&list, 10, 1, "request", 100, 40200, 500);
	example_stay(&list, 11, 10, "r1", "eth1", 100, 40200, 10, 0);
	assert_verdict(&list, "router", "40.1 of 48.2 ms in r1, no queue at eth1; 4000 times its usual 0.01 ms.");

	call_spans(&list, 40300, 47000);
	example_transfer(&list, 10, 1, "request", 100, 40200, 500);
	example_stay(&list, 11, 10, "r1", "eth1", 100, 40200, 0, -1);
	assert_verdict(&list, "router", "40.1 of 48.2 ms in r1; usual 0.");

	/* There was a queue, but it took little of the time. */
	call_spans(&list, 40300, 47000);
	example_transfer(&list, 10, 1, "request", 100, 40200, 500);
	span = example_stay(&list, 11, 10, "r1", "eth1", 100, 40200, 10000, 1514);
	set_int(&list, span, "hopspan.wait_ns", 120000);
	assert_verdict(&list, "router",
		       "40.1 of 48.2 ms in r1, 0.12 of it waiting in the queue of eth1 (1.5 kB); "
		       "4.0 times its usual 10.0 ms.");
}

static void link_call(struct span_list *list, int64_t queue_bytes, int64_t clock_error_ns)
{
	struct span *span;

	example_span(list, 1, 0, "shop", "GET", 0, 20400)->kind = SPAN_CLIENT;
	span = example_network(list, 10, 1, "transfer", "request", 100, 12400, 290, -1);
	example_text(list, span, "hopspan.direction", "request");
	set_int(list, span, "hopspan.clock_error_ns", clock_error_ns);
	example_stay(list, 11, 10, "r1", "eth1", 100, 300, 200, queue_bytes);
	example_link(list, 12, 10, "link", "r1", "r2", 300, 12400, 90, -1);
}

static void test_link(void **state)
{
	struct span_list list = { 0 };

	(void)state;
	link_call(&list, 0, 0);
	assert_verdict(&list, "link", "12.1 of 20.4 ms on r1 -> r2, usual 0.09; no queue seen in r1.");
	link_call(&list, 3028, 3002000);
	assert_verdict(&list, "link", "12.1 of 20.4 ms on r1 -> r2, usual 0.09; 3.0 kB queued in r1.");
	link_call(&list, -1, 0);
	assert_verdict(&list, "link", "12.1 of 20.4 ms on r1 -> r2, usual 0.09.");
}

/* A link's time is no better than the clocks at its ends; a stay needs one clock only. */
static void test_clocks(void **state)
{
	struct span_list list = { 0 };

	(void)state;
	link_call(&list, 0, 3003000);
	assert_verdict(&list, "clocks", "network 12.0 ms above usual, clocks agree to 3.0: no place named.");
	example_trace(&list);
	for (size_t i = 0; i < list.count; i++)
		for (size_t j = 0; j < list.spans[i].attrs.count; j++)
			if (strcmp(list.spans[i].attrs.list[j].key, "hopspan.clock_error_ns") == 0)
				list.spans[i].attrs.list[j].integer = 30000000;
	assert_verdict(&list, "queue",
		       "39.8 of 48.2 ms in r1, waiting in the queue of eth1 (57.9 kB); "
		       "210 times its usual 0.19 ms.");
}

static struct span *hop_call(struct span_list *list, int64_t usual_us, int64_t queue_bytes)
{
	struct span *span;

	call_spans(list, 40400, 47900);
	example_transfer(list, 10, 1, "request", 100, 40200, 900);
	span = example_link(list, 11, 10, "hop", "r3", "server", 400, 40200, usual_us, queue_bytes);
	example_text(list, span, "hopspan.node", "r3");
	example_text(list, span, "hopspan.egress_if", "ens5");
	return span;
}

static void test_hop(void **state)
{
	struct span_list list = { 0 };
	struct span *span;

	(void)state;
	span = hop_call(&list, 352, 0);
	span->name = "r3 -> ? -> server";
	set_int(&list, span, "hopspan.silent_hops", 1);
	assert_verdict(&list, "silent", "39.8 of 48.2 ms from r3 to server, 1 silent router between; usual 0.35.");
	set_int(&list, hop_call(&list, 352, -1), "hopspan.silent_hops", 3);
	assert_verdict(&list, "silent", "39.8 of 48.2 ms from r3 to server, 3 silent routers between; usual 0.35.");
	hop_call(&list, 352, 0);
	assert_verdict(&list, "hop", "39.8 of 48.2 ms from r3 to server, stay and way not told apart; usual 0.35.");
	hop_call(&list, -1, 30280);
	assert_verdict(&list, "hop",
		       "39.8 of 48.2 ms from r3 to server, stay and way not told apart, "
		       "30.3 kB queued at ens5; usual not known yet.");
}

static void test_hosts(void **state)
{
	static const struct {
		int64_t request_us, server_start_us, server_end_us, reply_us;
		const char *text;
	} cases[] = {
		{ 31000, 32000, 47000, 47100,
		  "31.0 of 48.2 ms in shop-1, from the start of its span to the first packet." },
		{ 100, 31600, 47000, 47100, "31.0 of 48.2 ms in cart-1, from arrival to the start of its span." },
		{ 100, 700, 16100, 47100,
		  "31.0 of 48.2 ms in cart-1, from the end of its span to the first packet of the reply." },
		{ 100, 700, 16100, 16700, "31.0 of 48.2 ms in shop-1, from arrival to the end of its span." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span_list list = { 0 };

		call_spans(&list, cases[i].server_start_us, cases[i].server_end_us);
		example_transfer(&list, 10, 1, "request", cases[i].request_us, cases[i].request_us + 500, 500);
		example_transfer(&list, 20, 1, "reply", cases[i].reply_us, cases[i].reply_us + 500, 500);
		assert_verdict(&list, "host", cases[i].text);
	}
}

/* The client's own work before it sends is no mystery of its host. */
static void test_host_work_with_a_span(void **state)
{
	struct span_list list = { 0 };

	(void)state;
	call_spans(&list, 32000, 47000);
	example_span(&list, 4, 1, "shop", "render", 500, 30900);
	example_transfer(&list, 10, 1, "request", 31000, 31500, 500);
	assert_verdict(&list, "application", "network 0.5 of 48.2 ms, as usual; 15.0 ms in cart.");
}

static void test_lost(void **state)
{
	struct span_list list = { 0 };
	struct verdict verdict;

	(void)state;
	example_span(&list, 1, 0, "shop", "GET", 0, 208400)->kind = SPAN_CLIENT;
	example_network(&list, 5, 1, "retransmission", "retransmission", 200, 204300, -1, -1);
	example_transfer(&list, 20, 1, "reply", 207000, 207460, 452);
	verdict_find(&list, &verdict);
	assert_int_equal(verdict.at->id[SPAN_ID_LEN - 1], 5);
	assert_verdict(&list, "lost", "204.1 of 208.4 ms until a lost packet was sent again.");

	/* Without any transfer too. */
	example_span(&list, 1, 0, "shop", "GET", 0, 208400)->kind = SPAN_CLIENT;
	example_network(&list, 5, 1, "retransmission", "retransmission", 200, 204300, -1, -1);
	assert_verdict(&list, "lost", "204.1 of 208.4 ms until a lost packet was sent again.");

	/* The wait for it is no fault of the server's host. */
	example_span(&list, 1, 0, "shop", "GET", 0, 208400)->kind = SPAN_CLIENT;
	example_span(&list, 3, 1, "cart", "GET /cart", 205000, 206000)->kind = SPAN_SERVER;
	example_transfer(&list, 10, 1, "request", 100, 600, 500);
	example_network(&list, 5, 1, "retransmission", "retransmission", 200, 204300, -1, -1);
	assert_verdict(&list, "lost", "204.1 of 208.4 ms until a lost packet was sent again.");
}

static void test_spread(void **state)
{
	struct span_list list = { 0 };

	(void)state;
	example_span(&list, 1, 0, "shop", "GET", 0, 15000)->kind = SPAN_CLIENT;
	example_transfer(&list, 10, 1, "request", 100, 9200, 3000);
	example_stay(&list, 11, 10, "r1", "eth1", 100, 3100, 1000, 100);
	example_stay(&list, 12, 10, "r2", "eth1", 3100, 6000, 1000, 100);
	example_stay(&list, 13, 10, "r3", "eth1", 6000, 9200, 1000, 100);
	assert_verdict(&list, "spread", "network 6.1 ms above usual: r3 2.2, r1 2.0, r2 1.9.");
}

static void test_none(void **state)
{
	struct span_list list = { 0 };
	struct verdict verdict;

	(void)state;
	assert_verdict(&list, "none", "no packet of this request was recorded.");
	example_application(&list);
	verdict_find(&list, &verdict);
	assert_int_equal(verdict.of->id[SPAN_ID_LEN - 1], EXAMPLE_CLIENT);
	assert_null(verdict.at);
	assert_verdict(&list, "none", "no packet of this request was recorded.");
}

/* The application's spans may come later, or never. */
static void test_without_the_client_span(void **state)
{
	struct span_list list = { 0 };
	struct verdict verdict;

	(void)state;
	example_request(&list);
	example_reply(&list);
	verdict_find(&list, &verdict);
	assert_null(verdict.of);
	assert_verdict(&list, "queue",
		       "39.8 of 40.9 ms in r1, waiting in the queue of eth1 (57.9 kB); "
		       "210 times its usual 0.19 ms.");
}

static void test_second(void **state)
{
	struct span_list list = { 0 };
	struct verdict verdict;

	(void)state;
	call_spans(&list, 40400, 47900);
	example_transfer(&list, 10, 1, "request", 100, 40200, 900);
	example_stay(&list, 11, 10, "r1", "eth1", 100, 13400, 200, 20000);
	example_stay(&list, 12, 10, "r2", "port1", 13400, 40200, 200, 40000);
	verdict_find(&list, &verdict);
	assert_int_equal(verdict.at->id[SPAN_ID_LEN - 1], 12);
	assert_null(verdict.also); /* 13.1 ms above usual: less than half of 26.6 */
	list.spans[3].end_unix_ns += 400000;
	verdict_find(&list, &verdict);
	assert_int_equal(verdict.also->id[SPAN_ID_LEN - 1], 11);
	assert_verdict(&list, "queue",
		       "26.8 of 48.2 ms in r2, waiting in the queue of port1 (40.0 kB); 130 times its usual "
		       "0.2 ms; 13.7 more in r1, waiting in the queue of eth1 (20.0 kB).");
}

/* Of many calls the one with the largest excess, and it is named. */
static void test_fan_out(void **state)
{
	struct span_list list = { 0 };

	(void)state;
	example_span(&list, 1, 0, "shop", "GET /", 0, 60000)->kind = SPAN_SERVER;
	for (int call = 0; call < 8; call++) {
		bool slow = call == 5;
		int id = 100 + 10 * call;

		example_span(&list, id, 1, "shop", slow ? "stock.Stock/Reserve" : "x.X/Y", 100, 26600)->kind =
		    SPAN_CLIENT;
		example_transfer(&list, id + 1, id, "request", 200, slow ? 21600 : 1100, 500);
		example_stay(&list, id + 2, id + 1, "r5", "eth1", 200, slow ? 21600 : 1100, 100, slow ? 32000 : 0);
		example_transfer(&list, id + 3, id, "reply", slow ? 26000 : 26100, 26500, 500);
	}
	assert_verdict(&list, "queue",
		       "21.4 of 26.5 ms of stock.Stock/Reserve in r5, waiting in the queue of eth1 (32.0 kB); "
		       "210 times its usual 0.1 ms.");
}

/* Two calls below one span: ports say which reply is whose. */
static void test_replies_by_port(void **state)
{
	struct span_list list = { 0 };
	struct verdict verdict;

	(void)state;
	example_span(&list, 1, 0, "shop", "GET /", 0, 40000);
	for (int i = 0; i < 2; i++) {
		struct span *span = example_transfer(&list, 10 + i, 1, "request", 100, 600, 500);

		set_int(&list, span, "source.port", 4000 + i);
		span = example_transfer(&list, 20 + i, 1, "reply", i ? 1000 : 29000, i ? 21000 : 29500, 500);
		set_int(&list, span, "destination.port", 4000 + i);
		if (i)
			example_stay(&list, 30, 21, "r1", "eth0", 1000, 21000, 100, 9000);
	}
	verdict_find(&list, &verdict);
	assert_int_equal(verdict.time_ns, 20000000);
	assert_string_equal(verdict.reason, "queue");
	span_list_free(&list);
}

/* Rows of the slowest packet, not of all that were drawn. */
static void test_several_packets(void **state)
{
	struct span_list list = { 0 };

	(void)state;
	call_spans(&list, 41400, 47900);
	example_transfer(&list, 10, 1, "request", 100, 41200, 900);
	example_network(&list, 11, 10, "packet", "first", 100, 35000, -1, -1);
	example_stay(&list, 12, 11, "r9", "eth1", 100, 35000, 200, 20000);
	example_network(&list, 13, 10, "packet", "slowest packet", 200, 41200, -1, -1);
	example_stay(&list, 14, 13, "r1", "eth1", 1200, 41200, 200, 40000);
	assert_verdict(&list, "queue",
		       "40.0 of 48.2 ms in r1, waiting in the queue of eth1 (40.0 kB); "
		       "200 times its usual 0.2 ms.");
}

/* What outlasts its client span is not called a part of it. */
static void test_longer_than_its_span(void **state)
{
	struct span_list list = { 0 };

	(void)state;
	example_span(&list, 1, 0, "shop", "publish", 0, 5000)->kind = SPAN_PRODUCER;
	example_transfer(&list, 10, 1, "request", 100, 40100, 900);
	example_stay(&list, 11, 10, "r1", "eth1", 100, 40100, 200, 40000);
	assert_verdict(&list, "queue",
		       "40.0 ms in r1, waiting in the queue of eth1 (40.0 kB); 200 times its usual 0.2 ms.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_queue_without_a_baseline),
		cmocka_unit_test(test_queue_as_always),
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_not_the_network),
		cmocka_unit_test(test_not_the_network_without_a_server_span),
		cmocka_unit_test(test_router_without_a_queue),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_hop),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_host_work_with_a_span),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_without_the_client_span),
		cmocka_unit_test(test_second),
		cmocka_unit_test(test_fan_out),
		cmocka_unit_test(test_replies_by_port),
		cmocka_unit_test(test_several_packets),
		cmocka_unit_test(test_longer_than_its_span),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
