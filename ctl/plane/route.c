/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reads and writes IPv6 routes. */
#include "route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUTE_PROTOCOL = 104, ANSWER_LEN = 65536 };

struct route_request {
	struct nlmsghdr header;
	struct rtmsg route;
	char attributes[512];
};

static struct rtattr *attribute_add(struct route_request *request, uint16_t type, const void *data, size_t len)
{
	char *at = (char *)request + NLMSG_ALIGN(request->header.nlmsg_len);
	struct rtattr *attribute = (void *)at;

	attribute->rta_type = type;
	attribute->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len)
		memcpy(at + RTA_LENGTH(0), data, len);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
	return attribute;
}

static void metrics_read(const struct rtattr *nest, struct route *route)
{
	int len = (int)RTA_PAYLOAD(nest);

	for (const struct rtattr *a = RTA_DATA(nest); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		if (a->rta_type == RTAX_MTU && RTA_PAYLOAD(a) == sizeof(route->mtu))
			memcpy(&route->mtu, RTA_DATA(a), sizeof(route->mtu));
		else if (a->rta_type < ROUTE_METRICS_MAX && RTA_PAYLOAD(a) == sizeof(uint32_t))
			memcpy(&route->metrics[a->rta_type], RTA_DATA(a), sizeof(uint32_t));
		else
			route->odd = "it has metrics that cannot be copied";
	}
}

static void attribute_read(const struct rtattr *a, struct route *route)
{
	size_t len = RTA_PAYLOAD(a);

	if (a->rta_type == RTA_DST && len == 16)
		memcpy(route->address, RTA_DATA(a), 16);
	else if (a->rta_type == RTA_GATEWAY && len == 16)
		memcpy(route->gateway, RTA_DATA(a), 16), route->has_gateway = true;
	else if (a->rta_type == RTA_PREFSRC && len == 16)
		memcpy(route->source, RTA_DATA(a), 16), route->has_source = true;
	else if (a->rta_type == RTA_OIF && len == sizeof(int))
		memcpy(&route->ifindex, RTA_DATA(a), sizeof(int));
	else if (a->rta_type == RTA_PRIORITY && len == sizeof(uint32_t))
		memcpy(&route->metric, RTA_DATA(a), sizeof(uint32_t));
	else if (a->rta_type == RTA_METRICS)
		metrics_read(a, route);
	else if (a->rta_type == RTA_MULTIPATH)
		route->odd = "it has several next hops";
	else if (a->rta_type == RTA_ENCAP || a->rta_type == RTA_VIA || a->rta_type == RTA_NH_ID)
		route->odd = "its next hop is of a kind that cannot be copied";
	else if (a->rta_type == RTA_CACHEINFO && len >= sizeof(struct rta_cacheinfo) &&
		 ((const struct rta_cacheinfo *)RTA_DATA(a))->rta_expires)
		route->odd = "it expires";
}

/* False: not one that is asked for. */
static bool route_read(const struct nlmsghdr *message, struct route *route)
{
	const struct rtmsg *rtm = NLMSG_DATA(message);
	int len = (int)RTM_PAYLOAD(message);

	if (message->nlmsg_type != RTM_NEWROUTE || rtm->rtm_family != AF_INET6 || rtm->rtm_table != RT_TABLE_MAIN ||
	    rtm->rtm_type != RTN_UNICAST || rtm->rtm_flags & RTM_F_CLONED || rtm->rtm_src_len)
		return false;
	*route = (struct route){ .len = rtm->rtm_dst_len, .ours = rtm->rtm_protocol == ROUTE_PROTOCOL };
	route->flags = rtm->rtm_flags & RTNH_F_ONLINK;
	if (rtm->rtm_protocol == RTPROT_RA)
		route->odd = "it was learnt from a router";
	for (const struct rtattr *a = RTM_RTA(rtm); RTA_OK(a, len); a = RTA_NEXT(a, len))
		attribute_read(a, route);
	return route->ifindex && !(route->address[0] == 0xfe && (route->address[1] & 0xc0) == 0x80);
}

/* The routes of one answer; 1 at the dump's end. */
static int routes_take(const char *answer, ssize_t len, struct routes *routes)
{
	for (const struct nlmsghdr *m = (const void *)answer; NLMSG_OK(m, (size_t)len); m = NLMSG_NEXT(m, len)) {
		struct route *more;

		if (m->nlmsg_type == NLMSG_DONE)
			return 1;
		if (m->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)NLMSG_DATA(m))->error ?: -EIO;
		more = reallocarray(routes->list, routes->count + 1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		routes->list = more;
		routes->count += route_read(m, &more[routes->count]);
	}
	return 0;
}

static int netlink_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return fd < 0 ? -errno : fd;
}

int routes_read(struct routes *routes)
{
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
	} request = { .header = { .nlmsg_len = sizeof(request),
				  .nlmsg_type = RTM_GETROUTE,
				  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		      .route = { .rtm_family = AF_INET6 } };
	char *answer = malloc(ANSWER_LEN);
	int fd = netlink_open(), end = fd < 0 ? fd : 0;

	*routes = (struct routes){ 0 };
	if (!answer)
		end = -ENOMEM;
	if (!end && send(fd, &request, sizeof(request), 0) < 0)
		end = -errno;
	while (!end) {
		ssize_t len = recv(fd, answer, ANSWER_LEN, 0);

		end = len > 0 ? routes_take(answer, len, routes) : len ? -errno : -EIO;
	}
	free(answer);
	if (fd >= 0)
		close(fd);
	if (end < 0)
		routes_free(routes);
	return end < 0 ? end : 0;
}

void routes_free(struct routes *routes)
{
	free(routes->list);
	*routes = (struct routes){ 0 };
}

/* Sends a request and reads its acknowledgement. */
static int route_request(struct route_request *request)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[1024];
	} answer;
	int fd = netlink_open(), error = fd < 0 ? fd : 0;
	ssize_t len;

	if (!error && send(fd, request, request->header.nlmsg_len, 0) < 0)
		error = -errno;
	if (!error) {
		len = recv(fd, &answer, sizeof(answer), 0);
		if (len < (ssize_t)(sizeof(answer.header) + sizeof(answer.error.error)))
			error = len < 0 ? -errno : -EIO;
		else
			error = answer.header.nlmsg_type == NLMSG_ERROR ? answer.error.error : -EIO;
	}
	if (fd >= 0)
		close(fd);
	return error;
}

static struct route_request request_begin(uint16_t type, uint16_t flags, const struct route *route)
{
	struct route_request request = {
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
			    .nlmsg_type = type,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags },
		.route = { .rtm_family = AF_INET6,
			   .rtm_dst_len = (uint8_t)route->len,
			   .rtm_table = RT_TABLE_MAIN,
			   .rtm_protocol = ROUTE_PROTOCOL,
			   .rtm_type = RTN_UNICAST,
			   .rtm_flags = route->flags },
	};

	attribute_add(&request, RTA_DST, route->address, sizeof(route->address));
	attribute_add(&request, RTA_OIF, &route->ifindex, sizeof(route->ifindex));
	attribute_add(&request, RTA_PRIORITY, &route->metric, sizeof(route->metric));
	if (route->has_gateway)
		attribute_add(&request, RTA_GATEWAY, route->gateway, sizeof(route->gateway));
	return request;
}

int route_put(const struct route *route, const struct route *old)
{
	struct route_request request =
	    request_begin(RTM_NEWROUTE, old ? NLM_F_REPLACE : NLM_F_CREATE | NLM_F_EXCL, route);
	struct rtattr *nest;

	if (route->has_source)
		attribute_add(&request, RTA_PREFSRC, route->source, sizeof(route->source));
	nest = attribute_add(&request, RTA_METRICS, NULL, 0);
	attribute_add(&request, RTAX_MTU, &route->mtu, sizeof(route->mtu));
	for (uint16_t i = 0; i < ROUTE_METRICS_MAX; i++)
		if (route->metrics[i])
			attribute_add(&request, i, &route->metrics[i], sizeof(route->metrics[i]));
	nest->rta_len = (uint16_t)((char *)&request + request.header.nlmsg_len - (char *)nest);
	return route_request(&request);
}

int route_remove(const struct route *route)
{
	struct route_request request = request_begin(RTM_DELROUTE, 0, route);
	int error = route_request(&request);

	return error == -ESRCH ? 0 : error;
}

uint32_t route_device_mtu(const char *device)
{
	char path[sizeof("/proc/sys/net/ipv6/conf//mtu") + IFNAMSIZ];
	unsigned int mtu = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/mtu", device);
	file = fopen(path, "re");
	if (file && fscanf(file, "%u", &mtu) != 1)
		mtu = 0;
	if (file)
		fclose(file);
	return mtu;
}
