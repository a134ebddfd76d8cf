/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A packet that becomes shorter, to a program of tc or XDP.
 */
#ifndef HOPSPAN_TC_PACKET_H
#define HOPSPAN_TC_PACKET_H

#include <linux/types.h>

/* What the IPv6 header says once `len` octets behind it are gone: payload length, next header, hop limit. */
struct ip6_fields {
	__u8 octets[4];
};

#endif
