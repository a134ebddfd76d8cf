/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where an Ethernet frame has its IPv6 header: behind up to two VLAN tags (IEEE 802.1Q, 802.1ad). */
#ifndef HOPSPAN_WIRE_ETHERNET_H
#define HOPSPAN_WIRE_ETHERNET_H

#include "ipv6.h"

enum { ETHERTYPE_VLAN = 0x8100, ETHERTYPE_SERVICE_VLAN = 0x88a8, VLAN_TAG_LEN = 4, VLAN_TAGS_MAX = 2 };

WIRE_INLINE bool ethertype_is_vlan(uint16_t type)
{
	return type == ETHERTYPE_VLAN || type == ETHERTYPE_SERVICE_VLAN;
}

/* Octets before the IPv6 header; 0: no IPv6 in the frame. */
WIRE_INLINE uint32_t ethernet_ip6_at(const uint8_t *frame, const uint8_t *end)
{
	uint32_t at = ETHERNET_TYPE_AT;

	for (int tags = 0; tags <= VLAN_TAGS_MAX && frame + at + 2 <= end; tags++, at += VLAN_TAG_LEN) {
		uint16_t type = be16_load(frame + at);

		if (type == ETHERTYPE_IPV6)
			return at + 2;
		if (!ethertype_is_vlan(type))
			return 0;
	}
	return 0;
}

#endif
