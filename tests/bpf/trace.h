/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Packets with one trace, made here for programs that write into it. */
#ifndef HOPSPAN_TESTS_TRACE_H
#define HOPSPAN_TESTS_TRACE_H

#include "packet.h"
#include "wire/node.h"

/* An IPv6 packet with hop limit 64 and a trace of this type with `words` of data, all of them free. */
void trace_make(struct packet *packet, const char *name, uint16_t namespace, uint32_t type, uint32_t words);

/* The packet's only trace, which must be well-formed. */
void trace_find(const struct packet *packet, struct ioam6_found *found);

/* The newest data in it, and where it is, in octets from the IPv6 header. */
uint32_t trace_newest(const struct packet *packet, struct ioam6_node *node);

#endif
