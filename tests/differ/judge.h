/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Is what a dataplane made of a packet what the Linux kernel makes of it? The two references are a router whose kernel
 * does IOAM, and the same one at a device where IOAM is off, which says what forwarding alone does and drops.
 */
#ifndef HOPSPAN_DIFFER_JUDGE_H
#define HOPSPAN_DIFFER_JUDGE_H

#include "answer.h"

/* What differs on purpose: wire/README.md gives the reasons. Each must occur, and nothing else may differ. */
#define DIFFERENCE_LIST(DIFFERENCE)  \
	DIFFERENCE(malformed_passes) \
	DIFFERENCE(uneven_trace)     \
	DIFFERENCE(many_steps)       \
	DIFFERENCE(second_trace)     \
	DIFFERENCE(slot_not_found)   \
	DIFFERENCE(time_format)      \
	DIFFERENCE(delay_measured)   \
	DIFFERENCE(written_in_vain)  \
	DIFFERENCE(bump_in_the_wire)

#define DIFFERENCE_ENUM(name) DIFFERENCE_##name,
enum difference { DIFFERENCE_LIST(DIFFERENCE_ENUM) DIFFERENCE_COUNT };

const char *difference_name(enum difference difference);

struct plane {
	const char *name;
	struct answer *answers;
	bool by_trace;	       /* departure finds the slot by hop limit and node ids, not by metadata */
	bool bump;	       /* no router: forwards what routers drop, and counts no hop */
	bool is_kernel;	       /* its clock is POSIX in every namespace; ours is PTP in the one without a schema */
	uint32_t ahead_s;      /* PTP, of Unix time */
	uint64_t same, absent; /* packets equal to the kernel's, and those that came on neither side */
	uint64_t differed[DIFFERENCE_COUNT], outcomes[OUTCOME_COUNT + 1];
};

struct judge {
	const struct packets *packets;
	const struct plane *kernel, *plain;
	const struct plane *ours; /* for a bump in the wire, whose counters do not say which packet they mean */
};

enum { COMPLAINT_LEN = 160 };

/* True, and the plane's numbers move; or false, and `complaint` says what is wrong. */
bool judge_packet(const struct judge *judge, struct plane *plane, uint32_t number, char complaint[COMPLAINT_LEN]);

/* Where hopspan does not listen nothing happens, whatever the packet is. */
bool judge_untouched(const struct judge *judge, const struct plane *plane, uint32_t number,
		     char complaint[COMPLAINT_LEN]);

#endif
