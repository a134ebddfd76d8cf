/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A span's time -> columns -> glyphs. */
#include "bar.h"

#include <string.h>

bool waterfall_names(const struct waterfall *waterfall, const struct span *span)
{
	return span == waterfall->verdict->at || span == waterfall->verdict->also;
}

double bar_column(const struct waterfall *waterfall, int64_t unix_ns)
{
	const struct tree *tree = &waterfall->tree;

	if (tree->extent_ns <= 0 || unix_ns <= tree->start_unix_ns)
		return 0;
	return (double)(unix_ns - tree->start_unix_ns) * waterfall->bar / (double)tree->extent_ns;
}

struct bar {
	int start, end, queue; /* columns; from `queue` on it is a queue */
	const char *glyph;
	enum paint paint;
	const char *note; /* beside it */
	bool note_before; /* on its left, if there is room */
};

/* Stays that waited: the work first, then the queue. */
static int queue_column(const struct waterfall *waterfall, const struct span *span, const struct bar *bar)
{
	int64_t wait_ns = attr_get_int(&span->attrs, "hopspan.wait_ns", -1);
	int column;

	if (!span_is_network(span, "node") || attr_get_int(&span->attrs, "hopspan.queue_bytes", 0) <= 0)
		return bar->end;
	if (wait_ns < 0 || wait_ns >= span_duration(span))
		return bar->start;
	column = (int)bar_column(waterfall, span->end_unix_ns - wait_ns);
	return column < bar->start ? bar->start : column > bar->end ? bar->end : column;
}

static void bar_place(const struct waterfall *waterfall, const struct span *span, struct bar *bar)
{
	bar->start = (int)bar_column(waterfall, span->start_unix_ns);
	if (bar->start >= waterfall->bar)
		bar->start = waterfall->bar - 1;
	bar->end = (int)(bar_column(waterfall, span->end_unix_ns) + 0.5);
	if (bar->end > waterfall->bar)
		bar->end = waterfall->bar;
	if (bar->end <= bar->start)
		bar->end = bar->start + 1;
	bar->queue = queue_column(waterfall, span, bar);
}

static void bar_glyph(const struct waterfall *waterfall, const struct span *span, struct bar *bar)
{
	const struct glyphs *glyphs = &waterfall->glyphs;

	bar->glyph = glyphs->way;
	bar->paint = PAINT_DIM;
	if (!span_is_network(span, NULL)) {
		bar->glyph = glyphs->application;
		bar->paint = PAINT_CYAN;
	} else if (span_is_network(span, "node")) {
		bar->glyph = glyphs->router;
		bar->paint = PAINT_NONE;
	}
	if (waterfall_names(waterfall, span))
		bar->paint = PAINT_RED;
}

static void bar_note(const struct waterfall *waterfall, size_t row, struct bar *bar)
{
	const struct span *span = waterfall->tree.nodes[row].span;
	size_t hidden = waterfall->tree.nodes[row].end - row - 1;
	int64_t usual_ns = span_usual(span);

	if (waterfall->folded[row]) {
		bar->note = arena_printf(waterfall->arena, "as usual, %zu row%s (-a)", hidden, hidden == 1 ? "" : "s");
		bar->note_before = true;
	} else if (waterfall_names(waterfall, span) && usual_ns > 0 && span_time(span) >= 2 * usual_ns) {
		bar->note = arena_printf(waterfall->arena, "%s x",
					 times_text(waterfall->arena, (double)span_time(span) / (double)usual_ns));
	}
}

static void print_glyphs(const struct waterfall *waterfall, const struct bar *bar, int start, int end)
{
	const struct out *out = waterfall->out;
	enum paint queue = bar->paint == PAINT_RED ? PAINT_RED : PAINT_YELLOW;
	int middle = bar->queue < start ? start : bar->queue > end ? end : bar->queue;

	if (bar->end - bar->start == 1) {
		out_repeat(out, bar->queue < bar->end ? queue : bar->paint, waterfall->glyphs.thin, end - start);
		return;
	}
	out_repeat(out, bar->paint, bar->glyph, middle - start);
	out_repeat(out, queue, waterfall->glyphs.queue, end - middle);
}

/* The note stands beside the bar; where neither side has room, in its middle. */
static void bar_draw(const struct waterfall *waterfall, const struct bar *bar)
{
	const struct out *out = waterfall->out;
	enum paint paint = bar->paint == PAINT_RED ? PAINT_RED : PAINT_DIM;
	int note = bar->note ? (int)strlen(bar->note) : 0, length = bar->end - bar->start;
	bool before = note && bar->start > note, behind = note && bar->end + note < waterfall->bar;

	if (before && (bar->note_before || !behind)) {
		out_right(out, paint, bar->note, bar->start - 1);
		fputc(' ', out->file);
		print_glyphs(waterfall, bar, bar->start, bar->end);
		return;
	}
	out_repeat(out, PAINT_NONE, " ", bar->start);
	if (note && !behind && length >= note + 4) {
		int from = bar->start + (length - note - 2) / 2;

		print_glyphs(waterfall, bar, bar->start, from);
		out_print(out, paint, arena_printf(waterfall->arena, " %s ", bar->note));
		print_glyphs(waterfall, bar, from + note + 2, bar->end);
		return;
	}
	print_glyphs(waterfall, bar, bar->start, bar->end);
	if (behind)
		out_print(out, paint, arena_printf(waterfall->arena, " %s", bar->note));
}

void bar_print(const struct waterfall *waterfall, size_t row)
{
	const struct span *span = waterfall->tree.nodes[row].span;
	struct bar bar = { 0 };

	bar_glyph(waterfall, span, &bar);
	bar_place(waterfall, span, &bar);
	bar_note(waterfall, row, &bar);
	bar_draw(waterfall, &bar);
}
