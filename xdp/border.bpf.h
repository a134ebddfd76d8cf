/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a border does to a packet with a hop-by-hop header, the same for XDP and tc, in and out.
 *
 * What is to go is taken out as a sink does it. Where that cannot be (BIG TCP, a tag in the frame, a header longer than
 * what is moved) it is overwritten, and where not even that can be the packet ends: nothing else that is in doubt does.
 *
 * The includer has `config` and says what a packet is to it: packet.bpf.h of tc or XDP. `shift` is how far the IPv6
 * header stands behind the place where config.self.link_len says it is.
 */
#ifndef HOPSPAN_XDP_BORDER_BPF_H
#define HOPSPAN_XDP_BORDER_BPF_H

#include "strip.bpf.h"
#include "tc/border.h"
#include "wire/ethernet.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, BORDER_PLACES_MAX);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(
	    values, struct {
		    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
		    __uint(map_flags, BPF_F_NO_PREALLOC);
		    __uint(max_entries, BORDER_PREFIXES_MAX);
		    __uint(key_size, sizeof(struct stamp_prefix));
		    __uint(value_size, sizeof(__u32));
	    });
} border_rules SEC(".maps");

/* An option while it is overwritten. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[OPTION_LEN_MAX + 7]);
} border_blank SEC(".maps");

enum { BORDER_WALKED = -1, BORDER_SHIFT_MAX = VLAN_TAGS_MAX * VLAN_TAG_LEN };

static __always_inline bool is_egress(void)
{
	return config.place & 1;
}

static __always_inline enum border_action border_action(const __u8 *ip6)
{
	struct stamp_prefix outside = { .prefix_len = 128 };
	__u32 place = config.place;
	void *rules = bpf_map_lookup_elem(&border_rules, &place);
	const __u32 *action;

	words_copy(outside.address, ip6 + (is_egress() ? IPV6_DESTINATION_AT : IPV6_SOURCE_AT), 4);
	action = rules ? bpf_map_lookup_elem(rules, &outside) : NULL;
	return action ? *action : BORDER_STRIP;
}

/* BORDER_WALKED, or enum outcome. A global function, as in plane.bpf.h. */
__attribute__((noinline)) int border_walk(struct PACKET_CONTEXT *packet, __u32 shift, __u32 ioam,
					  struct border_found *found)
{
	__u8 *ip6 = packet_ip6(packet) + (shift & 15);
	const __u8 *end = packet_end(packet);
	enum outcome why = OUTCOME_bad_truncated;

	if (!found || ip6 + IPV6_LEN > end || ip6[IPV6_NEXT_HEADER_AT] != NEXT_HEADER_HOP_BY_HOP)
		return why;
	return border_find(ip6, end, &config.ours, ioam, found, &why) ? BORDER_WALKED : (int)why;
}

/* Overwrites one option. Returns whether it could. */
__attribute__((noinline)) int option_blank(struct PACKET_CONTEXT *packet, __u32 option)
{
	__u32 key = 0;
	__u8 *blank = bpf_map_lookup_elem(&border_blank, &key), head[OPTION_HEADER_LEN];

	if (!blank || !packet_load(packet, option, head, sizeof(head)))
		return false;
	blank[0] = OPTION_BLANK;
	blank[1] = head[1];
	return packet_store(packet, option, blank, OPTION_HEADER_LEN + head[1]);
}

/* The last option first, so that those before it stay where they are. */
static __always_inline enum outcome border_strip(struct PACKET_CONTEXT *packet, __u32 shift,
						 const struct border_found *found)
{
	enum outcome outcome = OUTCOME_stripped;

	if (!shift && !found->others && header_strip(packet, found->header_len))
		return outcome;
	for (int i = BORDER_OPTIONS_MAX - 1; i >= 0; i--) {
		if (i >= found->count || (!shift && option_cut(packet, found->at[i])))
			continue;
		if (!option_blank(packet, shift + found->at[i]))
			return OUTCOME_drop_unstripped;
		outcome = OUTCOME_blanked;
	}
	return outcome;
}

/* Decides and does; the caller ends the packet where border_ends(). */
static __always_inline enum outcome border_packet(struct PACKET_CONTEXT *packet, __u32 shift)
{
	__u8 *ip6 = packet_ip6(packet) + (shift & 15);
	struct border_found found;
	enum border_action action;
	int walked;

	if (ip6 + IPV6_LEN > packet_end(packet))
		return OUTCOME_bad_truncated;
	action = border_action(ip6);
	walked = border_walk(packet, shift, action != BORDER_STRIP, &found);
	if (walked != BORDER_WALKED)
		return walked;
	if (found.active)
		return OUTCOME_active_ended;
	if (!found.count)
		return OUTCOME_other_options;
	if (action == BORDER_ALLOW)
		return OUTCOME_allowed;
	return action == BORDER_DROP ? OUTCOME_drop_options : border_strip(packet, shift, &found);
}

static __always_inline bool border_ends(enum outcome outcome)
{
	return outcome == OUTCOME_active_ended || outcome == OUTCOME_drop_options || outcome == OUTCOME_drop_unstripped;
}

#endif
