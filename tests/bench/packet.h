/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The packets of test runs: Ethernet, IPv6, TCP, with a trace or without, 256 octets with either. */
#ifndef HOPSPAN_BENCH_PACKET_H
#define HOPSPAN_BENCH_PACKET_H

#include <stdint.h>

#include "bench.h"

enum packet_kind { PACKET_PLAIN, PACKET_TRACE, PACKET_OVERFLOWED };
enum { PACKET_LEN = BENCH_PACKET_LEN, PACKET_NODE_ID = 7 };

/* The trace is the host's default: room for 4 hops; all of it free, or the overflow flag set. */
void packet_make(enum packet_kind kind, uint8_t packet[PACKET_LEN]);

/* NodeLen, flags, RemainingLen of the trace in a packet that packet_make() made. */
uint16_t packet_lengths(const uint8_t packet[PACKET_LEN]);

#endif
