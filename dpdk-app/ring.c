/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The af_packet driver's sockets and rings: found by the interface, by the socket's inode and the mapping's size.
 *
 * The driver makes its sockets members of a fanout group in which the kernel puts IPv4 fragments together and hands
 * packets to another queue when one is full. A bump in the wire may do neither. What a socket is cannot be changed, so
 * each gives way to one of ours, at its number and with its rings at the same place, before a packet has come.
 */
#include "ring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <rte_branch_prediction.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif
#ifndef PACKET_FANOUT_FLAG_IGNORE_OUTGOING
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000
#endif

static size_t rings_len(uint32_t frame_len)
{
	return 2UL * RING_FRAMES * frame_len; /* receive and send */
}

static bool is_bound(int fd, uint32_t interface)
{
	struct sockaddr_ll address = { 0 };
	socklen_t len = sizeof(address);

	return getsockname(fd, (struct sockaddr *)&address, &len) == 0 && address.sll_family == AF_PACKET &&
	       address.sll_ifindex == (int)interface;
}

struct found {
	int fd;
	uint32_t number; /* the kernel's, as the socket's inode */
};

static int found_compare(const void *a, const void *b)
{
	return (int32_t)(((const struct found *)a)->number - ((const struct found *)b)->number);
}

/*
 * Our own sockets that are bound to the interface, in the order in which one CPU has opened them: the kernel's numbers
 * go up on each. Descriptors need not, as other threads open and close some, too.
 */
static unsigned int sockets_find(uint32_t interface, struct found *found, unsigned int max)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	unsigned int count = 0;
	struct stat stat;

	if (!dir)
		return 0;
	while (count < max && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (is_bound(fd, interface) && fstat(fd, &stat) == 0)
			found[count++] = (struct found){ fd, (uint32_t)stat.st_ino };
	}
	closedir(dir);
	qsort(found, count, sizeof(*found), found_compare);
	return count;
}

/* The mapping of the socket, if it has the size of a receive and a send ring as we asked for them. */
static uint8_t *frames_find(int fd, uint32_t frame_len)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end, inode;
	uint8_t *found = NULL;
	struct stat stat;
	char line[512];

	if (!maps)
		return NULL;
	while (!found && fstat(fd, &stat) == 0 && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %*s %*s %lu", &start, &end, &inode) == 3 && inode == stat.st_ino &&
		    end - start == rings_len(frame_len))
			found = (uint8_t *)start;
	fclose(maps);
	return found;
}

int rings_find(struct ring *rings, unsigned int count, uint32_t interface)
{
	struct found found[count];
	int one = 1;

	if (sockets_find(interface, found, count) < count)
		return -ENOTSOCK;
	for (unsigned int i = 0; i < count; i++) {
		rings[i] = (struct ring){ .fd = found[i].fd };
		/* What this host itself sends out of the device is not for the other side. */
		if (setsockopt(rings[i].fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0)
			return -errno;
	}
	return 0;
}

static int number_set(int fd, int option, int number)
{
	return setsockopt(fd, SOL_PACKET, option, &number, sizeof(number)) < 0 ? -errno : 0;
}

static int ring_set(int fd, int option, uint32_t frame_len)
{
	struct tpacket_req want = {
		.tp_block_size = frame_len * RING_BLOCK_FRAMES,
		.tp_block_nr = RING_FRAMES / RING_BLOCK_FRAMES,
		.tp_frame_size = frame_len,
		.tp_frame_nr = RING_FRAMES,
	};

	return setsockopt(fd, SOL_PACKET, option, &want, sizeof(want)) < 0 ? -errno : 0;
}

/*
 * A bad frame is left out instead of stopping all behind it. The queue is ours: a second one, the kernel's, behind it
 * would hide from the depth that is written.
 */
static int socket_set(int fd, uint32_t frame_len)
{
	int err = number_set(fd, PACKET_VERSION, TPACKET_V2);

	if (!err)
		err = number_set(fd, PACKET_LOSS, 1);
	if (!err)
		err = number_set(fd, PACKET_QDISC_BYPASS, 1);
	if (!err)
		err = number_set(fd, PACKET_IGNORE_OUTGOING, 1);
	if (!err)
		err = ring_set(fd, PACKET_RX_RING, frame_len);
	return err ? err : ring_set(fd, PACKET_TX_RING, frame_len);
}

/* Nothing is to come by one socket before all share it out among them: a packet would come twice. */
static int ring_shut(const struct ring *ring)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog filter = { .len = 1, .filter = &none };

	return setsockopt(ring->fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ? -errno : 0;
}

static int ring_unshut(const struct ring *ring)
{
	int unused = 0; /* the kernel wants one */

	return setsockopt(ring->fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)) < 0 ? -errno : 0;
}

/* Puts a socket of ours in the place of the driver's. */
static int ring_replace(struct ring *ring, uint32_t frame_len)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	err = socket_set(fd, frame_len);
	if (!err && mmap(ring->frames, rings_len(frame_len), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_LOCKED | MAP_FIXED, fd, 0) == MAP_FAILED)
		err = -errno;
	if (!err && dup3(fd, ring->fd, O_CLOEXEC) < 0)
		err = -errno;
	close(fd);
	return err ? err : ring_shut(ring);
}

/* One that only sends asks for no protocol and gets no packet. */
static int ring_bind(const struct ring *ring, uint32_t interface, bool receives)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = receives ? htons(ETH_P_ALL) : 0,
		.sll_ifindex = (int)interface,
	};

	return bind(ring->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

/*
 * Packets are shared out by a hash over addresses and ports, the same in both directions. The group stands for its
 * members towards the kernel, also in what it does not want to see; kernels before 5.18 cannot be told that.
 */
static int fanout_join(const struct ring *rings, unsigned int rx_count)
{
	int group = (PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_UNIQUEID | PACKET_FANOUT_FLAG_IGNORE_OUTGOING) << 16;
	socklen_t len = sizeof(group);
	int err = number_set(rings[0].fd, PACKET_FANOUT, group);

	if (err == -EINVAL) {
		group &= ~(PACKET_FANOUT_FLAG_IGNORE_OUTGOING << 16);
		err = number_set(rings[0].fd, PACKET_FANOUT, group);
	}
	if (!err && getsockopt(rings[0].fd, SOL_PACKET, PACKET_FANOUT, &group, &len) < 0)
		err = -errno;
	for (unsigned int i = 1; !err && i < rx_count; i++)
		err = number_set(rings[i].fd, PACKET_FANOUT, group);
	return err;
}

static int promiscuous_set(const struct ring *ring, uint32_t interface)
{
	struct packet_mreq membership = { .mr_ifindex = (int)interface, .mr_type = PACKET_MR_PROMISC };

	return setsockopt(ring->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof(membership)) < 0 ? -errno
													    : 0;
}

int rings_open(struct ring *rings, unsigned int count, unsigned int rx_count, uint32_t interface, uint32_t frame_len)
{
	int err = rings_find(rings, count, interface);

	for (unsigned int i = 0; !err && i < count; i++) {
		rings[i].frame_len = frame_len;
		rings[i].frames = frames_find(rings[i].fd, frame_len);
		err = rings[i].frames ? ring_replace(&rings[i], frame_len) : -ENOTSOCK;
	}
	for (unsigned int i = 0; !err && i < count; i++)
		err = ring_bind(&rings[i], interface, i < rx_count);
	if (!err && rx_count > 1)
		err = fanout_join(rings, rx_count);
	for (unsigned int i = 0; !err && i < count; i++)
		err = ring_unshut(&rings[i]);
	return err ? err : promiscuous_set(&rings[0], interface);
}

static bool has_service_tag(const struct tpacket2_hdr *frame)
{
	return frame->tp_status & TP_STATUS_VLAN_VALID && frame->tp_status & TP_STATUS_VLAN_TPID_VALID &&
	       frame->tp_vlan_tpid == ETH_P_8021AD;
}

uint16_t ring_peek(struct ring *ring, int64_t *unix_ns, uint32_t *service_tags, uint16_t max)
{
	uint32_t seen = 0;
	uint16_t count;

	*service_tags = 0;
	for (count = 0; count < max; count++) {
		const struct tpacket2_hdr *frame =
		    (const void *)(ring->frames + (size_t)((ring->next + count) % RING_FRAMES) * ring->frame_len);

		if (!(__atomic_load_n(&frame->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			break;
		unix_ns[count] = (int64_t)frame->tp_sec * 1000000000 + frame->tp_nsec;
		*service_tags |= (uint32_t)has_service_tag(frame) << count;
		seen |= frame->tp_status;
	}
	if (unlikely(seen & TP_STATUS_CSUMNOTREADY))
		__atomic_store_n(&ring->unfinished, true, __ATOMIC_RELAXED);
	return count;
}

uint32_t ring_missed(const struct ring *ring)
{
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);

	/* Reading it sets it to zero. */
	return getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0 ? stats.tp_drops : 0;
}

int ring_kick(const struct ring *ring)
{
	return sendto(ring->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ? -errno : 0;
}
