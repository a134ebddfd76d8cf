/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A walk over a serialized protobuf message, ahead of its decoding or in place of it. */
#include "protobuf.h"

enum { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_LEN = 2, WIRE_32BIT = 5, VARINT_BITS_MAX = 63 };

struct walk {
	unsigned int messages_left;
};

static bool varint_read(struct protobuf_bytes *bytes, uint64_t *value)
{
	uint64_t sum = 0;

	for (unsigned int shift = 0; shift <= VARINT_BITS_MAX && bytes->at < bytes->end; shift += 7) {
		uint8_t octet = *bytes->at++;

		sum |= (uint64_t)(octet & 0x7f) << shift;
		if (octet < 0x80) {
			*value = sum;
			return true;
		}
	}
	return false;
}

/* Moves past a field's content, of which `content` gets the octets. */
static bool content_read(struct protobuf_bytes *bytes, unsigned int wire_type, struct protobuf_bytes *content)
{
	uint64_t len;

	switch (wire_type) {
	case WIRE_VARINT:
		return varint_read(bytes, &len);
	case WIRE_64BIT:
		len = 8;
		break;
	case WIRE_32BIT:
		len = 4;
		break;
	case WIRE_LEN:
		if (!varint_read(bytes, &len))
			return false;
		break;
	default:
		return false;
	}
	if (len > (size_t)(bytes->end - bytes->at))
		return false;
	*content = (struct protobuf_bytes){ bytes->at, bytes->at + len };
	bytes->at += len;
	return true;
}

bool protobuf_next(struct protobuf_bytes *rest, struct protobuf_field *field)
{
	uint64_t key;

	field->whole.at = rest->at;
	field->content = *rest;
	if (!varint_read(rest, &key) || key >> 3 == 0 || key >> 32 || !content_read(rest, key & 7, &field->content))
		return false;
	field->whole.end = rest->at;
	field->number = (uint32_t)(key >> 3);
	field->length_delimited = (key & 7) == WIRE_LEN;
	return true;
}

static bool message_walk(struct walk *walk, const ProtobufCMessageDescriptor *message, struct protobuf_bytes bytes,
			 int depth)
{
	uint64_t singular_seen = 0;

	if (depth > PROTOBUF_DEPTH_MAX || walk->messages_left-- == 0)
		return false;
	while (bytes.at < bytes.end) {
		const ProtobufCFieldDescriptor *known;
		struct protobuf_field field;

		if (!protobuf_next(&bytes, &field))
			return false;
		known = protobuf_c_message_descriptor_get_field(message, field.number);
		if (!known || known->type != PROTOBUF_C_TYPE_MESSAGE || !field.length_delimited)
			continue;
		if (known->label != PROTOBUF_C_LABEL_REPEATED) {
			uint64_t bit = 1ULL << (known->id & 63);

			if (singular_seen & bit)
				return false;
			singular_seen |= bit;
		}
		if (!message_walk(walk, known->descriptor, field.content, depth + 1))
			return false;
	}
	return true;
}

bool protobuf_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t len)
{
	struct walk walk = { .messages_left = PROTOBUF_MESSAGES_MAX };

	return len == 0 || message_walk(&walk, descriptor, (struct protobuf_bytes){ bytes, bytes + len }, 1);
}
