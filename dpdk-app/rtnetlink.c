/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reads rtnetlink for the mirror. One thread's. */
#include "rtnetlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	ANSWER_LEN = 65536,
	NOTES_LEN = 8 * 1024 * 1024, /* changes that wait for us before the kernel drops some */
	READ_TRIES = 5,
	BATCH = 256, /* messages before workers see them */
	RULE_LOCAL = 0,
	RULE_MAIN = 32766,
};

struct rtnetlink {
	struct mnl_socket *notes, *questions, *uses;
	struct mirror *mirror;
	struct table *table;
	struct rtnetlink_calls calls;
	uint32_t sequence;
	bool due;   /* all is to be read */
	bool rules; /* others than the two that are always there */
	char answer[ANSWER_LEN] __attribute__((aligned(NLMSG_ALIGNTO)));
};

struct attributes {
	const struct nlattr *of[64];
};

static int attribute_note(const struct nlattr *attribute, void *data)
{
	struct attributes *attributes = data;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type < sizeof(attributes->of) / sizeof(attributes->of[0]))
		attributes->of[type] = attribute;
	return MNL_CB_OK;
}

static void attributes_read(const struct nlmsghdr *message, uint32_t header_len, struct attributes *attributes)
{
	memset(attributes, 0, sizeof(*attributes));
	mnl_attr_parse(message, header_len, attribute_note, attributes);
}

static uint32_t attribute_u32(const struct nlattr *attribute, uint32_t otherwise)
{
	return attribute && mnl_attr_get_payload_len(attribute) == sizeof(uint32_t) ? mnl_attr_get_u32(attribute)
										    : otherwise;
}

static bool attribute_copy(const struct nlattr *attribute, void *to, size_t len)
{
	if (!attribute || mnl_attr_get_payload_len(attribute) != len)
		return false;
	memcpy(to, mnl_attr_get_payload(attribute), len);
	return true;
}

static uint32_t route_mtu(const struct nlattr *metrics)
{
	struct attributes nested = { 0 };

	if (metrics)
		mnl_attr_parse_nested(metrics, attribute_note, &nested);
	return attribute_u32(nested.of[RTAX_MTU], 0);
}

/* Of one next hop, alone or among several. */
static void next_note(const struct attributes *attributes, uint32_t ifindex, uint32_t weight,
		      struct mirror_route *route)
{
	struct mirror_next *next = &route->nexts[route->count++];

	next->ifindex = ifindex;
	next->weight = weight;
	attribute_copy(attributes->of[RTA_GATEWAY], next->gateway, sizeof(next->gateway));
	route->odd |= attributes->of[RTA_ENCAP] || attributes->of[RTA_VIA];
}

/* Dead ones are passed over by the kernel, too. */
static void nexts_note(const struct nlattr *several, struct mirror_route *route)
{
	const struct rtnexthop *one = mnl_attr_get_payload(several);
	int left = mnl_attr_get_payload_len(several);

	for (; RTNH_OK(one, left); left -= (int)RTNH_ALIGN(one->rtnh_len), one = RTNH_NEXT(one)) {
		struct attributes attributes = { 0 };

		if (one->rtnh_flags & RTNH_F_DEAD)
			continue;
		if (route->count == GROUP_HOPS_MAX) {
			route->odd = true;
			return;
		}
		mnl_attr_parse_payload(RTNH_DATA(one), one->rtnh_len - RTNH_LENGTH(0), attribute_note, &attributes);
		next_note(&attributes, (uint32_t)one->rtnh_ifindex, one->rtnh_hops + 1U, route);
	}
}

/* Destinations that are no matter of routes: the kernel's anyway. */
static bool is_of_link(const uint8_t *prefix, uint8_t len)
{
	return (len >= 8 && prefix[0] == 0xff) || (len >= 10 && prefix[0] == 0xfe && (prefix[1] & 0xc0) == 0x80);
}

static void route_note(struct rtnetlink *rtnetlink, const struct nlmsghdr *message)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	uint8_t prefix[TABLE_ADDRESS_LEN] = { 0 };
	struct mirror_route route = { 0 };
	struct attributes attributes;
	uint32_t table;
	bool fits;

	if (rtm->rtm_family != AF_INET6 || rtm->rtm_flags & RTM_F_CLONED || rtm->rtm_dst_len > TABLE_ADDRESS_BITS)
		return;
	attributes_read(message, sizeof(*rtm), &attributes);
	table = attribute_u32(attributes.of[RTA_TABLE], rtm->rtm_table);
	attribute_copy(attributes.of[RTA_DST], prefix, sizeof(prefix));
	if ((table != RT_TABLE_MAIN && table != RT_TABLE_LOCAL) || is_of_link(prefix, rtm->rtm_dst_len))
		return;
	route.local = table == RT_TABLE_LOCAL;
	route.metric = attribute_u32(attributes.of[RTA_PRIORITY], 0);
	route.mtu = route_mtu(attributes.of[RTA_METRICS]);
	if (attributes.of[RTA_MULTIPATH])
		nexts_note(attributes.of[RTA_MULTIPATH], &route);
	else
		next_note(&attributes, attribute_u32(attributes.of[RTA_OIF], 0), 1, &route);
	route.odd |= rtm->rtm_type != RTN_UNICAST || rtm->rtm_src_len || rtm->rtm_flags & RTNH_F_DEAD;
	if (message->nlmsg_type == RTM_NEWROUTE)
		fits = mirror_route_add(rtnetlink->mirror, prefix, rtm->rtm_dst_len, &route,
					message->nlmsg_flags & NLM_F_REPLACE);
	else
		fits = mirror_route_remove(rtnetlink->mirror, prefix, rtm->rtm_dst_len, &route);
	rtnetlink->due |= !fits;
}

static void neighbour_note(struct rtnetlink *rtnetlink, const struct nlmsghdr *message)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(message);
	struct mirror_neighbour neighbour = { .ifindex = (uint32_t)ndm->ndm_ifindex };
	struct attributes attributes;

	if (ndm->ndm_family != AF_INET6 || ndm->ndm_flags & NTF_PROXY)
		return;
	attributes_read(message, sizeof(*ndm), &attributes);
	if (!attribute_copy(attributes.of[NDA_DST], neighbour.address, sizeof(neighbour.address)))
		return;
	neighbour.stale = !(ndm->ndm_state & (NUD_REACHABLE | NUD_PERMANENT | NUD_NOARP));
	if (message->nlmsg_type == RTM_NEWNEIGH &&
	    ndm->ndm_state & (NUD_PERMANENT | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE) &&
	    attribute_copy(attributes.of[NDA_LLADDR], neighbour.mac, sizeof(neighbour.mac)))
		mirror_neighbour_put(rtnetlink->mirror, &neighbour);
	else
		mirror_neighbour_remove(rtnetlink->mirror, neighbour.ifindex, neighbour.address);
}

static void link_note(const struct rtnetlink *rtnetlink, const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct rtnetlink_link link = {
		.ifindex = (uint32_t)info->ifi_index,
		.up = info->ifi_flags & IFF_UP,
		.carrier = info->ifi_flags & IFF_LOWER_UP,
		.gone = message->nlmsg_type == RTM_DELLINK,
	};
	struct attributes attributes;

	/* Of bridges there are messages of another family. */
	if (info->ifi_family != AF_UNSPEC)
		return;
	attributes_read(message, sizeof(*info), &attributes);
	link.mtu = attribute_u32(attributes.of[IFLA_MTU], 0);
	link.master = attributes.of[IFLA_MASTER];
	attribute_copy(attributes.of[IFLA_ADDRESS], link.mac, sizeof(link.mac));
	rtnetlink->calls.link(rtnetlink->calls.context, &link);
}

static void forwarding_note(const struct rtnetlink *rtnetlink, const struct nlmsghdr *message)
{
	const struct netconfmsg *netconf = mnl_nlmsg_get_payload(message);
	struct attributes attributes;
	uint32_t ifindex;

	if (netconf->ncm_family != AF_INET6 || message->nlmsg_type != RTM_NEWNETCONF)
		return;
	attributes_read(message, sizeof(*netconf), &attributes);
	ifindex = attribute_u32(attributes.of[NETCONFA_IFINDEX], 0);
	if (attributes.of[NETCONFA_FORWARDING] && (int32_t)ifindex > 0)
		rtnetlink->calls.forwarding(rtnetlink->calls.context, ifindex,
					    attribute_u32(attributes.of[NETCONFA_FORWARDING], 0));
}

/* The two rules that are always there: all packets, first by the local table, then by the main one. */
static bool rule_is_usual(const struct nlmsghdr *message, const struct fib_rule_hdr *rule)
{
	static const uint16_t selectors[] = {
		FRA_SRC,    FRA_DST,	   FRA_IIFNAME,	 FRA_OIFNAME,	  FRA_FWMARK,
		FRA_TUN_ID, FRA_UID_RANGE, FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE
	};
	struct attributes attributes;
	uint32_t table, priority;

	attributes_read(message, sizeof(*rule), &attributes);
	for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++)
		if (attributes.of[selectors[i]])
			return false;
	table = attribute_u32(attributes.of[FRA_TABLE], rule->table);
	priority = attribute_u32(attributes.of[FRA_PRIORITY], 0);
	return rule->action == FR_ACT_TO_TBL && attribute_u32(attributes.of[FRA_SUPPRESS_PREFIXLEN], ~0U) == ~0U &&
	       !attributes.of[FRA_SUPPRESS_IFGROUP] && !(rule->flags & FIB_RULE_INVERT) && !rule->tos &&
	       ((table == RT_TABLE_LOCAL && priority == RULE_LOCAL) ||
		(table == RT_TABLE_MAIN && priority == RULE_MAIN));
}

static int all_note(const struct nlmsghdr *message, void *data)
{
	struct rtnetlink *rtnetlink = data;

	switch (message->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		route_note(rtnetlink, message);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		neighbour_note(rtnetlink, message);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		link_note(rtnetlink, message);
		break;
	case RTM_NEWNETCONF:
	case RTM_DELNETCONF:
		forwarding_note(rtnetlink, message);
		break;
	case RTM_NEWRULE:
		rtnetlink->rules |= !rule_is_usual(message, mnl_nlmsg_get_payload(message));
		rtnetlink->due |= rtnetlink->rules;
		break;
	case RTM_DELRULE:
		rtnetlink->due = true;
		break;
	}
	return MNL_CB_OK;
}

/* One kind of thing, all of it; its messages' header begins with the family. -EINTR: it changed meanwhile. */
static int dump_read(struct rtnetlink *rtnetlink, uint16_t type, uint8_t family, size_t header_len)
{
	uint32_t port = mnl_socket_get_portid(rtnetlink->questions);
	struct nlmsghdr *question = mnl_nlmsg_put_header(rtnetlink->answer);
	ssize_t len;
	int more = MNL_CB_OK;

	question->nlmsg_type = type;
	question->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	question->nlmsg_seq = ++rtnetlink->sequence;
	*(uint8_t *)mnl_nlmsg_put_extra_header(question, header_len) = family;
	if (mnl_socket_sendto(rtnetlink->questions, question, question->nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		len = mnl_socket_recvfrom(rtnetlink->questions, rtnetlink->answer, sizeof(rtnetlink->answer));
		more = len < 0
			   ? MNL_CB_ERROR
			   : mnl_cb_run(rtnetlink->answer, (size_t)len, rtnetlink->sequence, port, all_note, rtnetlink);
	}
	return more == MNL_CB_ERROR ? -errno : 0;
}

/* Links first: what comes after them is about them. */
static int all_read_once(struct rtnetlink *rtnetlink)
{
	int err;

	rtnetlink->rules = false;
	mirror_read_begin(rtnetlink->mirror);
	err = dump_read(rtnetlink, RTM_GETLINK, AF_UNSPEC, sizeof(struct ifinfomsg));
	err = err ? err : dump_read(rtnetlink, RTM_GETNETCONF, AF_INET6, sizeof(struct netconfmsg));
	err = err ? err : dump_read(rtnetlink, RTM_GETRULE, AF_INET6, sizeof(struct fib_rule_hdr));
	err = err ? err : dump_read(rtnetlink, RTM_GETNEIGH, AF_INET6, sizeof(struct ndmsg));
	err = err ? err : dump_read(rtnetlink, RTM_GETROUTE, AF_INET6, sizeof(struct rtmsg));
	if (!err)
		mirror_read_end(rtnetlink->mirror);
	return err;
}

static struct mnl_socket *questions_open(void)
{
	struct mnl_socket *questions = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (questions && mnl_socket_bind(questions, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(questions);
		return NULL;
	}
	return questions;
}

/* What is left of a dump that was not read to its end goes with its socket. */
static int questions_renew(struct rtnetlink *rtnetlink)
{
	struct mnl_socket *renewed = questions_open();

	if (!renewed)
		return -errno;
	mnl_socket_close(rtnetlink->questions);
	rtnetlink->questions = renewed;
	return 0;
}

static int all_read(struct rtnetlink *rtnetlink)
{
	int err = -EINTR;

	for (int i = 0; i < READ_TRIES && err; i++) {
		err = all_read_once(rtnetlink);
		if (err && questions_renew(rtnetlink))
			break;
	}
	rtnetlink->due = err;
	table_off(rtnetlink->table, TABLE_OFF_UNREAD, err);
	table_off(rtnetlink->table, TABLE_OFF_RULES, rtnetlink->rules);
	mirror_commit(rtnetlink->mirror);
	return err;
}

static int notes_open(struct rtnetlink *rtnetlink)
{
	static const int groups[] = { RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE,
				      RTNLGRP_IPV6_NETCONF };
	int size = NOTES_LEN, fd;

	rtnetlink->notes = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!rtnetlink->notes || mnl_socket_bind(rtnetlink->notes, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	fd = mnl_socket_get_fd(rtnetlink->notes);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (mnl_socket_setsockopt(rtnetlink->notes, NETLINK_ADD_MEMBERSHIP, (void *)&groups[i],
					  sizeof(groups[i])) < 0)
			return -errno;
	return 0;
}

int rtnetlink_open(struct rtnetlink **rtnetlink, struct mirror *mirror, struct table *table,
		   const struct rtnetlink_calls *calls)
{
	struct rtnetlink *opened = calloc(1, sizeof(*opened));
	int err = opened ? 0 : -ENOMEM;

	if (!err) {
		opened->mirror = mirror;
		opened->table = table;
		opened->calls = *calls;
		opened->questions = questions_open();
		opened->uses = opened->questions ? questions_open() : NULL;
		err = opened->uses ? notes_open(opened) : -errno;
	}
	if (!err)
		err = all_read(opened);
	if (err) {
		fprintf(stderr, PROGRAM ": routes cannot be read: %s\n", strerror(-err));
		rtnetlink_close(opened);
		return err;
	}
	*rtnetlink = opened;
	return 0;
}

void rtnetlink_close(struct rtnetlink *rtnetlink)
{
	if (!rtnetlink)
		return;
	if (rtnetlink->notes)
		mnl_socket_close(rtnetlink->notes);
	if (rtnetlink->questions)
		mnl_socket_close(rtnetlink->questions);
	if (rtnetlink->uses)
		mnl_socket_close(rtnetlink->uses);
	free(rtnetlink);
}

int rtnetlink_fd(const struct rtnetlink *rtnetlink)
{
	return mnl_socket_get_fd(rtnetlink->notes);
}

void rtnetlink_again(struct rtnetlink *rtnetlink)
{
	rtnetlink->due = true;
}

bool rtnetlink_is_due(const struct rtnetlink *rtnetlink)
{
	return rtnetlink->due;
}

void rtnetlink_read(struct rtnetlink *rtnetlink)
{
	for (int i = 0; i < BATCH; i++) {
		ssize_t len = mnl_socket_recvfrom(rtnetlink->notes, rtnetlink->answer, sizeof(rtnetlink->answer));

		if (len < 0 && errno == EAGAIN)
			break;
		/* Some were lost (ENOBUFS). */
		if (len < 0 || mnl_cb_run(rtnetlink->answer, (size_t)len, 0, 0, all_note, rtnetlink) == MNL_CB_ERROR)
			rtnetlink->due = true;
	}
	if (rtnetlink->due)
		all_read(rtnetlink);
	else
		mirror_commit(rtnetlink->mirror);
}

void rtnetlink_use(struct rtnetlink *rtnetlink, uint32_t ifindex, const uint8_t *address)
{
	char buffer[MNL_NLMSG_HDRLEN + 256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ndmsg *ndm;

	request->nlmsg_type = RTM_NEWNEIGH;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE;
	ndm = mnl_nlmsg_put_extra_header(request, sizeof(*ndm));
	ndm->ndm_family = AF_INET6;
	ndm->ndm_ifindex = (int)ifindex;
	ndm->ndm_flags = NTF_USE;
	mnl_attr_put(request, NDA_DST, TABLE_ADDRESS_LEN, address);
	mnl_socket_sendto(rtnetlink->uses, request, request->nlmsg_len);
	/* An answer is there at once, and says that the neighbour has gone meanwhile. */
	while (recv(mnl_socket_get_fd(rtnetlink->uses), buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
		;
}
