/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Frame -> IPv6 packet: Ethernet and both Linux cooked forms (with VLAN tags), raw IPv6, nflog.
 */
#include "frame.h"

#include <pcap/pcap.h>
#include <string.h>

#include "wire/ipv6.h"

enum {
	VLAN_TAG_LEN = 4, /* tag, ethertype of what follows */
	VLAN_TAGS_MAX = 4,
	SLL_LEN = 16,
	SLL_TYPE_AT = 14,
	SLL2_LEN = 20,
	SLL2_TYPE_AT = 0,
	NFLOG_LEN = 4, /* family, version, resource id; then attributes: length, type, value, filled to 4 octets */
	NFLOG_ATTR_LEN = 4,
	NFLOG_PAYLOAD = 9,
};

bool frame_known(int dlt)
{
	switch (dlt) {
	case DLT_EN10MB:
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2:
	case DLT_NFLOG:
	case DLT_RAW:
	case DLT_IPV6:
		return true;
	}
	return false;
}

static bool is_vlan(uint16_t ethertype)
{
	return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

/* A link header of `len` octets with the ethertype at `type_at`, then any VLAN tags. */
static const uint8_t *behind_ethertype(const uint8_t *frame, size_t frame_len, size_t len, size_t type_at)
{
	uint16_t ethertype;

	if (frame_len < len)
		return NULL;
	ethertype = be16_load(frame + type_at);
	for (int i = 0; i < VLAN_TAGS_MAX && is_vlan(ethertype) && len + VLAN_TAG_LEN <= frame_len; i++) {
		ethertype = be16_load(frame + len + 2);
		len += VLAN_TAG_LEN;
	}
	return ethertype == ETHERTYPE_IPV6 ? frame + len : NULL;
}

/* Attributes are in this machine's byte order: libpcap has swapped those of a file from another. */
static const uint8_t *behind_nflog(const uint8_t *frame, size_t frame_len, size_t *len)
{
	size_t at = NFLOG_LEN;
	uint16_t attr[2];

	while (at + NFLOG_ATTR_LEN <= frame_len) {
		memcpy(attr, frame + at, sizeof(attr));
		if (attr[0] < NFLOG_ATTR_LEN)
			return NULL;
		if (attr[1] == NFLOG_PAYLOAD) {
			*len = attr[0] - NFLOG_ATTR_LEN;
			if (*len > frame_len - at - NFLOG_ATTR_LEN)
				*len = frame_len - at - NFLOG_ATTR_LEN;
			return frame + at + NFLOG_ATTR_LEN;
		}
		at += (attr[0] + 3U) & ~3U;
	}
	return NULL;
}

const uint8_t *frame_find_ipv6(int dlt, const uint8_t *frame, size_t frame_len, size_t *len)
{
	const uint8_t *packet = frame;

	if (dlt == DLT_NFLOG) {
		packet = behind_nflog(frame, frame_len, len);
	} else {
		if (dlt == DLT_EN10MB)
			packet = behind_ethertype(frame, frame_len, ETHERNET_LEN, ETHERNET_TYPE_AT);
		else if (dlt == DLT_LINUX_SLL)
			packet = behind_ethertype(frame, frame_len, SLL_LEN, SLL_TYPE_AT);
		else if (dlt == DLT_LINUX_SLL2)
			packet = behind_ethertype(frame, frame_len, SLL2_LEN, SLL2_TYPE_AT);
		*len = packet ? frame_len - (size_t)(packet - frame) : 0;
	}
	return packet && *len && ipv6_is(packet) ? packet : NULL;
}
