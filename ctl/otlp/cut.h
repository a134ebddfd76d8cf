/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A serialized ExportTraceServiceRequest in pieces that a backend takes, or without some of its spans, and how many it
 * has. Spans are copied as they are, so what this program does not know of OTLP is kept. (Two requests joined are their
 * octets one after the other: protobuf says so, and the only field is a repeated one.)
 */
#ifndef HOPSPAN_CUT_H
#define HOPSPAN_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Feeds requests of at most `max` octets to `piece`, in order, which owns them (free()) and ends it all by returning
 * other than 0, which is returned. Each span is in one of them, but those that fit in none, which are counted in
 * `too_large`. -EBADMSG: no such request; -ENOMEM.
 */
int otlp_cut(const uint8_t *otlp, size_t len, size_t max, int (*piece)(uint8_t *otlp, size_t len, void *arg), void *arg,
	     uint64_t *too_large);

/* The same, and no piece has more than `spans_max` spans. */
int otlp_cut_spans(const uint8_t *otlp, size_t len, size_t max, uint64_t spans_max,
		   int (*piece)(uint8_t *otlp, size_t len, void *arg), void *arg, uint64_t *too_large);

/* Asked of each span in order, by the octets of its message. */
struct otlp_pick {
	bool (*is_in)(const uint8_t *span, size_t len, void *arg);
	void *arg;
};

/*
 * A request of those spans alone, malloc'ed; resources and scopes without any are left out. -EBADMSG: no such request;
 * -ENOMEM.
 */
int otlp_pick(const uint8_t *otlp, size_t len, const struct otlp_pick *pick, uint8_t **out, size_t *out_len);

/* 0 also for what is no such request. */
uint64_t otlp_span_count(const uint8_t *otlp, size_t len);

#endif
