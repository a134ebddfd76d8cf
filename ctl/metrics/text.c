/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Writes families and samples. */
#include "text.h"

#include <stdarg.h>
#include <string.h>

#include "otlp/otlp.h"

static const struct {
	const char *name, *type, *help;
} metrics[] = {
#define METRIC_ROW(name, type, help) { "hopspan_" #name, #type, help },
	METRIC_LIST(METRIC_ROW)
};

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

void text_family(FILE *out, enum metric metric)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", metrics[metric].name, metrics[metric].help, metrics[metric].name,
		metrics[metric].type);
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

void text_sample(FILE *out, enum metric metric, uint64_t value, ...)
{
	va_list labels;

	va_start(labels, value);
	sample_begin(out, metric, "", NULL, labels);
	va_end(labels);
	fprintf(out, "%llu\n", (unsigned long long)value);
}

static void bucket_write(FILE *out, enum metric metric, const char *le, uint64_t below, va_list labels)
{
	va_list again;

	va_copy(again, labels);
	sample_begin(out, metric, "_bucket", le, again);
	va_end(again);
	fprintf(out, "%llu\n", (unsigned long long)below);
}

void text_histogram(FILE *out, enum metric metric, const struct text_histogram *histogram, ...)
{
	char le[32];
	va_list labels, again;

	va_start(labels, histogram);
	for (unsigned int i = 0; i < histogram->count; i++) {
		snprintf(le, sizeof(le), "%.9g", histogram->bounds[i]);
		bucket_write(out, metric, le, histogram->below[i], labels);
	}
	bucket_write(out, metric, "+Inf", histogram->values, labels);
	va_copy(again, labels);
	sample_begin(out, metric, "_sum", NULL, again);
	va_end(again);
	fprintf(out, "%.9g\n", histogram->sum);
	sample_begin(out, metric, "_count", NULL, labels);
	va_end(labels);
	fprintf(out, "%llu\n", (unsigned long long)histogram->values);
}
