/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What hopspan keeps per socket (map "sockets"): which bytes belong to which request.
 *
 * Each HOPSPAN_CONTEXT opens a range at the TCP write sequence of that moment; it ends where the next begins. A sink
 * opens one likewise with the context that arrived, for the reply.
 */
#ifndef HOPSPAN_TC_SOCKOPT_H
#define HOPSPAN_TC_SOCKOPT_H

#include <linux/bpf.h>

#include "sdk/hopspan.h"
#include "stamp.h"
#include "wire/context.h"
#include "wire/ipv6.h"

enum { SOCKET_RANGES = 64 }; /* as many as `wanted` has bits; then the oldest is forgotten */

struct socket_range {
	__u32 begin; /* TCP sequence of the first byte; UDP: 0 */
	__u8 used;
	__u8 from_start; /* opened before connect: begins with the connection */
	__u16 packets;	 /* offered so far, of a policy's `first`, then of its `every` */
	__u32 sent_us;	 /* TCP: when the first of them went; CLOCK_MONOTONIC, its low 32 bits; 0: not known */
	struct context context;
};

enum { SOCKET_SENT = 8 }; /* stamped segments remembered while unacknowledged */

struct socket_sent {
	__u32 begin, end; /* TCP sequence */
};

enum { SOCKET_SENDINGS = 16 }; /* data segments of which it is known when they went */

/* A segment's bytes end at `end`; those before are of the segments before. Times as above. */
struct socket_sending {
	__u32 end, sent_us;
};

struct socket_state {
	struct bpf_spin_lock lock; /* sinks and the application write from different CPUs */
	__u32 opened;		   /* ranges so far; the newest is (opened - 1) % SOCKET_RANGES */
	/*
	 * A bit per range; where the two differ, a packet of it is still to be stamped. Only who opens a range writes
	 * the one, under the lock, only who stamps the other: TCP's own packets need no lock, as the socket's keeps
	 * them apart from each other and from the socket option, and a sink opens a range none of whose bytes are sent.
	 */
	__u64 wanted, served;
	__u32 shadow_ack; /* acknowledgement number of the last shadow, and how many carried it */
	__u32 shadow_count;
	__u32 set_process; /* process that set the last range's context; 0: learnt from the peer */
	/* Stamped in place or as a clone on a path that is watched: what was sent, and TCP's counters then. */
	__u32 sent_count; /* 0: nothing unacknowledged */
	__u32 sent_mss;
	__u32 seen_segments, seen_repeated;
	__u8 sent_trial; /* the newest is the one that tries the path */
	__u8 reserved[3];
	struct stamp_policy policy; /* TCP: the peer's, as long as policies_ns is that of stamp_host */
	__u64 policies_ns;
	struct socket_sent sent[SOCKET_SENT];
	__u32 sending_count;
	__u32 reserved_sending;
	struct socket_sending sendings[SOCKET_SENDINGS];
	struct socket_range ranges[SOCKET_RANGES];
	struct context set;	 /* by the application, last */
	struct context received; /* from the peer, last */
	__u64 received_ns;	 /* when that came, CLOCK_MONOTONIC */
};

#endif
