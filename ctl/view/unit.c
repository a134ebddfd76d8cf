/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Durations, ratios and sizes as text. */
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const struct unit *unit_of(int64_t duration_ns)
{
	static const struct unit us = { "us", 1000, 3 }, ms = { "ms", 1000000, 3 }, s = { "s", 1000000000, 6 };

	if (duration_ns >= 10 * s.ns)
		return &s;
	return duration_ns >= ms.ns ? &ms : &us;
}

char *unit_exact(struct arena *arena, const struct unit *unit, int64_t duration_ns)
{
	return arena_printf(arena, "%.*f", unit->decimals, (double)duration_ns / (double)unit->ns);
}

char *unit_round(struct arena *arena, const struct unit *unit, int64_t duration_ns)
{
	double value = (double)duration_ns / (double)unit->ns;

	if (duration_ns <= 0)
		return arena_strdup(arena, "0");
	if (value >= 0.995)
		return arena_printf(arena, "%.1f", value);
	char *text = arena_printf(arena, "%.*f", 1 - (int)floor(log10(value)), value);

	for (size_t len = strlen(text); text[len - 1] == '0'; len--)
		text[len - 1] = '\0';
	return text;
}

char *times_text(struct arena *arena, double times)
{
	double step = 1;

	if (times < 9.95)
		return arena_printf(arena, "%.1f", times);
	while (times / step >= 99.5)
		step *= 10;
	return arena_printf(arena, "%.0f", round(times / step) * step);
}

char *bytes_text(struct arena *arena, int64_t bytes)
{
	static const char *const names[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes / 1000;
	int name = 0;

	if (bytes < 1000)
		return arena_printf(arena, "%lld B", (long long)bytes);
	for (; value >= 999.5; name++)
		value /= 1000;
	return arena_printf(arena, value < 99.95 ? "%.1f %s" : "%.0f %s", value, names[name]);
}
