/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* "application/openmetrics-text;version=1.0.0;q=0.6, text/plain;version=0.0.4;q=0.3", taken apart. */
#include "accept.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "trim.h"

enum { ACCEPT_SIZE = 1024 };

/* One of what is accepted. */
struct range {
	const char *type, *version; /* NULL: any */
	double quality;
};

static const char *unquoted(char *text)
{
	if (*text != '"')
		return text;
	text[1 + strcspn(text + 1, "\"")] = 0;
	return text + 1;
}

static void parameter_read(char *parameter, struct range *range)
{
	char *value = strchr(parameter, '=');

	if (!value)
		return;
	*value = 0;
	value = trimmed(value + 1);
	parameter = trimmed(parameter);
	if (strcasecmp(parameter, "q") == 0)
		range->quality = strtod(value, NULL);
	else if (strcasecmp(parameter, "version") == 0)
		range->version = unquoted(value);
}

static struct range range_read(char *text)
{
	struct range range = { .quality = 1 };
	char *parameter;

	range.type = trimmed(strsep(&text, ";"));
	while ((parameter = strsep(&text, ";")))
		parameter_read(parameter, &range);
	return range;
}

static bool is_of(const struct range *range, const char *type, const char *version)
{
	return strcasecmp(range->type, type) == 0 && (!range->version || strcmp(range->version, version) == 0);
}

/* How closely it names the older format. 0: not at all. */
static int text_closeness(const struct range *range)
{
	return is_of(range, "text/plain", "0.0.4") ? 3 : is_of(range, "text/*", "") ? 2 : is_of(range, "*/*", "");
}

enum text_format accept_format(const char *accept)
{
	double openmetrics = 0, text = 0;
	char copy[ACCEPT_SIZE], *rest = copy, *element;
	int closest = 0;

	if (!accept || strlen(accept) >= sizeof(copy))
		return TEXT_PROMETHEUS;
	strcpy(copy, accept);
	while ((element = strsep(&rest, ","))) {
		struct range range = range_read(element);
		int closeness = text_closeness(&range);

		if (is_of(&range, "application/openmetrics-text", "1.0.0") && range.quality > openmetrics)
			openmetrics = range.quality;
		if (closeness > closest) {
			closest = closeness;
			text = range.quality;
		}
	}
	return openmetrics > 0 && openmetrics >= text ? TEXT_OPENMETRICS : TEXT_PROMETHEUS;
}
