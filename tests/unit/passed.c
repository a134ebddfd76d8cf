/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Transfers that one collector passes on to another: drawn there as if it had seen the packets itself. */
#include <errno.h>

#include "packets.h"
#include "vector.h"

static const struct transfers_show pass_on = { .pass_on = true };

struct collector {
	struct nodes *nodes;
	struct transfers *transfers;
	struct span_list spans;
};

static void collector_start(struct collector *collector, const struct transfers_show *show)
{
	*collector = (struct collector){ .nodes = packets_nodes() };
	assert_int_equal(transfers_new(collector->nodes, NULL, &collector->transfers), 0);
	if (show)
		transfers_set_show(collector->transfers, show);
}

static void collector_stop(struct collector *collector)
{
	span_list_free(&collector->spans);
	transfers_free(collector->transfers);
	nodes_free(collector->nodes);
}

static struct span_list *spans_of(struct collector *collector)
{
	span_list_free(&collector->spans);
	transfers_close(collector->transfers, 0, true, SIZE_MAX, &collector->spans);
	return &collector->spans;
}

/* The packet of a vector, some us later than it is. */
static void take(struct collector *collector, const char *name, int64_t later_us)
{
	struct record record = { .time_unix_ns = 1795183331482000000 + later_us * 1000 };
	struct vector vector;

	vector_find(name, &vector);
	assert_int_equal(record_decode(vector.octets, vector.len, &record), OUTCOME_recorded);
	transfers_add(collector->transfers, &record);
}

static int pass(struct collector *central, const struct span *span, int64_t number)
{
	return transfers_add_passed(central->transfers, span, number, span->end_unix_ns);
}

static void assert_same_figures(const struct span *a, const struct span *b)
{
	static const enum attribute_index figures[] = { AT_packets, AT_min_ns, AT_mean_ns, AT_max_ns };

	for (unsigned int i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		assert_int_equal(number_of(a, figures[i]), number_of(b, figures[i]));
}

static void assert_same(const struct span_list *one, const struct span_list *other)
{
	assert_int_equal(one->count, other->count);
	for (size_t i = 0; i < one->count; i++) {
		assert_memory_equal(one->spans[i].id, other->spans[i].id, SPAN_ID_LEN);
		assert_memory_equal(one->spans[i].parent_id, other->spans[i].parent_id, SPAN_ID_LEN);
		assert_string_equal(one->spans[i].name, other->spans[i].name);
		assert_int_equal(one->spans[i].start_unix_ns, other->spans[i].start_unix_ns);
		assert_int_equal(one->spans[i].end_unix_ns, other->spans[i].end_unix_ns);
		assert_int_equal(one->spans[i].flags, other->spans[i].flags);
	}
	assert_same_figures(&one->spans[0], &other->spans[0]);
}

/* One packet, and three of one transfer; told twice they are drawn once. */
static void test_same(void **state)
{
	(void)state;
	for (unsigned int packets = 1; packets <= 3; packets += 2) {
		struct collector local, central;

		collector_start(&local, &pass_on);
		collector_start(&central, NULL);
		for (unsigned int i = 0; i < packets; i++)
			take(&local, "default-3", (i * 7) % 3 * 1000);
		spans_of(&local);
		assert_true(has(&local.spans.spans[0], AT_records));
		assert_int_equal(pass(&central, &local.spans.spans[0], 1), 0);
		assert_int_equal(transfers_passed(central.transfers), 0);
		assert_int_equal(pass(&central, &local.spans.spans[0], 2), 0);
		assert_same(&local.spans, spans_of(&central));
		assert_false(has(&central.spans.spans[0], AT_records));
		assert_int_equal(transfers_passed(central.transfers), 2);
		collector_stop(&local);
		collector_stop(&central);
	}
}

/* It waits a little for the other direction. */
static void test_hold(void **state)
{
	struct collector local, central;
	struct span_list spans = { 0 };
	const struct span *span;

	(void)state;
	collector_start(&local, &pass_on);
	collector_start(&central, NULL);
	take(&local, "default-3", 0);
	span = &spans_of(&local)->spans[0];
	assert_int_equal(pass(&central, span, 1), 0);
	transfers_close(central.transfers, span->end_unix_ns + PASSED_HOLD_MS * 1000000LL - 1, false, SIZE_MAX, &spans);
	assert_int_equal(spans.count, 0);
	transfers_close(central.transfers, span->end_unix_ns + PASSED_HOLD_MS * 1000000LL, false, SIZE_MAX, &spans);
	assert_int_equal(spans.count, local.spans.count);
	span_list_free(&spans);
	collector_stop(&local);
	collector_stop(&central);
}

static int pass_text(struct collector *central, const char **texts, size_t count)
{
	struct span span = { .end_unix_ns = 1795183331482000000 };
	struct arena arena = { 0 };
	int error;

	attr_strings(&arena, &span.attrs, "hopspan.records", texts, count);
	error = pass(central, &span, 1);
	arena_free(&arena);
	return error;
}

/* Anything may come in by the door: what is no packet is refused. */
static void test_malformed(void **state)
{
	static const char *const wrong[] = { "",     " ",	"x",   "1",    "1 ",
					     "0 60", "-5 6001", "1 6", "1 zz", "9999999999999999999999 60" };
	struct collector local, central;
	const char *text;
	char *part;

	(void)state;
	collector_start(&local, &pass_on);
	collector_start(&central, NULL);
	take(&local, "default-3", 0);
	text = attr_find(&spans_of(&local)->spans[0].attrs, "hopspan.records")->strings.list[0];
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *texts[] = { wrong[i], text, text };

		assert_int_equal(pass_text(&central, texts, 1), -EBADMSG);
		texts[0] = text;
		texts[2] = wrong[i];
		assert_int_equal(pass_text(&central, texts, 3), -EBADMSG);
		assert_int_equal(pass_text(&central, texts, 0), -EBADMSG);
		assert_int_equal(pass_text(&central, texts, 2), -EBADMSG);
	}
	part = strdup(text);
	for (size_t len = strlen(part); len-- > 0;) {
		part[len] = '\0';
		pass_text(&central, (const char *[]){ part }, 1);
	}
	free(part);
	for (size_t i = 0; i < strlen(text); i++) {
		part = strdup(text);
		part[i] = part[i] == 'f' ? '0' : 'f';
		pass_text(&central, (const char *[]){ part }, 1);
		free(part);
	}
	spans_of(&central);
	for (size_t i = 0; i < central.spans.count; i++)
		assert_true(central.spans.spans[i].start_unix_ns <= central.spans.spans[i].end_unix_ns);
	collector_stop(&local);
	collector_stop(&central);
}

/* What is usual there of stays is taken over until it is known here. */
static void test_usual(void **state)
{
	struct collector central;
	struct span stay = { .scope = "hopspan" }, link = stay;
	struct arena arena = { 0 };
	struct record record = plain(1, 0, 0, 0);

	(void)state;
	collector_start(&central, NULL);
	attr_string(&arena, &stay.attrs, "hopspan.kind", "node");
	attr_string(&arena, &stay.attrs, "hopspan.node", "r1");
	attr_string(&arena, &stay.attrs, "hopspan.egress_if", "eth1");
	attr_int(&arena, &stay.attrs, "hopspan.usual_ns", 5000);
	transfers_add_usual(central.transfers, &stay);
	attr_string(&arena, &link.attrs, "hopspan.kind", "link");
	attr_string(&arena, &link.attrs, "hopspan.from", "shop-1");
	attr_string(&arena, &link.attrs, "hopspan.to", "r1");
	attr_int(&arena, &link.attrs, "hopspan.usual_ns", 5000);
	transfers_add_usual(central.transfers, &link);
	transfers_add(central.transfers, &record);
	spans_of(&central);
	assert_int_equal(number_of(span_named(&central.spans, "r1 eth1"), AT_usual_ns), 5000);
	assert_false(has(span_named(&central.spans, "client -> r1"), AT_usual_ns));
	arena_free(&arena);
	collector_stop(&central);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_usual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
