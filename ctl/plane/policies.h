/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The policies of a network namespace: what words and node.yaml make together, and their map. */
#ifndef HOPSPAN_POLICIES_H
#define HOPSPAN_POLICIES_H

#include <stdbool.h>

#include "destinations.h"
#include "policy.h"

/* Half of what the map holds, so that new ones find room before the old ones go. */
enum { POLICIES_MAX = STAMP_PREFIXES_MAX / 2 };

struct policies {
	struct stamp_prefix prefixes[STAMP_PREFIXES_MAX];
	struct stamp_policy policies[STAMP_PREFIXES_MAX];
	unsigned int count;
};

/* Of the map "stamp_prefix". */
void policies_read(struct policies *policies, int map);

/*
 * What words and file say: `words` for all prefixes that they name (`named`, each with its path), and as defaults of
 * the file's. ::/0 is always there: to be probed, where nothing else is said. If neither names a prefix, those in
 * `policies` stay, and change as far as the words say. -EINVAL, printed as "WHO: ...".
 */
int policies_make(struct policies *policies, const struct policy *words, const struct destination *named,
		  unsigned int named_count, const struct destinations *file, const char *who);

/* Makes the map what they are: first comes what is new, then goes what is old, so that no packet meets a gap. */
int policies_write(const struct policies *policies, int map);

/* Is any of them so? */
bool policies_reply(const struct policies *policies);
bool policies_have_plain(const struct policies *policies);

/* Each prefix with its policy, narrow ones first. */
struct json_t *policies_json(const struct policies *policies);

#endif
