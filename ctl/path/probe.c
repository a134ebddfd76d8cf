/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Sends the rounds of a probe and takes the answers. The packets are written whole (IPV6_HDRINCL): the kernel's own
 * ways to a hop-by-hop header and a flow label depend on what else is set up on the machine.
 */
#include "probe.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"

#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36
#endif

enum {
	ROUND_PACKETS = PROBE_ROUND * PROBE_KINDS * PROBE_SIZES,
	SPACING_NS = 5000000,	/* 200 ms a round */
	ANSWER_NS = 1000000000, /* after the last packet of a round */
	MTU_FALLS_MAX = 4,
	MTU_LOOK = 10, /* packets between two looks at it */
	SMALL_PAYLOAD_LEN = 32,
	DISCARD_PORT = 9,
	IPV6_MTU_MIN = 1280,
};

struct probe {
	struct probe_target target;
	struct sockaddr_in6 address;
	int raw, route; /* the route's socket sends nothing: it knows source address and MTU */
	uint8_t source[16];
	uint16_t id;
	uint16_t first; /* sequence of the first packet of this try, before which are those of another MTU */
	uint32_t mtu;
	unsigned int mtu_falls;
	unsigned int sent, came; /* packets of this try */
	bool answered[ROUND_PACKETS * PROBE_ROUNDS];
	struct probe_counts counts;
	uint64_t next_ns;
	bool is_over;
	enum probe_verdict verdict;
};

/* The order within four packets alternates, so that bursts of loss meet all alike. */
static enum probe_kind packet_kind(unsigned int i)
{
	return (i ^ i >> 1 ^ i >> 2) & 1 ? PROBE_OPTION : PROBE_BARE;
}

static enum probe_size packet_size(unsigned int i)
{
	return i & 2 ? PROBE_FULL : PROBE_SMALL;
}

/* As the kernel knows it now: connecting anew looks the route up. */
static int route_look(struct probe *probe)
{
	struct sockaddr_in6 source;
	socklen_t len = sizeof(source), mtu_len = sizeof(int);
	int mtu;

	if (connect(probe->route, (struct sockaddr *)&probe->address, sizeof(probe->address)) ||
	    getsockname(probe->route, (struct sockaddr *)&source, &len) ||
	    getsockopt(probe->route, IPPROTO_IPV6, IPV6_MTU, &mtu, &mtu_len))
		return -errno;
	memcpy(probe->source, &source.sin6_addr, sizeof(probe->source));
	probe->mtu = mtu < IPV6_MTU_MIN ? IPV6_MTU_MIN : mtu > ECHO_LEN_MAX ? ECHO_LEN_MAX : (uint32_t)mtu;
	return 0;
}

static int raw_prepare(const struct probe *probe)
{
	struct icmp6_filter filter;
	int yes = 1;

	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
	if (setsockopt(probe->raw, IPPROTO_IPV6, IPV6_HDRINCL, &yes, sizeof(yes)) ||
	    setsockopt(probe->raw, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) ||
	    connect(probe->raw, (const struct sockaddr *)&probe->address, sizeof(probe->address)))
		return -errno;
	return 0;
}

static int sockets_open(struct probe *probe, struct netns *netns)
{
	int home = netns_enter(netns), error;

	if (home < 0)
		return home;
	probe->raw = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	probe->route = probe->raw < 0 ? -1 : socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	error = probe->route < 0 ? -errno : 0;
	netns_leave(home);
	if (!error)
		error = route_look(probe);
	return error ? error : raw_prepare(probe);
}

int probe_start(struct netns *netns, const struct probe_target *target, uint64_t now_ns, struct probe **probe)
{
	struct probe *made = calloc(1, sizeof(*made));
	int error;

	if (!made)
		return -ENOMEM;
	made->target = *target;
	made->address.sin6_family = AF_INET6;
	made->address.sin6_port = htons(DISCARD_PORT);
	made->address.sin6_scope_id = target->scope_id;
	memcpy(&made->address.sin6_addr, target->address, sizeof(target->address));
	made->raw = made->route = -1;
	made->next_ns = now_ns;
	if (getrandom(&made->id, sizeof(made->id), 0) < 0)
		made->id = (uint16_t)now_ns;
	error = sockets_open(made, netns);
	if (error) {
		probe_free(made);
		return error;
	}
	*probe = made;
	return 0;
}

void probe_free(struct probe *probe)
{
	if (!probe)
		return;
	if (probe->raw >= 0)
		close(probe->raw);
	if (probe->route >= 0)
		close(probe->route);
	free(probe);
}

static uint32_t packet_len(const struct probe *probe, enum probe_size size)
{
	uint32_t small =
	    IPV6_LEN + encap_len(&probe->target.shape, probe->target.hops) + ECHO_LEN_MIN + SMALL_PAYLOAD_LEN;

	return size == PROBE_FULL ? probe->mtu : small;
}

/* What the kernel refuses to send is a packet that does not come back: a firewall may be here as well as there. */
static void packet_send(struct probe *probe)
{
	uint8_t packet[ECHO_LEN_MAX];
	unsigned int i = probe->sent++;
	const struct echo echo = {
		.target = &probe->target,
		.source = probe->source,
		.id = probe->id,
		.sequence = (uint16_t)(probe->first + i),
		.len = packet_len(probe, packet_size(i)),
		.option = packet_kind(i) == PROBE_OPTION,
	};

	echo_write(packet, &echo);
	probe->counts.sent[packet_kind(i)][packet_size(i)]++;
	(void)!send(probe->raw, packet, echo.len, MSG_NOSIGNAL);
}

static void answers_take(struct probe *probe)
{
	uint8_t message[ECHO_LEN_MAX];
	ssize_t len;

	while ((len = recv(probe->raw, message, sizeof(message), MSG_DONTWAIT)) > 0) {
		int sequence = echo_read(message, (uint32_t)len, probe->id);
		uint16_t i = (uint16_t)(sequence - probe->first);

		if (sequence < 0 || i >= probe->sent || probe->answered[i])
			continue;
		probe->answered[i] = true;
		probe->came++;
		probe->counts.came[packet_kind(i)][packet_size(i)]++;
	}
}

/* A router has told a smaller MTU: packets of that size were lost for no other reason, so all begins again. */
static bool mtu_fell(struct probe *probe)
{
	uint32_t before = probe->mtu;

	if (probe->mtu_falls == MTU_FALLS_MAX || route_look(probe) || probe->mtu >= before)
		return false;
	probe->mtu_falls++;
	probe->first += probe->sent;
	probe->sent = probe->came = 0;
	memset(probe->answered, 0, sizeof(probe->answered));
	memset(&probe->counts, 0, sizeof(probe->counts));
	return true;
}

static void round_end(struct probe *probe)
{
	if (mtu_fell(probe))
		return;
	probe->verdict = probe_weigh(&probe->counts);
	probe->is_over = probe->verdict != PROBE_UNCLEAR || probe->sent == ROUND_PACKETS * PROBE_ROUNDS;
}

void probe_step(struct probe *probe, uint64_t now_ns)
{
	bool waits = probe->sent && probe->sent % ROUND_PACKETS == 0;

	answers_take(probe);
	if (probe->is_over)
		return;
	if (waits && (probe->came == probe->sent || now_ns >= probe->next_ns)) {
		round_end(probe);
		waits = false;
		probe->next_ns = now_ns;
	}
	if (probe->is_over || waits || now_ns < probe->next_ns)
		return;
	if (probe->sent % MTU_LOOK == MTU_LOOK - 1)
		mtu_fell(probe);
	packet_send(probe);
	probe->next_ns = now_ns + (probe->sent % ROUND_PACKETS ? SPACING_NS : ANSWER_NS);
}

int probe_fd(const struct probe *probe)
{
	return probe->raw;
}

uint64_t probe_next_ns(const struct probe *probe)
{
	return probe->next_ns;
}

bool probe_is_over(const struct probe *probe)
{
	return probe->is_over;
}

enum probe_verdict probe_verdict(const struct probe *probe)
{
	return probe->verdict;
}

const struct probe_counts *probe_counts(const struct probe *probe)
{
	return &probe->counts;
}
