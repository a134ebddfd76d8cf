/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Text put together from pieces: names and sentences of spans. There are two of them for each span, and printf() takes
 * four times as long for them.
 */
#ifndef HOPSPAN_PHRASE_H
#define HOPSPAN_PHRASE_H

#include <stdint.h>

#include "arena.h"

struct phrase {
	struct arena *arena;
	char *text; /* in `room` as long as it fits */
	size_t len, size;
	char room[256];
};

void phrase_begin(struct phrase *phrase, struct arena *arena);

/* Each of them in turn. */
#define phrase_add(phrase, ...) phrase_add_all(phrase, (const char *const[]){ __VA_ARGS__, NULL })
void phrase_add_all(struct phrase *phrase, const char *const *texts);

/* The last `decimals` digits behind a point: 5 and 3 are "0.005". */
void phrase_add_number(struct phrase *phrase, uint64_t number, unsigned int decimals);

/* The whole of it, kept in the arena. */
const char *phrase_end(const struct phrase *phrase);

#endif
