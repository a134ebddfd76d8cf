/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * tc/stamp and the collector: is it known that the path to a destination carries the option?
 *
 *	          probe came back                   acknowledged
 *	UNKNOWN --------------------> TRYING --------------------> PROVED
 *	   ^  (collector)               |  (stamp)                   |
 *	   |                            | sent again (stamp)         | sent again (stamp)
 *	   |                            v                            |
 *	   +------------------------ DOUBTED <-----------------------+
 *	     collector probes anew, REFUSED where the option does not come through
 *
 * In TRYING one stamped packet is under way at a time, in PROVED all are stamped as the policy says; everywhere else
 * shadows go. Only destinations whose policy is STAMP_PROVE have a path. PROVED and TRYING count only while the
 * collector is there to watch: PATH_WATCH_NS after its last sign they are as UNKNOWN.
 */
#ifndef HOPSPAN_TC_PATH_H
#define HOPSPAN_TC_PATH_H

#include <stdint.h>

enum path_state { PATH_UNKNOWN, PATH_TRYING, PATH_PROVED, PATH_DOUBTED, PATH_REFUSED };

/*
 * Map "stamp_path", an LRU hash of destination addresses (16 octets, network order). A path begins as PATH_UNKNOWN when
 * the first packet wants to be stamped. Counts only grow, and are those since it began; the collector keeps what it
 * last saw.
 */
struct path {
	uint32_t state;	     /* enum path_state */
	uint32_t flow_label; /* of the last packet that wanted a stamp: 20 bits, host order */
	uint64_t since_ns;   /* CLOCK_MONOTONIC of the last change of state */
	uint64_t asked_ns;   /* CLOCK_MONOTONIC, when a packet wanted a stamp last */
	/* PATH_TRYING: the packet under way, a socket's cookie and when it went; 0: none */
	uint64_t trying_socket, trying_ns;
	/* data segments of sockets that stamp: those stamped in place or as a clone, and all */
	uint64_t stamped, stamped_repeated;
	uint64_t segments, repeated;
};

/* Map "stamp_watch", one entry: the collector is there. */
struct path_watch {
	uint64_t alive_ns; /* CLOCK_MONOTONIC; written at least once a second */
};

enum { PATH_MAX_PATHS = 4096 };
#define PATH_WATCH_NS 3000000000ULL
#define PATH_TRY_NS 3000000000ULL /* a packet under way that long is given up, and another one tried */

#endif
