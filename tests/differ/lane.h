/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A dataplane on the wire: frames go in raw at one device and are taken raw from another. */
#ifndef HOPSPAN_DIFFER_LANE_H
#define HOPSPAN_DIFFER_LANE_H

#include "answer.h"

/* How packets are in the kernel that sends them: in one piece, or only the link layer, and the rest in a page. */
enum lane_pieces { LANE_LINEAR, LANE_PAGES };

/*
 * Sends every packet into the device `in` and fills `answers`, one for each, with what comes from the device `out`. A
 * marker behind each batch says that all before it is through, as one processor does it all in order. Packets that
 * `held` names (NULL: none) are kept back.
 */
void lane_pass(const struct packets *packets, const char *in, const char *out, enum lane_pieces pieces,
	       const bool *held, struct answer *answers);

#endif
