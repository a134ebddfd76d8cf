/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Spans <-> OTLP bytes: a serialized ExportTraceServiceRequest, protobuf.
 */
#ifndef HOPSPAN_OTLP_H
#define HOPSPAN_OTLP_H

#include "spans/span.h"

/*
 * Encodes all spans under one resource with `resource` attributes, in the scope "hopspan" of version `version`.
 * malloc'ed. 0 or -errno.
 */
int otlp_encode(const struct span_list *spans, const struct span_attrs *resource, const char *version, uint8_t **otlp,
		size_t *len);

/* The same in room that is used again: `*otlp` lies in it until the next time. Zeroed: none yet; free `octets`. */
struct otlp_room {
	uint8_t *octets;
	size_t size, len; /* `len` of them, at the end, are written */
	bool failed;	  /* no memory */
};
int otlp_encode_in(struct otlp_room *room, const struct span_list *spans, const struct span_attrs *resource,
		   const char *version, const uint8_t **otlp, size_t *len);

/*
 * Appends the spans of a request to `spans`, with service and scope from their resource. Attributes of other kinds
 * than enum attr_type, links and trace state are left out; text that is not UTF-8 gets "?" for each wrong octet.
 * -EBADMSG: not OTLP; -EINVAL: OTLP, but a span's ids are not good (rejected.h); `spans` then keeps what it had.
 */
int otlp_decode(const uint8_t *otlp, size_t len, struct span_list *spans);

/*
 * A copy of a request without the spans that `is_out` names; `spans` are all of them, as otlp_decode() gives them.
 * malloc'ed. 0 or -errno as above.
 */
int otlp_without(const uint8_t *otlp, size_t len, const struct span_list *spans,
		 bool (*is_out)(const struct span *span), uint8_t **out, size_t *out_len);

/* "?" for each octet that is not UTF-8. */
void utf8_mend(char *text);

/* Octets of the UTF-8 character at `text`: 1 to 4, or 0 if there is none (also at the end of the text). */
size_t utf8_len(const char *text);

#endif
