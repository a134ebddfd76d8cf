/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Memory given back at once: a list of blocks, each piece cut from the newest. */
#include "arena.h"

#include <err.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16384 };

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	max_align_t data[];
};

static struct arena_block *block_new(struct arena *arena, size_t at_least)
{
	size_t size = at_least > BLOCK_SIZE ? at_least : BLOCK_SIZE;
	struct arena_block *block = malloc(sizeof(*block) + size);

	if (!block)
		err(1, "out of memory");
	block->size = size;
	block->used = 0;
	block->next = arena->blocks;
	return arena->blocks = block;
}

void *arena_take(struct arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_block *block = arena->blocks;
	void *piece;

	size = (size + align - 1) & ~(align - 1);
	if (!block || block->size - block->used < size)
		block = block_new(arena, size);
	piece = (char *)block->data + block->used;
	block->used += size;
	return piece;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return memset(arena_take(arena, size), 0, size);
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_take(arena, len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	char room[256], *text;
	va_list args;
	size_t len;

	va_start(args, format);
	len = (size_t)vsnprintf(room, sizeof(room), format, args);
	va_end(args);
	if (len < sizeof(room))
		return arena_strndup(arena, room, len);
	text = arena_take(arena, len + 1);
	va_start(args, format);
	vsnprintf(text, len + 1, format, args);
	va_end(args);
	return text;
}

void arena_free(struct arena *arena)
{
	for (struct arena_block *block = arena->blocks, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	arena->blocks = NULL;
}
