/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Writes and reads the packets of a probe. */
#include "echo.h"

#include <string.h>

enum {
	ICMP6_ECHO_REQUEST_TYPE = 128,
	ICMP6_ECHO_REPLY_TYPE = 129,
	ICMP6_CHECKSUM_AT = 2,
	ICMP6_ID_AT = 4,
	ICMP6_SEQUENCE_AT = 6,
	HOP_LIMIT = 64,
};

static int header_hops(const struct probe_target *target, uint32_t len)
{
	return encap_hops(&target->shape, (int)len - IPV6_LEN - ECHO_LEN_MIN, target->hops);
}

uint32_t echo_header_len(const struct probe_target *target, uint32_t len)
{
	int hops = header_hops(target, len);

	return hops < 0 ? 0 : encap_len(&target->shape, hops);
}

/* RFC 1071 */
static uint32_t sum_add(uint32_t sum, const uint8_t *at, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
	return sum;
}

static uint16_t echo_checksum(const uint8_t *packet, const uint8_t *message, uint32_t len)
{
	uint32_t sum = len + NEXT_HEADER_ICMPV6;

	sum = sum_add(sum, packet + IPV6_SOURCE_AT, 32);
	sum = sum_add(sum, message, len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* The header as tc/stamp writes it, with a context that nobody reads. */
static uint32_t header_write(uint8_t *at, const uint8_t *end, const struct echo *echo)
{
	const struct probe_target *target = echo->target;
	uint32_t len = echo_header_len(target, echo->len);
	struct ioam6_node node = IOAM6_NODE_UNKNOWN;
	const struct context nobody = { .version = 0 };

	if (len == 0 || !encap_write(at, end, NEXT_HEADER_ICMPV6, &target->shape, header_hops(target, echo->len),
				     target->namespace, 0, &node, &nobody))
		return 0;
	return len;
}

void echo_write(uint8_t *packet, const struct echo *echo)
{
	uint8_t *message = packet + IPV6_LEN;
	uint32_t header_len = 0;

	memset(packet, 0, echo->len);
	be32_store(packet, 6U << 28 | (echo->target->flow_label & 0xfffff));
	be16_store(packet + IPV6_PAYLOAD_LEN_AT, echo->len - IPV6_LEN);
	packet[IPV6_HOP_LIMIT_AT] = HOP_LIMIT;
	memcpy(packet + IPV6_SOURCE_AT, echo->source, 16);
	memcpy(packet + IPV6_DESTINATION_AT, echo->target->address, 16);
	if (echo->option)
		header_len = header_write(packet + IPV6_LEN, packet + echo->len, echo);
	packet[IPV6_NEXT_HEADER_AT] = header_len ? NEXT_HEADER_HOP_BY_HOP : NEXT_HEADER_ICMPV6;
	message += header_len;
	message[0] = ICMP6_ECHO_REQUEST_TYPE;
	be16_store(message + ICMP6_ID_AT, echo->id);
	be16_store(message + ICMP6_SEQUENCE_AT, echo->sequence);
	be16_store(message + ICMP6_CHECKSUM_AT, echo_checksum(packet, message, echo->len - IPV6_LEN - header_len));
}

int echo_read(const uint8_t *message, uint32_t len, uint16_t id)
{
	if (len < ECHO_LEN_MIN || message[0] != ICMP6_ECHO_REPLY_TYPE || be16_load(message + ICMP6_ID_AT) != id)
		return -1;
	return be16_load(message + ICMP6_SEQUENCE_AT);
}
