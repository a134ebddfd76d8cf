/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Lists of spans and of their attributes. */
#include "span.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

struct span *span_list_add(struct span_list *list)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity ? 2 * list->capacity : 32;
		list->spans = reallocarray(list->spans, list->capacity, sizeof(*list->spans));
		if (!list->spans)
			err(1, "out of memory");
	}
	struct span *span = &list->spans[list->count++];
	*span = (struct span){ .service = "", .scope = "", .name = "" };
	return span;
}

void span_list_free(struct span_list *list)
{
	free(list->spans);
	arena_free(&list->arena);
	*list = (struct span_list){ 0 };
}

void attrs_reserve(struct arena *arena, struct span_attrs *attrs, size_t capacity)
{
	struct span_attr *list = arena_take(arena, capacity * sizeof(*list));

	if (attrs->count)
		memcpy(list, attrs->list, attrs->count * sizeof(*list));
	attrs->list = list;
	attrs->capacity = capacity;
}

static struct span_attr *attr_add(struct arena *arena, struct span_attrs *attrs, const char *key, enum attr_type type)
{
	struct span_attr *attr;

	if (attrs->count == attrs->capacity)
		attrs_reserve(arena, attrs, attrs->capacity ? 2 * attrs->capacity : 16);
	attr = &attrs->list[attrs->count++];
	attr->key = key;
	attr->type = type;
	attr->key_len = 0;
	return attr;
}

void attr_string(struct arena *arena, struct span_attrs *attrs, const char *key, const char *value)
{
	attr_add(arena, attrs, key, ATTR_STRING)->string = value;
}

void attr_int(struct arena *arena, struct span_attrs *attrs, const char *key, int64_t value)
{
	attr_add(arena, attrs, key, ATTR_INT)->integer = value;
}

void attr_bool(struct arena *arena, struct span_attrs *attrs, const char *key, bool value)
{
	attr_add(arena, attrs, key, ATTR_BOOL)->boolean = value;
}

void attr_double(struct arena *arena, struct span_attrs *attrs, const char *key, double value)
{
	attr_add(arena, attrs, key, ATTR_DOUBLE)->real = value;
}

void attr_strings(struct arena *arena, struct span_attrs *attrs, const char *key, const char **list, size_t count)
{
	struct span_attr *attr = attr_add(arena, attrs, key, ATTR_STRINGS);

	attr->strings.list = list;
	attr->strings.count = count;
}

const struct span_attr *attr_find(const struct span_attrs *attrs, const char *key)
{
	for (size_t i = 0; i < attrs->count; i++)
		if (strcmp(attrs->list[i].key, key) == 0)
			return &attrs->list[i];
	return NULL;
}

const char *attr_get_string(const struct span_attrs *attrs, const char *key, const char *otherwise)
{
	const struct span_attr *attr = attr_find(attrs, key);

	return attr && attr->type == ATTR_STRING ? attr->string : otherwise;
}

int64_t attr_get_int(const struct span_attrs *attrs, const char *key, int64_t otherwise)
{
	const struct span_attr *attr = attr_find(attrs, key);

	return attr && attr->type == ATTR_INT ? attr->integer : otherwise;
}
