/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * OTLP's JSON (opentelemetry-proto docs/specification.md, "JSON Protobuf Encoding") <-> its protobuf, for any message:
 * names in lowerCamelCase, trace and span ids as hex, enumerations as numbers, 64-bit integers as strings, other octets
 * in base64. Names that are not known are passed over.
 */
#ifndef HOPSPAN_OTLP_JSON_H
#define HOPSPAN_OTLP_JSON_H

#include <protobuf-c/protobuf-c.h>
#include <stdio.h>

enum { OTLP_JSON_WHY_SIZE = 128 };

/* One line without its end; text that is not UTF-8 gets "?" for each wrong octet. */
void otlp_json_write(FILE *out, const ProtobufCMessage *message);

/*
 * A JSON text to a serialized message, malloc'ed. -EBADMSG: it is not JSON, or no such message, and `why` says what is
 * wrong; -ENOMEM.
 */
int otlp_json_read(const ProtobufCMessageDescriptor *descriptor, const char *json, size_t json_len, uint8_t **protobuf,
		   size_t *len, char why[OTLP_JSON_WHY_SIZE]);

#endif
