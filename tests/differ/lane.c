/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* AF_PACKET on both ends. What the answers are not is somebody else's: neighbour discovery, ICMPv6 errors. */
#include "lane.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire/ipv6.h"

enum { BATCH = 128, SLOTS = 4 * BATCH, SLOT_LEN = 4096, WAIT_MS = 20000, BUFFER = 64 << 20, MARKER = 0xfffffffe };

#define NS_PER_S 1000000000ULL

struct lane {
	int in, out;
	uint8_t *ring; /* what is sent from pages; NULL: nothing is */
	uint32_t next; /* of its slots */
};

/* To the router's device; the routers send to the last one. */
static const uint8_t link_header[ETHERNET_LEN] = { 2, 0x68, 0, 0, 0, 1, 2, 0x68, 0, 0, 0, 2, 0x86, 0xdd };

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int socket_open(const char *device, bool receives)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(receives ? ETH_P_ALL : 0) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1, len = BUFFER;

	at.sll_ifindex = (int)if_nametoindex(device);
	if (fd < 0 || !at.sll_ifindex || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		err(1, "%s", device);
	if (receives && (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &len, sizeof(len)) ||
			 setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
			 setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one))))
		err(1, "%s: receiving", device);
	return fd;
}

static uint8_t *ring_open(int fd)
{
	struct tpacket_req ring = {
		.tp_block_size = SLOT_LEN, .tp_block_nr = SLOTS, .tp_frame_size = SLOT_LEN, .tp_frame_nr = SLOTS
	};
	int version = TPACKET_V2;
	uint8_t *slots;

	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &ring, sizeof(ring)))
		err(1, "a ring to send from");
	slots = mmap(NULL, (size_t)SLOTS * SLOT_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (slots == MAP_FAILED)
		err(1, "a ring to send from");
	return slots;
}

/* A slot is written again when all of its batch has been taken, so nobody refers to its page any more. */
static void pages_send(struct lane *lane, const struct packet *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++, lane->next = (lane->next + 1) % SLOTS) {
		struct tpacket2_hdr *header = (void *)(lane->ring + (size_t)lane->next * SLOT_LEN);
		uint8_t *frame = (uint8_t *)header + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll);

		memcpy(frame, link_header, sizeof(link_header));
		memcpy(frame + sizeof(link_header), list[i].octets, list[i].len);
		header->tp_len = sizeof(link_header) + list[i].len;
		__atomic_store_n(&header->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
	}
	if (send(lane->in, NULL, 0, 0) < 0)
		err(1, "sending from pages");
}

static void frames_send(const struct lane *lane, const struct packet *list, const bool *held, uint32_t count)
{
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec parts[BATCH][2];
	uint32_t sent = 0, ready = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (held && held[i])
			continue;
		parts[ready][0] = (struct iovec){ (void *)link_header, sizeof(link_header) };
		parts[ready][1] = (struct iovec){ list[i].octets, list[i].len };
		messages[ready].msg_hdr = (struct msghdr){ .msg_iov = parts[ready], .msg_iovlen = 2 };
		ready++;
	}
	while (sent < ready) {
		int done = sendmmsg(lane->in, messages + sent, ready - sent, 0);

		if (done < 0)
			err(1, "sending");
		sent += (uint32_t)done;
	}
}

/* A packet without options that every router forwards. */
static void marker_send(struct lane *lane, const struct packets *packets)
{
	uint8_t octets[IPV6_LEN] = { [0] = 0x60,
				     [IPV6_NEXT_HEADER_AT] = 59,
				     [IPV6_HOP_LIMIT_AT] = 64,
				     [8] = 0xfd,
				     0x68,
				     0x64,
				     0x66,
				     [24] = 0xfd,
				     0x68,
				     0x74,
				     0x65,
				     [39] = 1 };
	struct packet marker = { .family = "marker", .len = sizeof(octets), .octets = octets };

	be32_store(octets + PACKET_ID_AT, packets->run);
	be32_store(octets + PACKET_ID_AT + 4, MARKER);
	if (lane->ring)
		pages_send(lane, &marker, 1);
	else
		frames_send(lane, &marker, NULL, 1);
}

static uint64_t came_ns(struct msghdr *message)
{
	struct cmsghdr *part = CMSG_FIRSTHDR(message);
	struct timespec at;

	if (!part || part->cmsg_type != SO_TIMESTAMPNS)
		return now_ns();
	memcpy(&at, CMSG_DATA(part), sizeof(at));
	return (uint64_t)at.tv_sec * NS_PER_S + (uint64_t)at.tv_nsec;
}

/* False: nothing there for now. */
static bool frame_take(const struct lane *lane, const struct packets *packets, struct answer *answers, bool *marker)
{
	static uint8_t frame[1 << 16];
	char control[256];
	struct iovec part = { frame, sizeof(frame) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	ssize_t len = recvmsg(lane->out, &message, MSG_DONTWAIT);
	int64_t number;

	if (len < 0 && errno == EAGAIN)
		return false;
	if (len < 0)
		err(1, "receiving");
	number = len < ETHERNET_LEN ? -1 : packets_number(packets, frame + ETHERNET_LEN, (uint32_t)len - ETHERNET_LEN);
	if (number == MARKER)
		*marker = true;
	else if (number >= 0 && number < packets->count)
		answer_came(&answers[number], frame + ETHERNET_LEN, (uint32_t)len - ETHERNET_LEN, came_ns(&message));
	return true;
}

static void batch_take(const struct lane *lane, const struct packets *packets, struct answer *answers, const char *out)
{
	struct pollfd ready = { .fd = lane->out, .events = POLLIN };
	bool marker = false;

	while (!marker) {
		if (poll(&ready, 1, WAIT_MS) != 1)
			errx(1, "%s: waited in vain for the end of a batch", out);
		while (!marker && frame_take(lane, packets, answers, &marker))
			;
	}
}

void lane_pass(const struct packets *packets, const char *in, const char *out, enum lane_pieces pieces,
	       const bool *held, struct answer *answers)
{
	struct lane lane = { .in = socket_open(in, false), .out = socket_open(out, true) };

	if (pieces == LANE_PAGES)
		lane.ring = ring_open(lane.in);

	for (uint32_t first = 0; first < packets->count; first += BATCH) {
		uint32_t count = packets->count - first < BATCH ? packets->count - first : BATCH;
		uint64_t sent_ns = now_ns();

		for (uint32_t i = 0; i < count; i++)
			answers[first + i].sent_ns = sent_ns;
		if (lane.ring)
			pages_send(&lane, packets->list + first, count);
		else
			frames_send(&lane, packets->list + first, held ? held + first : NULL, count);
		marker_send(&lane, packets);
		batch_take(&lane, packets, answers, out);
	}
	if (lane.ring)
		munmap(lane.ring, (size_t)SLOTS * SLOT_LEN);
	close(lane.in);
	close(lane.out);
}
