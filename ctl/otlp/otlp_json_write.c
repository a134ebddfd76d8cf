/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A message of protobuf-c -> JSON, by its descriptor. What has its default is left out, as proto3 does. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "octets.h"
#include "otlp.h"
#include "otlp_json.h"

/* trace_id -> traceId */
static void name_write(FILE *out, const char *name)
{
	fputc('"', out);
	for (; *name; name++) {
		if (*name == '_' && name[1])
			fputc(toupper((unsigned char)*++name), out);
		else
			fputc(*name, out);
	}
	fputs("\":", out);
}

static void text_write(FILE *out, const char *text)
{
	fputc('"', out);
	while (*text) {
		size_t len = utf8_len(text);

		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(out, "\\u%04x", *text);
		else if (!len)
			fputc('?', out);
		else
			fwrite(text, 1, len, out);
		text += len ? len : 1;
	}
	fputc('"', out);
}

static void double_write(FILE *out, double value)
{
	if (isfinite(value))
		fprintf(out, "%.17g", value);
	else
		fputs(isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"", out);
}

static void bytes_write(FILE *out, const ProtobufCFieldDescriptor *field, const ProtobufCBinaryData *bytes)
{
	fputc('"', out);
	if (octets_are_id(field->name))
		octets_write_hex(out, bytes->data, bytes->len);
	else
		octets_write_base64(out, bytes->data, bytes->len);
	fputc('"', out);
}

static void value_write(FILE *out, const ProtobufCFieldDescriptor *field, const void *at)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
		fprintf(out, "%d", *(const int32_t *)at);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		fprintf(out, "%u", *(const uint32_t *)at);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		fprintf(out, "\"%lld\"", (long long)*(const int64_t *)at);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		fprintf(out, "\"%llu\"", (unsigned long long)*(const uint64_t *)at);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		fputs(*(const protobuf_c_boolean *)at ? "true" : "false", out);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		double_write(out, *(const double *)at);
		break;
	case PROTOBUF_C_TYPE_STRING:
		text_write(out, *(const char *const *)at);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		bytes_write(out, field, at);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		otlp_json_write(out, *(const ProtobufCMessage *const *)at);
		break;
	default: /* otlp.proto has no others */
		fputs("null", out);
	}
}

/* Octets of a value as protobuf-c keeps it. */
static size_t value_size(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 4;
	}
}

static bool is_default(const ProtobufCFieldDescriptor *field, const void *at)
{
	static const uint8_t zero[8];

	if (field->type == PROTOBUF_C_TYPE_STRING)
		return !*(const char *const *)at || !**(const char *const *)at;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return !*(const void *const *)at;
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return ((const ProtobufCBinaryData *)at)->len == 0;
	return memcmp(at, zero, value_size(field)) == 0;
}

static void array_write(FILE *out, const ProtobufCFieldDescriptor *field, const uint8_t *list, size_t count)
{
	fputc('[', out);
	for (size_t i = 0; i < count; i++) {
		if (i)
			fputc(',', out);
		value_write(out, field, list + i * value_size(field));
	}
	fputc(']', out);
}

/* Whether the field is there, and how many values it has. */
static bool is_there(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t *count)
{
	const uint8_t *base = (const uint8_t *)message;

	*count = 1;
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		*count = *(const size_t *)(base + field->quantifier_offset);
		return *count > 0;
	}
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return *(const uint32_t *)(base + field->quantifier_offset) == field->id;
	return !is_default(field, base + field->offset);
}

void otlp_json_write(FILE *out, const ProtobufCMessage *message)
{
	const char *before = "";

	fputc('{', out);
	for (unsigned int i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		const uint8_t *at = (const uint8_t *)message + field->offset;
		size_t count;

		if (!is_there(message, field, &count))
			continue;
		fputs(before, out);
		before = ",";
		name_write(out, field->name);
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			array_write(out, field, *(const uint8_t *const *)at, count);
		else
			value_write(out, field, at);
	}
	fputc('}', out);
}
