/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* zlib, for whole buffers. */
#include "gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

enum {
	GZIP_WINDOW = MAX_WBITS + 16, /* zlib's way to say gzip */
	GZIP_LEVEL = 1,		      /* spans shrink well at any, and this one costs least */
	GZIP_MEMORY = 8,
	EXPAND_FIRST = 65536,
};

int gzip_compress(const uint8_t *plain, size_t plain_len, uint8_t **gzip, size_t *len)
{
	z_stream z = { 0 };
	uint8_t *out;
	size_t size;

	if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	size = deflateBound(&z, plain_len);
	out = malloc(size);
	z.next_in = (uint8_t *)plain;
	z.avail_in = (uInt)plain_len;
	z.next_out = out;
	z.avail_out = (uInt)size;
	if (!out || deflate(&z, Z_FINISH) != Z_STREAM_END) {
		deflateEnd(&z);
		free(out);
		return -ENOMEM;
	}
	*gzip = out;
	*len = z.total_out;
	deflateEnd(&z);
	return 0;
}

/* One octet more than `max` may come out, which tells that it is too much. */
static int out_grow(uint8_t **out, size_t *size, size_t max)
{
	size_t wanted = *size ? 2 * *size : EXPAND_FIRST;
	uint8_t *larger;

	if (wanted > max + 1)
		wanted = max + 1;
	larger = realloc(*out, wanted);
	if (!larger)
		return -ENOMEM;
	*out = larger;
	*size = wanted;
	return 0;
}

/* 1: one step done, 0: the end, or -errno. A file may consist of several members. */
static int expand_step(z_stream *z)
{
	int code = inflate(z, Z_NO_FLUSH);

	if (code == Z_MEM_ERROR)
		return -ENOMEM;
	if (code == Z_STREAM_END)
		return z->avail_in == 0 ? 0 : inflateReset(z) == Z_OK ? 1 : -EBADMSG;
	if (code == Z_OK && (z->avail_in || z->avail_out == 0))
		return 1;
	return code == Z_BUF_ERROR && z->avail_out == 0 ? 1 : -EBADMSG;
}

int gzip_expand(const uint8_t *gzip, size_t gzip_len, size_t max, uint8_t **plain, size_t *len)
{
	z_stream z = { .next_in = (uint8_t *)gzip, .avail_in = (uInt)gzip_len };
	uint8_t *out = NULL;
	size_t size = 0, used = 0;
	int state = inflateInit2(&z, GZIP_WINDOW) == Z_OK ? 1 : -ENOMEM;

	while (state == 1) {
		if (used == size && (state = out_grow(&out, &size, max)))
			break;
		z.next_out = out + used;
		z.avail_out = (uInt)(size - used);
		state = expand_step(&z);
		used = size - z.avail_out;
		if (used > max)
			state = -EFBIG;
	}
	inflateEnd(&z);
	if (state) {
		free(out);
		return state;
	}
	*plain = out;
	*len = used;
	return 0;
}
