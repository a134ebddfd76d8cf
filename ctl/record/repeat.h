/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A segment that this host sent again, and whose context its bytes have.
 */
#ifndef HOPSPAN_REPEAT_H
#define HOPSPAN_REPEAT_H

#include <netinet/in.h>
#include <stdint.h>

#include "wire/context.h"

struct repeat {
	struct in6_addr source, destination;
	uint16_t source_port, destination_port;
	uint32_t octets;
	struct context context;
	int64_t first_unix_ns, again_unix_ns; /* when they went before, and again: by the sender's clock */
	int64_t seen_unix_ns;		      /* by the collector's */
};

#endif
