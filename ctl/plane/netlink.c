/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A dump of tc filters over rtnetlink, and a device's kind and driver. */
#include "netlink.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct filter_request {
	struct nlmsghdr header;
	struct tcmsg tc;
};

/* Counts the filters of one answer; *done at the dump's end. A filter has a handle, its group has none. */
static int filters_count(const char *answer, ssize_t len, bool *done)
{
	int count = 0;

	for (const struct nlmsghdr *m = (const void *)answer; NLMSG_OK(m, (size_t)len); m = NLMSG_NEXT(m, len)) {
		const struct tcmsg *tc = NLMSG_DATA(m);

		if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR)
			*done = true;
		else if (m->nlmsg_type == RTM_NEWTFILTER && tc->tcm_handle)
			count++;
	}
	return count;
}

static int filters_of(int fd, int ifindex, uint32_t parent)
{
	struct filter_request request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_GETTFILTER,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.tc = { .tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex, .tcm_parent = parent },
	};
	char answer[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	bool done = false;
	int count = 0;

	if (send(fd, &request, sizeof(request), 0) < 0)
		return -errno;
	while (!done) {
		ssize_t len = recv(fd, answer, sizeof(answer), 0);

		if (len <= 0)
			return len ? -errno : -EIO;
		count += filters_count(answer, len, &done);
	}
	return count;
}

int netlink_filters_of(int ifindex, bool egress)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), count;

	if (fd < 0)
		return -errno;
	count = filters_of(fd, ifindex, TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS));
	close(fd);
	return count;
}

int netlink_filters(int ifindex)
{
	int in = netlink_filters_of(ifindex, false), out = in < 0 ? in : netlink_filters_of(ifindex, true);

	return out < 0 ? out : in + out;
}

enum { LINK_ANSWER_LEN = 32768 };

/* The kind of the root qdisc of `ifindex` in one answer; *done at the dump's end. */
static void qdisc_find(const char *answer, ssize_t len, int ifindex, char *kind, unsigned int size, bool *done)
{
	for (const struct nlmsghdr *m = (const void *)answer; NLMSG_OK(m, (size_t)len); m = NLMSG_NEXT(m, len)) {
		const struct tcmsg *tc = NLMSG_DATA(m);
		int rest = (int)TCA_PAYLOAD(m);

		*done |= m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR;
		if (m->nlmsg_type != RTM_NEWQDISC || tc->tcm_ifindex != ifindex || tc->tcm_parent != TC_H_ROOT)
			continue;
		for (const struct rtattr *a = TCA_RTA(tc); RTA_OK(a, rest); a = RTA_NEXT(a, rest))
			if (a->rta_type == TCA_KIND)
				snprintf(kind, size, "%s", (const char *)RTA_DATA(a));
	}
}

void netlink_qdisc(int ifindex, char *kind, unsigned int size)
{
	struct filter_request request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_GETQDISC,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.tc = { .tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex },
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	char answer[LINK_ANSWER_LEN] __attribute__((aligned(NLMSG_ALIGNTO)));
	bool done = false;

	kind[0] = '\0';
	if (fd < 0 || send(fd, &request, sizeof(request), 0) < 0)
		done = true;
	while (!done) {
		ssize_t len = recv(fd, answer, sizeof(answer), 0);

		if (len <= 0)
			break;
		qdisc_find(answer, len, ifindex, kind, size, &done);
	}
	if (fd >= 0)
		close(fd);
}

/* What the kernel says of a device, into `answer`: its length, 0 if it says nothing. */
static size_t link_ask(int ifindex, char *answer)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST },
		.link = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex }
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ssize_t len = 0;

	if (fd < 0)
		return 0;
	if (send(fd, &request, sizeof(request), 0) == sizeof(request))
		len = recv(fd, answer, LINK_ANSWER_LEN, 0);
	close(fd);
	return len < 0 ? 0 : (size_t)len;
}

static const struct rtattr *attribute_find(const struct rtattr *a, int rest, unsigned short type)
{
	for (; RTA_OK(a, rest); a = RTA_NEXT(a, rest))
		if (a->rta_type == type)
			return a;
	return NULL;
}

static const struct rtattr *link_attribute(const char *answer, size_t len, unsigned short type)
{
	const struct nlmsghdr *header = (const void *)answer;

	if (!NLMSG_OK(header, len) || header->nlmsg_type != RTM_NEWLINK)
		return NULL;
	return attribute_find(IFLA_RTA(NLMSG_DATA(header)), (int)IFLA_PAYLOAD(header), type);
}

int netlink_peer_netns(int ifindex)
{
	char answer[LINK_ANSWER_LEN] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct rtattr *a = link_attribute(answer, link_ask(ifindex, answer), IFLA_LINK_NETNSID);
	int id = -1;

	if (a && RTA_PAYLOAD(a) == sizeof(id))
		memcpy(&id, RTA_DATA(a), sizeof(id));
	return id;
}

bool netlink_is_direct(int ifindex)
{
	static const char *const kinds[] = { "veth", "netkit", "dummy", "ifb", "tun" };
	char answer[LINK_ANSWER_LEN] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct rtattr *a = link_attribute(answer, link_ask(ifindex, answer), IFLA_LINKINFO);

	if (a)
		a = attribute_find(RTA_DATA(a), (int)RTA_PAYLOAD(a), IFLA_INFO_KIND);
	if (!a)
		return true; /* hardware */
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(RTA_DATA(a), kinds[i], RTA_PAYLOAD(a)) == 0)
			return true;
	return false;
}

/* One ioctl about a device. */
static int device_ask(const char *device, unsigned long what, struct ifreq *request)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -errno;
	strncpy(request->ifr_name, device, IFNAMSIZ - 1);
	error = ioctl(fd, what, request) ? -errno : 0;
	close(fd);
	return error;
}

int netlink_link_len(const char *device)
{
	struct ifreq request = { 0 };
	int error = device_ask(device, SIOCGIFHWADDR, &request);

	if (error)
		return error;
	return request.ifr_hwaddr.sa_family == ARPHRD_ETHER ? 14 : 0;
}

bool netlink_rxvlan(const char *device)
{
	struct ethtool_value flags = { .cmd = ETHTOOL_GFLAGS };
	struct ifreq request = { .ifr_data = (void *)&flags };

	return device_ask(device, SIOCETHTOOL, &request) == 0 && flags.data & ETH_FLAG_RXVLAN;
}

void netlink_driver(const char *device, char *driver, unsigned int size)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (void *)&info };

	driver[0] = 0;
	if (device_ask(device, SIOCETHTOOL, &request) == 0)
		snprintf(driver, size, "%s", info.driver);
}
