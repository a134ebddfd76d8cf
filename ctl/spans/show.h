/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is shown of transfers.
 */
#ifndef HOPSPAN_SHOW_H
#define HOPSPAN_SHOW_H

#include <stdbool.h>

/* Packets of a transfer of several. */
enum shown { SHOWN_SLOWEST, SHOWN_FIRST, SHOWN_LAST, SHOWN_COUNT };

/* Which transfers have hops: all, those that took more than twice their usual, none. */
enum hops { HOPS_ALL, HOPS_SLOW, HOPS_NONE };

/* Zeros: hops of all, of the slowest packet. */
struct transfers_show {
	enum hops hops;
	bool first, last; /* packets, beside the slowest */
	bool pass_on;	  /* to a central collector, which draws them again */
};

#endif
