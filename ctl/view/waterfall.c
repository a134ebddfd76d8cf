/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Spans -> rows -> columns and bars. */
#include "waterfall.h"

#include <string.h>
#include <time.h>

#include "bar.h"
#include "legend.h"

enum { QUEUE_COLUMNS = 7, USUAL_FROM_WIDTH = 100, DATE_FROM_WIDTH = 80, TICK_COLUMNS = 10 };

/* ---- folding ---- */

enum pace { PACE_UNKNOWN, PACE_USUAL, PACE_SLOW };

static enum pace transfer_pace(const struct waterfall *waterfall, size_t transfer)
{
	const struct tree_node *nodes = waterfall->tree.nodes;
	const struct span *span = nodes[transfer].span;
	int64_t usual_ns = span_usual(span);

	for (size_t i = transfer; i < nodes[transfer].end; i++)
		if (waterfall_names(waterfall, nodes[i].span))
			return PACE_SLOW;
	if (usual_ns < 0)
		return PACE_UNKNOWN;
	return span_time(span) > 2 * usual_ns ? PACE_SLOW : PACE_USUAL;
}

static void fold_usual(struct waterfall *waterfall)
{
	const struct tree *tree = &waterfall->tree;
	bool slow = false;

	for (size_t i = 0; i < tree->count; i++) {
		const struct span *span = tree->nodes[i].span;

		slow |= span_is_network(span, "retransmission") ||
			(span_is_network(span, "transfer") && transfer_pace(waterfall, i) == PACE_SLOW);
	}
	for (size_t i = 0; slow && i < tree->count; i++)
		waterfall->folded[i] = span_is_network(tree->nodes[i].span, "transfer") && tree->nodes[i].end - i > 1 &&
				       transfer_pace(waterfall, i) == PACE_USUAL;
}

/* Where the next row is. Below a folded one only what applications sent stays. */
static size_t row_next(const struct waterfall *waterfall, size_t row)
{
	const struct tree *tree = &waterfall->tree;
	size_t next = row + 1;

	if (!waterfall->folded[row])
		return next;
	while (next < tree->nodes[row].end && span_is_network(tree->nodes[next].span, NULL))
		next++;
	return next;
}

/* ---- columns ---- */

static const char *row_name(const struct waterfall *waterfall, size_t row)
{
	const char *name = waterfall->tree.nodes[row].span->name;

	return out_fit(waterfall->out, waterfall->arena, *name ? name : "(no name)", 0);
}

static const char *row_service(const struct waterfall *waterfall, size_t row)
{
	const struct span *span = waterfall->tree.nodes[row].span;
	const char *service = *span->service ? span->service : span_is_network(span, NULL) ? "network" : "-";

	return out_fit(waterfall->out, waterfall->arena, service, 0);
}

static int row_indent(const struct waterfall *waterfall, size_t row)
{
	int depth = waterfall->tree.nodes[row].depth, most = waterfall->out->width / 20;

	return 2 * (depth < most ? depth : most);
}

static const char *row_number(const struct waterfall *waterfall, const struct span *span)
{
	return unit_exact(waterfall->arena, waterfall->unit, span_time(span));
}

static bool is_estimated(const struct span *span)
{
	const char *wait = attr_get_string(&span->attrs, "hopspan.wait", "");

	return span_is_network(span, "node") && (strcmp(wait, "estimated") == 0 || strcmp(wait, "lower-bound") == 0);
}

static void grow(int *columns, int to)
{
	if (*columns < to)
		*columns = to;
}

/* Names get what they need as long as the bars keep three tenths of the line. */
static void set_columns(struct waterfall *waterfall)
{
	int width = waterfall->out->width, rest;

	waterfall->usual = width >= USUAL_FROM_WIDTH;
	waterfall->service = (int)strlen("network");
	waterfall->name = width < DATE_FROM_WIDTH ? 12 : 23;
	waterfall->number = 6;
	for (size_t i = 0; i < waterfall->tree.count; i = row_next(waterfall, i)) {
		const struct span *span = waterfall->tree.nodes[i].span;

		grow(&waterfall->service, out_columns(row_service(waterfall, i)));
		grow(&waterfall->name, row_indent(waterfall, i) + out_columns(row_name(waterfall, i)));
		grow(&waterfall->number, (int)strlen(row_number(waterfall, span)));
		if (span_usual(span) >= 0)
			grow(&waterfall->number,
			     (int)strlen(unit_exact(waterfall->arena, waterfall->unit, span_usual(span))));
	}
	if (waterfall->service > width / 6)
		waterfall->service = width / 6;
	waterfall->service++;
	rest = width - waterfall->service - (waterfall->number + 1) - (QUEUE_COLUMNS + 2) - 2;
	rest -= waterfall->usual ? waterfall->number + 2 : 0;
	waterfall->bar = rest - (waterfall->name + (waterfall->usual ? 3 : 2));
	if (waterfall->bar < 3 * width / 10)
		waterfall->bar = 3 * width / 10;
	waterfall->name = rest - waterfall->bar;
	if (waterfall->name < 8) {
		waterfall->bar -= 8 - waterfall->name;
		waterfall->name = 8;
	}
	if (waterfall->bar < 1)
		waterfall->bar = 1;
}

/* ---- the time axis ---- */

/* The least of 1, 2, 5, 10 ... ns that leaves a tick its columns; decimals that its labels need. */
static int64_t tick_ns(const struct waterfall *waterfall, int *decimals)
{
	static const int factors[] = { 2, 5, 10 };
	int64_t step = 1, power = 1;

	for (int i = 0; step < waterfall->tree.extent_ns &&
			(double)step * waterfall->bar < (double)waterfall->tree.extent_ns * TICK_COLUMNS;
	     i++) {
		step = power * factors[i % 3];
		power = i % 3 == 2 ? step : power;
	}
	*decimals = 0;
	for (int64_t part = waterfall->unit->ns; part > 1 && step % part; part /= 10)
		++*decimals;
	return step;
}

static void print_header(const struct waterfall *waterfall)
{
	const struct out *out = waterfall->out;
	int decimals, used = 0;
	int64_t step = tick_ns(waterfall, &decimals);

	out_right(out, PAINT_NONE, waterfall->unit->name, waterfall->service + waterfall->name + waterfall->number + 1);
	if (waterfall->usual)
		out_right(out, PAINT_NONE, "usual", waterfall->number + 2);
	out_right(out, PAINT_NONE, "queue", QUEUE_COLUMNS + 2);
	fputs("  ", out->file);
	for (int64_t at = 0; at == 0 || at < waterfall->tree.extent_ns; at += step) {
		int column = (int)bar_column(waterfall, waterfall->tree.start_unix_ns + at);
		const char *label =
		    at ? arena_printf(waterfall->arena, "%.*f", decimals, (double)at / (double)waterfall->unit->ns)
		       : "0";

		if (column + (int)strlen(label) > waterfall->bar)
			break;
		out_repeat(out, PAINT_NONE, " ", column - used);
		out_print(out, PAINT_DIM, label);
		used = column + (int)strlen(label);
	}
	fputc('\n', out->file);
}

/* ---- rows ---- */

static const char *queue_text(const struct waterfall *waterfall, const struct span *span)
{
	int64_t bytes = attr_get_int(&span->attrs, "hopspan.queue_bytes", -1);
	int64_t raw = attr_get_int(&span->attrs, "hopspan.queue_raw", -1);

	if (!span_is_network(span, NULL))
		return "";
	if (bytes >= 0)
		return bytes_text(waterfall->arena, bytes);
	return raw >= 0 ? arena_printf(waterfall->arena, "%lld", (long long)raw) : "";
}

static void print_numbers(const struct waterfall *waterfall, const struct span *span, enum paint paint)
{
	const struct out *out = waterfall->out;
	int64_t usual_ns = span_usual(span);
	const char *number = row_number(waterfall, span);

	if (is_estimated(span))
		number = arena_printf(waterfall->arena, "~%s", number);
	out_right(out, paint, number, waterfall->number + 1);
	if (waterfall->usual)
		out_right(out, PAINT_DIM, usual_ns >= 0 ? unit_exact(waterfall->arena, waterfall->unit, usual_ns) : "",
			  waterfall->number + 2);
	out_right(out, paint, queue_text(waterfall, span), QUEUE_COLUMNS + 2);
	fputs("  ", out->file);
}

static void print_row(const struct waterfall *waterfall, size_t row)
{
	const struct out *out = waterfall->out;
	const struct span *span = waterfall->tree.nodes[row].span;
	enum paint paint = waterfall_names(waterfall, span) ? PAINT_RED : PAINT_NONE;
	size_t parent = waterfall->tree.nodes[row].parent;
	bool below = parent != TREE_NONE && span_is_network(span, NULL) &&
		     span_is_network(waterfall->tree.nodes[parent].span, NULL);
	int indent = row_indent(waterfall, row);

	if (indent > waterfall->name - 6)
		indent = waterfall->name > 6 ? waterfall->name - 6 : 0;
	out_left(out, PAINT_NONE,
		 below ? "" : out_fit(out, waterfall->arena, row_service(waterfall, row), waterfall->service - 1),
		 waterfall->service);
	out_repeat(out, PAINT_NONE, " ", indent);
	out_left(out, paint, out_fit(out, waterfall->arena, row_name(waterfall, row), waterfall->name - indent - 1),
		 waterfall->name - indent);
	print_numbers(waterfall, span, paint);
	bar_print(waterfall, row);
	fputc('\n', out->file);
}

/* ---- head and foot ---- */

static const char *head_time(const struct waterfall *waterfall)
{
	time_t seconds = (time_t)(waterfall->tree.start_unix_ns / 1000000000);
	int ms = (int)(waterfall->tree.start_unix_ns / 1000000 % 1000);
	char text[64];
	struct tm tm;

	const char *format = waterfall->out->width < DATE_FROM_WIDTH ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S";

	if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof(text), format, &tm))
		return "no time";
	return arena_printf(waterfall->arena, "%s.%03d UTC", text, ms);
}

static void print_head(const struct waterfall *waterfall)
{
	const struct tree *tree = &waterfall->tree;
	const struct span *span = tree->root ? tree->root : tree->nodes[0].span;
	int digits = waterfall->out->width >= USUAL_FROM_WIDTH ? TRACE_ID_LEN : 6;
	const char *name = *span->name ? span->name : "(no name)";
	char id[2 * TRACE_ID_LEN + 1] = "";

	for (int i = 0; i < digits; i++)
		sprintf(id + 2 * i, "%02x", span->trace_id[i]);
	const char *rest = arena_printf(waterfall->arena, "  %s %s  %s  trace %s",
					unit_exact(waterfall->arena, waterfall->unit, tree->duration_ns),
					waterfall->unit->name, head_time(waterfall), id);
	int room = waterfall->out->width - (int)strlen(rest);

	out_print(waterfall->out, PAINT_NONE, out_fit(waterfall->out, waterfall->arena, name, room > 8 ? room : 8));
	fprintf(waterfall->out->file, "%s\n\n", rest);
}

static void print_foot(const struct waterfall *waterfall)
{
	bool estimated = false, silent = false, network = false;

	for (size_t i = 0; i < waterfall->tree.count; i = row_next(waterfall, i)) {
		const struct span *span = waterfall->tree.nodes[i].span;

		network |= span_is_network(span, NULL);
		estimated |= is_estimated(span);
		silent |= span_is_network(span, "hop") && strchr(span->name, '?');
	}
	fputc('\n', waterfall->out->file);
	out_wrap(waterfall->out, PAINT_BOLD, waterfall->verdict->text);
	const char *path = legend_path(waterfall->arena, &waterfall->tree, waterfall->verdict, waterfall->unit);

	if (*path)
		out_wrap(waterfall->out, PAINT_DIM, path);
	if (network)
		out_wrap(waterfall->out, PAINT_DIM,
			 arena_printf(waterfall->arena, "%s application  %s way  %s router  %s queue%s%s",
				      waterfall->glyphs.application, waterfall->glyphs.way, waterfall->glyphs.router,
				      waterfall->glyphs.queue, estimated ? "   ~ from the next arrival" : "",
				      silent ? "   ? does not take part" : ""));
}

void waterfall_print(const struct out *out, struct span_list *spans, const struct verdict *verdict, bool fold)
{
	static const struct glyphs ascii = { "=", "-", "+", "#", "|" }, utf8 = { "━", "─", "▒", "█", "│" };
	struct waterfall waterfall = {
		.out = out,
		.verdict = verdict,
		.arena = &spans->arena,
		.glyphs = out->utf8 ? utf8 : ascii,
	};

	tree_build(spans, &waterfall.tree);
	if (!waterfall.tree.count)
		return;
	waterfall.unit = unit_of(waterfall.tree.duration_ns);
	waterfall.folded = arena_alloc(&spans->arena, waterfall.tree.count * sizeof(bool));
	if (fold)
		fold_usual(&waterfall);
	set_columns(&waterfall);
	print_head(&waterfall);
	print_header(&waterfall);
	for (size_t i = 0; i < waterfall.tree.count; i = row_next(&waterfall, i))
		print_row(&waterfall, i);
	print_foot(&waterfall);
}
