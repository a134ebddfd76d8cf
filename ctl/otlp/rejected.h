/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Spans that name nothing, and what is good in a request that has some: OTLP's partial success (opentelemetry-proto,
 * docs/specification.md). An id is good if it has its length and is not all zero (trace.proto, message Span).
 */
#ifndef HOPSPAN_OTLP_REJECTED_H
#define HOPSPAN_OTLP_REJECTED_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

struct span_list;

/* REJECT(name, why): the name is the reason's in metrics. */
#define REJECT_LIST(REJECT)                                   \
	REJECT(trace_id_length, "trace_id has not 16 octets") \
	REJECT(trace_id_zero, "trace_id is all zero")         \
	REJECT(span_id_length, "span_id has not 8 octets")    \
	REJECT(span_id_zero, "span_id is all zero")           \
	REJECT(parent_span_id_length, "parent_span_id has neither 8 octets nor none")

#define REJECT_ENUM(name, why) REJECT_##name,
enum reject { REJECT_LIST(REJECT_ENUM) REJECT_COUNT, REJECT_NONE = REJECT_COUNT };

/* What is wrong with a span's ids first of all. */
enum reject reject_of(const ProtobufCBinaryData *trace_id, const ProtobufCBinaryData *span_id,
		      const ProtobufCBinaryData *parent_span_id);
const char *reject_name(enum reject reject);

enum { REJECTED_WHY_SIZE = 768 };

struct rejected {
	uint64_t spans, reasons[REJECT_COUNT];
	char why[REJECTED_WHY_SIZE]; /* for people: which of them and why; UTF-8, one line; "" if none was */
};

/*
 * otlp_decode() of a request's good spans. If there are others, `rejected` tells of them and `*kept` is the request
 * without them, malloc'ed, all else octet for octet; else it is NULL. -EBADMSG, -ENOMEM: `*kept` is NULL and `spans`
 * has what it had.
 */
int otlp_decode_good(const uint8_t *otlp, size_t len, struct span_list *spans, struct rejected *rejected,
		     uint8_t **kept, size_t *kept_len);

#endif
