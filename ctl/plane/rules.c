/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Rules of a border -> maps of prefixes in the map "border_rules", and back. */
#include "rules.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counters.h"
#include "policy.h"

const char *const rule_actions[BORDER_ACTIONS] = {
	[BORDER_STRIP] = "strip", [BORDER_STRIP_IOAM] = "strip-ioam", [BORDER_DROP] = "drop", [BORDER_ALLOW] = "allow"
};

int rules_add(struct rules *rules, const struct rule *rule)
{
	for (unsigned int i = 0; i < rules->count; i++) {
		const struct rule *there = &rules->list[i];

		if (there->egress == rule->egress && !memcmp(&there->prefix, &rule->prefix, sizeof(rule->prefix)))
			return there->action == rule->action ? 0 : -EEXIST;
	}
	if (rules->count >= RULES_MAX)
		return -ENOSPC;
	rules->list[rules->count++] = *rule;
	return 0;
}

void rules_add_defaults(struct rules *rules)
{
	for (int egress = 0; egress < 2; egress++) {
		const struct rule rule = { .egress = (uint8_t)egress, .action = BORDER_STRIP };
		bool there = false;

		for (unsigned int i = 0; i < rules->count; i++)
			there |= rules->list[i].egress == egress && !rules->list[i].prefix.prefix_len;
		if (!there)
			rules->list[rules->count++] = rule;
	}
}

/* One direction's: the fd of a map of prefixes, or -errno. */
static int prefixes_make(const struct rules *rules, bool egress)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
	int fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "border_prefix", sizeof(struct stamp_prefix), sizeof(uint32_t),
				BORDER_PREFIXES_MAX, &options);
	int error = fd < 0 ? -errno : 0;

	for (unsigned int i = 0; i < rules->count && !error; i++) {
		const struct rule *rule = &rules->list[i];
		uint32_t action = rule->action;

		if (rule->egress == egress && bpf_map_update_elem(fd, &rule->prefix, &action, BPF_ANY))
			error = -errno;
	}
	if (error && fd >= 0)
		close(fd);
	return error ? error : fd;
}

int rules_write(const struct rules *rules, int map, int ifindex)
{
	int error = 0;

	for (int egress = 0; egress < 2 && !error; egress++) {
		uint32_t place = border_place((uint32_t)ifindex, egress);
		int fd = prefixes_make(rules, egress);

		if (fd < 0)
			return fd;
		error = bpf_map_update_elem(map, &place, &fd, BPF_ANY) ? -errno : 0;
		close(fd);
	}
	return error;
}

static void prefixes_read(int map, uint32_t place, struct rules *rules)
{
	struct stamp_prefix next, *previous = NULL;
	uint32_t id, action;
	int fd = bpf_map_lookup_elem(map, &place, &id) ? -1 : bpf_map_get_fd_by_id(id);

	while (fd >= 0 && rules->count < RULES_MAX + 2 && bpf_map_get_next_key(fd, previous, &next) == 0) {
		if (bpf_map_lookup_elem(fd, &next, &action) == 0 && action < BORDER_ACTIONS)
			rules->list[rules->count++] =
			    (struct rule){ .prefix = next, .egress = place & 1, .action = (uint8_t)action };
		previous = &next;
	}
	if (fd >= 0)
		close(fd);
}

void rules_read(const char *folder, int ifindex, struct rules *rules)
{
	int map = counters_open_map(folder, "border_rules");

	rules->count = 0;
	for (int egress = 0; map >= 0 && egress < 2; egress++)
		prefixes_read(map, border_place((uint32_t)ifindex, egress), rules);
	if (map >= 0)
		close(map);
}

int rules_move(const char *folder, int from, int to)
{
	struct rules *rules = malloc(sizeof(*rules));
	int map = counters_open_map(folder, "border_rules"), error = rules ? map : -ENOMEM;

	if (rules && map >= 0) {
		rules_read(folder, from, rules);
		error = rules_write(rules, map, to);
	}
	if (map >= 0)
		close(map);
	free(rules);
	return error < 0 ? error : 0;
}

void rules_remove(const char *folder, int ifindex)
{
	int map = counters_open_map(folder, "border_rules");

	for (int egress = 0; map >= 0 && egress < 2; egress++) {
		uint32_t place = border_place((uint32_t)ifindex, egress);

		bpf_map_delete_elem(map, &place);
	}
	if (map >= 0)
		close(map);
}

json_t *rules_json(const struct rules *rules, bool egress)
{
	char text[POLICY_PREFIX_LEN];
	json_t *list = json_array();

	for (int len = 128; len >= 0; len--)
		for (unsigned int i = 0; i < rules->count; i++) {
			const struct rule *rule = &rules->list[i];

			if (rule->egress == egress && rule->prefix.prefix_len == (uint32_t)len)
				json_array_append_new(list, json_pack("{s:s, s:s}", "prefix",
								      policy_prefix_text(&rule->prefix, text), "action",
								      rule_actions[rule->action]));
		}
	return list;
}
