/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Writes families and samples. */
#include "text.h"

#include <stdarg.h>

#include "otlp/otlp.h"

static const struct {
	const char *name, *type, *help;
} metrics[] = {
#define METRIC_ROW(name, type, help) { "hopspan_" #name, #type, help },
	METRIC_LIST(METRIC_ROW)
};

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

void text_sample(FILE *out, enum metric metric, uint64_t value, ...)
{
	const char *label, *separator = "{";
	va_list labels;

	fputs(metrics[metric].name, out);
	va_start(labels, value);
	while ((label = va_arg(labels, const char *))) {
		fprintf(out, "%s%s=\"", separator, label);
		text_escape(out, va_arg(labels, const char *));
		fputc('"', out);
		separator = ",";
	}
	va_end(labels);
	fprintf(out, "%s %llu\n", *separator == ',' ? "}" : "", (unsigned long long)value);
}
