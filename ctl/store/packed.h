/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A batch as it lies in the file: an LZ4 frame (LZ4_Frame_format.md 1.6) that says the length of what is in it, or
 * what is not packed as it is. Spans say the same again and again: some tenth of their octets is left, and writing
 * those costs more than packing.
 */
#ifndef HOPSPAN_PACKED_H
#define HOPSPAN_PACKED_H

#include <stddef.h>
#include <stdint.h>

#include "spans/span.h"

/* One in memory, on its way to the file. */
struct packed {
	struct packed *next;
	int64_t number; /* 0: none yet */
	uint64_t spans;
	size_t len;
	uint8_t octets[];
};

/* malloc'ed; NULL: no memory. */
struct packed *packed_new(const uint8_t *otlp, size_t len, uint64_t spans);
void packed_free_all(struct packed *list);

/* Octets of what is in it. 0, or -EBADMSG: damaged. */
int packed_size(const uint8_t *packed, size_t packed_len, size_t *len);

/* Writes them, `len` of packed_size(), to `octets`. 0, -EBADMSG or -ENOMEM. */
int packed_read(const uint8_t *packed, size_t packed_len, uint8_t *octets, size_t len);

/* Appends the spans in it. 0 or as otlp_decode(), -ENOMEM. */
int packed_decode(const uint8_t *packed, size_t packed_len, struct span_list *spans);

#endif
