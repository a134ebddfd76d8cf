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

/* Octets: of a varint, of the key of a field that is written here, and of a request before it grows. */
enum { VARINT_SIZE = 10, KEY_SIZE = 2, SIZE_FIRST = 65536, SPAN_SIZE = 600 };

static void room_grow(struct otlp_room *room, size_t len)
{
	size_t size = room->size ? 2 * room->size : SIZE_FIRST;
	uint8_t *octets;

	while (size < room->len + len)
		size *= 2;
	octets = malloc(size);
	if (!octets) {
		room->failed = true;
		room->len = 0;
		return;
	}
	if (room->len)
		memcpy(octets + size - room->len, room->octets + room->size - room->len, room->len);
	free(room->octets);
	room->octets = octets;
	room->size = size;
}

/* The end of room for up to `len` octets, see room_take(); NULL: no memory. */
static inline uint8_t *room_for(struct otlp_room *room, size_t len)
{
	if (__builtin_expect(room->size - room->len < len, false))
		room_grow(room, len);
	return room->failed ? NULL : room->octets + room->size - room->len;
}

/* They are used down to `at`. */
static inline void room_take(struct otlp_room *room, const uint8_t *at)
{
	room->len = (size_t)(room->octets + room->size - at);
}

/* Each of these writes before `at`, and returns where that begins. */
static inline uint8_t *varint_before(uint8_t *at, uint64_t value)
{
	size_t len = 1;

	if (value < 0x80) { /* most are keys and lengths */
		*--at = (uint8_t)value;
		return at;
	}
	for (uint64_t rest = value >> 7; rest; rest >>= 7)
		len++;
	at -= len;
	for (size_t i = 0; i < len; i++, value >>= 7)
		at[i] = (uint8_t)(value | (i + 1 < len ? 0x80 : 0));
	return at;
}

static inline uint8_t *key_before(uint8_t *at, unsigned int field, unsigned int wire_type)
{
	return varint_before(at, (uint64_t)field << 3 | wire_type);
}

static inline uint8_t *bytes_before(uint8_t *at, unsigned int field, const void *octets, size_t len)
{
	at -= len;
	memcpy(at, octets, len);
	return key_before(varint_before(at, len), field, LENGTH);
}

/* What is between `at` and `end` becomes the field's message. */
static inline uint8_t *message_before(uint8_t *at, unsigned int field, const uint8_t *end)
{
	return key_before(varint_before(at, (uint64_t)(end - at)), field, LENGTH);
}

static inline uint8_t *fixed_before(uint8_t *at, unsigned int field, uint64_t value, unsigned int octets)
{
	at -= octets;
	for (unsigned int i = 0; i < octets; i++)
		at[i] = (uint8_t)(value >> 8 * i);
	return key_before(at, field, octets == 8 ? FIXED_64 : FIXED_32);
}

static inline uint8_t *number_before(uint8_t *at, unsigned int field, uint64_t value)
{
	return key_before(varint_before(at, value), field, VARINT);
}

/* What was written since `len` becomes the field's message. */
static void put_message(struct otlp_room *room, unsigned int field, size_t len)
{
	uint8_t *at = room_for(room, VARINT_SIZE + KEY_SIZE);

	if (at)
		room_take(room, message_before(at, field, at + (room->len - len)));
}

static void put_bytes(struct otlp_room *room, unsigned int field, const void *octets, size_t len)
{
	uint8_t *at = room_for(room, len + VARINT_SIZE + KEY_SIZE);

	if (at)
		room_take(room, bytes_before(at, field, octets, len));
}

static void put_text(struct otlp_room *room, unsigned int field, const char *text)
{
	put_bytes(room, field, text, strlen(text));
}

static void put_text_if(struct otlp_room *room, unsigned int field, const char *text)
{
	if (*text)
		put_text(room, field, text);
}

static void put_fixed_if(struct otlp_room *room, unsigned int field, uint64_t value, unsigned int octets)
{
	uint8_t *at = value ? room_for(room, octets + KEY_SIZE) : NULL;

	if (at)
		room_take(room, fixed_before(at, field, value, octets));
}

static void put_number(struct otlp_room *room, unsigned int field, uint64_t value)
{
	uint8_t *at = room_for(room, VARINT_SIZE + KEY_SIZE);

	if (at)
		room_take(room, number_before(at, field, value));
}

static void put_texts(struct otlp_room *room, const struct span_attr *attr)
{
	size_t array = room->len;

	for (size_t i = attr->strings.count; i-- > 0;) {
		size_t any = room->len;

		put_text(room, ANY_STRING, attr->strings.list[i]);
		put_message(room, ARRAY_VALUES, any);
	}
	put_message(room, ANY_ARRAY, array);
}

/* Any value but a list, in a field of an AnyValue. */
static uint8_t *value_before(uint8_t *at, const struct span_attr *attr, size_t text_len)
{
	uint64_t bits;

	switch (attr->type) {
	case ATTR_STRING:
		return bytes_before(at, ANY_STRING, attr->string, text_len);
	case ATTR_INT:
		return number_before(at, ANY_INT, (uint64_t)attr->integer);
	case ATTR_BOOL:
		return number_before(at, ANY_BOOL, attr->boolean);
	default:
		memcpy(&bits, &attr->real, sizeof(bits));
		return fixed_before(at, ANY_DOUBLE, bits, sizeof(bits));
	}
}

/* Of an attribute whose value is written before `at`: the rest of it, which ends at `end`. */
static uint8_t *pair_before(uint8_t *at, unsigned int field, const char *key, size_t key_len, const uint8_t *end)
{
	at = message_before(at, KEY_VALUE_VALUE, end);
	if (key_len)
		at = bytes_before(at, KEY_VALUE_KEY, key, key_len);
	return message_before(at, field, end);
}

/* Half of all that is written: room is looked for once. */
static void put_attr(struct otlp_room *room, unsigned int field, const struct span_attr *attr)
{
	size_t key_len = attr->key_len ? attr->key_len : strlen(attr->key),
	       text_len = attr->type == ATTR_STRING ? strlen(attr->string) : 0;
	size_t list_len = 0, start = room->len;
	uint8_t *at;

	if (attr->type == ATTR_STRINGS) {
		put_texts(room, attr);
		list_len = room->len - start;
	}
	at = room_for(room, key_len + text_len + 4 * (VARINT_SIZE + KEY_SIZE));
	if (!at)
		return;
	if (attr->type != ATTR_STRINGS)
		room_take(room, pair_before(value_before(at, attr, text_len), field, attr->key, key_len, at));
	else
		room_take(room, pair_before(at, field, attr->key, key_len, at + list_len));
}

static void put_attrs(struct otlp_room *room, unsigned int field, const struct span_attrs *attrs)
{
	for (size_t i = attrs->count; i-- > 0;)
		put_attr(room, field, &attrs->list[i]);
}

static void put_events(struct otlp_room *room, const struct span *span)
{
	for (size_t i = span->event_count; i-- > 0;) {
		const struct span_event *event = &span->events[i];
		size_t start = room->len;

		put_attrs(room, EVENT_ATTRIBUTES, &event->attrs);
		put_text_if(room, EVENT_NAME, event->name);
		put_fixed_if(room, EVENT_TIME_UNIX_NANO, (uint64_t)event->time_unix_ns, 8);
		put_message(room, SPAN_EVENTS, start);
	}
}

static void put_status(struct otlp_room *room, const struct span *span)
{
	size_t start = room->len;

	if (span->status == SPAN_STATUS_UNSET && !span->status_message)
		return;
	if (span->status != SPAN_STATUS_UNSET)
		put_number(room, STATUS_CODE, span->status);
	if (span->status_message)
		put_text_if(room, STATUS_MESSAGE, span->status_message);
	put_message(room, SPAN_STATUS, start);
}

static void put_span(struct otlp_room *room, const struct span *span)
{
	static const uint8_t root[SPAN_ID_LEN];
	size_t start = room->len;

	put_fixed_if(room, SPAN_FLAGS, span->flags, 4);
	put_status(room, span);
	put_events(room, span);
	put_attrs(room, SPAN_ATTRIBUTES, &span->attrs);
	put_fixed_if(room, SPAN_END_TIME_UNIX_NANO, (uint64_t)span->end_unix_ns, 8);
	put_fixed_if(room, SPAN_START_TIME_UNIX_NANO, (uint64_t)span->start_unix_ns, 8);
	if (span->kind)
		put_number(room, SPAN_KIND, span->kind);
	put_text_if(room, SPAN_NAME, span->name);
	if (memcmp(span->parent_id, root, SPAN_ID_LEN) != 0)
		put_bytes(room, SPAN_PARENT_SPAN_ID, span->parent_id, SPAN_ID_LEN);
	put_bytes(room, SPAN_SPAN_ID, span->id, SPAN_ID_LEN);
	put_bytes(room, SPAN_TRACE_ID, span->trace_id, TRACE_ID_LEN);
	put_message(room, SCOPE_SPANS_SPANS, start);
}

static void put_scope(struct otlp_room *room, const char *version)
{
	size_t start = room->len;

	put_text_if(room, SCOPE_VERSION, version);
	put_text(room, SCOPE_NAME, "hopspan");
	put_message(room, SCOPE_SPANS_SCOPE, start);
}

int otlp_encode_in(struct otlp_room *room, const struct span_list *spans, const struct span_attrs *resource,
		   const char *version, const uint8_t **otlp, size_t *len)
{
	size_t start;

	room->len = 0;
	room->failed = false;
	room_for(room, spans->count * SPAN_SIZE);
	for (size_t i = spans->count; i-- > 0;)
		put_span(room, &spans->spans[i]);
	put_scope(room, version);
	put_message(room, RESOURCE_SPANS_SCOPE_SPANS, 0);
	start = room->len;
	put_attrs(room, RESOURCE_ATTRIBUTES, resource);
	put_message(room, RESOURCE_SPANS_RESOURCE, start);
	put_message(room, REQUEST_RESOURCE_SPANS, 0);
	*otlp = room->octets + room->size - room->len;
	*len = room->len;
	return room->failed ? -ENOMEM : 0;
}

int otlp_encode(const struct span_list *spans, const struct span_attrs *resource, const char *version, uint8_t **otlp,
		size_t *len)
{
	struct otlp_room room = { 0 };
	const uint8_t *written;

	if (otlp_encode_in(&room, spans, resource, version, &written, len)) {
		free(room.octets);
		return -ENOMEM;
	}
	memmove(room.octets, written, *len);
	*otlp = room.octets;
	return 0;
}
