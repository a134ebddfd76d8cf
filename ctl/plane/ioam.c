/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Requests and answers of the generic netlink family IOAM6. */
#include "ioam.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ioam6_genl.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "namespaces.h"

enum { ATTRIBUTES_LEN = 512, ANSWER_LEN = 32768 };

struct request {
	struct nlmsghdr header;
	struct genlmsghdr generic;
	char attributes[ATTRIBUTES_LEN];
};
_Static_assert(IOAM6_SCHEMA_LEN_MAX + 64 <= ATTRIBUTES_LEN, "the largest schema");

static struct request request_begin(struct ioam *ioam, uint16_t type, uint8_t command, uint16_t flags)
{
	return (struct request){
		.header = { .nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN),
			    .nlmsg_type = type,
			    .nlmsg_flags = NLM_F_REQUEST | flags,
			    .nlmsg_seq = ++ioam->sequence },
		.generic = { .cmd = command, .version = IOAM6_GENL_VERSION },
	};
}

static void attribute_add(struct request *request, uint16_t type, const void *data, size_t len)
{
	struct nlattr *attribute = (void *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	attribute->nla_type = type;
	attribute->nla_len = (uint16_t)(NLA_HDRLEN + len);
	memcpy((char *)attribute + NLA_HDRLEN, data, len);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + NLA_ALIGN(attribute->nla_len);
}

/* The attributes of one answer, by type; those that are not there are NULL. */
static void attributes_read(const struct nlmsghdr *message, const struct nlattr **by_type, unsigned int most)
{
	const char *at = (const char *)NLMSG_DATA(message) + GENL_HDRLEN;
	const char *end = (const char *)message + message->nlmsg_len;

	memset(by_type, 0, (most + 1) * sizeof(*by_type));
	while (at + NLA_HDRLEN <= end) {
		const struct nlattr *attribute = (const void *)at;
		unsigned int type = attribute->nla_type & NLA_TYPE_MASK;

		if (attribute->nla_len < NLA_HDRLEN || at + attribute->nla_len > end)
			return;
		if (type <= most)
			by_type[type] = attribute;
		at += NLA_ALIGN(attribute->nla_len);
	}
}

/* False: the attribute is not there, or of another size. */
static bool attribute_get(const struct nlattr *attribute, void *value, size_t len)
{
	if (!attribute || attribute->nla_len != NLA_HDRLEN + len)
		return false;
	memcpy(value, (const char *)attribute + NLA_HDRLEN, len);
	return true;
}

/* One datagram of answers: 1: more will come; 0, or the error that the kernel told. */
static int answers_take(const struct ioam *ioam, const char *answer, size_t len,
			void (*take)(const struct nlmsghdr *message, void *into), void *into)
{
	for (const struct nlmsghdr *m = (const void *)answer; NLMSG_OK(m, len); m = NLMSG_NEXT(m, len)) {
		if (m->nlmsg_seq != ioam->sequence)
			continue;
		if (m->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)NLMSG_DATA(m))->error;
		if (m->nlmsg_type == NLMSG_DONE)
			return 0;
		if (take)
			take(m, into);
	}
	return 1;
}

static int request_send(struct ioam *ioam, const struct request *request,
			void (*take)(const struct nlmsghdr *message, void *into), void *into)
{
	char answer[ANSWER_LEN] __attribute__((aligned(NLMSG_ALIGNTO)));
	int left = 1;

	if (send(ioam->fd, request, request->header.nlmsg_len, 0) < 0)
		return -errno;
	while (left == 1) {
		ssize_t len = recv(ioam->fd, answer, sizeof(answer), 0);

		if (len <= 0)
			return len ? -errno : -EIO;
		left = answers_take(ioam, answer, (size_t)len, take, into);
	}
	return left;
}

static void family_take(const struct nlmsghdr *message, void *into)
{
	const struct nlattr *by_type[CTRL_ATTR_MAX + 1];

	attributes_read(message, by_type, CTRL_ATTR_MAX);
	attribute_get(by_type[CTRL_ATTR_FAMILY_ID], into, sizeof(uint16_t));
}

int ioam_open(struct ioam *ioam)
{
	struct request request;
	int error;

	*ioam = (struct ioam){ .fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC) };
	if (ioam->fd < 0)
		return -errno;
	request = request_begin(ioam, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	attribute_add(&request, CTRL_ATTR_FAMILY_NAME, IOAM6_GENL_NAME, sizeof(IOAM6_GENL_NAME));
	error = request_send(ioam, &request, family_take, &ioam->family);
	if (error)
		ioam_close(ioam);
	return error;
}

void ioam_close(struct ioam *ioam)
{
	close(ioam->fd);
}

static void namespace_take(const struct nlmsghdr *message, void *into)
{
	struct ioam6_namespace namespace = {
		.data_wide = ~0ULL, .data = IOAM6_NONE32, .schema_id = IOAM6_SNAPSHOT_NONE, .time = IOAM6_TIME_POSIX
	};
	const struct nlattr *by_type[IOAM6_ATTR_MAX + 1];

	attributes_read(message, by_type, IOAM6_ATTR_MAX);
	if (!attribute_get(by_type[IOAM6_ATTR_NS_ID], &namespace.id, sizeof(namespace.id)))
		return;
	attribute_get(by_type[IOAM6_ATTR_NS_DATA], &namespace.data, sizeof(namespace.data));
	attribute_get(by_type[IOAM6_ATTR_NS_DATA_WIDE], &namespace.data_wide, sizeof(namespace.data_wide));
	attribute_get(by_type[IOAM6_ATTR_SC_ID], &namespace.schema_id, sizeof(namespace.schema_id));
	ioam6_namespaces_add(into, &namespace);
}

int ioam_list(struct ioam *ioam, struct ioam6_namespaces *namespaces)
{
	struct request request = request_begin(ioam, ioam->family, IOAM6_CMD_DUMP_NAMESPACES, NLM_F_DUMP);

	*namespaces = (struct ioam6_namespaces){ 0 };
	return request_send(ioam, &request, namespace_take, namespaces);
}

int ioam_namespace_add(struct ioam *ioam, const struct ioam6_namespace *namespace)
{
	struct request request = request_begin(ioam, ioam->family, IOAM6_CMD_ADD_NAMESPACE, NLM_F_ACK);

	attribute_add(&request, IOAM6_ATTR_NS_ID, &namespace->id, sizeof(namespace->id));
	attribute_add(&request, IOAM6_ATTR_NS_DATA, &namespace->data, sizeof(namespace->data));
	attribute_add(&request, IOAM6_ATTR_NS_DATA_WIDE, &namespace->data_wide, sizeof(namespace->data_wide));
	return request_send(ioam, &request, NULL, NULL);
}

int ioam_namespace_delete(struct ioam *ioam, uint16_t id)
{
	struct request request = request_begin(ioam, ioam->family, IOAM6_CMD_DEL_NAMESPACE, NLM_F_ACK);

	attribute_add(&request, IOAM6_ATTR_NS_ID, &id, sizeof(id));
	return request_send(ioam, &request, NULL, NULL);
}

int ioam_schema_add(struct ioam *ioam, const struct ioam6_namespace *namespace)
{
	struct request request = request_begin(ioam, ioam->family, IOAM6_CMD_ADD_SCHEMA, NLM_F_ACK);
	int error;

	attribute_add(&request, IOAM6_ATTR_SC_ID, &namespace->schema_id, sizeof(namespace->schema_id));
	attribute_add(&request, IOAM6_ATTR_SC_DATA, namespace->schema, namespace->schema_words * (size_t)IOAM6_WORD);
	error = request_send(ioam, &request, NULL, NULL);
	if (error)
		return error;
	request = request_begin(ioam, ioam->family, IOAM6_CMD_NS_SET_SCHEMA, NLM_F_ACK);
	attribute_add(&request, IOAM6_ATTR_NS_ID, &namespace->id, sizeof(namespace->id));
	attribute_add(&request, IOAM6_ATTR_SC_ID, &namespace->schema_id, sizeof(namespace->schema_id));
	error = request_send(ioam, &request, NULL, NULL);
	if (error)
		ioam_schema_delete(ioam, namespace->schema_id);
	return error;
}

int ioam_schema_delete(struct ioam *ioam, uint32_t id)
{
	struct request request = request_begin(ioam, ioam->family, IOAM6_CMD_DEL_SCHEMA, NLM_F_ACK);

	attribute_add(&request, IOAM6_ATTR_SC_ID, &id, sizeof(id));
	return request_send(ioam, &request, NULL, NULL);
}
