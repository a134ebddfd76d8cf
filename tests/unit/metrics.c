/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Prometheus' text format, as it is written. */
#include "metrics/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What was written to `out` since it was opened with `text` and `len`. */
static void assert_written(FILE *out, char **text, const char *expected)
{
	assert_int_equal(fclose(out), 0);
	assert_string_equal(*text, expected);
	free(*text);
}

static void escapes(void **state)
{
	static const struct {
		const char *value, *written;
	} cases[] = {
		{ "", "" },
		{ "eth0", "eth0" },
		{ "a\"b", "a\\\"b" },
		{ "a\\b", "a\\\\b" },
		{ "\\n", "\\\\n" },
		{ "a\nb", "a\\nb" },
		{ "\"\\\n", "\\\"\\\\\\n" },
		{ "tab\there, {} = ,", "tab\there, {} = ," },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
		{ "\xff"
		  "a\xc3",
		  "?a?" },
		{ "\xc0\xaf", "??" },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text;
		size_t len;
		FILE *out = open_memstream(&text, &len);

		text_escape(out, cases[i].value);
		assert_written(out, &text, cases[i].written);
	}
}

static void samples(void **state)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	text_family(out, METRIC_paths);
	text_sample(out, METRIC_paths, 3, "netns", "1", "state", "pro\"ved", NULL);
	text_sample(out, METRIC_paths, UINT64_MAX, "netns", "2", NULL);
	text_sample(out, METRIC_paths, 0, NULL);
	assert_written(out, &text,
		       "# HELP hopspan_paths Destinations whose paths have to prove themselves, by state.\n"
		       "# TYPE hopspan_paths gauge\n"
		       "hopspan_paths{netns=\"1\",state=\"pro\\\"ved\"} 3\n"
		       "hopspan_paths{netns=\"2\"} 18446744073709551615\n"
		       "hopspan_paths 0\n");
}

static void histograms(void **state)
{
	static const double bounds[] = { 1.024e-6, 0.5, 68.719476736 };
	static const uint64_t below[] = { 0, 7, 8 };
	const struct text_histogram histogram = { bounds, below, 3, 9, 123.456789 };
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	text_histogram(out, METRIC_wait_seconds, &histogram, "dev", "e\"", "queue", "0", NULL);
	assert_written(out, &text,
		       "hopspan_wait_seconds_bucket{dev=\"e\\\"\",queue=\"0\",le=\"1.024e-06\"} 0\n"
		       "hopspan_wait_seconds_bucket{dev=\"e\\\"\",queue=\"0\",le=\"0.5\"} 7\n"
		       "hopspan_wait_seconds_bucket{dev=\"e\\\"\",queue=\"0\",le=\"68.7194767\"} 8\n"
		       "hopspan_wait_seconds_bucket{dev=\"e\\\"\",queue=\"0\",le=\"+Inf\"} 9\n"
		       "hopspan_wait_seconds_sum{dev=\"e\\\"\",queue=\"0\"} 123.456789\n"
		       "hopspan_wait_seconds_count{dev=\"e\\\"\",queue=\"0\"} 9\n");
	out = open_memstream(&text, &len);
	text_histogram(out, METRIC_wait_seconds, &(struct text_histogram){ bounds, below, 1, 0, 0 }, NULL);
	assert_written(out, &text,
		       "hopspan_wait_seconds_bucket{le=\"1.024e-06\"} 0\n"
		       "hopspan_wait_seconds_bucket{le=\"+Inf\"} 0\n"
		       "hopspan_wait_seconds_sum 0\n"
		       "hopspan_wait_seconds_count 0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(escapes), cmocka_unit_test(samples),
					    cmocka_unit_test(histograms) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
