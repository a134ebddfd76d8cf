/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Groups of paths: found by prefix, judged by what all of them count. */
#include "group.h"

#include <stdlib.h>
#include <string.h>

struct group *group_take(struct group **groups, const struct policies *policies, const uint8_t address[16])
{
	struct stamp_prefix prefix = prefixes_group(policies, address);
	struct group *group = *groups;

	while (group && memcmp(&group->prefix, &prefix, sizeof(prefix)) != 0)
		group = group->next;
	if (!group) {
		group = calloc(1, sizeof(*group));
		if (!group)
			return NULL;
		group->prefix = prefix;
		group->next = *groups;
		*groups = group;
	}
	group->members++;
	return group;
}

void group_release(struct group **groups, struct group *group)
{
	if (--group->members)
		return;
	while (*groups != group)
		groups = &(*groups)->next;
	*groups = group->next;
	free(group);
}

bool group_judge(struct group *group, struct tell *log, uint64_t now_ns)
{
	const struct judge_counts *worse = &group->judge.worse, news = group->news;
	char text[POLICY_PREFIX_LEN];

	group->news = (struct judge_counts){ 0 };
	if (!judge_take(&group->judge, &news, now_ns))
		return false;
	tell(log, now_ns,
	     "paths to %s: stamped segments fare clearly worse: %llu of %llu sent again, %llu of %llu bare ones: "
	     "shadows",
	     policy_prefix_text(&group->prefix, text), (unsigned long long)worse->stamped_repeated,
	     (unsigned long long)worse->stamped, (unsigned long long)(worse->repeated - worse->stamped_repeated),
	     (unsigned long long)(worse->segments - worse->stamped));
	return true;
}
