/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Text for people: how wide, in which colours and glyphs. Names come from the network and from applications, so
 * whatever is printed is cleaned first: no control characters, nothing that the locale cannot show.
 */
#ifndef HOPSPAN_OUT_H
#define HOPSPAN_OUT_H

#include <stdbool.h>
#include <stdio.h>

#include "spans/arena.h"
#include "cmd.h"

enum { OUT_WIDTH_PLAIN = 100, OUT_WIDTH_MIN = 60, OUT_WIDTH_MAX = 400 };

enum paint { PAINT_NONE, PAINT_BOLD, PAINT_DIM, PAINT_RED, PAINT_YELLOW, PAINT_CYAN };

struct out {
	FILE *file;
	int width; /* of the terminal; OUT_WIDTH_PLAIN where there is none */
	bool terminal, color, utf8;
};

/* Looks at file, environment and locale. A --color word wins over NO_COLOR, as that asks for. */
void out_open(struct out *out, FILE *file, enum color color);

/* `text` cleaned, and cut with ".." to `columns`; 0: as long as it is. */
char *out_fit(const struct out *out, struct arena *arena, const char *text, int columns);

/* Columns that a cleaned text takes. */
int out_columns(const char *text);

void out_print(const struct out *out, enum paint paint, const char *text);
void out_repeat(const struct out *out, enum paint paint, const char *glyph, int count);

/* Cleaned, right-aligned or left-aligned in `columns`. */
void out_right(const struct out *out, enum paint paint, const char *text, int columns);
void out_left(const struct out *out, enum paint paint, const char *text, int columns);

/* Lines of at most out->width, broken at spaces. */
void out_wrap(const struct out *out, enum paint paint, const char *text);

#endif
