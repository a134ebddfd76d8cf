/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which packets make one transfer, when it closes, what is usual and who is to blame. */
#include "packets.h"

#define SECOND_NS 1000000000LL
#define ONE_WAY "; clocks not compared: one direction is all that is seen here"

static void add(struct drawing *drawing, struct record record)
{
	transfers_add(drawing->transfers, &record);
}

static struct span_list *close_all(struct drawing *drawing)
{
	span_list_free(&drawing->spans);
	transfers_close(drawing->transfers, 0, true, SIZE_MAX, &drawing->spans);
	assert_sound(&drawing->spans);
	return &drawing->spans;
}

static struct transfer_counts counts_of(const struct drawing *drawing)
{
	struct transfer_counts counts;

	transfers_count(drawing->transfers, &counts);
	return counts;
}

/* 617, 717 and 667 us: the second is shown; the transfer reaches from the first stamp to the last arrival. */
static void test_several_packets(void **state)
{
	struct span_list *spans;
	const struct span *transfer;

	add(*state, plain(1, 0, 0, 0));
	add(*state, plain(1, 20, 0, 100));
	add(*state, plain(1, 300, 0, 50));
	spans = close_all(*state);
	transfer = &spans->spans[0];
	assert_int_equal(spans->count, 8);
	assert_times(transfer, 0, 967);
	assert_span(spans, "slowest packet", 20, 737);
	assert_span(spans, "r1 eth1", 70, 76);
	assert_span(spans, "r1 -> r2", 77, 265);
	assert_int_equal(number_of(transfer, AT_packets), 3);
	assert_int_equal(number_of(transfer, AT_min_ns), 617000);
	assert_int_equal(number_of(transfer, AT_mean_ns), 667000);
	assert_int_equal(number_of(transfer, AT_max_ns), 717000);
	assert_string_equal(text_of(transfer, AT_about),
			    "0.967 ms from client to server for 3 stamped packets, the slowest 0.717" ONE_WAY);
	assert_string_equal(text_of(&spans->spans[1], AT_about),
			    "0.717 ms from client to server, the slowest of 3 stamped packets");
	assert_memory_equal(spans->spans[2].parent_id, spans->spans[1].id, SPAN_ID_LEN);
}

/* 617, 717 and 667 us: the first and the last have hops of their own, with ids of their own. */
static void test_shown(void **state)
{
	const struct transfers_show show = { .first = true, .last = true };
	struct drawing *drawing = *state;
	struct span_list *spans;

	transfers_set_show(drawing->transfers, &show);
	add(*state, plain(1, 300, 0, 50));
	add(*state, plain(1, 0, 0, 0));
	add(*state, plain(1, 20, 0, 100));
	spans = close_all(*state);
	assert_int_equal(spans->count, 1 + 3 * 7);
	assert_span(spans, "slowest packet", 20, 737);
	assert_span(spans, "first packet", 0, 617);
	assert_span(spans, "last packet", 300, 967);
	assert_memory_equal(span_named(spans, "last packet")->parent_id, spans->spans[0].id, SPAN_ID_LEN);
	add(*state, plain(2, 0, 0, 0));
	assert_int_equal(close_all(*state)->count, 7);
}

/* `slow` shows hops of what took more than twice its usual, once that is known. */
static void test_hops(void **state)
{
	struct transfers_show show = { .hops = HOPS_NONE };
	struct drawing *drawing = *state;

	transfers_set_show(drawing->transfers, &show);
	add(*state, plain(1, 0, 0, 0));
	add(*state, plain(1, 20, 0, 100));
	assert_int_equal(close_all(*state)->count, 1);
	show.hops = HOPS_SLOW;
	transfers_set_show(drawing->transfers, &show);
	for (unsigned int i = 0; i < 120; i++)
		add(*state, plain(2 + i, i * 1000, 0, 0));
	assert_int_equal(close_all(*state)->count, 120);
	add(*state, plain(200, 200000, 0, 0));
	assert_int_equal(close_all(*state)->count, 1);
	add(*state, plain(201, 210000, 57916, 2000));
	assert_int_equal(close_all(*state)->count, 7);
}

/* Seen twice, or in another order: one packet each, the same spans. */
static void test_duplicates_and_order(void **state)
{
	struct span_list *spans;

	add(*state, plain(1, 300, 0, 50));
	add(*state, plain(1, 0, 0, 0));
	add(*state, plain(1, 300, 0, 50));
	add(*state, plain(1, 0, 0, 0));
	spans = close_all(*state);
	assert_times(&spans->spans[0], 0, 967);
	assert_int_equal(number_of(&spans->spans[0], AT_packets), 2);
	assert_span(spans, "slowest packet", 300, 967);
	assert_int_equal(counts_of(*state).duplicate_records, 2);
	assert_int_equal(counts_of(*state).records, 4);
	assert_int_equal(counts_of(*state).transfers, 1);
}

/* Another trace, parent, direction, port or address is another transfer. */
static void test_apart(void **state)
{
	struct record record = plain(1, 0, 0, 0);

	add(*state, record);
	add(*state, plain(2, 0, 0, 0));
	record.context.span_id[7]++;
	add(*state, record);
	record.context.attribution = CONTEXT_LEARNT;
	add(*state, record);
	record.source_port++;
	add(*state, record);
	record.source.s6_addr[15]++;
	add(*state, record);
	assert_int_equal(close_all(*state)->count, 6 * 7);
	assert_int_equal(counts_of(*state).transfers, 6);
}

static size_t spans_after(struct drawing *drawing, int64_t now_unix_ns)
{
	span_list_free(&drawing->spans);
	transfers_close(drawing->transfers, now_unix_ns, false, SIZE_MAX, &drawing->spans);
	return drawing->spans.count;
}

static void test_quiet_and_late(void **state)
{
	struct drawing *drawing = *state;
	int64_t arrived_ns = BASE_NS + 617000;

	add(drawing, plain(1, 0, 0, 0));
	assert_int_equal(spans_after(drawing, arrived_ns + SECOND_NS - 1), 0);
	assert_int_equal(spans_after(drawing, arrived_ns + SECOND_NS), 7);
	add(drawing, plain(1, 5, 0, 0));
	assert_int_equal(counts_of(drawing).late_records, 1);
	assert_int_equal(close_all(drawing)->count, 0);
}

/* A record a second behind the last is late even if nobody has asked for spans in between. */
static void test_overdue(void **state)
{
	struct record record = plain(1, 0, 0, 0);

	add(*state, record);
	record.hops[0].fraction++;
	record.time_unix_ns += SECOND_NS;
	add(*state, record);
	assert_int_equal(counts_of(*state).late_records, 1);
	assert_int_equal(number_of(&close_all(*state)->spans[0], AT_packets), 1);
}

/* After a minute of silence the same flow is another transfer, with other ids. */
static void test_forgotten(void **state)
{
	struct drawing *drawing = *state;
	struct record record = plain(1, 0, 0, 0);
	uint8_t id[SPAN_ID_LEN];

	add(drawing, record);
	memcpy(id, close_all(drawing)->spans[0].id, SPAN_ID_LEN);
	record.time_unix_ns += 60 * SECOND_NS;
	add(drawing, record);
	record.time_unix_ns += 50 * SECOND_NS;
	add(drawing, record);
	assert_int_equal(counts_of(drawing).late_records, 2);
	record.time_unix_ns += 61 * SECOND_NS;
	add(drawing, record);
	assert_int_equal(close_all(drawing)->count, 7);
	assert_memory_not_equal(drawing->spans.spans[0].id, id, SPAN_ID_LEN);
}

static void test_not_traced(void **state)
{
	struct record bare = plain(1, 0, 0, 0), unsampled = bare, nameless = bare, timeless = bare;

	bare.has_context = false;
	add(*state, bare);
	unsampled.context.flags = 2;
	add(*state, unsampled);
	memset(nameless.context.span_id, 0, sizeof(nameless.context.span_id));
	add(*state, nameless);
	for (unsigned int i = 0; i < timeless.hop_count; i++)
		timeless.hops[i].fraction = NONE;
	add(*state, timeless);
	assert_int_equal(close_all(*state)->count, 0);
	assert_int_equal(counts_of(*state).untraced_records, 3);
	assert_int_equal(counts_of(*state).untimed_records, 1);
}

static void test_shadow_and_flags(void **state)
{
	struct record record = plain(1, 0, 0, 0);
	const struct span *transfer;

	record.context.attribution = CONTEXT_SHADOW;
	record.context.flags = 3;
	add(*state, record);
	transfer = &close_all(*state)->spans[0];
	assert_string_equal(text_of(transfer, AT_stamp), "shadow");
	assert_int_equal(transfer->flags, 0x303);
}

static void assert_same(const struct span_list *one, const struct span_list *other)
{
	assert_int_equal(one->count, other->count);
	for (size_t i = 0; i < one->count; i++) {
		const struct span *a = &one->spans[i], *b = &other->spans[i];

		assert_memory_equal(a->id, b->id, SPAN_ID_LEN);
		assert_memory_equal(a->parent_id, b->parent_id, SPAN_ID_LEN);
		assert_string_equal(a->name, b->name);
		assert_int_equal(a->start_unix_ns, b->start_unix_ns);
		assert_int_equal(a->end_unix_ns, b->end_unix_ns);
		assert_int_equal(a->attrs.count, b->attrs.count);
		for (size_t k = 0; k < a->attrs.count; k++) {
			assert_string_equal(a->attrs.list[k].key, b->attrs.list[k].key);
			if (a->attrs.list[k].type == ATTR_STRING)
				assert_string_equal(a->attrs.list[k].string, b->attrs.list[k].string);
			else if (a->attrs.list[k].type == ATTR_INT)
				assert_int_equal(a->attrs.list[k].integer, b->attrs.list[k].integer);
		}
	}
}

static void add_many(struct drawing *drawing)
{
	for (unsigned int i = 0; i < 250; i++)
		add(drawing, plain(i % 200, i * 10, i % 3 * 1000, i % 3 * 50));
}

/* The same records make the same spans, in another process as well. */
static void test_determinism(void **state)
{
	struct drawing other = { 0 };

	drawing_begin(&other);
	add_many(*state);
	add_many(&other);
	assert_same(close_all(*state), close_all(&other));
	assert_int_equal(other.spans.count, 200 * 7 + 50);
	drawing_end(&other);
}

/* 120 packets as ever, then one that r1 held for 39.8 ms. */
static void test_usual_and_worst(void **state)
{
	struct drawing *drawing = *state;
	const struct span *transfer, *stay;
	struct span_list *spans;

	for (unsigned int i = 0; i < 120; i++)
		add(drawing, plain(1 + i, i * 1000, 0, 0));
	spans = close_all(drawing);
	assert_false(has(&spans->spans[0], AT_worst));
	add(drawing, plain(200, 200000, 57916, 39794));
	spans = close_all(drawing);
	transfer = &spans->spans[0];
	stay = span_named(spans, "r1 eth1");
	/* middles of the buckets 5632-6143 and 589824-655359 ns */
	assert_int_equal(number_of(stay, AT_usual_ns), 5888);
	assert_int_equal(number_of(transfer, AT_usual_ns), 622592);
	assert_string_equal(text_of(transfer, AT_worst), "r1 eth1");
	assert_int_equal(number_of(transfer, AT_worst_ns), 39800000);
	assert_string_equal(
	    text_of(transfer, AT_about),
	    "40.411 ms from client to server, 39.800 of it at r1 eth1, usual there 0.006; usual 0.623" ONE_WAY);
	assert_string_equal(text_of(stay, AT_about),
			    "39.800 ms in r1, 39.794 of it waiting for eth1 behind 57.9 kB; usual 0.006");
}

static const struct span *transfer_of(struct drawing *drawing, struct record record)
{
	add(drawing, record);
	return &close_all(drawing)->spans[0];
}

/* The excess must be three times the usual, 100 us, and a fifth of the transfer, 617 us. */
static void test_worst_link(void **state)
{
	struct drawing *drawing = *state;
	const struct span *transfer;
	struct record record;

	for (unsigned int i = 0; i < 120; i++)
		add(drawing, plain(1 + i, i * 1000, 0, 0));
	close_all(drawing);
	record = plain(200, 200000, 0, 0);
	record.hops[3].fraction += 400;
	record.time_unix_ns += 400000;
	transfer = transfer_of(drawing, record);
	assert_string_equal(text_of(transfer, AT_worst), "r2 -> r3");
	assert_int_equal(number_of(transfer, AT_worst_ns), 500000);
	record = plain(201, 210000, 0, 0); /* 250 us more: a fifth, but not three times */
	record.hops[3].fraction += 250;
	record.time_unix_ns += 250000;
	assert_false(has(transfer_of(drawing, record), AT_worst));
	record = plain(202, 220000, 0, 0); /* r1 five times its usual: but not a fifth */
	record.hops[1].delay_ns = 30000;
	assert_false(has(transfer_of(drawing, record), AT_worst));
}

/* 600 us of ways there and 206 back, by clocks 1 ms apart: their middle is off by half of what they differ. */
static void test_clock_error(void **state)
{
	struct record reply = packet(1, 5000, 0), request = plain(1, 0, 0, 0);
	struct span_list *spans;

	request.time_unix_ns += 1000000;
	add(*state, request);
	assert_false(has(&close_all(*state)->spans[0], AT_clock_error_ns));
	reply.context.attribution = CONTEXT_LEARNT;
	reply.source = request.destination;
	reply.destination = request.source;
	arrive(&reply, 64, 5206 - 1000);
	add(*state, reply);
	spans = close_all(*state);
	assert_int_equal(number_of(&spans->spans[0], AT_clock_error_ns), (600000 + 206000) / 2);
	assert_int_equal(number_of(&spans->spans[0], AT_adjusted_ns), -1000000 - (600000 - 206000) / 2);
}

/* What `trace show` derives from a span is the key under which the packets were counted. */
static void test_keys(void **state)
{
	struct span_list *spans;
	char key[USUAL_KEY_SIZE];

	add(*state, plain(1, 0, 0, 0));
	spans = close_all(*state);
	assert_true(usual_key(&spans->spans[0], key));
	assert_string_equal(key, "transfer 2001:db8:1::/64 2001:db8:2::/64 request");
	assert_true(usual_key(span_named(spans, "r1 eth1"), key));
	assert_string_equal(key, "stay r1 eth1");
	assert_true(usual_key(span_named(spans, "client -> r1"), key));
	assert_string_equal(key, "link shop-1 r1");
	assert_true(usual_key(span_named(spans, "r3 -> ? -> server"), key));
	assert_string_equal(key, "hop r3 server");
}

/* More transfers at once than there is room for: the oldest are closed early, beyond that records are dropped. */
static void test_bounded(void **state)
{
	struct record record = packet(1, 0, 0);
	struct drawing *drawing = *state;
	uint64_t extra = 10, all = TRANSFERS_OPEN_MAX + TRANSFERS_ENDED_MAX + extra;

	arrive(&record, 64, 100);
	for (uint32_t i = 0; i < all; i++) {
		memcpy(record.context.trace_id, &i, sizeof(i));
		add(drawing, record);
	}
	assert_int_equal(counts_of(drawing).early_closes, TRANSFERS_ENDED_MAX);
	assert_int_equal(counts_of(drawing).dropped_records, extra);
	transfers_close(drawing->transfers, 0, true, SIZE_MAX, &drawing->spans);
	assert_int_equal(drawing->spans.count, 2 * (all - extra));
	assert_int_equal(counts_of(drawing).transfers, all - extra);
}

/* Baselines outlive the collector. */
static void test_store(void **state)
{
	char folder[] = "/tmp/transfer-XXXXXX", path[64];
	struct nodes *nodes = ((struct drawing *)*state)->nodes;
	struct transfers *transfers;
	struct span_list spans = { 0 };
	struct store *store;
	struct record record;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/store.db", folder);
	assert_int_equal(store_open(path, true, &store), 0);
	assert_int_equal(transfers_new(nodes, store, &transfers), 0);
	for (unsigned int i = 0; i < 120; i++) {
		record = plain(1 + i, i * 1000, 0, 0);
		transfers_add(transfers, &record);
	}
	assert_int_equal(transfers_save(transfers), 0);
	transfers_free(transfers);
	assert_int_equal(transfers_new(nodes, store, &transfers), 0);
	record = plain(200, 200000, 0, 0);
	transfers_add(transfers, &record);
	transfers_close(transfers, 0, true, SIZE_MAX, &spans);
	assert_int_equal(number_of(span_named(&spans, "r1 eth1"), AT_usual_ns), 5888);
	span_list_free(&spans);
	transfers_free(transfers);
	store_close(store);
	for (const char *const *end = (const char *const[]){ "", "-wal", "-shm", NULL }; *end; end++) {
		snprintf(path, sizeof(path), "%s/store.db%s", folder, *end);
		unlink(path);
	}
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, drawing_setup, drawing_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_several_packets), TEST(test_duplicates_and_order),
		TEST(test_shown),	    TEST(test_hops),
		TEST(test_apart),	    TEST(test_quiet_and_late),
		TEST(test_overdue),	    TEST(test_forgotten),
		TEST(test_not_traced),	    TEST(test_shadow_and_flags),
		TEST(test_determinism),	    TEST(test_usual_and_worst),
		TEST(test_worst_link),	    TEST(test_keys),
		TEST(test_clock_error),	    TEST(test_bounded),
		TEST(test_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
