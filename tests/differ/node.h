/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A transit node made of wire/ in user space, to be built once as it is and once for each way to be wrong. */
#ifndef HOPSPAN_DIFFER_NODE_H
#define HOPSPAN_DIFFER_NODE_H

#include <stdint.h>

/* Who every node is; the kernel and the programs are told the same. */
#define SELF_ID 0x010203
#define SELF_ID_WIDE 0x11121314151617
enum { SELF_IN = 0x2122, SELF_OUT = 0x4142, SELF_IN_WIDE = 0x31323334, SELF_OUT_WIDE = 0x51525354 };

/* Its namespaces: one in PTP without a schema, one in POSIX with a schema of 4 words. kernel.sh has the same. */
enum { NAMESPACE_PLAIN = 0x6873, NAMESPACE_SCHEMA = 0x6900, SCHEMA_ID = 0x616263, SCHEMA_WORDS = 4 };
#define SCHEMA_TEXT "Hello there -Obi"
enum { DATA_PLAIN = 0x71727374, DATA_SCHEMA = 0x05060708 };
#define DATA_WIDE_PLAIN 0x8182838485868788
#define DATA_WIDE_SCHEMA 0x9192939495969798

/* What a packet takes along from its arrival to its departure. */
struct stay {
	uint32_t slot, type; /* slot 0: none */
	uint64_t came_tai_ns;
};

/* Returns the enum outcome, or -1: dropped. */
int node_arrive(uint8_t *ip6, uint32_t len, uint64_t tai_ns, struct stay *stay);
void node_depart(uint8_t *ip6, uint32_t len, uint64_t tai_ns, const struct stay *stay);

#endif
