/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Serialized protobuf messages as they are: their fields one after the other, and whether bytes from outside may be
 * given to protobuf-c, which recurses and allocates as far as they ask.
 */
#ifndef HOPSPAN_PROTOBUF_H
#define HOPSPAN_PROTOBUF_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

enum {
	PROTOBUF_DEPTH_MAX = 100,	 /* messages within messages, as in Google's own parsers */
	PROTOBUF_MESSAGES_MAX = 2000000, /* 16 MiB of small attributes have fewer */
};

struct protobuf_bytes {
	const uint8_t *at, *end;
};

struct protobuf_field {
	uint32_t number;
	struct protobuf_bytes whole, content; /* with and without key and length */
	bool length_delimited;		      /* else a number */
};

/* Moves `rest` past a field, which must not be at its end. False: what follows is none. */
bool protobuf_next(struct protobuf_bytes *rest, struct protobuf_field *field);

/*
 * Walks a serialized message: false if it is cut, nested too deep, has too many messages or a singular message more
 * than once (legal, but no encoder does so and joining them costs the square of their number).
 */
bool protobuf_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t len);

#endif
