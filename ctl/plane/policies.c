/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Words and node.yaml -> the policies of a namespace -> their map. */
#include "policies.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void policies_read(struct policies *policies, int map)
{
	struct stamp_prefix next, *previous = NULL;

	policies->count = 0;
	while (policies->count < STAMP_PREFIXES_MAX && bpf_map_get_next_key(map, previous, &next) == 0) {
		struct stamp_prefix *prefix = &policies->prefixes[policies->count];

		*prefix = next;
		if (bpf_map_lookup_elem(map, prefix, &policies->policies[policies->count]) == 0)
			policies->count++;
		previous = &next;
	}
}

static int policy_find(const struct policies *policies, const struct stamp_prefix *prefix)
{
	for (unsigned int i = 0; i < policies->count; i++)
		if (memcmp(&policies->prefixes[i], prefix, sizeof(*prefix)) == 0)
			return (int)i;
	return -1;
}

/* In place of one for the same prefix. `at`: where the file says it. */
static int policy_add(struct policies *policies, const struct stamp_prefix *prefix, const struct policy *policy,
		      const struct destination *at, const char *path, const char *who)
{
	char why[POLICY_WHY_LEN], text[POLICY_PREFIX_LEN];
	int place = policy_find(policies, prefix);

	if (place < 0 && policies->count == POLICIES_MAX) {
		fprintf(stderr, "%s: more than %d prefixes\n", who, POLICIES_MAX);
		return -EINVAL;
	}
	if (place < 0)
		place = (int)policies->count++;
	policies->prefixes[place] = *prefix;
	if (!policy_make(policy, &policies->policies[place], why))
		return 0;
	if (at)
		fprintf(stderr, "%s:%u:%u: %s\n", path, at->line, at->column, why);
	else
		fprintf(stderr, "%s: %s: %s\n", who, policy_prefix_text(prefix, text), why);
	return -EINVAL;
}

/* Those that are there, changed as far as the words say. */
static int policies_change(struct policies *policies, const struct policy *words, const char *who)
{
	for (unsigned int i = 0; i < policies->count; i++) {
		struct policy policy = policy_of(&policies->policies[i]);

		policy_overlay(&policy, words);
		if (policy_add(policies, &policies->prefixes[i], &policy, NULL, NULL, who))
			return -EINVAL;
	}
	return 0;
}

static int policies_of_file(struct policies *policies, const struct policy *words, const struct destination *named,
			    unsigned int named_count, const struct destinations *file, const char *who)
{
	for (unsigned int i = 0; i < file->count; i++) {
		const struct destination *destination = &file->list[i];
		struct policy policy = *words;
		bool is_named = false;

		policy_overlay(&policy, &destination->policy);
		for (unsigned int j = 0; j < named_count; j++)
			if (memcmp(&named[j].prefix, &destination->prefix, sizeof(destination->prefix)) == 0) {
				policy_overlay(&policy, words);
				policy_overlay(&policy, &named[j].policy);
				is_named = true;
			}
		if (policy_add(policies, &destination->prefix, &policy, is_named ? NULL : destination, file->path, who))
			return -EINVAL;
	}
	return 0;
}

int policies_make(struct policies *policies, const struct policy *words, const struct destination *named,
		  unsigned int named_count, const struct destinations *file, const char *who)
{
	const struct stamp_prefix all = { .prefix_len = 0 };

	if (!named_count && !file->count && policies->count)
		return policies_change(policies, words, who);
	policies->count = 0;
	if (policies_of_file(policies, words, named, named_count, file, who))
		return -EINVAL;
	for (unsigned int i = 0; i < named_count; i++) {
		struct policy policy = *words;

		if (policy_find(policies, &named[i].prefix) >= 0)
			continue; /* the file's, with the words over it */
		policy_overlay(&policy, &named[i].policy);
		if (policy_add(policies, &named[i].prefix, &policy, NULL, NULL, who))
			return -EINVAL;
	}
	return policy_find(policies, &all) < 0 ? policy_add(policies, &all, words, NULL, NULL, who) : 0;
}

int policies_write(const struct policies *policies, int map)
{
	struct policies *old = malloc(sizeof(*old));
	int error = 0;

	if (!old)
		return -ENOMEM;
	policies_read(old, map);
	for (unsigned int i = 0; i < policies->count && !error; i++)
		if (bpf_map_update_elem(map, &policies->prefixes[i], &policies->policies[i], BPF_ANY))
			error = -errno;
	for (unsigned int i = 0; i < old->count && !error; i++)
		if (policy_find(policies, &old->prefixes[i]) < 0 && bpf_map_delete_elem(map, &old->prefixes[i]) &&
		    errno != ENOENT)
			error = -errno;
	free(old);
	return error;
}

bool policies_reply(const struct policies *policies)
{
	for (unsigned int i = 0; i < policies->count; i++)
		if (!policies->policies[i].silent)
			return true;
	return false;
}

bool policies_have_plain(const struct policies *policies)
{
	for (unsigned int i = 0; i < policies->count; i++)
		if (policies->policies[i].shape.carrier == ENCAP_GENERIC)
			return true;
	return false;
}

json_t *policies_json(const struct policies *policies)
{
	char text[POLICY_PREFIX_LEN];
	json_t *list = json_array();

	for (int len = 128; len >= 0; len--)
		for (unsigned int i = 0; i < policies->count; i++) {
			json_t *object;

			if (policies->prefixes[i].prefix_len != (uint32_t)len)
				continue;
			object = json_pack("{s:s}", "prefix", policy_prefix_text(&policies->prefixes[i], text));
			json_object_update_new(object, policy_json(&policies->policies[i]));
			json_array_append_new(list, object);
		}
	return list;
}
