/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What bench.bpf.c and the programs that load it agree on: where the packet of packet.c has its trace.
 */
#ifndef HOPSPAN_BENCH_BENCH_H
#define HOPSPAN_BENCH_BENCH_H

#include "wire/encap.h"

enum {
	BENCH_OPTION_AT = ETHERNET_LEN + IPV6_LEN + ENCAP_OPTION_AT,
	BENCH_LENGTHS_AT = BENCH_OPTION_AT + IOAM6_TRACE_AT + 2, /* NodeLen, flags, RemainingLen */
	BENCH_SLOT_AT = BENCH_OPTION_AT + IOAM6_DATA_AT + (ENCAP_HOPS_USUAL - 1) * ENCAP_HOP_LEN, /* the first hop's */
	BENCH_PACKET_LEN = 256,
	BENCH_FRONT_LEN = 224, /* link layer, IPv6 and hop-by-hop header, and what fills the last word */
};

/* .rodata.reset of bench.bpf.c. */
struct bench_reset {
	uint16_t lengths; /* what the trace says before each run */
};

#endif
