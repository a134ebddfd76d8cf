/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Attributes of the span being drawn, by their word in attribute.h. */
#ifndef HOPSPAN_PUT_H
#define HOPSPAN_PUT_H

#include "attribute.h"
#include "draw.h"

/* The last one. Who encodes a thousand spans a millisecond need not look for the end of each key. */
static inline void put_key_len(struct pen *pen, enum attribute_index which)
{
	struct span_attrs *attrs = &pen->span->attrs;

	attrs->list[attrs->count - 1].key_len = attributes[which].key_len;
}

static inline void put_string(struct pen *pen, enum attribute_index which, const char *value)
{
	attr_string(&pen->spans->arena, &pen->span->attrs, attributes[which].key, value);
	put_key_len(pen, which);
}

static inline void put_int(struct pen *pen, enum attribute_index which, int64_t value)
{
	attr_int(&pen->spans->arena, &pen->span->attrs, attributes[which].key, value);
	put_key_len(pen, which);
}

static inline void put_bool(struct pen *pen, enum attribute_index which, bool value)
{
	attr_bool(&pen->spans->arena, &pen->span->attrs, attributes[which].key, value);
	put_key_len(pen, which);
}

#endif
