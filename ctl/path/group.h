/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Paths of one prefix, which are judged together. */
#ifndef HOPSPAN_PATH_GROUP_H
#define HOPSPAN_PATH_GROUP_H

#include "judge.h"
#include "prefixes.h"
#include "tell.h"

struct group {
	struct group *next;
	struct stamp_prefix prefix;
	struct judge judge;
	struct judge_counts news; /* since the judge was asked last */
	unsigned int members;
};

/* The group of an address in the list, one member more; NULL: no memory. */
struct group *group_take(struct group **groups, const struct policies *policies, const uint8_t address[16]);

/* One member less; the last one takes it away. */
void group_release(struct group **groups, struct group *group);

/* True: its stamped segments are clearly worse, which was said. */
bool group_judge(struct group *group, struct tell *log, uint64_t now_ns);

#endif
