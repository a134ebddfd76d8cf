/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Variables -> values. */
#include "environment.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "trim.h"

enum { NAME_SIZE = 64 };

const char *environment_get(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

const char *environment_otlp(const char *signal, const char *name)
{
	char key[NAME_SIZE];
	const char *value;

	snprintf(key, sizeof(key), "OTEL_EXPORTER_OTLP_%s_%s", signal, name);
	value = environment_get(key);
	if (value)
		return value;
	snprintf(key, sizeof(key), "OTEL_EXPORTER_OTLP_%s", name);
	return environment_get(key);
}

long environment_number(const char *name, const char *value, long least, long otherwise)
{
	char *end;
	long number;

	if (!value)
		return otherwise;
	errno = 0;
	number = strtol(value, &end, 10);
	if (!*end && !errno && number >= least)
		return number;
	fprintf(stderr, "%s \"%s\" ignored: not a number from %ld on\n", name, value, least);
	return otherwise;
}

bool environment_is_true(const char *name)
{
	const char *value = environment_get(name);

	if (!value || strcasecmp(value, "false") == 0)
		return false;
	if (strcasecmp(value, "true") == 0)
		return true;
	fprintf(stderr, "%s \"%s\" ignored: true or false\n", name, value);
	return false;
}

static bool pair_read(char *pair, bool (*each)(const char *key, const char *value, void *arg), void *arg)
{
	char *equals = strchr(pair, '='), *key, *value;
	bool good;
	int len;

	if (!equals)
		return *trimmed(pair) == 0;
	*equals = 0;
	key = trimmed(pair);
	value = curl_easy_unescape(NULL, trimmed(equals + 1), 0, &len);
	good = value && *key && strlen(value) == (size_t)len && each(key, value, arg);
	curl_free(value);
	return good;
}

bool environment_pairs(const char *list, bool (*each)(const char *key, const char *value, void *arg), void *arg)
{
	char *copy = strdup(list), *rest = copy, *pair;
	bool good = copy != NULL;

	while (rest && (pair = strsep(&rest, ",")))
		good = pair_read(pair, each, arg) && good;
	free(copy);
	return good;
}
