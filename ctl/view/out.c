/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Text for people: widths, colours, glyphs, and cleaning of what others named. */
#include "out.h"

#include <langinfo.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

static int terminal_width(FILE *file)
{
	struct winsize size;

	if (ioctl(fileno(file), TIOCGWINSZ, &size) || !size.ws_col)
		return OUT_WIDTH_PLAIN;
	if (size.ws_col < OUT_WIDTH_MIN)
		return OUT_WIDTH_MIN;
	return size.ws_col < OUT_WIDTH_MAX ? size.ws_col : OUT_WIDTH_MAX;
}

void out_open(struct out *out, FILE *file, enum color color)
{
	const char *no_color = getenv("NO_COLOR");

	setlocale(LC_CTYPE, "");
	out->file = file;
	out->terminal = isatty(fileno(file));
	out->width = out->terminal ? terminal_width(file) : OUT_WIDTH_PLAIN;
	out->color = color == COLOR_ALWAYS || (color == COLOR_AUTO && out->terminal && !(no_color && *no_color));
	out->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* The character at `text` and its length in octets; 0 for what is not UTF-8. */
static uint32_t utf8_next(const char *text, int *len)
{
	const uint8_t *p = (const uint8_t *)text;
	int more = p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : p[0] >= 0xc0 ? 1 : 0;
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t c = more ? p[0] & (0x3f >> more) : p[0];

	*len = 1;
	if (p[0] < 0x80)
		return c;
	for (int i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (!more || c < least[more] || c > 0x10ffff)
		return 0;
	*len = more + 1;
	return c;
}

/* Columns of one character, -1 if it is not to be shown. */
static int char_columns(uint32_t c, bool utf8)
{
	if (c < 0x80)
		return c >= 0x20 && c < 0x7f ? 1 : -1;
	return utf8 ? wcwidth((wchar_t)c) : -1;
}

int out_columns(const char *text)
{
	int columns = 0, len;

	for (; *text; text += len) {
		int width = char_columns(utf8_next(text, &len), true);

		columns += width < 0 ? 1 : width;
	}
	return columns;
}

static char *clean(struct arena *arena, const char *text, bool utf8)
{
	char *copy = arena_alloc(arena, strlen(text) + 1), *to = copy;
	int len;

	for (; *text; text += len) {
		bool shown = char_columns(utf8_next(text, &len), utf8) >= 0;

		if (shown)
			memcpy(to, text, (size_t)len);
		else
			*to = '?';
		to += shown ? len : 1;
	}
	return copy;
}

char *out_fit(const struct out *out, struct arena *arena, const char *text, int columns)
{
	char *fitted = clean(arena, text, out->utf8);
	int used = 0, len;
	char *end = fitted;

	if (columns <= 0 || out_columns(fitted) <= columns)
		return fitted;
	for (; *end; end += len) {
		int width = char_columns(utf8_next(end, &len), true);

		if (used + width > columns - 2)
			break;
		used += width;
	}
	return arena_printf(arena, "%.*s%.*s", (int)(end - fitted), fitted, columns < 2 ? columns : 2, "..");
}

static const char *paint_code(enum paint paint)
{
	static const char *const codes[] = { "", "\033[1m", "\033[2m", "\033[31m", "\033[33m", "\033[36m" };

	return codes[paint];
}

void out_repeat(const struct out *out, enum paint paint, const char *glyph, int count)
{
	bool painted = out->color && paint != PAINT_NONE && count > 0;

	if (painted)
		fputs(paint_code(paint), out->file);
	for (int i = 0; i < count; i++)
		fputs(glyph, out->file);
	if (painted)
		fputs("\033[0m", out->file);
}

void out_print(const struct out *out, enum paint paint, const char *text)
{
	if (*text)
		out_repeat(out, paint, text, 1);
}

void out_right(const struct out *out, enum paint paint, const char *text, int columns)
{
	out_repeat(out, PAINT_NONE, " ", columns - out_columns(text));
	out_print(out, paint, text);
}

void out_left(const struct out *out, enum paint paint, const char *text, int columns)
{
	out_print(out, paint, text);
	out_repeat(out, PAINT_NONE, " ", columns - out_columns(text));
}

/* Octets of `text` that fit in `columns`: to its end or to a space; a word that is too long stays whole. */
static size_t line_length(const char *text, int columns)
{
	size_t at = 0, space = 0;
	int used = 0, len;

	for (; text[at]; at += (size_t)len) {
		int width = char_columns(utf8_next(text + at, &len), true);

		if (text[at] == ' ' && at && text[at - 1] != ' ')
			space = at;
		used += width < 0 ? 1 : width;
		if (used > columns && space)
			return space;
	}
	return at;
}

void out_wrap(const struct out *out, enum paint paint, const char *text)
{
	struct arena arena = { 0 };
	const char *rest = clean(&arena, text, out->utf8);

	do {
		size_t len = line_length(rest, out->width);

		out_print(out, paint, arena_strndup(&arena, rest, len));
		fputc('\n', out->file);
		rest += len;
		rest += strspn(rest, " ");
	} while (*rest);
	arena_free(&arena);
}
