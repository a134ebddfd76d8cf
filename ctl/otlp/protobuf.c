/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A walk over a serialized protobuf message, ahead of its decoding. */
#include "protobuf.h"

enum { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_LEN = 2, WIRE_32BIT = 5, VARINT_BITS_MAX = 63 };

struct walk {
	unsigned int messages_left;
};

struct bytes {
	const uint8_t *at, *end;
};

static bool varint_read(struct bytes *bytes, uint64_t *value)
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
static bool content_read(struct bytes *bytes, unsigned int wire_type, struct bytes *content)
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
	*content = (struct bytes){ bytes->at, bytes->at + len };
	bytes->at += len;
	return true;
}

static bool message_walk(struct walk *walk, const ProtobufCMessageDescriptor *message, struct bytes bytes, int depth)
{
	uint64_t singular_seen = 0, key;

	if (depth > PROTOBUF_DEPTH_MAX || walk->messages_left-- == 0)
		return false;
	while (bytes.at < bytes.end) {
		const ProtobufCFieldDescriptor *field;
		struct bytes content = bytes;

		if (!varint_read(&bytes, &key) || key >> 3 == 0 || key >> 32 ||
		    !content_read(&bytes, key & 7, &content))
			return false;
		field = protobuf_c_message_descriptor_get_field(message, key >> 3);
		if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE || (key & 7) != WIRE_LEN)
			continue;
		if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			uint64_t bit = 1ULL << (field->id & 63);

			if (singular_seen & bit)
				return false;
			singular_seen |= bit;
		}
		if (!message_walk(walk, field->descriptor, content, depth + 1))
			return false;
	}
	return true;
}

bool protobuf_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t len)
{
	struct walk walk = { .messages_left = PROTOBUF_MESSAGES_MAX };

	return len == 0 || message_walk(&walk, descriptor, (struct bytes){ bytes, bytes + len }, 1);
}
