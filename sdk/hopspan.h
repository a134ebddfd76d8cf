/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * hopspan.h - tell the network which request a socket is working for
 *
 *	#include <hopspan.h>
 *	#include <sys/socket.h>
 *
 *	struct hopspan_context context = { .version = HOPSPAN_CONTEXT_VERSION, .flags = 1 };
 *	memcpy(context.trace_id, trace_id, 16);
 *	memcpy(context.span_id, span_id, 8);
 *	setsockopt(fd, SOL_HOPSPAN, HOPSPAN_CONTEXT, &context, sizeof context);
 *
 * The context belongs to the bytes written to the socket after the call, until the next one. Needs no privilege, and
 * works from any language that has setsockopt. Ids and flags are those of the W3C Trace Context, the ids as octets
 * in its order; only sampled contexts (flags bit 0) travel. Both ids zero: the bytes that follow have no context.
 *
 * HOPSPAN_CONTEXT can be read back with getsockopt: the context set last, all zero ids if none.
 *
 * HOPSPAN_RECEIVED (getsockopt): what the peer's latest stamped packet to this socket carried, and when it came:
 *
 *	struct hopspan_received received;
 *	socklen_t len = sizeof received;
 *	getsockopt(fd, SOL_HOPSPAN, HOPSPAN_RECEIVED, &received, &len);
 *
 * A length of 32 to 39 octets asks for the context alone, from 40 on for the time as well; on return it says how much
 * there is. time_ns is CLOCK_MONOTONIC of this host, in nanoseconds, taken where the host receives, before TCP or UDP:
 * what a program reads later has waited since then. A packet sent again goes unstamped, so the time is that of bytes
 * that came for the first time. An unconnected UDP socket is told of all its peers alike.
 *
 * On a UDP socket the context is that of the datagrams sent after the call, by the process that made it. A datagram
 *that has to wait before it can leave (for its neighbour's address) goes without: the context may be another one by
 *then.
 *
 * Errors:
 *	ENOPROTOOPT	hopspan is not at work on this host (the kernel's own answer; getsockopt over IPv4: EOPNOTSUPP)
 *	EINVAL		wrong size or version, one id without the other, a listening socket
 *	ENOMEM		the kernel has no memory for it
 *	EOPNOTSUPP	the socket is neither TCP nor UDP
 *	ENODATA		HOPSPAN_RECEIVED: nothing received yet
 */
#ifndef HOPSPAN_H
#define HOPSPAN_H

#include <stdint.h>

#define SOL_HOPSPAN 0x6873
#define HOPSPAN_CONTEXT 1
#define HOPSPAN_RECEIVED 2

#define HOPSPAN_CONTEXT_VERSION 1

struct hopspan_context {
	uint8_t version;     /* HOPSPAN_CONTEXT_VERSION */
	uint8_t flags;	     /* W3C trace flags */
	uint8_t reserved[6]; /* 0 */
	uint8_t trace_id[16];
	uint8_t span_id[8];
};

struct hopspan_received {
	struct hopspan_context context;
	uint64_t time_ns; /* of its arrival, CLOCK_MONOTONIC */
};

#endif
