/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A request with some of its spans left out, all else as it came. */
#include "cut.h"
#include "otlp.h"

struct left {
	const struct span *span; /* the next one's */
	bool (*is_out)(const struct span *span);
};

static bool is_left(const uint8_t *span, size_t len, void *arg)
{
	struct left *left = arg;

	(void)span, (void)len;
	return !left->is_out(left->span++);
}

int otlp_without(const uint8_t *otlp, size_t len, const struct span_list *spans,
		 bool (*is_out)(const struct span *span), uint8_t **out, size_t *out_len)
{
	struct left left = { spans->spans, is_out };

	return otlp_pick(otlp, len, &(struct otlp_pick){ is_left, &left }, out, out_len);
}
