/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where the kernel wrote node data, and where in it the fields are that two nodes cannot have in common: read from the
 * packet and the kernel's own output, with the order and the sizes of RFC 9197 section 4.4.2 spelled out again.
 */
#ifndef HOPSPAN_DIFFER_FIELDS_H
#define HOPSPAN_DIFFER_FIELDS_H

#include "packet.h"

enum { SLOTS_MAX = 16 };

struct slot {
	uint16_t namespace;
	uint16_t option;  /* of the trace, from the IPv6 header */
	uint16_t at, len; /* of the node data; len 0: none written */
	uint16_t option_len;
	uint32_t type;
};

/* The traces of the node's namespaces, in their order. `before` is well-formed: the kernel forwarded it. */
uint32_t slots_find(const uint8_t *before, uint32_t before_len, const uint8_t *after, struct slot slots[SLOTS_MAX]);

/* The octets of bit `n`'s field in the node data at `slot`; NULL: not in its type. */
uint8_t *slot_field(const struct slot *slot, uint8_t *octets, int n);

/* What the octet `at` of a packet is, in words. */
const char *octet_name(const struct slot *slots, uint32_t count, uint32_t at);

/* Is there an option in its hop-by-hop header that Linux itself refuses or answers, for reasons of its own? */
bool option_refused(const struct packet *packet);

/* Is there a trace whose NodeLen is not what its type makes? */
bool node_len_lies(const struct packet *packet);

/*
 * Does tshark lose its way, with or without us? In a packet whose payload length is 0, and where random octets are in
 * an option that it reads field by field, an incremental trace among them.
 */
bool tshark_is_misled(const struct packet *packet);

/* How many options and paddings are in the hop-by-hop header, and how many we look at (wire/README.md). */
enum { STEPS_MAX = 24 };
uint32_t option_steps(const uint8_t *octets, uint32_t len);

/* Is there a trace whose data is not in whole words? */
bool trace_uneven(const uint8_t *octets, uint32_t len);

#endif
