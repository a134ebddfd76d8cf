/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gzip (RFC 1952) in memory, as HTTP's Content-Encoding.
 */
#ifndef HOPSPAN_GZIP_H
#define HOPSPAN_GZIP_H

#include <stddef.h>
#include <stdint.h>

/* malloc'ed. 0 or -ENOMEM. */
int gzip_compress(const uint8_t *plain, size_t plain_len, uint8_t **gzip, size_t *len);

/* malloc'ed. 0, -EBADMSG: not gzip or cut, -EFBIG: more than `max` octets come out, -ENOMEM. */
int gzip_expand(const uint8_t *gzip, size_t gzip_len, size_t max, uint8_t **plain, size_t *len);

#endif
