/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Spans -> the bytes that leave for a backend, and are kept in the store. The other way: otlp_decode.c.
 *
 * A message is written from its end to its beginning, so that the length of what is in it is known when it is due. All
 * of a span goes once over the wire's octets: building protobuf-c's trees first costs some ten times as much.
 */
#include "otlp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of otlp.proto: what is written here. */
enum {
	REQUEST_RESOURCE_SPANS = 1,
	RESOURCE_SPANS_RESOURCE = 1,
	RESOURCE_SPANS_SCOPE_SPANS = 2,
	RESOURCE_ATTRIBUTES = 1,
	SCOPE_SPANS_SCOPE = 1,
	SCOPE_SPANS_SPANS = 2,
	SCOPE_NAME = 1,
	SCOPE_VERSION = 2,
	SPAN_TRACE_ID = 1,
	SPAN_SPAN_ID = 2,
	SPAN_PARENT_SPAN_ID = 4,
	SPAN_NAME = 5,
	SPAN_KIND = 6,
	SPAN_START_TIME_UNIX_NANO = 7,
	SPAN_END_TIME_UNIX_NANO = 8,
	SPAN_ATTRIBUTES = 9,
	SPAN_EVENTS = 11,
	SPAN_STATUS = 15,
	SPAN_FLAGS = 16,
	EVENT_TIME_UNIX_NANO = 1,
	EVENT_NAME = 2,
	EVENT_ATTRIBUTES = 3,
	STATUS_MESSAGE = 2,
	STATUS_CODE = 3,
	KEY_VALUE_KEY = 1,
	KEY_VALUE_VALUE = 2,
	ANY_STRING = 1,
	ANY_BOOL = 2,
	ANY_INT = 3,
	ANY_DOUBLE = 4,
	ANY_ARRAY = 5,
	ARRAY_VALUES = 1,
};

enum { VARINT = 0, FIXED_64 = 1, LENGTH = 2, FIXED_32 = 5 }; /* protobuf's wire types */
enum { SIZE_FIRST = 65536, VARINT_SIZE = 10 };

/* What is written is at the end of `octets`. */
struct back {
	uint8_t *octets;
	size_t size, len;
	bool failed; /* no memory */
};

static void back_grow(struct back *back, size_t len)
{
	size_t size = back->size ? 2 * back->size : SIZE_FIRST;
	uint8_t *octets;

	while (size < back->len + len)
		size *= 2;
	octets = malloc(size);
	if (!octets) {
		back->failed = true;
		back->len = 0;
		return;
	}
	if (back->len)
		memcpy(octets + size - back->len, back->octets + back->size - back->len, back->len);
	free(back->octets);
	back->octets = octets;
	back->size = size;
}

/* Where `len` octets go; NULL: no memory. */
static inline uint8_t *back_room(struct back *back, size_t len)
{
	if (__builtin_expect(back->size - back->len < len, false))
		back_grow(back, len);
	if (__builtin_expect(back->failed, false))
		return NULL;
	back->len += len;
	return back->octets + back->size - back->len;
}

static void put(struct back *back, const void *octets, size_t len)
{
	uint8_t *at = back_room(back, len);

	if (at)
		memcpy(at, octets, len);
}

static inline void put_varint(struct back *back, uint64_t value)
{
	uint8_t octets[VARINT_SIZE], *at;
	size_t len = 0;

	if (value < 0x80) { /* most are keys and lengths */
		at = back_room(back, 1);
		if (at)
			*at = (uint8_t)value;
		return;
	}
	for (; value >= 0x80; value >>= 7)
		octets[len++] = (uint8_t)(value | 0x80);
	octets[len++] = (uint8_t)value;
	put(back, octets, len);
}

static void put_key(struct back *back, unsigned int field, unsigned int wire_type)
{
	put_varint(back, (uint64_t)field << 3 | wire_type);
}

/* What was written since `len` becomes the field's message. */
static void put_message(struct back *back, unsigned int field, size_t len)
{
	put_varint(back, back->len - len);
	put_key(back, field, LENGTH);
}

static void put_bytes(struct back *back, unsigned int field, const void *octets, size_t octets_len)
{
	put(back, octets, octets_len);
	put_varint(back, octets_len);
	put_key(back, field, LENGTH);
}

static void put_text(struct back *back, unsigned int field, const char *text)
{
	put_bytes(back, field, text, strlen(text));
}

static void put_text_if(struct back *back, unsigned int field, const char *text)
{
	if (*text)
		put_text(back, field, text);
}

static void put_fixed(struct back *back, unsigned int field, uint64_t value, unsigned int octets)
{
	uint8_t *at;

	if (!value)
		return;
	at = back_room(back, octets);
	for (unsigned int i = 0; at && i < octets; i++)
		at[i] = (uint8_t)(value >> 8 * i);
	put_key(back, field, octets == 8 ? FIXED_64 : FIXED_32);
}

static void put_number(struct back *back, unsigned int field, uint64_t value)
{
	put_varint(back, value);
	put_key(back, field, VARINT);
}

static void put_double(struct back *back, unsigned int field, double value)
{
	uint64_t bits;
	uint8_t octets[8];

	memcpy(&bits, &value, sizeof(bits));
	for (unsigned int i = 0; i < 8; i++)
		octets[i] = (uint8_t)(bits >> 8 * i);
	put(back, octets, sizeof(octets));
	put_key(back, field, FIXED_64);
}

static void put_texts(struct back *back, const struct span_attr *attr)
{
	size_t array = back->len;

	for (size_t i = attr->strings.count; i-- > 0;) {
		size_t any = back->len;

		put_text(back, ANY_STRING, attr->strings.list[i]);
		put_message(back, ARRAY_VALUES, any);
	}
	put_message(back, ANY_ARRAY, array);
}

static void put_value(struct back *back, const struct span_attr *attr)
{
	switch (attr->type) {
	case ATTR_STRING:
		put_text(back, ANY_STRING, attr->string);
		break;
	case ATTR_INT:
		put_number(back, ANY_INT, (uint64_t)attr->integer);
		break;
	case ATTR_BOOL:
		put_number(back, ANY_BOOL, attr->boolean);
		break;
	case ATTR_DOUBLE:
		put_double(back, ANY_DOUBLE, attr->real);
		break;
	case ATTR_STRINGS:
		put_texts(back, attr);
		break;
	}
}

static void put_attrs(struct back *back, unsigned int field, const struct span_attrs *attrs)
{
	for (size_t i = attrs->count; i-- > 0;) {
		size_t pair = back->len;

		put_value(back, &attrs->list[i]);
		put_message(back, KEY_VALUE_VALUE, pair);
		put_text_if(back, KEY_VALUE_KEY, attrs->list[i].key);
		put_message(back, field, pair);
	}
}

static void put_events(struct back *back, const struct span *span)
{
	for (size_t i = span->event_count; i-- > 0;) {
		const struct span_event *event = &span->events[i];
		size_t start = back->len;

		put_attrs(back, EVENT_ATTRIBUTES, &event->attrs);
		put_text_if(back, EVENT_NAME, event->name);
		put_fixed(back, EVENT_TIME_UNIX_NANO, (uint64_t)event->time_unix_ns, 8);
		put_message(back, SPAN_EVENTS, start);
	}
}

static void put_status(struct back *back, const struct span *span)
{
	size_t start = back->len;

	if (span->status == SPAN_STATUS_UNSET && !span->status_message)
		return;
	if (span->status != SPAN_STATUS_UNSET)
		put_number(back, STATUS_CODE, span->status);
	if (span->status_message)
		put_text_if(back, STATUS_MESSAGE, span->status_message);
	put_message(back, SPAN_STATUS, start);
}

static void put_span(struct back *back, const struct span *span)
{
	static const uint8_t root[SPAN_ID_LEN];
	size_t start = back->len;

	put_fixed(back, SPAN_FLAGS, span->flags, 4);
	put_status(back, span);
	put_events(back, span);
	put_attrs(back, SPAN_ATTRIBUTES, &span->attrs);
	put_fixed(back, SPAN_END_TIME_UNIX_NANO, (uint64_t)span->end_unix_ns, 8);
	put_fixed(back, SPAN_START_TIME_UNIX_NANO, (uint64_t)span->start_unix_ns, 8);
	if (span->kind)
		put_number(back, SPAN_KIND, span->kind);
	put_text_if(back, SPAN_NAME, span->name);
	if (memcmp(span->parent_id, root, SPAN_ID_LEN) != 0)
		put_bytes(back, SPAN_PARENT_SPAN_ID, span->parent_id, SPAN_ID_LEN);
	put_bytes(back, SPAN_SPAN_ID, span->id, SPAN_ID_LEN);
	put_bytes(back, SPAN_TRACE_ID, span->trace_id, TRACE_ID_LEN);
	put_message(back, SCOPE_SPANS_SPANS, start);
}

static void put_scope(struct back *back, const char *version)
{
	size_t start = back->len;

	put_text_if(back, SCOPE_VERSION, version);
	put_text(back, SCOPE_NAME, "hopspan");
	put_message(back, SCOPE_SPANS_SCOPE, start);
}

int otlp_encode(const struct span_list *spans, const struct span_attrs *resource, const char *version, uint8_t **otlp,
		size_t *len)
{
	struct back back = { 0 };
	size_t start;

	for (size_t i = spans->count; i-- > 0;)
		put_span(&back, &spans->spans[i]);
	put_scope(&back, version);
	put_message(&back, RESOURCE_SPANS_SCOPE_SPANS, 0);
	start = back.len;
	put_attrs(&back, RESOURCE_ATTRIBUTES, resource);
	put_message(&back, RESOURCE_SPANS_RESOURCE, start);
	put_message(&back, REQUEST_RESOURCE_SPANS, 0);
	if (back.failed) {
		free(back.octets);
		return -ENOMEM;
	}
	memmove(back.octets, back.octets + back.size - back.len, back.len);
	*otlp = back.octets;
	*len = back.len;
	return 0;
}
