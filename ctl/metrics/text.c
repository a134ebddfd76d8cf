/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Writes families and samples. */
#include "text.h"

#include <stdarg.h>
#include <string.h>

#include "otlp/octets.h"
#include "otlp/otlp.h"

enum { BOUND_SIZE = 32 };

static const struct {
	const char *name, *type, *help;
} metrics[] = {
#define METRIC_ROW(name, type, help) { "hopspan_" #name, #type, help },
	METRIC_LIST(METRIC_ROW)
};

const char *text_type(enum text_format format)
{
	return format == TEXT_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
					  : "text/plain; version=0.0.4; charset=utf-8";
}

const char *text_name(enum metric metric)
{
	return metrics[metric].name;
}

const char *text_help(enum metric metric)
{
	return metrics[metric].help;
}

enum metric text_find(const char *name, size_t len)
{
	enum metric metric = 0;

	while (metric < METRIC_COUNT &&
	       (strlen(metrics[metric].name) != len || memcmp(metrics[metric].name, name, len) != 0))
		metric++;
	return metric;
}

/* What is counted in what: the end of the name. */
static const char *unit_of(const char *name, int len)
{
	static const char *const units[] = { "seconds", "nanoseconds", "bytes" };

	for (unsigned int i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		int unit_len = (int)strlen(units[i]);

		if (len > unit_len && name[len - unit_len - 1] == '_' &&
		    memcmp(name + len - unit_len, units[i], (size_t)unit_len) == 0)
			return units[i];
	}
	return NULL;
}

void text_family(const struct text *text, enum metric metric)
{
	const char *name = metrics[metric].name, *unit;
	int len = (int)strlen(name);

	if (text->format == TEXT_OPENMETRICS && strcmp(metrics[metric].type, "counter") == 0)
		len -= (int)strlen("_total");
	fprintf(text->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", len, name, metrics[metric].help, len, name,
		metrics[metric].type);
	unit = unit_of(name, len);
	if (text->format == TEXT_OPENMETRICS && unit)
		fprintf(text->out, "# UNIT %.*s %s\n", len, name, unit);
}

void text_escape(FILE *out, const char *value)
{
	while (*value) {
		size_t len = utf8_len(value);

		if (*value == '\\' || *value == '"')
			fprintf(out, "\\%c", *value);
		else if (*value == '\n')
			fputs("\\n", out);
		else if (!len)
			fputc('?', out);
		else
			fwrite(value, 1, len, out);
		value += len ? len : 1;
	}
}

/* All of a sample but its value; `le`, if there is one, is a bucket's label. */
static void sample_begin(FILE *out, enum metric metric, const char *suffix, const char *le, va_list labels)
{
	const char *label, *separator = "{";

	fprintf(out, "%s%s", metrics[metric].name, suffix);
	while ((label = va_arg(labels, const char *))) {
		fprintf(out, "%s%s=\"", separator, label);
		text_escape(out, va_arg(labels, const char *));
		fputc('"', out);
		separator = ",";
	}
	if (le)
		fprintf(out, "%sle=\"%s\"", separator, le);
	fputs(le || *separator == ',' ? "} " : " ", out);
}

void text_sample(const struct text *text, enum metric metric, uint64_t value, ...)
{
	va_list labels;

	va_start(labels, value);
	sample_begin(text->out, metric, "", NULL, labels);
	va_end(labels);
	fprintf(text->out, "%llu\n", (unsigned long long)value);
}

/* OpenMetrics has a bound as a number that is not an integer. */
static void bound_write(const struct text *text, double bound, char le[BOUND_SIZE])
{
	snprintf(le, BOUND_SIZE, "%.9g", bound);
	if (text->format == TEXT_OPENMETRICS && !le[strspn(le, "0123456789")])
		strcat(le, ".0");
}

static void exemplar_write(FILE *out, const struct text_exemplar *exemplar)
{
	fputs(" # {trace_id=\"", out);
	octets_write_hex(out, exemplar->trace_id, sizeof(exemplar->trace_id));
	fputs("\",span_id=\"", out);
	octets_write_hex(out, exemplar->span_id, sizeof(exemplar->span_id));
	fprintf(out, "\"} %.12g %lld.%09lld", exemplar->value, (long long)exemplar->time_unix_ns / 1000000000,
		(long long)exemplar->time_unix_ns % 1000000000);
}

static void bucket_write(const struct text *text, enum metric metric, const char *le, uint64_t below,
			 const struct text_exemplar *exemplar, va_list labels)
{
	va_list again;

	va_copy(again, labels);
	sample_begin(text->out, metric, "_bucket", le, again);
	va_end(again);
	fprintf(text->out, "%llu", (unsigned long long)below);
	if (text->format == TEXT_OPENMETRICS && exemplar && exemplar->time_unix_ns)
		exemplar_write(text->out, exemplar);
	fputc('\n', text->out);
}

void text_histogram(const struct text *text, enum metric metric, const struct text_histogram *histogram, ...)
{
	const struct text_exemplar *exemplars = histogram->exemplars;
	char le[BOUND_SIZE];
	va_list labels, again;

	va_start(labels, histogram);
	for (unsigned int i = 0; i < histogram->count; i++) {
		bound_write(text, histogram->bounds[i], le);
		bucket_write(text, metric, le, histogram->below[i], exemplars ? &exemplars[i] : NULL, labels);
	}
	bucket_write(text, metric, "+Inf", histogram->values, exemplars ? &exemplars[histogram->count] : NULL, labels);
	va_copy(again, labels);
	sample_begin(text->out, metric, "_sum", NULL, again);
	va_end(again);
	fprintf(text->out, "%.9g\n", histogram->sum);
	sample_begin(text->out, metric, "_count", NULL, labels);
	va_end(labels);
	fprintf(text->out, "%llu\n", (unsigned long long)histogram->values);
}

void text_end(const struct text *text)
{
	if (text->format == TEXT_OPENMETRICS)
		fputs("# EOF\n", text->out);
}
