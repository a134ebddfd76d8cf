/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The page in both of its formats, as it is written and as it is asked for. */
#include "metrics/accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "metrics/page_otlp.h"
#include "metrics/text.h"

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
	char *page;
	size_t len;
	struct text text = { open_memstream(&page, &len), TEXT_PROMETHEUS };

	(void)state;
	text_family(&text, METRIC_paths);
	text_sample(&text, METRIC_paths, 3, "netns", "1", "state", "pro\"ved", NULL);
	text_sample(&text, METRIC_paths, UINT64_MAX, "netns", "2", NULL);
	text_sample(&text, METRIC_paths, 0, NULL);
	text_end(&text);
	assert_written(text.out, &page,
		       "# HELP hopspan_paths Destinations whose paths have to prove themselves, by state.\n"
		       "# TYPE hopspan_paths gauge\n"
		       "hopspan_paths{netns=\"1\",state=\"pro\\\"ved\"} 3\n"
		       "hopspan_paths{netns=\"2\"} 18446744073709551615\n"
		       "hopspan_paths 0\n");
}

/* A counter's family has no "_total", a unit is said, and the end. */
static void openmetrics(void **state)
{
	char *page;
	size_t len;
	struct text text = { open_memstream(&page, &len), TEXT_OPENMETRICS };

	(void)state;
	text_family(&text, METRIC_paths);
	text_sample(&text, METRIC_paths, 3, "netns", "1", NULL);
	text_family(&text, METRIC_forwarder_port_bytes_total);
	text_sample(&text, METRIC_forwarder_port_bytes_total, 1500, "port", "0", NULL);
	text_end(&text);
	assert_written(text.out, &page,
		       "# HELP hopspan_paths Destinations whose paths have to prove themselves, by state.\n"
		       "# TYPE hopspan_paths gauge\n"
		       "hopspan_paths{netns=\"1\"} 3\n"
		       "# HELP hopspan_forwarder_port_bytes The octets of these frames, without FCS.\n"
		       "# TYPE hopspan_forwarder_port_bytes counter\n"
		       "# UNIT hopspan_forwarder_port_bytes bytes\n"
		       "hopspan_forwarder_port_bytes_total{port=\"0\"} 1500\n"
		       "# EOF\n");
}

static const double bounds[] = { 1.024e-6, 0.5, 68.719476736 };
static const uint64_t below[] = { 0, 7, 8 };

static void histograms(void **state)
{
	const struct text_exemplar exemplars[4] = { { .value = 1, .time_unix_ns = 1 } };
	const struct text_histogram histogram = { bounds, below, 3, 9, 123.456789, exemplars };
	char *page;
	size_t len;
	struct text text = { open_memstream(&page, &len), TEXT_PROMETHEUS };

	(void)state;
	text_histogram(&text, METRIC_wait_seconds, &histogram, "dev", "e\"", "queue", "0", NULL);
	assert_written(text.out, &page,
		       "hopspan_wait_seconds_bucket{dev=\"e\\\"\",queue=\"0\",le=\"1.024e-06\"} 0\n"
		       "hopspan_wait_seconds_bucket{dev=\"e\\\"\",queue=\"0\",le=\"0.5\"} 7\n"
		       "hopspan_wait_seconds_bucket{dev=\"e\\\"\",queue=\"0\",le=\"68.7194767\"} 8\n"
		       "hopspan_wait_seconds_bucket{dev=\"e\\\"\",queue=\"0\",le=\"+Inf\"} 9\n"
		       "hopspan_wait_seconds_sum{dev=\"e\\\"\",queue=\"0\"} 123.456789\n"
		       "hopspan_wait_seconds_count{dev=\"e\\\"\",queue=\"0\"} 9\n");
	text.out = open_memstream(&page, &len);
	text_histogram(&text, METRIC_wait_seconds, &(struct text_histogram){ bounds, below, 1, 0, 0, NULL }, NULL);
	assert_written(text.out, &page,
		       "hopspan_wait_seconds_bucket{le=\"1.024e-06\"} 0\n"
		       "hopspan_wait_seconds_bucket{le=\"+Inf\"} 0\n"
		       "hopspan_wait_seconds_sum 0\n"
		       "hopspan_wait_seconds_count 0\n");
}

/* Only OpenMetrics has them; a bound is no integer there. */
static void exemplars(void **state)
{
	static const double octets[] = { 0, 1024, 1048576 };
	struct text_exemplar given[4] = { [2] = { .value = 4294967295.0, .time_unix_ns = 1795183331482000001 },
					  [3] = { .value = 2.147483647, .time_unix_ns = 999999999 } };
	const struct text_histogram histogram = { octets, below, 3, 9, 0, given };
	char *page;
	size_t len;
	struct text text = { open_memstream(&page, &len), TEXT_OPENMETRICS };

	(void)state;
	memset(given[2].trace_id, 0xab, TRACE_ID_LEN);
	memset(given[2].span_id, 0x0c, SPAN_ID_LEN);
	text_histogram(&text, METRIC_node_queue_bytes, &histogram, NULL);
	assert_written(text.out, &page,
		       "hopspan_node_queue_bytes_bucket{le=\"0.0\"} 0\n"
		       "hopspan_node_queue_bytes_bucket{le=\"1024.0\"} 7\n"
		       "hopspan_node_queue_bytes_bucket{le=\"1048576.0\"} 8 "
		       "# {trace_id=\"abababababababababababababababab\",span_id=\"0c0c0c0c0c0c0c0c\"} "
		       "4294967295 1795183331.482000001\n"
		       "hopspan_node_queue_bytes_bucket{le=\"+Inf\"} 9 "
		       "# {trace_id=\"00000000000000000000000000000000\",span_id=\"0000000000000000\"} "
		       "2.147483647 0.999999999\n"
		       "hopspan_node_queue_bytes_sum 0\n"
		       "hopspan_node_queue_bytes_count 9\n");
}

static void accepted(void **state)
{
	static const struct {
		const char *accept;
		enum text_format format;
	} cases[] = {
		{ NULL, TEXT_PROMETHEUS },
		{ "", TEXT_PROMETHEUS },
		{ "*/*", TEXT_PROMETHEUS },
		{ "text/html, */*;q=0.1", TEXT_PROMETHEUS },
		{ "application/openmetrics-text", TEXT_OPENMETRICS },
		{ "application/openmetrics-text; version=1.0.0", TEXT_OPENMETRICS },
		{ "application/openmetrics-text; version=\"1.0.0\"; charset=utf-8", TEXT_OPENMETRICS },
		{ "Application/OpenMetrics-Text ; Version = 1.0.0 ; Q = 0.1", TEXT_OPENMETRICS },
		{ "application/openmetrics-text;version=0.0.1", TEXT_PROMETHEUS },
		{ "application/openmetrics-text;version=2.0.0", TEXT_PROMETHEUS },
		{ "application/openmetrics-text;version=1.0.0;q=0", TEXT_PROMETHEUS },
		{ "application/openmetrics-text;version=1.0.0;q=0.3,text/plain;q=0.5", TEXT_PROMETHEUS },
		{ "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3,*/*", TEXT_OPENMETRICS },
		{ "application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.8", TEXT_PROMETHEUS },
		{ "application/openmetrics-text;q=0.5;version=1.0.0,text/*;q=0.5", TEXT_OPENMETRICS },
		/* Prometheus 2 and 3 */
		{ "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
		  "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		  TEXT_OPENMETRICS },
		{ "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
		  "application/openmetrics-text;version=0.0.1;q=0.5,"
		  "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		  TEXT_OPENMETRICS },
		{ ";,;=;,,q=1", TEXT_PROMETHEUS },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (accept_format(cases[i].accept) != cases[i].format)
			fail_msg("%s", cases[i].accept);
}

/* What is sent by OTLP is what the page says, to the nanosecond. */
static void by_otlp(void **state)
{
	struct text_exemplar given[4] = { [1] = { .value = 0.25, .time_unix_ns = 1795183331482000001 } };
	const struct text_histogram histogram = { bounds, below, 3, 9, 4.5, given };
	const struct span_attrs resource = { 0 };
	Otlp__ExportMetricsServiceRequest *request;
	Otlp__HistogramDataPoint *point;
	Otlp__Metric **list;
	uint8_t *otlp;
	size_t len;
	char *page;
	struct text text = { open_memstream(&page, &len), TEXT_OPENMETRICS };

	(void)state;
	memset(given[1].trace_id, 0xab, TRACE_ID_LEN);
	memset(given[1].span_id, 0x0c, SPAN_ID_LEN);
	text_family(&text, METRIC_transfers_total);
	text_sample(&text, METRIC_transfers_total, 7, "a", "b", NULL);
	text_family(&text, METRIC_node_delay_seconds);
	text_histogram(&text, METRIC_node_delay_seconds, &histogram, "node", "r1", NULL);
	text_end(&text);
	fclose(text.out);
	assert_int_equal(page_otlp(page, &resource, 1, 2, &otlp, &len), 0);
	request = otlp__export_metrics_service_request__unpack(NULL, len, otlp);
	list = request->resource_metrics[0]->scope_metrics[0]->metrics;
	assert_int_equal(request->resource_metrics[0]->scope_metrics[0]->n_metrics, 2);
	assert_string_equal(list[0]->name, "hopspan_transfers_total");
	assert_int_equal(list[0]->sum->data_points[0]->as_int, 7);
	assert_string_equal(list[1]->name, "hopspan_node_delay_seconds");
	assert_string_equal(list[1]->unit, "s");
	point = list[1]->histogram->data_points[0];
	assert_int_equal(point->count, 9);
	assert_int_equal(point->n_bucket_counts, 4);
	assert_int_equal(point->bucket_counts[1], 7);
	assert_int_equal(point->n_attributes, 1);
	assert_int_equal(point->n_exemplars, 1);
	assert_true(point->exemplars[0]->as_double == 0.25);
	assert_int_equal(point->exemplars[0]->time_unix_nano, 1795183331482000001);
	assert_int_equal(point->exemplars[0]->trace_id.len, TRACE_ID_LEN);
	assert_memory_equal(point->exemplars[0]->trace_id.data, given[1].trace_id, TRACE_ID_LEN);
	assert_int_equal(point->exemplars[0]->span_id.len, SPAN_ID_LEN);
	assert_memory_equal(point->exemplars[0]->span_id.data, given[1].span_id, SPAN_ID_LEN);
	otlp__export_metrics_service_request__free_unpacked(request, NULL);
	free(otlp);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),     cmocka_unit_test(samples),   cmocka_unit_test(histograms),
		cmocka_unit_test(openmetrics), cmocka_unit_test(exemplars), cmocka_unit_test(accepted),
		cmocka_unit_test(by_otlp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
