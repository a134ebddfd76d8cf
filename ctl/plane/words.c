/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Parses the words of `host`, `router` and `border`. */
#include "words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "identity.h"

enum { BUDGET_MIN = 10, BUDGET_MAX = 1000000000 };

/* A word's value, refused with the choices there are. */
static int word_choice(const struct command *command, const char *word, const char *value, const char *const *names,
		       int count, int *choice)
{
	char choices[64] = "";

	for (int i = 0; i < count; i++) {
		if (strcmp(value, names[i]) == 0) {
			*choice = i;
			return 0;
		}
		strcat(strcat(choices, i ? ", " : ""), names[i]);
	}
	return misuse(command, "%s %s: it is one of %s", word, value, choices);
}

/* A device that is gone may still be remembered: `down` and `show` look there. */
static int word_device(struct words *words, const char *name, bool may_be_gone)
{
	struct words_device *device = &words->devices[words->device_count];
	unsigned int ifindex = if_nametoindex(name);

	if ((!ifindex && !may_be_gone) || strlen(name) >= IFNAMSIZ) {
		fprintf(stderr, "%s: %s: no such device\n", words->who, name);
		return EXIT_FAILED;
	}
	if (words->device_count == WORDS_DEVICES_MAX) {
		fprintf(stderr, "%s: more than %d devices\n", words->who, WORDS_DEVICES_MAX);
		return EXIT_FAILED;
	}
	strcpy(device->name, name);
	device->ifindex = (int)ifindex;
	words->device_count++;
	return 0;
}

/* "proved PREFIX": a prefix with its path. Named twice it must be the same. */
static int word_prefix(struct words *words, const struct command *command, const char *word, const char *value)
{
	struct destination *named = &words->named[words->named_count];

	if (words->named_count == sizeof(words->named) / sizeof(words->named[0]))
		return misuse(command, "more than %u prefixes", words->named_count);
	*named = (struct destination){ 0 };
	if (!policy_prefix_parse(value, &named->prefix))
		return misuse(command, "%s %s: not an IPv6 prefix", word, value);
	policy_parse(&named->policy, POLICY_PATH, word);
	for (unsigned int i = 0; i < words->named_count; i++) {
		if (memcmp(&words->named[i].prefix, &named->prefix, sizeof(named->prefix)) != 0)
			continue;
		if (words->named[i].policy.values[POLICY_PATH] == named->policy.values[POLICY_PATH])
			return 0;
		return misuse(command, "%s %s: it was said to be otherwise", word, value);
	}
	words->named_count++;
	return 0;
}

/* One of the words that node.yaml knows as well. False: it is none. */
static bool word_policy(struct words *words, const struct command *command, const char *word, const char *value,
			int *status)
{
	for (enum policy_key key = POLICY_WAY; key < POLICY_KEYS; key++) {
		const char *wanted;

		if (strcmp(word, policy_keys[key]) != 0)
			continue;
		wanted = policy_parse(&words->policy, key, value);
		*status = wanted ? misuse(command, "%s %s: %s", word, value, wanted) : 0;
		return true;
	}
	return false;
}

static int word_node_id(struct words *words, const struct command *command, const char *value)
{
	char *end;

	words->node_id = strtol(value, &end, 0);
	if (*end || end == value || words->node_id < 0 || words->node_id > 0xfffffe)
		return misuse(command, "node-id %s: a number below 0xffffff", value);
	return 0;
}

static int word_clock_offset(struct words *words, const struct command *command, const char *value)
{
	words->has_clock_offset = identity_offset_parse(value, &words->clock_offset_ns);
	if (!words->has_clock_offset)
		return misuse(command, "clock-offset %s: ns, an integer between -10^18 and 10^18", value);
	return 0;
}

static int word_budget(const struct command *command, const char *word, const char *value, long *budget)
{
	char *end;

	*budget = strtol(value, &end, 10);
	if (*end || end == value || *budget < 0 || (*budget && *budget < BUDGET_MIN) || *budget > BUDGET_MAX)
		return misuse(command, "%s %s: packets a second, %d to %d, or 0 for no limit", word, value, BUDGET_MIN,
			      BUDGET_MAX);
	return 0;
}

long words_bulk_budget(const struct words *words)
{
	if (words->bulk_budget >= 0)
		return words->bulk_budget;
	return words->budget ? STAMP_BULK_BUDGET_DEFAULT : 0;
}

/* Where packets that come in are met. */
static int word_via(struct words *words, const struct command *command, const char *value)
{
	static const char *const names[] = { "auto", "xdp", "tc" };
	int via = 0, status = word_choice(command, "via", value, names, 3, &via);

	words->via = status ? words->via : (enum device_via)via;
	return status;
}

/* Who sends on what comes in. */
static int word_forward(struct words *words, const struct command *command, const char *value)
{
	static const char *const names[] = { "kernel", "xdp" };
	int forward = 0, status = word_choice(command, "forward", value, names, 2, &forward);

	words->forward = forward ? FORWARD_XDP : FORWARD_KERNEL;
	return status;
}

/* Among programs of others at the same hook. */
static int word_order(struct words *words, const struct command *command, const char *value)
{
	static const char *const names[] = { "first", "last" };
	int order = 0, status = word_choice(command, "order", value, names, 2, &order);

	words->order = order ? HOOK_LAST : HOOK_FIRST;
	return status;
}

static int word_host(struct words *words, const struct command *command, const char *word, const char *value)
{
	static const char *const switches[] = { "off", "on" }, *const sides[] = { "own", "peer" };
	int status, choice = 0;

	if (strcmp(word, "proved") == 0 || strcmp(word, "probe") == 0 || strcmp(word, "off") == 0)
		return word_prefix(words, command, word, value);
	if (strcmp(word, "budget") == 0)
		return word_budget(command, word, value, &words->budget);
	if (strcmp(word, "bulk-budget") == 0)
		return word_budget(command, word, value, &words->bulk_budget);
	if (strcmp(word, "via") == 0)
		return word_via(words, command, value);
	if (strcmp(word, "side") == 0) {
		status = word_choice(command, word, value, sides, 2, &choice);
		words->peer_side = choice;
		return status;
	}
	if (strcmp(word, "lower-mtu") == 0) {
		status = word_choice(command, word, value, switches, 2, &choice);
		words->lower_mtu = choice;
		return status;
	}
	if (strcmp(word, "cgroup") == 0) {
		words->cgroup = value;
		return 0;
	}
	if (word_policy(words, command, word, value, &status))
		return status;
	return misuse(command, "unknown word \"%s\"", word);
}

static int word_router(struct words *words, const struct command *command, const char *word, const char *value)
{
	static const char *const waits[] = { "off", "measured" };
	int status, choice = 0;

	if (strcmp(word, "forward") == 0)
		return word_forward(words, command, value);
	if (strcmp(word, "via") == 0)
		return word_via(words, command, value);
	if (strcmp(word, "wait") != 0)
		return misuse(command, "unknown word \"%s\"", word);
	status = word_choice(command, word, value, waits, 2, &choice);
	words->wait_measured = choice;
	return status;
}

/* "in ACTION [PREFIX]": *used is set where the prefix is there. */
static int word_rule(struct words *words, const struct command *command, const char *word, const char *value,
		     const char *next, int *used)
{
	struct rule rule = { .egress = strcmp(word, "out") == 0 };
	bool limited = next && strpbrk(next, ":/");
	int action = 0, status = word_choice(command, word, value, rule_actions, BORDER_ACTIONS, &action);

	if (status)
		return status;
	if (limited && !policy_prefix_parse(next, &rule.prefix))
		return misuse(command, "%s %s %s: not an IPv6 prefix", word, value, next);
	*used += limited;
	rule.action = (uint8_t)action;
	switch (rules_add(&words->rules, &rule)) {
	case 0:
		return 0;
	case -EEXIST:
		return misuse(command, "%s %s%s%s: it was said to be otherwise", word, value, limited ? " " : "",
			      limited ? next : "");
	default:
		return misuse(command, "more than %d rules", RULES_MAX);
	}
}

static int word_border(struct words *words, const struct command *command, const char *word, const char *value,
		       const char *next, int *used)
{
	if (strcmp(word, "via") == 0)
		return word_via(words, command, value);
	if (strcmp(word, "in") == 0 || strcmp(word, "out") == 0)
		return word_rule(words, command, word, value, next, used);
	return misuse(command, "unknown word \"%s\"", word);
}

/* `next` may belong to it as well: then *used is raised. */
static int word_parse(struct words *words, const struct command *command, int known, const char *word,
		      const char *value, const char *next, int *used)
{
	if (!value)
		return misuse(command, "%s: a value is missing", word);
	if (strcmp(word, "dev") == 0)
		return word_device(words, value, !known);
	if (known == WORDS_BORDER)
		return word_border(words, command, word, value, next, used);
	if (known && strcmp(word, "order") == 0)
		return word_order(words, command, value);
	if (known && strcmp(word, "node-id") == 0)
		return word_node_id(words, command, value);
	if (known && strcmp(word, "clock-offset") == 0)
		return word_clock_offset(words, command, value);
	if (known == WORDS_HOST)
		return word_host(words, command, word, value);
	if (known == WORDS_ROUTER)
		return word_router(words, command, word, value);
	return misuse(command, "unknown word \"%s\"", word);
}

int words_parse(struct words *words, const struct command *command, int known, bool may_be_empty, int argc, char **argv)
{
	*words = (struct words){ .node_id = -1, .budget = STAMP_BUDGET_DEFAULT, .bulk_budget = -1 };
	snprintf(words->who, sizeof(words->who), "hopspan %s %s", command->object, command->verb);
	for (int i = 0, used; i < argc; i += used) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL, *next = i + 2 < argc ? argv[i + 2] : NULL;
		int status;

		used = 2;
		status = word_parse(words, command, known, argv[i], value, next, &used);
		if (status)
			return status;
	}
	if (!words->device_count && !may_be_empty)
		return misuse(command, "which device? dev DEV");
	return 0;
}

int words_add(struct words *words, const char *device)
{
	return word_device(words, device, false);
}

int words_check_machine(const char *who)
{
	if (geteuid() != 0) {
		fprintf(stderr, "%s: not root: BPF programs need CAP_NET_ADMIN and CAP_BPF\n", who);
		return EXIT_FAILED;
	}
	if (access("/proc/net/if_inet6", F_OK)) {
		fprintf(stderr, "%s: no IPv6 in this kernel\n", who);
		return EXIT_FAILED;
	}
	return 0;
}
