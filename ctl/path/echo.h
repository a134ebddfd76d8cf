/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The packets of a probe: ICMPv6 echo requests (RFC 4443 section 4.1), whole, with or without a header of options. */
#ifndef HOPSPAN_PATH_ECHO_H
#define HOPSPAN_PATH_ECHO_H

#include <stdbool.h>
#include <stdint.h>

#include "probe.h"

enum { ECHO_LEN_MAX = 9216, ECHO_LEN_MIN = 8 };

struct echo {
	const struct probe_target *target;
	const uint8_t *source;
	uint16_t id, sequence;
	uint32_t len; /* of the whole packet */
	bool option;
};

/* Octets of the options' header as a packet of `len` can have it, 0: none fits. */
uint32_t echo_header_len(const struct probe_target *target, uint32_t len);

/* Writes the packet of echo->len octets, which are at least enough for its headers. */
void echo_write(uint8_t *packet, const struct echo *echo);

/* The sequence of an answer, an ICMPv6 message as a raw socket hands it over; -1: not one of ours. */
int echo_read(const uint8_t *message, uint32_t len, uint16_t id);

#endif
