/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Packets are made by the functions that stamp real ones. */
#include "packet.h"

#include <string.h>

static void ip6_make(uint8_t *ip6, uint8_t next_header, uint16_t payload_len)
{
	ip6[0] = 6 << 4;
	be16_store(ip6 + IPV6_PAYLOAD_LEN_AT, payload_len);
	ip6[IPV6_NEXT_HEADER_AT] = next_header;
	ip6[IPV6_HOP_LIMIT_AT] = 64;
	be32_store(ip6 + IPV6_SOURCE_AT, 0xfd687300);
	be32_store(ip6 + IPV6_DESTINATION_AT, 0xfd687301);
}

static void tcp_make(uint8_t *tcp)
{
	be16_store(tcp, 40000);
	be16_store(tcp + 2, 8080);
	tcp[12] = 5 << 4;
	tcp[13] = 0x18;
}

void packet_make(enum packet_kind kind, uint8_t packet[PACKET_LEN])
{
	struct context context = { .version = CONTEXT_VERSION, .flags = CONTEXT_FLAG_SAMPLED, .trace_id = { 1 } };
	struct ioam6_node sender = IOAM6_NODE_UNKNOWN;
	uint8_t *ip6 = packet + ETHERNET_LEN, *header = ip6 + IPV6_LEN;
	struct encap_shape shape = ENCAP_SHAPE_USUAL;
	uint8_t flags = kind == PACKET_OVERFLOWED ? IOAM6_FLAG_OVERFLOW : 0;

	memset(packet, 0, PACKET_LEN);
	be16_store(packet + ETHERNET_TYPE_AT, ETHERTYPE_IPV6);
	ip6_make(ip6, kind == PACKET_PLAIN ? NEXT_HEADER_TCP : NEXT_HEADER_HOP_BY_HOP,
		 PACKET_LEN - ETHERNET_LEN - IPV6_LEN);
	if (kind == PACKET_PLAIN) {
		tcp_make(header);
		return;
	}
	sender.id = PACKET_NODE_ID + 1;
	encap_write(header, packet + PACKET_LEN, NEXT_HEADER_TCP, &shape, ENCAP_HOPS_USUAL, CONTEXT_NAMESPACE, flags,
		    &sender, &context);
	tcp_make(header + encap_len(&shape, ENCAP_HOPS_USUAL));
}

uint16_t packet_lengths(const uint8_t packet[PACKET_LEN])
{
	return be16_load(packet + BENCH_LENGTHS_AT);
}
