/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Has somebody a say about packets that the kernel forwards: netfilter, IPsec? What the forwarder sends on itself
 * passes neither, so with such rules there all packets are the kernel's.
 */
#ifndef HOPSPAN_DPDK_FILTERS_H
#define HOPSPAN_DPDK_FILTERS_H

#include <stdbool.h>

/*
 * Chains of nftables at prerouting, forward or postrouting of IPv6, a table of ip6tables, or IPsec policies for packets
 * that are forwarded or leave. What the kernel does not tell of is taken for not there.
 */
bool filters_are_there(void);

#endif
