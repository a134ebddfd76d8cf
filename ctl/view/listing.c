/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Rows of the store -> columns. */
#include "listing.h"

#include <string.h>
#include <time.h>

#include "unit.h"

struct listing {
	const struct out *out;
	struct arena arena;
	int service, name; /* columns */
	bool date;	   /* not all of one day */
};

static const char *time_text(struct listing *listing, int64_t unix_ns)
{
	time_t seconds = (time_t)(unix_ns / 1000000000);
	char text[64];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    !strftime(text, sizeof(text), listing->date ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &tm))
		return "-";
	return arena_strdup(&listing->arena, text);
}

static const char *worst_text(struct listing *listing, const struct store_trace *trace)
{
	if (!trace->worst[0])
		return "-";
	if (trace->worst_usual_ns <= 0)
		return trace->worst;
	return arena_printf(&listing->arena, "%s %s x", trace->worst,
			    times_text(&listing->arena, (double)trace->worst_ns / (double)trace->worst_usual_ns));
}

static const char *ms_text(struct listing *listing, int64_t duration_ns)
{
	return arena_printf(&listing->arena, "%.3f", (double)duration_ns / 1e6);
}

static void print_cells(struct listing *listing, const char *const cells[7])
{
	const struct out *out = listing->out;

	out_left(out, PAINT_NONE, cells[0], (listing->date ? 19 : 8) + 2);
	out_left(out, PAINT_NONE, cells[1], 12 + 2);
	out_left(out, PAINT_NONE, out_fit(out, &listing->arena, cells[2], listing->service), listing->service + 2);
	out_left(out, PAINT_NONE, out_fit(out, &listing->arena, cells[3], listing->name), listing->name + 2);
	out_right(out, PAINT_NONE, cells[4], 8);
	out_right(out, PAINT_NONE, cells[5], 7 + 2);
	fprintf(out->file, "  %s\n", out_fit(out, &listing->arena, cells[6], 0));
}

static void print_trace(struct listing *listing, const struct store_trace *trace)
{
	char id[13];

	for (int i = 0; i < 6; i++)
		sprintf(id + 2 * i, "%02x", trace->trace_id[i]);
	const char *const cells[7] = {
		time_text(listing, trace->start_unix_ns),
		id,
		trace->service[0] ? trace->service : "-",
		trace->name[0] ? trace->name : "-",
		ms_text(listing, trace->duration_ns),
		ms_text(listing, trace->network_ns),
		worst_text(listing, trace),
	};

	print_cells(listing, cells);
}

static int wider(const struct listing *listing, int columns, const char *text)
{
	struct arena arena = { 0 };
	int needed = out_columns(out_fit(listing->out, &arena, text, 0));

	arena_free(&arena);
	return needed > columns ? needed : columns;
}

/* Services and names get what they need, as long as a "slow at" of usual length stays on the line. */
static void set_columns(struct listing *listing, const struct store_trace *traces, size_t count)
{
	const int64_t day_ns = INT64_C(86400) * 1000000000;

	listing->service = (int)strlen("service");
	listing->name = 13;
	for (size_t i = 0; i < count; i++) {
		listing->service = wider(listing, listing->service, traces[i].service);
		listing->name = wider(listing, listing->name, traces[i].name);
		listing->date |= traces[i].start_unix_ns / day_ns != traces[0].start_unix_ns / day_ns;
	}
	int room = listing->out->width - (listing->date ? 21 : 10) - 14 - 8 - 9 - 16 - 4;

	if (listing->service > room / 3)
		listing->service = room / 3 > 7 ? room / 3 : 7;
	if (listing->name > room - listing->service)
		listing->name = room - listing->service > 13 ? room - listing->service : 13;
}

void listing_print(const struct out *out, const struct store_trace *traces, size_t count)
{
	static const char *const heads[7] = { "time", "trace", "service", "request", "ms", "network", "slow at" };
	struct listing listing = { .out = out };

	set_columns(&listing, traces, count);
	print_cells(&listing, heads);
	for (size_t i = 0; i < count; i++) {
		print_trace(&listing, &traces[i]);
		arena_free(&listing.arena);
	}
	arena_free(&listing.arena);
}
