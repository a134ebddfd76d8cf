/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Whether bytes from outside may be given to protobuf-c, which recurses and allocates as far as they ask.
 */
#ifndef HOPSPAN_PROTOBUF_H
#define HOPSPAN_PROTOBUF_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

enum {
	PROTOBUF_DEPTH_MAX = 100,	 /* messages within messages, as in Google's own parsers */
	PROTOBUF_MESSAGES_MAX = 2000000, /* 16 MiB of small attributes have fewer */
};

/*
 * Walks a serialized message: false if it is cut, nested too deep, has too many messages or a singular message more
 * than once (legal, but no encoder does so and joining them costs the square of their number).
 */
bool protobuf_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t len);

#endif
