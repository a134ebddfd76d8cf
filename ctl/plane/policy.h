/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How packets to one destination are stamped, as words and node.yaml say it: the same names and values in both, and in
 * what `host show` prints.
 */
#ifndef HOPSPAN_POLICY_H
#define HOPSPAN_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tc/stamp.h"

struct json_t;

enum policy_key {
	POLICY_PATH,	/* enum stamp_trust */
	POLICY_WAY,	/* enum stamp_way */
	POLICY_CARRIER, /* enum encap_carrier */
	POLICY_TRACE,	/* trace type without bit 22; 0: none */
	POLICY_HOPS,
	POLICY_FIRST,
	POLICY_EVERY,
	POLICY_REPLIES, /* 0 or 1 */
	POLICY_KEYS
};

/* Only what was said has a value. */
struct policy {
	uint32_t given; /* bit per key */
	uint32_t values[POLICY_KEYS];
};

/* "path", "way", ... */
extern const char *const policy_keys[POLICY_KEYS];

/* NULL, or what was wanted in place of `text`: "it is one of on, off". */
const char *policy_parse(struct policy *policy, enum policy_key key, const char *text);

void policy_set(struct policy *policy, enum policy_key key, uint32_t value);

/* What `over` says holds. */
void policy_overlay(struct policy *policy, const struct policy *over);

/* With defaults for what was not said. NULL, or what does not go together, in `why`. */
enum { POLICY_WHY_LEN = 96 };
const char *policy_make(const struct policy *policy, struct stamp_policy *made, char why[POLICY_WHY_LEN]);

/* What was said to get it: defaults are not given. */
struct policy policy_of(const struct stamp_policy *made);

/* All keys, with their values as words: trace and names as text. */
struct json_t *policy_json(const struct stamp_policy *made);

/* "2001:db8::/32"; an address is a prefix of 128 bits. False: it is none. Bits behind the prefix are cleared. */
bool policy_prefix_parse(const char *text, struct stamp_prefix *prefix);

enum { POLICY_PREFIX_LEN = 52 };
const char *policy_prefix_text(const struct stamp_prefix *prefix, char text[POLICY_PREFIX_LEN]);

#endif
