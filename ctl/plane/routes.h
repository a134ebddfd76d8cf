/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Routes with a lower MTU, so that every packet to a proved prefix has room for the header. No route of others is
 * changed: copies of them, under our own protocol number, go before them, and are known by it when they are to go.
 */
#ifndef HOPSPAN_ROUTES_H
#define HOPSPAN_ROUTES_H

#include "policies.h"

/*
 * For each proved prefix, the routes to it by this device: their MTU less the length of the policy's header, which
 * becomes its route_cut. What was lowered before and is not now goes. A prefix whose routes cannot be copied is said
 * and left as it is. 0 or -errno, printed.
 */
int routes_lower(struct policies *policies, const char *who, const char *device, int ifindex);

/* All of ours by this device go. Their number, or -errno. */
int routes_restore(int ifindex);

#endif
