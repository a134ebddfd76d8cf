/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Two questions over generic netlink: which family is "netdev", and what it says of a device. */
#include "features.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* linux/netdev.h of Linux 6.3 */
enum { NETDEV_CMD_DEV_GET = 1, NETDEV_A_DEV_IFINDEX = 1, NETDEV_A_DEV_XDP_FEATURES = 3 };
enum { NETDEV_XDP_ACT_NDO_XMIT = 4 };

/* A request with one attribute. */
struct request {
	struct nlmsghdr header;
	struct genlmsghdr generic;
	struct nlattr attribute;
	char value[16];
};

struct answer {
	struct nlmsghdr header;
	char octets[8192];
};

static int ask(int fd, uint16_t family, uint8_t command, uint16_t type, const void *value, uint16_t len,
	       struct answer *answer)
{
	struct request request = { .header = { .nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST },
				   .generic = { .cmd = command, .version = 1 },
				   .attribute = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type } };
	ssize_t got;

	memcpy(request.value, value, len);
	request.header.nlmsg_len = (uint32_t)(offsetof(struct request, value) + NLA_ALIGN(len));
	if (send(fd, &request, request.header.nlmsg_len, 0) < 0)
		return -errno;
	got = recv(fd, answer, sizeof(*answer), 0);
	if (got < 0)
		return -errno;
	if (!NLMSG_OK(&answer->header, (size_t)got))
		return -EBADMSG;
	return answer->header.nlmsg_type == NLMSG_ERROR ? ((struct nlmsgerr *)NLMSG_DATA(&answer->header))->error : 0;
}

/* `len` octets of the answer's attribute `type`; false: it has none. */
static bool answer_get(const struct answer *answer, uint16_t type, void *value, size_t len)
{
	const char *at = (const char *)NLMSG_DATA(&answer->header) + GENL_HDRLEN;
	const char *end = (const char *)answer + answer->header.nlmsg_len;

	while (at + NLA_HDRLEN <= end) {
		const struct nlattr *attribute = (const void *)at;

		if (attribute->nla_len < NLA_HDRLEN)
			return false;
		if ((attribute->nla_type & NLA_TYPE_MASK) == type && at + NLA_HDRLEN + len <= end) {
			memcpy(value, at + NLA_HDRLEN, len);
			return true;
		}
		at += NLA_ALIGN(attribute->nla_len);
	}
	return false;
}

int features_xdp_out(int ifindex)
{
	static const char name[] = "netdev";
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC), error;
	struct answer answer;
	uint16_t family = 0;
	uint64_t features = 0;

	if (fd < 0)
		return -errno;
	error = ask(fd, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, name, sizeof(name), &answer);
	if (error == -ENOENT || (!error && !answer_get(&answer, CTRL_ATTR_FAMILY_ID, &family, sizeof(family))))
		error = -EOPNOTSUPP;
	if (!error)
		error = ask(fd, family, NETDEV_CMD_DEV_GET, NETDEV_A_DEV_IFINDEX, &ifindex, sizeof(ifindex), &answer);
	if (!error && !answer_get(&answer, NETDEV_A_DEV_XDP_FEATURES, &features, sizeof(features)))
		error = -EOPNOTSUPP;
	close(fd);
	return error ? error : !!(features & NETDEV_XDP_ACT_NDO_XMIT);
}
