/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Asks nftables, ip6tables and IPsec whether they have rules. */
#include "filters.h"

#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/xfrm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { ANSWER_LEN = 32768 };

/* One question, its answers to `note`. */
static void ask(int protocol, struct nlmsghdr *question, char *answer, mnl_cb_t note, bool *found)
{
	struct mnl_socket *socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	int more = MNL_CB_OK;

	if (!socket)
		return;
	question->nlmsg_seq = (uint32_t)time(NULL);
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, question, question->nlmsg_len) < 0)
		more = MNL_CB_STOP;
	while (more > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(socket, answer, ANSWER_LEN);

		more = len < 0 ? MNL_CB_ERROR : mnl_cb_run(answer, (size_t)len, 0, 0, note, found);
	}
	mnl_socket_close(socket);
}

static int hook_note(const struct nlattr *attribute, void *data)
{
	uint32_t hook;

	if (mnl_attr_get_type(attribute) != NFTA_HOOK_HOOKNUM)
		return MNL_CB_OK;
	hook = be32toh(mnl_attr_get_u32(attribute));
	*(bool *)data |= hook == NF_INET_PRE_ROUTING || hook == NF_INET_FORWARD || hook == NF_INET_POST_ROUTING;
	return MNL_CB_OK;
}

static int chain_attribute_note(const struct nlattr *attribute, void *data)
{
	return mnl_attr_get_type(attribute) == NFTA_CHAIN_HOOK ? mnl_attr_parse_nested(attribute, hook_note, data)
							       : MNL_CB_OK;
}

static int chain_note(const struct nlmsghdr *message, void *data)
{
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN) ||
	    (header->nfgen_family != NFPROTO_IPV6 && header->nfgen_family != NFPROTO_INET))
		return MNL_CB_OK;
	return mnl_attr_parse(message, sizeof(*header), chain_attribute_note, data);
}

static bool nftables_are_there(char *answer)
{
	struct nlmsghdr *question = mnl_nlmsg_put_header(answer);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(question, sizeof(*header));
	bool found = false;

	question->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN;
	question->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nfgen_family = NFPROTO_UNSPEC;
	header->version = NFNETLINK_V0;
	ask(NETLINK_NETFILTER, question, answer, chain_note, &found);
	return found;
}

/* Tables of this namespace, one a line. */
static bool ip6tables_are_there(void)
{
	FILE *file = fopen("/proc/net/ip6_tables_names", "re");
	bool found = file && fgetc(file) != EOF;

	if (file)
		fclose(file);
	return found;
}

static int policy_attribute_note(const struct nlattr *attribute, void *data)
{
	struct xfrmu_spdinfo counts;

	if (mnl_attr_get_type(attribute) != XFRMA_SPD_INFO || mnl_attr_get_payload_len(attribute) < sizeof(counts))
		return MNL_CB_OK;
	memcpy(&counts, mnl_attr_get_payload(attribute), sizeof(counts));
	*(bool *)data |= counts.outcnt || counts.fwdcnt;
	return MNL_CB_OK;
}

static int policy_note(const struct nlmsghdr *message, void *data)
{
	mnl_attr_parse(message, sizeof(uint32_t), policy_attribute_note, data);
	return MNL_CB_STOP;
}

static bool ipsec_is_there(char *answer)
{
	struct nlmsghdr *question = mnl_nlmsg_put_header(answer);
	bool found = false;

	mnl_nlmsg_put_extra_header(question, sizeof(uint32_t)); /* flags */
	question->nlmsg_type = XFRM_MSG_GETSPDINFO;
	question->nlmsg_flags = NLM_F_REQUEST;
	ask(NETLINK_XFRM, question, answer, policy_note, &found);
	return found;
}

bool filters_are_there(void)
{
	char answer[ANSWER_LEN] __attribute__((aligned(NLMSG_ALIGNTO)));

	return ip6tables_are_there() || nftables_are_there(answer) || ipsec_is_there(answer);
}
