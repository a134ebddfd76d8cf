/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* JSON -> protobuf's octets, by a message's descriptor. Nothing in it is trusted. */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "octets.h"
#include "otlp_json.h"
#include "protobuf.h"

enum { NAME_SIZE = 64, VARINT_SIZE = 10, OUT_FIRST = 4096 };
enum { VARINT = 0, FIXED_64 = 1, LENGTH = 2, FIXED_32 = 5 }; /* protobuf's wire types */

struct out {
	uint8_t *octets;
	size_t len, size;
	int error;
	char *why; /* OTLP_JSON_WHY_SIZE */
};

static void wrong(struct out *out, const char *name, const char *expected)
{
	if (out->error)
		return;
	out->error = -EBADMSG;
	snprintf(out->why, OTLP_JSON_WHY_SIZE, "%s is not %s", name, expected);
}

/* Room for `len` more, or NULL and the error is set. */
static uint8_t *out_more(struct out *out, size_t len)
{
	size_t size = out->size ? out->size : OUT_FIRST;
	uint8_t *larger;

	while (size < out->len + len)
		size *= 2;
	larger = size > out->size ? realloc(out->octets, size) : out->octets;
	if (!larger) {
		out->error = -ENOMEM;
		return NULL;
	}
	out->octets = larger;
	out->size = size;
	out->len += len;
	return larger + out->len - len;
}

static void put(struct out *out, const void *octets, size_t len)
{
	uint8_t *at = len ? out_more(out, len) : NULL;

	if (at)
		memcpy(at, octets, len);
}

static size_t varint(uint8_t octets[VARINT_SIZE], uint64_t value)
{
	size_t len = 0;

	for (; value >= 0x80; value >>= 7)
		octets[len++] = (uint8_t)(value | 0x80);
	octets[len++] = (uint8_t)value;
	return len;
}

static void put_varint(struct out *out, uint64_t value)
{
	uint8_t octets[VARINT_SIZE];

	put(out, octets, varint(octets, value));
}

static void put_key(struct out *out, const ProtobufCFieldDescriptor *field, unsigned int wire_type)
{
	put_varint(out, (uint64_t)field->id << 3 | wire_type);
}

static void put_fixed(struct out *out, uint64_t value, unsigned int len)
{
	uint8_t octets[8];

	for (unsigned int i = 0; i < len; i++)
		octets[i] = (uint8_t)(value >> 8 * i);
	put(out, octets, len);
}

static bool is_signed(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_INT32 || field->type == PROTOBUF_C_TYPE_INT64 ||
	       field->type == PROTOBUF_C_TYPE_SFIXED64;
}

static bool is_short(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_INT32 || field->type == PROTOBUF_C_TYPE_UINT32 ||
	       field->type == PROTOBUF_C_TYPE_FIXED32;
}

/* A decimal number, bare or as text, that the field can hold. */
static bool integer_read(const ProtobufCFieldDescriptor *field, const json_t *json, uint64_t *value)
{
	const char *text = json_string_value(json);
	bool negative = text && *text == '-';
	char *end;

	errno = 0;
	if (json_is_integer(json)) {
		*value = (uint64_t)json_integer_value(json);
		negative = json_integer_value(json) < 0;
	} else if (text && isdigit((unsigned char)text[negative])) {
		*value = negative ? (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 10);
		if (*end || errno)
			return false;
	} else {
		return false;
	}
	if (!is_signed(field))
		return !negative && (!is_short(field) || *value <= UINT32_MAX);
	if (is_short(field))
		return (int64_t)*value >= INT32_MIN && (int64_t)*value <= INT32_MAX &&
		       (negative || *value <= INT32_MAX);
	return negative || *value <= INT64_MAX;
}

static void put_integer(struct out *out, const ProtobufCFieldDescriptor *field, const json_t *json)
{
	uint64_t value;

	if (!integer_read(field, json, &value)) {
		wrong(out, field->name, "a number that it can hold");
	} else if (field->type == PROTOBUF_C_TYPE_FIXED64 || field->type == PROTOBUF_C_TYPE_SFIXED64) {
		put_key(out, field, FIXED_64);
		put_fixed(out, value, 8);
	} else if (field->type == PROTOBUF_C_TYPE_FIXED32) {
		put_key(out, field, FIXED_32);
		put_fixed(out, value, 4);
	} else {
		put_key(out, field, VARINT);
		put_varint(out, value);
	}
}

static bool double_read(const json_t *json, double *value)
{
	const char *text = json_string_value(json);
	char *end;

	if (json_is_number(json)) {
		*value = json_number_value(json);
		return true;
	}
	if (!text)
		return false;
	if (strcmp(text, "NaN") == 0 || strcmp(text, "Infinity") == 0 || strcmp(text, "-Infinity") == 0) {
		*value = text[0] == 'N' ? NAN : text[0] == '-' ? -INFINITY : INFINITY;
		return true;
	}
	*value = strtod(text, &end);
	return *text && !*end && (isdigit((unsigned char)*text) || *text == '-');
}

static void put_double(struct out *out, const ProtobufCFieldDescriptor *field, const json_t *json)
{
	uint64_t bits;
	double value;

	if (!double_read(json, &value)) {
		wrong(out, field->name, "a number");
		return;
	}
	memcpy(&bits, &value, sizeof(bits));
	put_key(out, field, FIXED_64);
	put_fixed(out, bits, 8);
}

static void put_bytes(struct out *out, const ProtobufCFieldDescriptor *field, const json_t *json)
{
	const char *text = json_string_value(json);
	size_t text_len = text ? json_string_length(json) : 0, len = 0;
	uint8_t *octets = malloc(text_len + 1);
	bool id = octets_are_id(field->name);

	if (!octets) {
		out->error = -ENOMEM;
		return;
	}
	if (!text || !(id ? octets_read_hex : octets_read_base64)(text, text_len, octets, &len)) {
		wrong(out, field->name, id ? "hex" : "base64");
	} else {
		put_key(out, field, LENGTH);
		put_varint(out, len);
		put(out, octets, len);
	}
	free(octets);
}

static void put_text(struct out *out, const ProtobufCFieldDescriptor *field, const json_t *json)
{
	const char *text = json_string_value(json);

	if (!text) {
		wrong(out, field->name, "text");
		return;
	}
	put_key(out, field, LENGTH);
	put_varint(out, json_string_length(json));
	put(out, text, json_string_length(json));
}

static void put_fields(struct out *out, const ProtobufCMessageDescriptor *message, const json_t *json, int depth);

/* The content first, and then its length before it. */
static void put_message(struct out *out, const ProtobufCFieldDescriptor *field, const json_t *json, int depth)
{
	uint8_t prefix[VARINT_SIZE];
	size_t start, len, prefix_len;

	if (!json_is_object(json) || depth > PROTOBUF_DEPTH_MAX) {
		wrong(out, field->name, json_is_object(json) ? "nested so deep" : "an object");
		return;
	}
	put_key(out, field, LENGTH);
	start = out->len;
	put_fields(out, field->descriptor, json, depth);
	len = out->len - start;
	prefix_len = varint(prefix, len);
	if (out->error || !out_more(out, prefix_len))
		return;
	memmove(out->octets + start + prefix_len, out->octets + start, len);
	memcpy(out->octets + start, prefix, prefix_len);
}

static void put_value(struct out *out, const ProtobufCFieldDescriptor *field, const json_t *json, int depth)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		put_message(out, field, json, depth + 1);
		break;
	case PROTOBUF_C_TYPE_STRING:
		put_text(out, field, json);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		put_bytes(out, field, json);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		put_double(out, field, json);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		if (!json_is_boolean(json))
			wrong(out, field->name, "true or false");
		put_key(out, field, VARINT);
		put_varint(out, json_is_true(json));
		break;
	default:
		put_integer(out, field, json);
	}
}

/* trace_id -> traceId */
static const char *name_of(const ProtobufCFieldDescriptor *field, char name[NAME_SIZE])
{
	char *to = name;

	for (const char *from = field->name; *from && to < name + NAME_SIZE - 1; from++)
		*to++ = *from == '_' && from[1] ? (char)toupper((unsigned char)*++from) : *from;
	*to = 0;
	return name;
}

static void put_fields(struct out *out, const ProtobufCMessageDescriptor *message, const json_t *json, int depth)
{
	char name[NAME_SIZE];

	for (unsigned int i = 0; !out->error && i < message->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->fields[i];
		const json_t *value = json_object_get(json, name_of(field, name));
		size_t count = json_array_size(value); /* 0 also of what is none */

		if (!value || json_is_null(value))
			continue;
		if (field->label != PROTOBUF_C_LABEL_REPEATED)
			put_value(out, field, value, depth);
		else if (!json_is_array(value))
			wrong(out, field->name, "a list");
		for (size_t k = 0; field->label == PROTOBUF_C_LABEL_REPEATED && !out->error && k < count; k++)
			put_value(out, field, json_array_get(value, k), depth);
	}
}

int otlp_json_read(const ProtobufCMessageDescriptor *descriptor, const char *json, size_t json_len, uint8_t **protobuf,
		   size_t *len, char why[OTLP_JSON_WHY_SIZE])
{
	struct out out = { .why = why };
	json_error_t error;
	json_t *root = json_loadb(json, json_len, 0, &error);

	if (!root || !json_is_object(root)) {
		snprintf(why, OTLP_JSON_WHY_SIZE, "%.*s", OTLP_JSON_WHY_SIZE - 1,
			 root ? "it is no object" : error.text);
		json_decref(root);
		return -EBADMSG;
	}
	out_more(&out, 0);
	if (!out.error)
		put_fields(&out, descriptor, root, 1);
	json_decref(root);
	if (out.error) {
		free(out.octets);
		return out.error;
	}
	*protobuf = out.octets;
	*len = out.len;
	return 0;
}
