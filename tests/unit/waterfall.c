/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What `trace show` prints, to the character. */
#include "view/waterfall.h"

#include <locale.h>

#include "example.h"

enum { NO_FOLD = false, FOLD = true };

static char *print(struct span_list *list, int width, bool utf8, bool color, bool fold)
{
	struct verdict verdict;
	char *text = NULL;
	size_t len;
	struct out out = { .file = open_memstream(&text, &len), .width = width, .utf8 = utf8, .color = color };

	assert_non_null(out.file);
	verdict_find(list, &verdict);
	waterfall_print(&out, list, &verdict, fold);
	fclose(out.file);
	span_list_free(list);
	return text;
}

static void assert_text(char *text, const char *expected)
{
	assert_string_equal(text, expected);
	free(text);
}

#define HEAD "GET /checkout  53.100 ms  2026-11-20 14:02:11.482 UTC  trace 7c0de2a4f19b"

static void test_hundred_columns(void **state)
{
	struct span_list list = { 0 };

	(void)state;
	example_trace(&list);
	assert_text(
	    print(&list, 100, false, false, FOLD), HEAD
	    "3305d1a2b7e90c4f6618\n"
	    "\n"
	    "                                       ms   usual    queue  0              20             40\n"
	    "shop    GET /checkout              53.100                   ========================================\n"
	    "shop      GET                      48.200                    =====================================\n"
	    "network     request                40.411   0.817            -------------------------------\n"
	    "              client -> r1          0.050   0.049      0 B   |\n"
	    "              r1 eth1             ~39.800   0.190  57.9 kB   ############################### 210 x\n"
	    "              r1 -> r2              0.090   0.090                                          |\n"
	    "              r2 port1              0.011   0.011      0 B                                 |\n"
	    "              r2 -> r3              0.100   0.098                                          |\n"
	    "              r3 -> ? -> server     0.360   0.352      0 B                                 |\n"
	    "cart        GET /cart/{id}          6.479                                                   =====\n"
	    "cart          SELECT cart           4.380                                                   ====\n"
	    "network     reply                   0.460   0.452                          as usual, 6 rows (-a) |\n"
	    "\n"
	    "39.8 of 48.2 ms in r1, waiting in the queue of eth1 (57.9 kB); 210 times its usual 0.19 ms.\n"
	    "path shop-1 > r1 xdp > r2 dpdk > r3 linux, no departure time > ? > cart-1   clocks within 0.012 ms\n"
	    "= application  - way  + router  # queue   ~ from the next arrival   ? does not take part\n");
}

static void test_eighty_columns(void **state)
{
	struct span_list list = { 0 };

	(void)state;
	example_trace(&list);
	assert_text(print(&list, 80, false, false, FOLD),
		    HEAD "\n"
			 "\n"
			 "                                      ms    queue  0         20         40\n"
			 "shop    GET /checkout             53.100           =============================\n"
			 "shop      GET                     48.200            ==========================\n"
			 "network     request               40.411            ----------------------\n"
			 "              client -> r1         0.050      0 B   |\n"
			 "              r1 eth1            ~39.800  57.9 kB   ###################### 210 x\n"
			 "              r1 -> r2             0.090                                 |\n"
			 "              r2 port1             0.011      0 B                        |\n"
			 "              r2 -> r3             0.100                                 |\n"
			 "              r3 -> ? -> server    0.360      0 B                         |\n"
			 "cart        GET /cart/{id}         6.479                                  ====\n"
			 "cart          SELECT cart          4.380                                  ===\n"
			 "network     reply                  0.460               as usual, 6 rows (-a) |\n"
			 "\n"
			 "39.8 of 48.2 ms in r1, waiting in the queue of eth1 (57.9 kB); 210 times its\n"
			 "usual 0.19 ms.\n"
			 "path shop-1 > r1 xdp > r2 dpdk > r3 linux, no departure time > ? > cart-1\n"
			 "clocks within 0.012 ms\n"
			 "= application  - way  + router  # queue   ~ from the next arrival   ? does not\n"
			 "take part\n");
}

static void test_utf8_glyphs(void **state)
{
	struct span_list list = { 0 };
	char *text;

	(void)state;
	example_trace(&list);
	text = print(&list, 60, true, false, FOLD);
	assert_non_null(strstr(text, "\nshop    GET /checkout    53.100           ━━━━━━━━━━━━━━━━━━\n"));
	assert_non_null(strstr(text, "\n              r1 eth1   ~39.800  57.9 kB  ███ 210 x ████\n"));
	assert_non_null(strstr(text, "│\n"));
	assert_non_null(strstr(text, "━ application  ─ way  ▒ router  █ queue"));
	free(text);
}

static void test_unfolded(void **state)
{
	struct span_list list = { 0 };
	char *text;

	(void)state;
	example_trace(&list);
	text = print(&list, 100, false, false, NO_FOLD);
	assert_null(strstr(text, "(-a)"));
	assert_non_null(strstr(text, "              server -> ? -> r3     0.100   0.100      0 B"));
	assert_non_null(strstr(text, "              r1 eth0               0.110   0.110      0 B"));
	free(text);
}

/* Nothing is folded where all is as usual: nothing would be left to see. */
static void test_all_usual_is_not_folded(void **state)
{
	struct span_list list = { 0 };
	char *text;

	(void)state;
	example_application(&list);
	example_reply(&list);
	text = print(&list, 100, false, false, FOLD);
	assert_null(strstr(text, "(-a)"));
	assert_null(strstr(text, " x\n"));
	assert_non_null(strstr(text, "r1 eth0"));
	free(text);
}

static void test_colors(void **state)
{
	struct span_list list = { 0 };
	char *text;

	(void)state;
	example_trace(&list);
	text = print(&list, 100, false, true, FOLD);
	assert_non_null(strstr(text, "\033[31mr1 eth1\033[0m"));
	assert_non_null(strstr(text, "\033[31m###############################\033[0m\033[31m 210 x\033[0m\n"));
	assert_non_null(strstr(text, "\033[36m========================================\033[0m\n"));
	assert_non_null(strstr(text, "\033[1m39.8 of 48.2 ms in r1"));
	assert_non_null(strstr(text, "\033[2mpath shop-1"));
	free(text);
}

/* A queue that is not to blame is yellow, and only the part that waited is drawn as one. */
static void test_work_and_queue_of_a_stay(void **state)
{
	struct span_list list = { 0 };
	struct span *span;
	char *text;

	(void)state;
	example_span(&list, 1, 0, "shop", "GET", 0, 40000)->kind = SPAN_CLIENT;
	example_transfer(&list, 2, 1, "request", 0, 40000, 39000);
	span = example_stay(&list, 3, 2, "r1", "eth1", 0, 20000, 19000, 3000);
	attr_int(&list.arena, &span->attrs, "hopspan.wait_ns", 5000000);
	example_text(&list, span, "hopspan.wait", "measured");
	example_stay(&list, 4, 2, "r2", "eth1", 20000, 40000, 20000, 0);
	text = print(&list, 100, false, true, FOLD);
	assert_non_null(strstr(text, "  3.0 kB  +++++++++++++++\033[33m#####\033[0m\n"));
	assert_non_null(strstr(text, "                    ++++++++++++++++++++\n"));
	assert_null(strstr(text, "~"));
	free(text);
}

/* The note of a bar that fills the line stands in its middle. */
static void test_note_in_a_full_bar(void **state)
{
	struct span_list list = { 0 };
	char *text;

	(void)state;
	example_span(&list, 1, 0, "shop", "GET", 0, 10000)->kind = SPAN_CLIENT;
	example_transfer(&list, 2, 1, "request", 0, 10000, 100);
	example_stay(&list, 3, 2, "r1", "eth1", 0, 10000, 100, 5000000);
	text = print(&list, 80, false, false, FOLD);
	assert_non_null(strstr(text, "# 100 x #"));
	assert_non_null(strstr(text, "   5.0 MB  #"));
	free(text);
}

static void test_units(void **state)
{
	static const struct {
		int64_t duration_us;
		const char *head;
	} cases[] = {
		{ 0, "GET  0.000 us" },		 { 999, "GET  999.000 us" },	   { 1000, "GET  1.000 ms" },
		{ 9999999, "GET  9999.999 ms" }, { 12345678, "GET  12.345678 s" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span_list list = { 0 };
		char *text;

		example_span(&list, 1, 0, "shop", "GET", 0, cases[i].duration_us);
		text = print(&list, 100, false, false, FOLD);
		assert_memory_equal(text, cases[i].head, strlen(cases[i].head));
		free(text);
	}
}

static int longest_line(const char *text)
{
	int longest = 0;

	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		char *line = strndup(text, (size_t)(end - text));
		int columns = out_columns(line);

		longest = columns > longest ? columns : longest;
		free(line);
	}
	return longest;
}

static void test_long_and_strange_names(void **state)
{
	struct span_list list = { 0 };
	char name[5000], *text;

	(void)state;
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	for (int width = 60; width <= 240; width += 20)
		for (int utf8 = 0; utf8 < 2; utf8++) {
			example_span(&list, 1, 0, name, name, 0, 100);
			example_span(&list, 2, 1, "a\tb\033[2Jc", "d\xff\xc3\xa9\xe6\xbc\xa2 f", 0, 100);
			text = print(&list, width, utf8, false, FOLD);
			assert_in_range(longest_line(text), width - 10, width);
			assert_null(strchr(text, '\033'));
			assert_null(strchr(text, '\t'));
			assert_non_null(strstr(text, "xxx.."));
			assert_non_null(strstr(text, utf8 ? "d?\xc3\xa9\xe6\xbc\xa2 f" : "d??? f"));
			free(text);
		}
}

static void test_nothing(void **state)
{
	struct span_list list = { 0 };

	(void)state;
	assert_text(print(&list, 100, false, false, FOLD), "");
}

/* Circles, orphans, no times, ends before starts, children before their parents: every span has its row. */
static void test_broken_traces(void **state)
{
	struct span_list list = { 0 };
	char *text;
	struct span *span;

	(void)state;
	example_span(&list, 1, 2, "a", "circle one", 10, 20);
	example_span(&list, 2, 1, "a", "circle two", 10, 20);
	example_span(&list, 3, 3, "a", "its own parent", 5, 1);
	example_span(&list, 4, 99, "a", "orphan", 7, 9);
	example_span(&list, 4, 4, "a", "same id", 7, 9);
	span = example_span(&list, 5, 4, "", "", 0, 0);
	span->start_unix_ns = span->end_unix_ns = 0;
	span = example_span(&list, 6, 5, "a", "all of time", 0, 0);
	span->start_unix_ns = INT64_MIN;
	span->end_unix_ns = INT64_MAX;
	span = example_network(&list, 7, 6, "node", "huge", 0, 0, -1, INT64_MAX);
	attr_int(&list.arena, &span->attrs, "hopspan.wait_ns", INT64_MAX);
	attr_int(&list.arena, &span->attrs, "hopspan.link_ns", INT64_MAX);
	text = print(&list, 100, false, false, FOLD);
	for (const char *const *name = (const char *const[]){ "circle one", "circle ..", "its own p..", "orphan",
							      "same id", "(no name)", "all o..", "huge", NULL };
	     *name; name++)
		assert_non_null(strstr(text, *name));
	free(text);
}

/* Deeper than the line is wide, and more than a screen. */
static void test_many_spans(void **state)
{
	struct span_list list = { 0 };
	int lines = 0;
	char *text;

	(void)state;
	for (int i = 1; i <= 3000; i++)
		example_span(&list, i, i - 1, "svc", "step", i, 4000 - i);
	text = print(&list, 80, false, false, FOLD);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 3000 + 3 + 2);
	assert_true(longest_line(text) <= 80);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hundred_columns),
		cmocka_unit_test(test_eighty_columns),
		cmocka_unit_test(test_utf8_glyphs),
		cmocka_unit_test(test_unfolded),
		cmocka_unit_test(test_all_usual_is_not_folded),
		cmocka_unit_test(test_colors),
		cmocka_unit_test(test_work_and_queue_of_a_stay),
		cmocka_unit_test(test_note_in_a_full_bar),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_long_and_strange_names),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_broken_traces),
		cmocka_unit_test(test_many_spans),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
