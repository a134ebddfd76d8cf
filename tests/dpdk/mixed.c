/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Mixed traffic through the forwarder, both ways, and its judge: flows of every kind, each packet of a flow with its
 * number and octets that follow from it, so that the other side knows what has to come next.
 *
 *	mixed NETNS_A NETNS_B DEV COUNT NODE_ID INTERFACE_A INTERFACE_B [flood]
 *
 * COUNT packets each way. A packet that is missing, comes late, twice or changed by an octet ends it with 1; traces may
 * have changed by the forwarder's own data, which begins with its node id and its interfaces, and nothing else. Never
 * more than WINDOW packets are on the way, so none has a reason to be lost. With `flood` as many as can be are: some
 * may be missing, but those that come are as they have to be and in order. Prints how many came, how many the judge's
 * own sockets could not take, and what of them the forwarder must have counted.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

enum kind {
	UDP6,
	TCP6,
	TRACED6, /* one flow of packets without a trace, with one that has room and with one that is full */
	JUMBO6,
	UDP4,
	TCP4,
	FRAGMENTS4,
	VLAN4,
	VLAN6,
	QINQ6,
	ARP,
	LLDP,
	KINDS
};
static const char *const kind_names[KINDS] = {
	"UDP over IPv6",     "TCP over IPv6",	     "traced UDP", "jumbo UDP",
	"UDP over IPv4",     "TCP over IPv4",	     "fragments",  "IPv4 behind a tag",
	"IPv6 behind a tag", "IPv6 behind two tags", "ARP",	   "LLDP"
};

enum {
	FLOWS = 20 * KINDS,
	WINDOW = 256,
	BATCH = 32,
	FRAME_MAX = 9022,
	MTU_FRAME = 1514,
	JUMBO_FRAME = 9014,
	POOL = 1 << 16,
	LATE_MS = 5000,
	QUIET_MS = 2000, /* after a flood all that may come has come */
	/* From the IPv6 header. */
	OPTIONS_AT = 40,
	OPTIONS_LEN = 64,
	REMAINING_AT = OPTIONS_AT + 11,
	SLOT_AT = OPTIONS_AT + OPTIONS_LEN - 24,
	SLOT_LEN = 24,
	REMAINING_ROOM = 12,
	REMAINING_FULL = 5,
	FLAG_OVERFLOW = 0x04,
};

struct frame {
	uint32_t len;
	uint8_t octets[FRAME_MAX];
};

struct way {
	int from, to; /* sockets */
	uint8_t number;
	uint16_t ingress, egress;
	uint32_t random;
	uint64_t sent, received, with_room, full;
	uint32_t next[FLOWS], wanted[FLOWS];
};

static uint8_t pool[POOL + FRAME_MAX];
static uint32_t node_id;
static bool flood;

static uint32_t mix(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x7feb352dU;
	x ^= x >> 15;
	x *= 0x846ca68bU;
	return x ^ x >> 16;
}

static void put16(uint8_t *at, uint32_t number)
{
	at[0] = (uint8_t)(number >> 8);
	at[1] = (uint8_t)number;
}

static void put32(uint8_t *at, uint32_t number)
{
	put16(at, number >> 16);
	put16(at + 2, number);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void frame_put16(struct frame *frame, uint32_t number)
{
	put16(frame->octets + frame->len, number);
	frame->len += 2;
}

/* Its length follows from flow and number, too. */
static uint32_t frame_len(enum kind kind, uint32_t seed)
{
	uint32_t longest = kind == JUMBO6 ? JUMBO_FRAME : MTU_FRAME, shortest = 150;

	return seed % 8 == 0 ? longest : shortest + seed / 8 % (longest - shortest);
}

static void ethernet_put(struct frame *frame, const struct way *way, enum kind kind, uint32_t flow)
{
	static const uint8_t lldp[6] = { 1, 0x80, 0xc2, 0, 0, 0x0e };

	memset(frame->octets, kind == ARP ? 0xff : 2, 6);
	if (kind == LLDP)
		memcpy(frame->octets, lldp, sizeof(lldp));
	memcpy(frame->octets + 6, (uint8_t[]){ 2, 0x68, 0x73, way->number }, 4);
	put16(frame->octets + 10, flow);
	frame->len = 12;
	if (kind == QINQ6) {
		frame_put16(frame, ETH_P_8021AD);
		frame_put16(frame, 0x2000 | flow % 4000);
	}
	if (kind == QINQ6 || kind == VLAN4 || kind == VLAN6) {
		frame_put16(frame, ETH_P_8021Q);
		frame_put16(frame, 0x6000 | flow % 4000);
	}
	frame_put16(frame, kind == ARP			   ? ETH_P_ARP
			   : kind == LLDP		   ? ETH_P_LLDP
			   : kind >= UDP4 && kind <= VLAN4 ? ETH_P_IP
							   : ETH_P_IPV6);
}

static uint16_t ip4_checksum(const uint8_t *header)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)header[i] << 8 | header[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Fragments: in turn the first of a datagram, one in its middle and its last. */
static void ip4_put(struct frame *frame, const struct way *way, enum kind kind, uint32_t flow, uint32_t number,
		    uint32_t total)
{
	uint8_t *ip = frame->octets + frame->len;
	uint32_t fragment = number % 3;

	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, total - frame->len);
	put16(ip + 4, kind == FRAGMENTS4 ? number / 3 : number);
	if (kind == FRAGMENTS4)
		put16(ip + 6, (fragment < 2 ? 0x2000 : 0) | fragment * 180);
	ip[8] = 64;
	ip[9] = kind == TCP4 ? IPPROTO_TCP : IPPROTO_UDP;
	put32(ip + 12, 0x0a000000 | flow << 4 | (way->number ? 2 : 1));
	put32(ip + 16, 0x0a000000 | flow << 4 | (way->number ? 1 : 2));
	put16(ip + 10, ip4_checksum(ip));
	frame->len += 20;
}

static bool has_trace(enum kind kind, uint32_t number)
{
	return kind == TRACED6 && number % 3;
}

static void ip6_put(struct frame *frame, const struct way *way, enum kind kind, uint32_t flow, uint32_t number,
		    uint32_t total)
{
	uint8_t *ip = frame->octets + frame->len;
	uint8_t transport = kind == TCP6 ? IPPROTO_TCP : IPPROTO_UDP;

	memset(ip, 0, OPTIONS_AT + OPTIONS_LEN);
	ip[0] = 0x60;
	put16(ip + 4, total - frame->len - OPTIONS_AT);
	ip[6] = has_trace(kind, number) ? IPPROTO_HOPOPTS : transport;
	ip[7] = 64;
	put16(ip + 8, 0xfd00);
	put16(ip + 20, flow);
	ip[23] = way->number ? 2 : 1;
	put16(ip + 24, 0xfd00);
	put16(ip + 36, flow);
	ip[39] = way->number ? 1 : 2;
	frame->len += OPTIONS_AT;
	if (!has_trace(kind, number))
		return;
	/* Hop limit and id, interfaces, time, delay, queue: six words a node; room for two, or for none. */
	memcpy(ip + OPTIONS_AT, (uint8_t[]){ transport, 7, 1, 0, 0x31, 58, 0, 0, 0x68, 0x73, 6 << 3, 0, 0xfa }, 13);
	ip[REMAINING_AT] = number % 3 == 1 ? REMAINING_ROOM : REMAINING_FULL;
	frame->len += OPTIONS_LEN;
}

/* The packet of a flow with that number. */
static void frame_make(struct frame *frame, const struct way *way, uint32_t flow, uint32_t number)
{
	enum kind kind = flow % KINDS;
	uint32_t seed = mix(flow << 20 ^ number ^ (uint32_t)way->number << 31), total = frame_len(kind, seed);

	ethernet_put(frame, way, kind, flow);
	if (kind >= UDP4 && kind <= VLAN4)
		ip4_put(frame, way, kind, flow, number, total);
	else if (kind < ARP)
		ip6_put(frame, way, kind, flow, number, total);
	memcpy(frame->octets + frame->len, pool + seed % POOL, total - frame->len);
	if (kind < ARP && kind != FRAGMENTS4) {
		put16(frame->octets + frame->len, 20000 + flow); /* ports: the same in all of a flow */
		put16(frame->octets + frame->len + 2, 30000 + flow);
	}
	put32(frame->octets + total - 4, number);
	frame->len = total;
}

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(1);
}

static int socket_open(const char *netns, const char *device)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int one = 1, room = 64 << 20, fd, ns;
	char path[128];

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		fail("%s: %s", path, strerror(errno));
	close(ns);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	address.sll_ifindex = (int)if_nametoindex(device);
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		fail("%s in %s: %s", device, netns, strerror(errno));
	return fd;
}

static void batch_send(struct way *way, uint64_t count)
{
	static struct frame frames[BATCH];
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec parts[BATCH];
	unsigned int want = 0;

	for (; want < BATCH && way->sent + want < count; want++) {
		uint32_t flow = (way->random = mix(way->random + 0x9e3779b9U)) % FLOWS;
		uint32_t number = way->next[flow]++;

		frame_make(&frames[want], way, flow, number);
		if (has_trace(flow % KINDS, number))
			(*(number % 3 == 1 ? &way->with_room : &way->full))++;
		parts[want] = (struct iovec){ frames[want].octets, frames[want].len };
		messages[want].msg_hdr.msg_iov = &parts[want];
		messages[want].msg_hdr.msg_iovlen = 1;
	}
	for (unsigned int done = 0; done < want;) {
		int sent = sendmmsg(way->from, messages + done, want - done, 0);

		if (sent < 0 && errno != ENOBUFS)
			fail("send: %s", strerror(errno));
		done += sent > 0 ? (unsigned int)sent : 0;
	}
	way->sent += want;
}

/* The kernel has taken the outer tag out of the frame. */
static void tag_restore(struct frame *frame, struct msghdr *message)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
		const struct tpacket_auxdata *data = (void *)CMSG_DATA(part);

		if (part->cmsg_level != SOL_PACKET || part->cmsg_type != PACKET_AUXDATA ||
		    !(data->tp_status & TP_STATUS_VLAN_VALID))
			continue;
		memmove(frame->octets + 16, frame->octets + 12, frame->len - 12);
		put16(frame->octets + 12, data->tp_status & TP_STATUS_VLAN_TPID_VALID ? data->tp_vlan_tpid : 0x8100);
		put16(frame->octets + 14, data->tp_vlan_tci);
		frame->len += 4;
	}
}

/* What the forwarder may have changed in a trace is as it has to be, and is put into what is wanted. */
static void trace_judge(struct frame *wanted, const struct frame *seen, const struct way *way, uint32_t number)
{
	uint8_t *ip = wanted->octets + 14;
	const uint8_t *slot = seen->octets + 14 + SLOT_AT;

	if (number % 3 == 2) {
		ip[REMAINING_AT - 1] |= FLAG_OVERFLOW;
		return;
	}
	if (get32(slot) != (64U << 24 | node_id) || get32(slot + 4) != ((uint32_t)way->ingress << 16 | way->egress) ||
	    get32(slot + 12) >= 1000000000 || get32(slot + 16) >= 0x80000000U)
		fail("wrong node data: %08x %08x, fraction %u, delay %08x", get32(slot), get32(slot + 4),
		     get32(slot + 12), get32(slot + 16));
	ip[REMAINING_AT] = REMAINING_ROOM - SLOT_LEN / 4;
	memcpy(ip + SLOT_AT, slot, SLOT_LEN);
}

static void packet_judge(struct way *way, const struct frame *seen)
{
	static struct frame wanted;
	uint32_t flow = (uint32_t)seen->octets[10] << 8 | seen->octets[11], number, at = 0;
	enum kind kind = flow % KINDS;

	if (seen->len < 60 || memcmp(seen->octets + 6, (uint8_t[]){ 2, 0x68, 0x73, way->number }, 4) || flow >= FLOWS)
		fail("a frame of %u octets that nobody sent", seen->len);
	number = flood ? get32(seen->octets + seen->len - 4) : way->wanted[flow];
	if (number < way->wanted[flow])
		fail("%s, flow %u: number %u came when %u was to come: out of order", kind_names[kind], flow, number,
		     way->wanted[flow]);
	way->wanted[flow] = number + 1;
	frame_make(&wanted, way, flow, number);
	if (seen->len == wanted.len && has_trace(kind, number))
		trace_judge(&wanted, seen, way, number);
	if (seen->len == wanted.len && memcmp(seen->octets, wanted.octets, wanted.len) == 0) {
		way->received++;
		return;
	}
	if (get32(seen->octets + seen->len - 4) != number)
		fail("%s, flow %u: number %u came for %u: lost or out of order", kind_names[kind], flow,
		     get32(seen->octets + seen->len - 4), number);
	while (at < wanted.len && at < seen->len && seen->octets[at] == wanted.octets[at])
		at++;
	fail("%s, flow %u, number %u: changed at octet %u: %u octets, sent were %u", kind_names[kind], flow, number, at,
	     seen->len, wanted.len);
}

/* How many there were. */
static int batch_receive(struct way *way)
{
	static struct frame frames[BATCH];
	static char controls[BATCH][128];
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec parts[BATCH];
	int count;

	for (unsigned int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ frames[i].octets, FRAME_MAX - 4 };
		messages[i].msg_hdr = (struct msghdr){
			.msg_iov = &parts[i], .msg_iovlen = 1, .msg_control = controls[i], .msg_controllen = 128
		};
	}
	count = recvmmsg(way->to, messages, BATCH, MSG_DONTWAIT, NULL);
	if (count < 0 && errno != EAGAIN)
		fail("receive: %s", strerror(errno));
	for (int i = 0; i < count; i++) {
		frames[i].len = messages[i].msg_len;
		tag_restore(&frames[i], &messages[i].msg_hdr);
		packet_judge(way, &frames[i]);
	}
	return count < 0 ? 0 : count;
}

/* Nothing to send and nothing has come: waits until something does. */
static void ways_wait(const struct way *ways)
{
	struct pollfd fds[] = { { .fd = ways[0].to, .events = POLLIN }, { .fd = ways[1].to, .events = POLLIN } };

	if (poll(fds, 2, LATE_MS) == 0)
		fail("lost: of %lu and %lu packets sent %lu and %lu came", ways[0].sent, ways[1].sent, ways[0].received,
		     ways[1].received);
}

static bool ways_move(struct way *ways, uint64_t count)
{
	bool moved = false;

	for (struct way *way = ways; way < ways + 2; way++) {
		if (way->sent < count && (flood || way->sent - way->received + BATCH <= WINDOW)) {
			batch_send(way, count);
			moved = true;
		}
		moved |= batch_receive(way) > 0;
	}
	return moved;
}

static void ways_run(struct way *ways, uint64_t count)
{
	while (ways[0].received < count || ways[1].received < count)
		if (!ways_move(ways, count))
			ways_wait(ways);
}

static void ways_flood(struct way *ways, uint64_t count)
{
	struct pollfd fds[] = { { .fd = ways[0].to, .events = POLLIN }, { .fd = ways[1].to, .events = POLLIN } };

	do {
		while (ways_move(ways, count))
			;
	} while (poll(fds, 2, QUIET_MS) > 0);
}

/* Packets that a socket of ours had no room for. */
static uint32_t socket_missed(int fd)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len);
	return stats.tp_drops;
}

int main(int argc, char **argv)
{
	static struct way ways[2];
	struct timespec start, end;
	double seconds;
	int a, b;

	if (argc < 8)
		fail("mixed NETNS_A NETNS_B DEV COUNT NODE_ID INTERFACE_A INTERFACE_B [flood]");
	flood = argc > 8;
	for (uint32_t i = 0; i < sizeof(pool); i++)
		pool[i] = (uint8_t)mix(i);
	a = socket_open(argv[1], argv[3]);
	b = socket_open(argv[2], argv[3]);
	node_id = (uint32_t)strtoul(argv[5], NULL, 0);
	ways[0] =
	    (struct way){ .from = a, .to = b, .ingress = (uint16_t)atoi(argv[6]), .egress = (uint16_t)atoi(argv[7]) };
	ways[1] = (struct way){
		.from = b, .to = a, .number = 1, .ingress = ways[0].egress, .egress = ways[0].ingress, .random = 1
	};
	clock_gettime(CLOCK_MONOTONIC, &start);
	(flood ? ways_flood : ways_run)(ways, strtoull(argv[4], NULL, 0));
	clock_gettime(CLOCK_MONOTONIC, &end);
	seconds = (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
	printf("packets %lu missed %u room %lu full %lu per_second %.0f\n", ways[0].received + ways[1].received,
	       socket_missed(a) + socket_missed(b), ways[0].with_room + ways[1].with_room, ways[0].full + ways[1].full,
	       (double)(ways[0].received + ways[1].received) / seconds);
	return 0;
}
