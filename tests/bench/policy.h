/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Changes how a host stamps, between rounds: the policy of ::/0, and what makes sockets look at it anew.
 */
#ifndef HOPSPAN_BENCH_POLICY_H
#define HOPSPAN_BENCH_POLICY_H

#include "tc/stamp.h"

/* `policies` and `host` are the maps "stamp_prefix" and "stamp_host". */
void policy_change(int policies, int host, enum stamp_way way, const struct encap_shape *shape);

#endif
