/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One stream of packets through two routers that are the same but for who forwards: a, where XDP does what it is
 * certain of, and b, the kernel alone. Each packet must end where it ends in b: same device, same frame but for what
 * transit writes into a trace, or the same ICMPv6 error.
 *
 *	forward SEED A_IN A_OUT B_IN B_OUT	network namespaces' files: `in` has eth0, `out` has o1, o2 and o3
 *
 * Commands on stdin, one answer each: "run FIRST COUNT" compares that many packets; in "load FIRST COUNT" those to
 * the prefix FLIPPING, whose route is changed meanwhile, may leave by o1 or by o2. A packet is made from its number,
 * which is its flow label: errors quote it, and no two of them merge.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	NUMBERS = 1 << 20,
	NUMBERS_BEGIN = 64 /* what is not the stream's has flow label 0 */,
	BATCH = 64,
	FRAME_MAX = 9100,
	TAPS = 4,
	LINK_LEN = 14,
	IP6_LEN = 40
};
enum { QUIET_MS = 600, AGAIN_MS = 500, STUCK_MS = 5000, FORWARDED = 0, TOO_BIG = 2, FLIPPING = 7, PREFIXES = 16 };
enum { HOP_BY_HOP = 0, TCP = 6, UDP = 17, IPV6 = 41, ROUTING = 43, FRAGMENT = 44, ESP = 50, AH = 51, ICMPV6 = 58 };
enum { NONE = 59, DESTINATION = 60, SCTP = 132, ECHO = 128, ECHO_REPLY = 129, REDIRECT = 137, NODE_ID = 2 };

/* What became of a packet in one world. */
struct result {
	uint8_t count;	    /* frames seen */
	uint8_t tap;	    /* of the last: where */
	uint8_t kind, code; /* FORWARDED, or the ICMPv6 error */
	uint32_t hash;	    /* of its frame */
};

/* What is known of a packet by the way it was made. */
struct made {
	uint32_t len;
	bool lost_neighbour; /* to an address that nobody has: time alone decides whether an error comes */
	bool flips;
	uint32_t trace_at; /* octets from the IPv6 header to the trace header, if transit is to write; else 0 */
	uint8_t remaining;
};

struct world {
	const char *name;
	int inject, taps[TAPS];
	struct result *results;
	uint32_t marker; /* the last one answered */
	uint32_t again;	 /* markers asked for once more in this run */
	uint64_t traces; /* checked */
};

static struct world worlds[2] = { { .name = "a" }, { .name = "b" } };
static uint64_t seed;
static const uint8_t router_mac[6] = { 2, 0, 0, 0, 0x10, 2 }, in_mac[6] = { 2, 0, 0, 0, 0x10, 1 };

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint32_t below(uint64_t *state, uint32_t n)
{
	return next(state) % n;
}

static bool one_in(uint64_t *state, uint32_t n)
{
	return below(state, n) == 0;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static void address(uint8_t *at, const char *text)
{
	if (inet_pton(AF_INET6, text, at) != 1)
		errx(1, "%s", text);
}

/* 2001:db8:1:PREFIX::RANDOM: what the script has routes for. */
static void make_destination(uint64_t *state, uint8_t *at, struct made *made)
{
	static const char *const odd[] = { "ff02::1",	   "ff0e::1234",       "fe80::5",	"::1",
					   "::",	   "::ffff:192.0.2.1", "fd68:73:10::2", "fd68:73:11::1",
					   "fd68:73:11::", "2001:db8:dead::1" };
	char text[64];

	if (one_in(state, 12)) {
		address(at, odd[below(state, sizeof(odd) / sizeof(odd[0]))]);
	} else if (one_in(state, 24)) { /* on the link: ::2 and ::3 are there, ::f0 to ::f7 are not */
		made->lost_neighbour = one_in(state, 2);
		snprintf(text, sizeof(text), "fd68:73:1%u::%x", 1 + below(state, 2),
			 made->lost_neighbour ? 0xf0 + below(state, 8) : 2 + below(state, 2));
		address(at, text);
	} else {
		uint32_t prefix = one_in(state, 2) ? below(state, PREFIXES) : below(state, FLIPPING + 1);

		address(at, "2001:db8:1::");
		put16(at + 6, prefix);
		put32(at + 8, next(state));
		put32(at + 12, next(state));
		made->flips = prefix == FLIPPING;
	}
}

static void make_source(uint64_t *state, uint8_t *at)
{
	static const char *const odd[] = { "fe80::1:1", "ff02::1", "::1", "::", "::ffff:192.0.2.2" };

	if (one_in(state, 40)) {
		address(at, odd[below(state, sizeof(odd) / sizeof(odd[0]))]);
		return;
	}
	address(at, "2001:db8:99::");
	put16(at + 6, below(state, 4));
	put32(at + 12, next(state));
}

/*
 * A hop-by-hop header at `at`: mostly the usual trace, with room for 0 to 4 more nodes. Returns its octets. What else
 * there may be: overflow, another namespace, options that are unknown or must be looked at, and what is malformed.
 */
static uint32_t make_options(uint64_t *state, uint8_t *at, uint8_t protocol, uint32_t from_ip6, struct made *made)
{
	uint32_t hops = below(state, 5), data = hops * 24 + 28 + 4 + 24, odd = below(state, 24);
	uint32_t len = 4 + 4 + 8 + data, remaining = (hops - (hops ? below(state, hops + 1) : 0)) * 6;
	uint8_t *option = at + 4;

	if (odd == 1) { /* router alert; 2: unknown, to be skipped; 3: unknown, an error is due */
		memcpy(at, (uint8_t[]){ protocol, 0, 5, 2, 0, 0, 1, 0 }, 8);
		return 8;
	}
	if (odd == 2 || odd == 3) {
		memcpy(at, (uint8_t[]){ protocol, 0, odd == 2 ? 0x1d : 0x9d, 4, 1, 2, 3, 4 }, 8);
		return 8;
	}
	if (odd == 4) { /* padding that is not zero */
		memcpy(at, (uint8_t[]){ protocol, 0, 1, 4, 0, 0, 7, 0 }, 8);
		return 8;
	}
	memset(at, 0, len + 4);
	at[0] = protocol;
	at[2] = 1; /* PadN, no data */
	option[0] = 0x31;
	option[1] = 2 + 8 + data;
	put16(option + 4, odd == 5 ? 0x1234 : 0x6873);
	put16(option + 6, (odd == 6 ? 4 : 5) << 11 | (odd == 7 ? 8 : 0) << 7 | (odd == 8 ? 127 : remaining));
	put32(option + 8, 0xda0002 << 8);
	for (uint32_t i = remaining * 4; i < data; i++)
		option[12 + i] = 0xee;
	if (len % 8) {
		at[len] = 1;
		at[len + 1] = 2;
		len += 4;
	}
	at[1] = len / 8 - 1;
	if (odd < 5 || odd > 8) {
		made->trace_at = remaining ? from_ip6 + 8 : 0;
		made->remaining = remaining;
	}
	return len;
}

static uint32_t make_transport(uint64_t *state, uint8_t *at, uint8_t protocol, uint32_t number)
{
	memset(at, 0, 64);
	put16(at, 1024 + below(state, 64));
	put16(at + 2, one_in(state, 3) ? 443 : 7000 + below(state, 8));
	switch (protocol) {
	case TCP:
		put32(at + 4, next(state));
		at[12] = 5 << 4;
		at[13] = next(state);
		return 20;
	case ICMPV6: /* requests, answers, and errors that quote a packet */
		at[0] = one_in(state, 3) ? 1 + below(state, 3) : ECHO + below(state, 2);
		at[1] = 0;
		if (at[0] < ECHO)
			put32(at + 8, 6U << 28 | number);
		return at[0] < ECHO ? 56 : 8;
	case FRAGMENT:
		at[0] = UDP;
		at[1] = 0;
		put16(at + 2, below(state, 2) ? 1 : 0x100);
		return 16;
	case DESTINATION:
		memcpy(at, (uint8_t[]){ UDP, 0, 1, 4, 0, 0, 0, 0 }, 8);
		return 16;
	case ROUTING:
		memcpy(at, (uint8_t[]){ UDP, 0, 4, 0, 0, 0, 0, 0 }, 8);
		return 16;
	default:
		return 8;
	}
}

static uint8_t make_protocol(uint64_t *state)
{
	static const uint8_t odd[] = { FRAGMENT, DESTINATION, ROUTING, ESP, AH, SCTP, NONE, IPV6 };

	if (one_in(state, 16))
		return odd[below(state, sizeof(odd))];
	return one_in(state, 8) ? ICMPV6 : one_in(state, 2) ? TCP : UDP;
}

static uint32_t make_len(uint64_t *state)
{
	static const uint32_t edges[] = { 1232, 1260, 1280, 1281, 1299, 1300, 1301, 1499, 1500, 1501, 4000, 8900 };

	return one_in(state, 12) ? edges[below(state, sizeof(edges) / sizeof(edges[0]))] : 60 + below(state, 300);
}

/* As RFC 8200 section 8.1 sums it; where the frame is whole. */
static void make_checksum(uint8_t *ip6, uint8_t *transport, uint32_t len, uint8_t protocol)
{
	uint8_t *at = transport + (protocol == TCP ? 16 : protocol == UDP ? 6 : 2);
	uint32_t sum = len + protocol;

	if (protocol != TCP && protocol != UDP && protocol != ICMPV6)
		return;
	if (protocol == UDP)
		put16(transport + 4, len);
	put16(at, 0);
	for (uint32_t i = 8; i < IP6_LEN; i += 2)
		sum += ip6[i] << 8 | ip6[i + 1];
	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 ? transport[i] : transport[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(at, sum == 0xffff ? 0xffff : ~sum);
}

/* The lengths that a frame and its packet say may differ; a frame may be for somebody else, or have a tag. */
static void make_odd_frame(uint64_t *state, uint8_t *frame, struct made *made)
{
	uint32_t payload = made->len - LINK_LEN - IP6_LEN;

	switch (below(state, 6)) {
	case 0:
		frame[5] ^= 0x40;
		break;
	case 1:
		memset(frame, 0xff, 6);
		break;
	case 2:
		put16(frame + LINK_LEN + 4, payload - 1 - below(state, 8)); /* trailing octets */
		break;
	case 3:
		put16(frame + LINK_LEN + 4, payload + 1);
		break;
	case 4:
		put16(frame + LINK_LEN + 4, 0);
		break;
	default:
		memmove(frame + 16, frame + 12, made->len - 12);
		put16(frame + 12, 0x8100);
		put16(frame + 14, 5);
		made->len += 4;
	}
	made->trace_at = 0;
}

static struct made make(uint32_t number, uint8_t *frame)
{
	static const uint8_t hop_limits[] = { 0, 1, 1, 2, 3, 255 };
	uint64_t state = seed ^ (uint64_t)number << 32;
	uint8_t *ip6 = frame + LINK_LEN, protocol = make_protocol(&state);
	uint32_t len, at = IP6_LEN;
	struct made made = { 0 };

	next(&state);
	memcpy(frame, router_mac, 6);
	memcpy(frame + 6, in_mac, 6);
	put16(frame + 12, ETHERTYPE_IPV6);
	put32(ip6, 6U << 28 | (one_in(&state, 8) ? 0xb8U : 0) << 20 | number);
	ip6[7] = one_in(&state, 25) ? hop_limits[below(&state, sizeof(hop_limits))] : 64;
	make_source(&state, ip6 + 8);
	make_destination(&state, ip6 + 24, &made);
	ip6[6] = protocol;
	if (one_in(&state, 3)) {
		at += make_options(&state, ip6 + at, protocol, at, &made);
		ip6[6] = HOP_BY_HOP;
	}
	len = at + make_transport(&state, ip6 + at, protocol, number);
	made.len = make_len(&state);
	if (made.len < len)
		made.len = len;
	for (uint32_t i = len; i < made.len; i++)
		ip6[i] = i;
	put16(ip6 + 4, made.len - IP6_LEN);
	make_checksum(ip6, ip6 + at, made.len - at, protocol);
	made.len += LINK_LEN;
	if (one_in(&state, 50))
		make_odd_frame(&state, frame, &made);
	return made;
}

static void enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "%s", netns);
	close(fd);
}

static int packet_socket(const char *dev)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), room = 64 << 20, one = 1;

	at.sll_ifindex = (int)if_nametoindex(dev);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)))
		err(1, "packet socket on %s", dev);
	return fd;
}

static void world_open(struct world *world, const char *in, const char *out)
{
	static const char *const devs[TAPS] = { "eth0", "o1", "o2", "o3" };

	enter(in);
	world->inject = packet_socket("eth0");
	world->taps[0] = packet_socket("eth0");
	enter(out);
	for (int i = 1; i < TAPS; i++)
		world->taps[i] = packet_socket(devs[i]);
	world->results = calloc(NUMBERS, sizeof(*world->results));
	if (!world->results)
		err(1, "results");
}

/* The packet that was sent, in a frame that came out: as it is, quoted by an error, or within a tunnel. */
static uint8_t *original(uint8_t *frame, uint32_t len, struct result *result)
{
	uint8_t *ip6 = frame + LINK_LEN, *transport = ip6 + IP6_LEN;

	if (len < LINK_LEN + IP6_LEN || frame[12] << 8 != (ETHERTYPE_IPV6 & 0xff00) || ip6[0] >> 4 != 6)
		return NULL;
	if (len < LINK_LEN + IP6_LEN + 16)
		return ip6; /* what is behind is of another frame */
	if (ip6[6] == ROUTING && len > LINK_LEN + 2 * IP6_LEN && transport[0] == IPV6)
		return transport + (transport[1] + 1) * 8;
	if (ip6[6] != ICMPV6 || (get32(ip6) & 0xfffff) == (get32(transport + 8) & 0xfffff))
		return ip6; /* no error, or one that was sent */
	if (transport[0] >= 133 && transport[0] <= REDIRECT)
		return NULL; /* neighbour discovery; the kernel limits redirects by time */
	if (transport[0] >= ECHO || len < LINK_LEN + 2 * IP6_LEN + 8)
		return ip6;
	result->kind = transport[0];
	result->code = transport[1];
	put16(transport + 2, 0); /* a sum over what transit wrote */
	put32(ip6, 0);		 /* its own flow label */
	return transport + 8;
}

/* In a, what transit is to have written: this node's data first, with the egress device's id, and nothing lost. */
static void trace_check(struct world *world, uint32_t number, uint8_t *ip6, uint32_t tap, const struct made *made)
{
	const uint8_t *trace = ip6 + made->trace_at, *newest;
	uint32_t remaining = trace[3] & 0x7f, ours = tap < 3; /* eth3 has no program */

	if (remaining != made->remaining - 6U)
		errx(1, "packet %u: %u words remain of %u", number, remaining, made->remaining);
	newest = trace + 8 + remaining * 4;
	if (get32(newest) != ((uint32_t)ip6[7] << 24 | NODE_ID) ||
	    get32(newest + 4) != (100U << 16 | (ours ? 100 + tap : 0xffff)) || get32(newest + 8) >= 1000000000 ||
	    get32(newest + 12) >> 31 == ours || get32(newest + 20) != 0xffffff)
		errx(1, "packet %u at %u: node data %08x %08x %08x %08x %08x %08x", number, tap, get32(newest),
		     get32(newest + 4), get32(newest + 8), get32(newest + 12), get32(newest + 16), get32(newest + 20));
	world->traces++;
}

static void frame_take(struct world *world, uint32_t tap, uint8_t *frame, uint32_t len)
{
	struct result now = { .tap = tap }, *result;
	uint8_t *ip6 = original(frame, len, &now), scratch[FRAME_MAX + 64];
	uint32_t number, hash = 2166136261;

	if (!ip6)
		return;
	number = get32(ip6) & 0xfffff;
	if (tap == 0 && len >= LINK_LEN + IP6_LEN + 16 && ip6[6] == ICMPV6 && ip6[IP6_LEN] == ECHO_REPLY &&
	    get32(ip6 + IP6_LEN + 8) == 0x6d61726b) {
		world->marker = get32(ip6 + IP6_LEN + 12);
		return;
	}
	if (number < NUMBERS_BEGIN)
		return;
	if (world == &worlds[0] && now.kind == FORWARDED && ip6 == frame + LINK_LEN) {
		struct made made = make(number, scratch);

		if (made.trace_at && tap != 0)
			trace_check(world, number, ip6, tap, &made);
	}
	if (ip6[6] == HOP_BY_HOP && ip6 + IP6_LEN + 2 < frame + len)
		for (uint8_t *at = ip6 + IP6_LEN + 2, *end = ip6 + IP6_LEN + (ip6[IP6_LEN + 1] + 1) * 8;
		     at < end && at < frame + len; at++)
			*at = 0;
	for (uint32_t i = 0; i < len; i++)
		hash = (hash ^ frame[i]) * 16777619;
	result = &world->results[number];
	now.count = result->count + 1;
	now.hash = hash;
	*result = now;
}

/* All that has come out; false: nothing. */
static bool world_drain(struct world *world)
{
	static uint8_t frames[BATCH][FRAME_MAX + 64];
	static struct iovec parts[BATCH];
	static struct mmsghdr messages[BATCH];
	bool any = false;

	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ frames[i], sizeof(frames[i]) };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
	for (uint32_t tap = 0; tap < TAPS; tap++) {
		int got;

		while ((got = recvmmsg(world->taps[tap], messages, BATCH, MSG_DONTWAIT, NULL)) > 0) {
			any = true;
			for (int i = 0; i < got; i++)
				frame_take(world, tap, frames[i], messages[i].msg_len);
		}
	}
	return any;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* An echo request for the router itself, which it answers whatever it forwards. */
static uint32_t marker_make(uint8_t *frame, uint32_t number)
{
	uint8_t *ip6 = frame + LINK_LEN;

	memset(frame, 0, LINK_LEN + IP6_LEN + 16);
	memcpy(frame, router_mac, 6);
	memcpy(frame + 6, in_mac, 6);
	put16(frame + 12, ETHERTYPE_IPV6);
	put32(ip6, 6U << 28);
	put16(ip6 + 4, 16);
	ip6[6] = ICMPV6;
	ip6[7] = 64;
	address(ip6 + 8, "fd68:73:10::1");
	address(ip6 + 24, "fd68:73:10::2");
	ip6[IP6_LEN] = ECHO;
	put32(ip6 + IP6_LEN + 8, 0x6d61726b);
	put32(ip6 + IP6_LEN + 12, number);
	make_checksum(ip6, ip6 + IP6_LEN, 16, ICMPV6);
	return LINK_LEN + IP6_LEN + 16;
}

/* Until it is answered. The answer may find no memory, as the errors may (is_unsent); then it is asked for again. */
static void marker_wait(struct world *world, uint32_t marker, uint32_t first)
{
	uint64_t since = now_ms(), asked = since;
	uint8_t frame[LINK_LEN + IP6_LEN + 16];

	while (world_drain(world), world->marker != marker) {
		uint64_t now = now_ms();

		if (now - since > STUCK_MS)
			errx(1, "%s: packets from %u on: the router does not answer", world->name, first);
		if (now - asked < AGAIN_MS)
			continue;
		if (send(world->inject, frame, marker_make(frame, marker), 0) < 0)
			err(1, "send a marker again");
		world->again++;
		asked = now;
	}
}

/* Not more at once than a veth's ring holds; the next only when the router has seen these. */
static void batch_send(uint32_t first, uint32_t count)
{
	static uint8_t frames[BATCH + 1][FRAME_MAX + 64];
	static struct iovec parts[BATCH + 1];
	static struct mmsghdr messages[BATCH + 1];
	static uint32_t marker;

	for (uint32_t i = 0; i < count; i++)
		parts[i] = (struct iovec){ frames[i], make(first + i, frames[i]).len };
	parts[count] = (struct iovec){ frames[count], marker_make(frames[count], ++marker) };
	for (uint32_t i = 0; i <= count; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	for (int i = 0; i < 2; i++)
		for (uint32_t sent = 0; sent <= count;) {
			int n = sendmmsg(worlds[i].inject, messages + sent, count + 1 - sent, 0);

			if (n < 0 && errno != ENOBUFS && errno != EAGAIN)
				err(1, "send, %zu octets", parts[sent].iov_len);
			sent += n < 0 ? 0 : n;
		}
	for (int i = 0; i < 2; i++)
		marker_wait(&worlds[i], marker, first);
}

static void wait_quiet(void)
{
	uint64_t since = now_ms();

	while (now_ms() - since < QUIET_MS) {
		bool any = world_drain(&worlds[0]);

		any |= world_drain(&worlds[1]);
		if (any)
			since = now_ms();
		usleep(1000);
	}
}

/* By one of two devices; where the first one's MTU is too small, an error, or nothing that answers an error. */
static bool is_legal(const struct result *result, const struct made *made)
{
	bool too_big = made->len > LINK_LEN + 1500;

	if (result->count != 1)
		return too_big && !result->count;
	return result->kind == FORWARDED ? result->tap == 1 || result->tap == 2 : result->kind == TOO_BIG && too_big;
}

static bool is_same(const struct result *a, const struct result *b, const struct made *made, bool load)
{
	if (load && made->flips && is_legal(a, made) && is_legal(b, made))
		return true;
	if (made->lost_neighbour && (!a->count || a->kind == 1) && (!b->count || b->kind == 1))
		return true;
	return a->count == b->count && a->tap == b->tap && a->kind == b->kind && a->code == b->code &&
	       a->hash == b->hash;
}

/*
 * A router that has just had to send errors for all that waited for a neighbour in vain has no memory for one more
 * (Icmp6OutErrors): the other one's is then the only one. How many of each are missing is for the caller to judge.
 */
static bool is_unsent(const struct result *missing, const struct result *other)
{
	return !missing->count && other->count == 1 && other->kind != FORWARDED;
}

static void result_print(const char *name, const struct result *result)
{
	printf(" %s: %u at %u, kind %u/%u, %08x;", name, result->count, result->tap, result->kind, result->code,
	       result->hash);
}

/* Prints how many were the same, and what became of them in b. */
static void compare(uint32_t first, uint32_t count, bool load)
{
	static uint8_t frame[FRAME_MAX + 64];
	uint32_t same = 0, forwarded = 0, errors = 0, nothing = 0, shown = 0, unsent_a = 0, unsent_b = 0;

	for (uint32_t number = first; number < first + count; number++) {
		struct made made = make(number, frame);
		const struct result *a = &worlds[0].results[number], *b = &worlds[1].results[number];

		forwarded += b->count && b->kind == FORWARDED;
		errors += b->count && b->kind != FORWARDED;
		nothing += !b->count;
		if (is_same(a, b, &made, load)) {
			same++;
			continue;
		}
		if (is_unsent(a, b) || is_unsent(b, a)) {
			unsent_a += !a->count;
			unsent_b += !b->count;
			continue;
		}
		if (shown++ >= 5)
			continue;
		printf("packet %u differs:", number);
		result_print("a", a);
		result_print("b", b);
		for (uint32_t i = 0; i < made.len && i < 160; i++)
			printf("%s%02x", i % 4 ? "" : " ", frame[i]);
		putchar('\n');
	}
	printf("%u of %u the same: %u forwarded, %u answered with an error, %u ended here; %lu traces checked; "
	       "markers asked for again: a %u, b %u; errors not sent: a %u, b %u\n",
	       same, count, forwarded, errors, nothing, worlds[0].traces, worlds[0].again, worlds[1].again, unsent_a,
	       unsent_b);
	worlds[0].again = worlds[1].again = 0;
	fflush(stdout);
}

static void drops_check(void)
{
	for (int i = 0; i < 2 * TAPS; i++) {
		struct tpacket_stats stats;
		socklen_t len = sizeof(stats);

		if (getsockopt(worlds[i / TAPS].taps[i % TAPS], SOL_PACKET, PACKET_STATISTICS, &stats, &len) ||
		    stats.tp_drops)
			errx(1, "the test's own socket %d lost %u packets", i, stats.tp_drops);
	}
}

int main(int argc, char **argv)
{
	char mode[8], line[64];
	uint32_t first, count;

	if (argc != 6)
		errx(2, "usage: forward SEED A_IN A_OUT B_IN B_OUT");
	seed = strtoull(argv[1], NULL, 0);
	world_open(&worlds[0], argv[2], argv[3]);
	world_open(&worlds[1], argv[4], argv[5]);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%7s %u %u", mode, &first, &count) != 3 || first + count > NUMBERS)
			errx(2, "%s?", line);
		for (uint32_t done = 0; done < count; done += BATCH)
			batch_send(first + done, count - done < BATCH ? count - done : BATCH);
		wait_quiet();
		drops_check();
		compare(first, count, strcmp(mode, "load") == 0);
	}
	return 0;
}
