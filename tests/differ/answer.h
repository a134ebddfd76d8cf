/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What became of a packet in one dataplane. */
#ifndef HOPSPAN_DIFFER_ANSWER_H
#define HOPSPAN_DIFFER_ANSWER_H

#include "packet.h"
#include "wire/outcome.h"

struct answer {
	/* on the wire, behind the dataplane */
	bool came, twice;
	uint16_t len;
	uint8_t *octets;
	uint64_t sent_ns, came_ns; /* CLOCK_REALTIME; the packet was sent not before, and came not later */

	/* its arriving program, run on the packet alone */
	bool ran, passed; /* passed: its verdict */
	enum outcome outcome;
	int outcomes; /* how many counters moved; 1 */
	uint16_t after_len;
	uint8_t *after;
};

/* Keeps a copy of `octets`; a second one is only noted. */
void answer_came(struct answer *answer, const uint8_t *octets, uint32_t len, uint64_t came_ns);
void answers_free(struct answer *answers, uint32_t count);

#endif
