/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Makes one packet: IPv6, a hop-by-hop header of options as asked for, UDP. It shares no code with wire/ but its loads
 * and stores: lengths and places are spelled out a second time, from RFC 8200, 9197 and 9486.
 */
#ifndef HOPSPAN_DIFFER_MAKER_H
#define HOPSPAN_DIFFER_MAKER_H

#include "node.h"
#include "packet.h"

#define BIT(n) (0x800000U >> (n))

enum {
	TYPE_USUAL = 0xda0002,	   /* what hopspan's hosts ask for */
	TYPE_KNOWN = 0xfff002,	   /* bits 0 to 11 and 22 */
	TYPE_UNDEFINED = 0x000ffd, /* bits 12 to 21 and 23 */
};

struct trace {
	uint16_t namespace;
	uint32_t type;
	uint8_t flags, node_words, remaining, reserved;
	uint32_t data_words;
};

struct maker {
	struct packets *packets;
	uint64_t *random;
	uint8_t octets[PACKET_LEN_MAX];
	uint32_t at;
};

/* Words of a node's data, without and with its snapshot in a namespace. */
uint32_t type_words(uint32_t type);
uint32_t type_step(uint16_t namespace, uint32_t type);

/* A trace with room for `nodes` and a word of somebody's data behind that, or as much as fits. */
struct trace trace_in(uint16_t namespace, uint32_t type, uint32_t nodes);

/* In the namespace without a schema. */
struct trace trace_for(uint32_t type, uint32_t nodes);

struct maker maker_begin(struct packets *packets, uint64_t *random);
void maker_pad1(struct maker *maker, uint32_t count);
void maker_padn(struct maker *maker, uint32_t len); /* of all of it, 2 at least */
void maker_align(struct maker *maker, uint32_t at); /* to a place that is `at` modulo 4 */
uint8_t *maker_option(struct maker *maker, uint8_t type, uint32_t len);
uint8_t *maker_trace(struct maker *maker, const struct trace *trace);

/* Fills the last unit of 8, closes the header, puts UDP behind it and adds the packet. */
void maker_close(struct maker *maker);
void maker_add(struct maker *maker, const char *family, const char *outcome);

/* All of it for one aligned trace. */
void maker_add_trace(struct packets *packets, uint64_t *random, const char *family, const char *outcome,
		     const struct trace *trace);

#endif
