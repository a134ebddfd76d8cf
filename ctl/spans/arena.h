/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Memory that is taken in small pieces and given back at once: spans and their attributes live as long as their list.
 */
#ifndef HOPSPAN_ARENA_H
#define HOPSPAN_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
	struct arena_block *blocks;
};

/* Aligned for any type, never NULL: without memory the process ends with a message. */
void *arena_take(struct arena *arena, size_t size);
void *arena_alloc(struct arena *arena, size_t size); /* zeroed */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t len);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *arena);

#endif
