/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Makes and reads packets with one trace, in the usual header. */
#include "trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "wire/encap.h"

enum { TRACE_PAYLOAD_LEN = 8 };

void trace_make(struct packet *packet, const char *name, uint16_t namespace, uint32_t type, uint32_t words)
{
	uint32_t used = IOAM6_USUAL_AT + IOAM6_DATA_AT + words * IOAM6_WORD, header_len = (used + 7) & ~7U;
	struct ioam6_trace trace = { namespace, (uint8_t)ioam6_words(type), 0, (uint8_t)words, type };
	uint8_t *ip6 = packet->octets, *header = ip6 + IPV6_LEN, *option = header + IOAM6_USUAL_AT;

	*packet = (struct packet){ .name = name, .len = IPV6_LEN + header_len + TRACE_PAYLOAD_LEN };
	ip6[0] = 6 << 4;
	be16_store(ip6 + IPV6_PAYLOAD_LEN_AT, (uint16_t)(header_len + TRACE_PAYLOAD_LEN));
	ip6[IPV6_HOP_LIMIT_AT] = 64;
	header[0] = NEXT_HEADER_UDP;
	header[1] = (uint8_t)(header_len / 8 - 1);
	padn_write(header + OPTION_HEADER_LEN, OPTION_HEADER_LEN);
	option[0] = IOAM6_OPTION_MUTABLE;
	option[1] = (uint8_t)(IOAM6_DATA_AT - OPTION_HEADER_LEN + words * IOAM6_WORD);
	ioam6_trace_write(option + IOAM6_TRACE_AT, &trace);
	if (used < header_len)
		padn_write(header + used, ENCAP_PAD_LEN);
}

void trace_find(const struct packet *packet, struct ioam6_found *found)
{
	enum outcome why;
	uint8_t copy[VECTOR_LEN_MAX];

	memcpy(copy, packet->octets, packet->len);
	packet_expect(packet, "a trace is there",
		      ioam6_find(copy, copy + packet->len, IOAM6_NAMESPACE_ANY, found, &why) && found->option, true);
}

uint32_t trace_newest(const struct packet *packet, struct ioam6_node *node)
{
	struct ioam6_found found;
	uint32_t data, at;

	trace_find(packet, &found);
	data = found.option + IOAM6_DATA_AT;
	at = found.trace.remaining_words * IOAM6_WORD;
	packet_expect(packet, "node data are there",
		      node_read(packet->octets + data, at, found.data_words * IOAM6_WORD, found.trace.type, node) > 0,
		      true);
	return data + at;
}
