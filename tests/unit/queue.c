/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Egress queues of several workers: limits that are the port's, what a packet meets, a rate that is kept and shared, a
 * burst after a pause. Packets are lengths alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "dpdk-app/queue.h"

enum { PLACES = 16, LEN = 1000, TICKS_PER_BYTE = 200, WORKERS = 2, SHARED_ROUNDS = 200000 };

struct place {
	struct queue queue;
	struct rte_mbuf *packets[PLACES];
};

static struct rte_mbuf packet = { .pkt_len = LEN };

static void queue_add(struct place *place, struct line *line)
{
	memset(place, 0, sizeof(*place));
	place->queue.line = line;
	place->queue.packets = place->packets;
	place->queue.mask = PLACES - 1;
	line->queues[line->queue_count++] = &place->queue;
}

static struct line line_make(uint64_t bytes, uint32_t packets)
{
	return (struct line){ .bytes_max = bytes, .packets_max = packets };
}

static enum outcome put(struct queue *queue, uint64_t *met)
{
	struct backlog others = queue_others(queue);

	return queue_put(queue, &packet, &others, met);
}

static void test_bytes(void **state)
{
	struct line line = line_make(3 * LEN + 1, PLACES);
	struct place a, b;
	uint64_t met = 7;

	(void)state;
	queue_add(&a, &line);
	queue_add(&b, &line);
	assert_int_equal(put(&a.queue, &met), OUTCOME_forwarded);
	assert_int_equal(met, 0);
	assert_int_equal(put(&b.queue, &met), OUTCOME_forwarded);
	assert_int_equal(met, LEN);
	assert_int_equal(put(&a.queue, &met), OUTCOME_forwarded);
	assert_int_equal(met, 2 * LEN);
	assert_int_equal(put(&a.queue, &met), OUTCOME_drop_queue_full);
	assert_int_equal(put(&b.queue, &met), OUTCOME_drop_queue_full);
	assert_int_equal(a.queue.drops + b.queue.drops, 2);
	queue_drop_front(&b.queue, 1, LEN);
	assert_int_equal(put(&a.queue, &met), OUTCOME_forwarded);
	assert_int_equal(met, 2 * LEN);
	assert_int_equal(a.queue.bytes_most, 2 * LEN);
}

/* A limit below one packet's length still lets one through. */
static void test_one(void **state)
{
	struct line line = line_make(1, PLACES);
	struct place a;
	uint64_t met;

	(void)state;
	queue_add(&a, &line);
	assert_int_equal(put(&a.queue, &met), OUTCOME_forwarded);
	assert_int_equal(put(&a.queue, &met), OUTCOME_drop_queue_full);
}

static void test_packets(void **state)
{
	struct line line = line_make(UINT64_MAX, PLACES);
	struct rte_mbuf **front;
	struct place a, b;
	uint64_t met;

	(void)state;
	queue_add(&a, &line);
	queue_add(&b, &line);
	for (int i = 0; i < PLACES; i++)
		assert_int_equal(put(i % 4 ? &a.queue : &b.queue, &met), OUTCOME_forwarded);
	assert_int_equal(put(&a.queue, &met), OUTCOME_drop_queue_packets);
	assert_int_equal(put(&b.queue, &met), OUTCOME_drop_queue_packets);
	/* Around the end of the places. */
	for (int i = 0; i < 3 * PLACES; i++) {
		assert_int_not_equal(queue_front(&a.queue, &front, 1), 0);
		queue_drop_front(&a.queue, 1, LEN);
		assert_int_equal(put(&a.queue, &met), OUTCOME_forwarded);
		assert_int_equal(met, (PLACES - 1) * LEN);
	}
}

static struct line line_rated(uint64_t credit_ticks)
{
	struct line line = line_make(UINT64_MAX, PLACES);

	line.ticks_per_byte = (uint64_t)TICKS_PER_BYTE << LINE_PART_BITS;
	line.credit_ticks = credit_ticks;
	return line;
}

/* Looked at often, seldom, and not at all for a while. */
static void test_rate(void **state)
{
	struct rte_mbuf *packets[PLACES];
	const uint64_t packet_ticks = LEN * TICKS_PER_BYTE;
	struct line line = line_rated(3 * packet_ticks);
	uint64_t taken = 0, ticks = 0;

	(void)state;
	for (int i = 0; i < PLACES; i++)
		packets[i] = &packet;
	for (; ticks < 1000 * packet_ticks; ticks += packet_ticks / 7)
		taken += line_take(&line, packets, PLACES, ticks);
	assert_in_range(taken, 999, 1001);
	for (; ticks < 2000 * packet_ticks; ticks += 2 * packet_ticks)
		taken += line_take(&line, packets, PLACES, ticks);
	assert_in_range(taken, 1997, 2001);
	ticks += 500 * packet_ticks;
	assert_int_equal(line_take(&line, packets, PLACES, ticks), 4);
	assert_int_equal(line_take(&line, packets, PLACES, ticks), 0);
	assert_int_equal(line_wait_ticks(&line, ticks), packet_ticks);
	assert_int_equal(line_wait_ticks(&line, ticks + 2 * packet_ticks), 0);
	/* What the port did not take was not sent. */
	line_give_back(&line, packets, 2);
	assert_int_equal(line_take(&line, packets, PLACES, ticks), 2);
}

static void test_no_rate(void **state)
{
	struct rte_mbuf *packets[PLACES] = { &packet };
	struct line line = line_make(UINT64_MAX, PLACES);

	(void)state;
	assert_int_equal(line_take(&line, packets, PLACES, 1), PLACES);
	assert_int_equal(line_wait_ticks(&line, 1), 0);
}

static struct line shared;

/* Half of what it gets it gives back. */
static void *taker_run(void *taken)
{
	struct rte_mbuf *packets[4] = { &packet, &packet, &packet, &packet };

	for (int i = 0; i < SHARED_ROUNDS; i++) {
		uint16_t got = line_take(&shared, packets, 4, UINT64_MAX / 4);

		line_give_back(&shared, packets, got / 2);
		*(uint64_t *)taken += got - got / 2;
	}
	return NULL;
}

/* Whatever the workers do at the same time, of the rate as much is gone as was sent. */
static void test_shared(void **state)
{
	uint64_t taken[WORKERS] = { 0 }, all = 0, begin;
	pthread_t takers[WORKERS];

	(void)state;
	shared = line_rated(UINT64_MAX / 4);
	begin = shared.free_ticks = UINT64_MAX / 8;
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&takers[i], NULL, taker_run, &taken[i]), 0);
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(takers[i], NULL);
		all += taken[i];
	}
	assert_int_equal(all, WORKERS * 2 * SHARED_ROUNDS);
	assert_int_equal(shared.free_ticks - begin, all * LEN * TICKS_PER_BYTE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes), cmocka_unit_test(test_one),     cmocka_unit_test(test_packets),
		cmocka_unit_test(test_rate),  cmocka_unit_test(test_no_rate), cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
