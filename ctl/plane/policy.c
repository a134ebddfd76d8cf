/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Words -> a policy -> the map's form of it, and back. */
#include "policy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const policy_keys[POLICY_KEYS] = { "path", "way", "carrier", "trace", "hops", "first", "every", "replies" };

enum { WORDS_MAX = 4, TRACE_BIT_RESERVED = 1, TRACE_TYPE_MAX = 0xffffff };

/* A key's values: names of them, or numbers. */
static const struct {
	const char *wanted;
	const char *words[WORDS_MAX];
	uint32_t least, most;
} values[POLICY_KEYS] = {
	[POLICY_PATH] = { "it is one of proved, probe, off",
			  { [STAMP_PROVED] = "proved", [STAMP_PROVE] = "probe", [STAMP_OFF] = "off" },
			  0,
			  0 },
	[POLICY_WAY] = { "it is one of auto, in-place, clone, shadow",
			 { [STAMP_AUTO] = "auto",
			   [STAMP_IN_PLACE] = "in-place",
			   [STAMP_CLONE] = "clone",
			   [STAMP_SHADOW] = "shadow" },
			 0,
			 0 },
	[POLICY_CARRIER] = { "it is one of snapshot, generic, generic-id",
			     { [ENCAP_SNAPSHOT] = "snapshot",
			       [ENCAP_GENERIC_CONTEXT] = "generic",
			       [ENCAP_GENERIC] = "generic-id" },
			     0,
			     0 },
	[POLICY_TRACE] = { "none, or 24 bits in hex without bits 12 to 21 and 23", { NULL }, 0, 0 },
	[POLICY_HOPS] = { "a number from 0 to 15", { NULL }, 0, ENCAP_HOPS_MAX },
	[POLICY_FIRST] = { "a number from 1 to 65535", { NULL }, 1, UINT16_MAX },
	[POLICY_EVERY] = { "a number from 0 to 65535", { NULL }, 0, UINT16_MAX },
	[POLICY_REPLIES] = { "it is one of on, off", { "off", "on" }, 0, 0 },
};
_Static_assert(ENCAP_HOPS_MAX == 15, "the text above");

static bool parse_word(enum policy_key key, const char *text, uint32_t *value)
{
	for (uint32_t i = 0; i < WORDS_MAX; i++)
		if (values[key].words[i] && strcmp(values[key].words[i], text) == 0) {
			*value = i;
			return true;
		}
	return false;
}

static bool parse_number(const char *text, int base, uint32_t least, uint32_t most, uint32_t *value)
{
	char *end;
	unsigned long number;

	if (!strchr(base == 16 ? "0123456789abcdefABCDEF" : "0123456789", *text) || !*text)
		return false;
	errno = 0;
	number = strtoul(text, &end, base);
	if (*end || errno || number < least || number > most)
		return false;
	*value = (uint32_t)number;
	return true;
}

/* Bit 22 is the carrier's business: here it says nothing. */
static bool parse_trace(const char *text, uint32_t *value)
{
	uint32_t type = 0;

	if (strcmp(text, "none") == 0) {
		*value = 0;
		return true;
	}
	if (!parse_number(text, 16, 1, TRACE_TYPE_MAX, &type) || type & (IOAM6_UNDEFINED | TRACE_BIT_RESERVED) ||
	    !(type & ~IOAM6_SNAPSHOT))
		return false;
	*value = type & ~IOAM6_SNAPSHOT;
	return true;
}

void policy_set(struct policy *policy, enum policy_key key, uint32_t value)
{
	policy->values[key] = value;
	policy->given |= 1U << key;
}

const char *policy_parse(struct policy *policy, enum policy_key key, const char *text)
{
	uint32_t value = 0;
	bool good;

	if (key == POLICY_TRACE)
		good = parse_trace(text, &value);
	else if (values[key].most)
		good = parse_number(text, 10, values[key].least, values[key].most, &value);
	else
		good = parse_word(key, text, &value);
	if (!good)
		return values[key].wanted;
	policy_set(policy, key, value);
	return NULL;
}

void policy_overlay(struct policy *policy, const struct policy *over)
{
	for (enum policy_key key = 0; key < POLICY_KEYS; key++)
		if (over->given & 1U << key)
			policy_set(policy, key, over->values[key]);
}

static uint32_t value_or(const struct policy *policy, enum policy_key key, uint32_t usual)
{
	return policy->given & 1U << key ? policy->values[key] : usual;
}

static uint32_t hops_usual(const struct encap_shape *shape)
{
	int most = encap_hops_max(shape);

	return most < ENCAP_HOPS_USUAL ? (uint32_t)most : (uint32_t)ENCAP_HOPS_USUAL;
}

const char *policy_make(const struct policy *policy, struct stamp_policy *made, char why[POLICY_WHY_LEN])
{
	enum encap_carrier carrier = value_or(policy, POLICY_CARRIER, ENCAP_SNAPSHOT);
	uint32_t type = value_or(policy, POLICY_TRACE, ENCAP_GENERIC_TYPE), hops;
	struct encap_shape shape = encap_shape(carrier, type);

	if (carrier == ENCAP_SNAPSHOT && !type) {
		snprintf(why, POLICY_WHY_LEN,
			 "trace none: a snapshot is part of the trace: carrier generic, generic-id");
		return why;
	}
	hops = value_or(policy, POLICY_HOPS, hops_usual(&shape));
	if ((int)hops > encap_hops_max(&shape)) {
		snprintf(why, POLICY_WHY_LEN, "hops %u: a header of this carrier and trace has room for %d", hops,
			 encap_hops_max(&shape));
		return why;
	}
	*made = (struct stamp_policy){
		.trust = (uint8_t)value_or(policy, POLICY_PATH, STAMP_PROVE),
		.way = (uint8_t)value_or(policy, POLICY_WAY, STAMP_AUTO),
		.hops = (uint8_t)hops,
		.silent = !value_or(policy, POLICY_REPLIES, 1),
		.first = (uint16_t)value_or(policy, POLICY_FIRST, 1),
		.every = (uint16_t)value_or(policy, POLICY_EVERY, 0),
		.shape = shape,
	};
	return NULL;
}

struct policy policy_of(const struct stamp_policy *made)
{
	const uint32_t now[POLICY_KEYS] = {
		[POLICY_PATH] = made->trust,
		[POLICY_WAY] = made->way,
		[POLICY_CARRIER] = made->shape.carrier,
		[POLICY_TRACE] = made->shape.type & ~IOAM6_SNAPSHOT,
		[POLICY_HOPS] = made->hops,
		[POLICY_FIRST] = made->first,
		[POLICY_EVERY] = made->every,
		[POLICY_REPLIES] = !made->silent,
	};
	struct policy policy = { 0 };

	for (enum policy_key key = 0; key < POLICY_KEYS; key++)
		if (key != POLICY_HOPS || made->hops != hops_usual(&made->shape))
			policy_set(&policy, key, now[key]);
	return policy;
}

static json_t *trace_json(uint32_t type)
{
	return type ? json_sprintf("0x%06x", type) : json_string("none");
}

json_t *policy_json(const struct stamp_policy *made)
{
	struct policy policy = policy_of(made);
	json_t *object = json_object(), *value;

	policy_set(&policy, POLICY_HOPS, made->hops);
	for (enum policy_key key = 0; key < POLICY_KEYS; key++) {
		if (key == POLICY_TRACE)
			value = trace_json(policy.values[key]);
		else if (values[key].most)
			value = json_integer(policy.values[key]);
		else
			value =
			    json_string(policy.values[key] < WORDS_MAX ? values[key].words[policy.values[key]] : NULL);
		json_object_set_new(object, policy_keys[key], value ? value : json_null());
	}
	return object;
}

bool policy_prefix_parse(const char *text, struct stamp_prefix *prefix)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	uint32_t bits = 128;

	if (len >= sizeof(address) || (slash && !parse_number(slash + 1, 10, 0, 128, &bits)))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	*prefix = (struct stamp_prefix){ .prefix_len = bits };
	if (inet_pton(AF_INET6, address, prefix->address) != 1)
		return false;
	for (uint32_t i = 0; i < sizeof(prefix->address); i++) {
		uint32_t kept = bits > 8 * i ? bits - 8 * i : 0;

		if (kept < 8)
			prefix->address[i] &= (uint8_t)(0xff00 >> kept);
	}
	return true;
}

const char *policy_prefix_text(const struct stamp_prefix *prefix, char text[POLICY_PREFIX_LEN])
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, prefix->address, address, sizeof(address));
	snprintf(text, POLICY_PREFIX_LEN, "%s/%u", address, prefix->prefix_len);
	return text;
}
