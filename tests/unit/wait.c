/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Rule W: least passages in their windows, clock offset and drift. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "spans/wait.h"

#define SECOND_NS 1000000000LL
#define NOW_NS (29000000 * 60 * SECOND_NS) /* a whole minute */

static void assert_wait(struct edge *edge, int64_t passage_ns, int64_t at_s, enum wait_kind kind, int64_t wanted_ns)
{
	int64_t wait_ns = -1;

	assert_int_equal(edge_wait(edge, passage_ns, NOW_NS + at_s * SECOND_NS, &wait_ns), kind);
	assert_int_equal(wait_ns, wanted_ns);
}

static void test_empty(void **state)
{
	struct edge edge = { 0 };

	(void)state;
	edge_add_empty(&edge, 100, NOW_NS);
	edge_add_empty(&edge, 90, NOW_NS + SECOND_NS);
	edge_add_empty(&edge, 95, NOW_NS + 2 * SECOND_NS);
	assert_wait(&edge, 1090, 3, WAIT_ESTIMATED, 1000);
	assert_wait(&edge, 80, 4, WAIT_ESTIMATED, 0);
	assert_wait(&edge, 1090, 5, WAIT_ESTIMATED, 1000); /* the 80 had a queue: it is no least */
}

/* The receiving clock is 5 ms behind: passages are negative, the wait is right. */
static void test_offset(void **state)
{
	struct edge edge = { 0 };

	(void)state;
	edge_add_empty(&edge, -4990000, NOW_NS);
	assert_wait(&edge, -4900000, 1, WAIT_ESTIMATED, 90000);
}

/* Ten minutes for packets that met an empty queue, 60 s for any. */
static void test_windows(void **state)
{
	struct edge edge = { 0 };

	(void)state;
	assert_wait(&edge, 500, 0, WAIT_UNKNOWN, -1);
	assert_wait(&edge, 700, 11, WAIT_LOWER_BOUND, 200);
	assert_wait(&edge, 900, 60, WAIT_LOWER_BOUND, 400);
	assert_wait(&edge, 900, 71, WAIT_LOWER_BOUND, 200);
	assert_wait(&edge, 900, 132, WAIT_UNKNOWN, -1);
	edge_add_empty(&edge, 100, NOW_NS + 140 * SECOND_NS);
	assert_wait(&edge, 900, 140 + 600, WAIT_ESTIMATED, 800);
	assert_wait(&edge, 950, 140 + 601, WAIT_LOWER_BOUND, 50);
}

/* A packet from before the window does not disturb it. */
static void test_reordered(void **state)
{
	struct edge edge = { 0 };

	(void)state;
	edge_add_empty(&edge, 100, NOW_NS);
	edge_add_empty(&edge, 10, NOW_NS - 600 * SECOND_NS);
	assert_wait(&edge, 900, 1, WAIT_ESTIMATED, 800);
	edge_add_empty(&edge, 90, NOW_NS - SECOND_NS);
	assert_wait(&edge, 900, 2, WAIT_ESTIMATED, 810);
}

/* Clocks run apart by 10 us a minute. Once four minutes say so, the wait is right again to a few us. */
static void test_drift(void **state)
{
	struct edge edge = { 0 };
	int64_t wait_ns = 0;

	(void)state;
	for (int s = 0; s <= 300; s++)
		edge_add_empty(&edge, 50000 + s * 10000 / 60, NOW_NS + s * SECOND_NS);
	assert_int_equal(edge_wait(&edge, 50000 + 330 * 10000 / 60 + 40000, NOW_NS + 330 * SECOND_NS, &wait_ns),
			 WAIT_ESTIMATED);
	assert_in_range(wait_ns, 39900, 40100);
}

/* Minutes that differ by noise only: the plain least counts. */
static void test_no_drift(void **state)
{
	static const int noise_ns[] = { 300, 0, 900, 200, 700 };
	struct edge edge = { 0 };

	(void)state;
	for (int s = 0; s < 300; s++)
		edge_add_empty(&edge, 50000 + noise_ns[s / 60], NOW_NS + s * SECOND_NS);
	assert_wait(&edge, 60000, 300, WAIT_ESTIMATED, 10000);
}

/* Each node, interface, next node and receiver has its own; beyond the bound the one not used for longest goes. */
static void test_edges(void **state)
{
	struct node node = { .name = NULL };
	struct edge_key key = { .node = &node }, other = key;
	struct edges edges = { 0 };

	(void)state;
	edge_add_empty(edges_find(&edges, &key), 100, NOW_NS);
	assert_wait(edges_find(&edges, &key), 150, 0, WAIT_ESTIMATED, 50);
	other.receiver.s6_addr[15] = 1;
	assert_wait(edges_find(&edges, &other), 150, 0, WAIT_UNKNOWN, -1);
	for (uint32_t i = 1; i < EDGES_MAX; i++) {
		other.egress_if = i;
		edges_find(&edges, &other);
		edges_find(&edges, &key);
	}
	assert_int_equal(edges.table.count, EDGES_MAX);
	assert_wait(edges_find(&edges, &key), 150, 0, WAIT_ESTIMATED, 50);
	edges_free(&edges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	  cmocka_unit_test(test_offset), cmocka_unit_test(test_windows),
		cmocka_unit_test(test_reordered), cmocka_unit_test(test_drift),	 cmocka_unit_test(test_no_drift),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
