/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "packed.h"

#include <errno.h>
#include <lz4frame.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "otlp/otlp.h"

enum {
	LEVEL = -4,	 /* faster than LZ4's own, for a tenth more octets */
	SMALL = 128,	 /* not worth a frame's head */
	RATIO_MAX = 255, /* of LZ4: what says to hold more is damaged */
};

/* No protobuf message begins so: there is no field 0. */
static const uint8_t magic[] = { 0x04, 0x22, 0x4d, 0x18 };

static bool is_packed(const uint8_t *octets, size_t len)
{
	return len >= sizeof(magic) && memcmp(octets, magic, sizeof(magic)) == 0;
}

struct packed *packed_new(const uint8_t *otlp, size_t len, uint64_t spans)
{
	const LZ4F_preferences_t preferences = { .compressionLevel = LEVEL,
						 .frameInfo = { .blockSizeID = LZ4F_max4MB,
								.contentSize = len,
								.blockChecksumFlag = LZ4F_blockChecksumEnabled } };
	size_t size = len < SMALL ? len : LZ4F_compressFrameBound(len, &preferences), got = len;
	struct packed *packed = malloc(sizeof(*packed) + size), *shorter;

	if (!packed)
		return NULL;
	if (len >= SMALL)
		got = LZ4F_compressFrame(packed->octets, size, otlp, len, &preferences);
	else if (len)
		memcpy(packed->octets, otlp, len);
	if (LZ4F_isError(got)) {
		free(packed);
		return NULL;
	}
	*packed = (struct packed){ .spans = spans, .len = got };
	shorter = realloc(packed, sizeof(*packed) + got);
	if (shorter)
		packed = shorter;
	return packed;
}

void packed_free_all(struct packed *list)
{
	while (list) {
		struct packed *next = list->next;

		free(list);
		list = next;
	}
}

/* Opens the frame at `*packed` and steps behind its head. */
static int frame_open(LZ4F_dctx **frame, const uint8_t **packed, size_t *packed_len, size_t *len)
{
	size_t head_len = *packed_len;
	LZ4F_frameInfo_t info;

	if (LZ4F_isError(LZ4F_createDecompressionContext(frame, LZ4F_VERSION)))
		return -ENOMEM;
	if (LZ4F_isError(LZ4F_getFrameInfo(*frame, &info, *packed, &head_len)) ||
	    info.contentSize / RATIO_MAX > *packed_len) {
		LZ4F_freeDecompressionContext(*frame);
		return -EBADMSG;
	}
	*packed += head_len;
	*packed_len -= head_len;
	*len = info.contentSize;
	return 0;
}

int packed_size(const uint8_t *packed, size_t packed_len, size_t *len)
{
	LZ4F_dctx *frame;
	int error;

	*len = packed_len;
	if (!is_packed(packed, packed_len))
		return 0;
	error = frame_open(&frame, &packed, &packed_len, len);
	if (!error)
		LZ4F_freeDecompressionContext(frame);
	return error;
}

int packed_read(const uint8_t *packed, size_t packed_len, uint8_t *octets, size_t len)
{
	const LZ4F_decompressOptions_t whole = { .stableDst = 1 };
	size_t said = len, got = len, left;
	LZ4F_dctx *frame;
	int error;

	if (!is_packed(packed, packed_len)) {
		if (packed_len)
			memcpy(octets, packed, packed_len);
		return 0;
	}
	error = frame_open(&frame, &packed, &packed_len, &said);
	if (error)
		return error;
	left = LZ4F_decompress(frame, octets, &got, packed, &packed_len, &whole);
	LZ4F_freeDecompressionContext(frame);
	return left == 0 && said == len && got == len ? 0 : -EBADMSG;
}

int packed_decode(const uint8_t *packed, size_t packed_len, struct span_list *spans)
{
	uint8_t *otlp;
	size_t len;
	int error = packed_size(packed, packed_len, &len);

	if (error)
		return error;
	otlp = malloc(len + 1);
	error = otlp ? packed_read(packed, packed_len, otlp, len) : -ENOMEM;
	if (!error)
		error = otlp_decode(otlp, len, spans);
	free(otlp);
	return error;
}
