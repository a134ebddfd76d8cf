/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What may cross a border: the rules of a device, and their map. */
#ifndef HOPSPAN_RULES_H
#define HOPSPAN_RULES_H

#include "tc/border.h"

struct json_t;

enum { RULES_MAX = BORDER_PREFIXES_MAX - 1 }; /* all of them may be one direction's, and it has a default */

struct rule {
	struct stamp_prefix prefix; /* outside */
	uint8_t egress;
	uint8_t action; /* enum border_action */
};

struct rules {
	struct rule list[RULES_MAX + 2];
	unsigned int count;
};

/* "strip", "strip-ioam", "drop", "allow" */
extern const char *const rule_actions[BORDER_ACTIONS];

/* -EEXIST: there is another one for this prefix; -ENOSPC. */
int rules_add(struct rules *rules, const struct rule *rule);

/* For all prefixes that are not named: strip, in and out. */
void rules_add_defaults(struct rules *rules);

/* Makes them those of a device, each direction's at once; `map` is "border_rules". 0 or -errno. */
int rules_write(const struct rules *rules, int map, int ifindex);

/* In a namespace's folder. Without the map, or rules in it, there is nothing to do. */
void rules_read(const char *folder, int ifindex, struct rules *rules);
int rules_move(const char *folder, int from, int to);
void rules_remove(const char *folder, int ifindex);

/* Of one direction, narrow prefixes first: [{"prefix": "2001:db8::/32", "action": "strip"}, ...] */
struct json_t *rules_json(const struct rules *rules, bool egress);

#endif
