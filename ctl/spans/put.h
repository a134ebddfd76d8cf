/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Attributes of the span being drawn, by their word in attribute.h. */
#ifndef HOPSPAN_PUT_H
#define HOPSPAN_PUT_H

#include "attribute.h"
#include "draw.h"

static inline void put_string(struct pen *pen, enum attribute_index which, const char *value)
{
	attr_string(&pen->spans->arena, &pen->span->attrs, attributes[which].key, value);
}

static inline void put_int(struct pen *pen, enum attribute_index which, int64_t value)
{
	attr_int(&pen->spans->arena, &pen->span->attrs, attributes[which].key, value);
}

static inline void put_bool(struct pen *pen, enum attribute_index which, bool value)
{
	attr_bool(&pen->spans->arena, &pen->span->attrs, attributes[which].key, value);
}

#endif
