/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Text that grows piece by piece. */
#include "phrase.h"

#include <string.h>

enum { NUMBER_MAX = 22 }; /* 20 digits, a zero and a point */

void phrase_begin(struct phrase *phrase, struct arena *arena)
{
	phrase->arena = arena;
	phrase->text = phrase->room;
	phrase->len = 0;
	phrase->size = sizeof(phrase->room);
}

static void phrase_grow(struct phrase *phrase, size_t len)
{
	char *text;

	phrase->size = 2 * (phrase->len + len);
	text = arena_take(phrase->arena, phrase->size);
	memcpy(text, phrase->text, phrase->len);
	phrase->text = text;
}

static void add(struct phrase *phrase, const char *text, size_t len)
{
	if (len > phrase->size - phrase->len)
		phrase_grow(phrase, len);
	memcpy(phrase->text + phrase->len, text, len);
	phrase->len += len;
}

void phrase_add_all(struct phrase *phrase, const char *const *texts)
{
	for (; *texts; texts++)
		add(phrase, *texts, strlen(*texts));
}

void phrase_add_number(struct phrase *phrase, uint64_t number, unsigned int decimals)
{
	char text[NUMBER_MAX];
	unsigned int at = NUMBER_MAX;

	for (unsigned int digits = 0; number || digits <= decimals; digits++) {
		if (digits && digits == decimals)
			text[--at] = '.';
		text[--at] = (char)('0' + number % 10);
		number /= 10;
	}
	add(phrase, text + at, NUMBER_MAX - at);
}

const char *phrase_end(const struct phrase *phrase)
{
	return arena_strndup(phrase->arena, phrase->text, phrase->len);
}
