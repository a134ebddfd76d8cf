/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The IPv6 packet in a captured frame, whatever the link.
 */
#ifndef HOPSPAN_FRAME_H
#define HOPSPAN_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Can frames of this libpcap link type be read? */
bool frame_known(int dlt);

/* The IPv6 packet in `frame` and its length in *len; NULL: the frame holds none. */
const uint8_t *frame_find_ipv6(int dlt, const uint8_t *frame, size_t frame_len, size_t *len);

#endif
