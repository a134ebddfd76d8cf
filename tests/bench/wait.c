/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * ns per packet of `router up ... wait measured`, by the kernel's own account (bpf_stats): packets that it measures,
 *and others that the machine sends. Two empty programs on the same tracepoint have the same packets.
 *
 *	wait BENCH_OBJECT ROUNDS PACKETS LINK ROUTER OTHER
 *
 * LINK is the program's pinned link; ROUTER and OTHER are network namespaces' files: in ROUTER eth1 is measured and
 *eth2 is not (node id 2), in OTHER there is eth1, too. Rounds in which others sent packets are taken again.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "packet.h"
#include "pair.h"
#include "row.h"
#include "tc/wait.h"
#include "wire/encap.h"

enum { ROUTER_NODE_ID = 2, TRIES_MAX = 5000 };
enum program { OURS, EMPTY, EMPTY_SAME, PROGRAMS };
enum kind { OTHER_NAMESPACE, PLAIN, NOT_MEASURED, MEASURED, KINDS };

static const char *const names[KINDS] = {
	"wait measured: packet of another namespace",
	"wait measured: packet without the option",
	"wait measured: stamped, by a device that is not measured",
	"wait measured: stamped, measured",
};

struct sender {
	int socket;
	unsigned int ifindex;
};

struct account {
	uint64_t ns[PROGRAMS], runs[PROGRAMS];
};

static int programs[PROGRAMS], queues;
static uint8_t plain[PACKET_LEN], stamped[PACKET_LEN];

static struct sender sender_open(const char *netns, const char *dev)
{
	struct sender sender;

	pair_enter(netns);
	sender.socket = socket(AF_PACKET, SOCK_RAW, 0);
	sender.ifindex = if_nametoindex(dev);
	if (sender.socket < 0 || !sender.ifindex)
		err(1, "%s %s", netns, dev);
	return sender;
}

/* As tc/depart leaves it. */
static void stamped_make(unsigned int interface)
{
	uint8_t *ip6 = stamped + ETHERNET_LEN, *end = stamped + PACKET_LEN;
	struct ioam6_node node = IOAM6_NODE_UNKNOWN;
	struct ioam6_found found;
	enum outcome why;
	uint32_t slot;

	packet_make(PACKET_TRACE, stamped);
	node.id = ROUTER_NODE_ID;
	node.hop_limit = ip6[IPV6_HOP_LIMIT_AT];
	node.fraction = node.delay_ns = node.queue = 0;
	if (!ioam6_find(ip6, end, CONTEXT_NAMESPACE, &found, &why) ||
	    ioam6_append(ip6, end, &found, &node, &slot) != OUTCOME_appended)
		errx(1, "no packet with the router in it");
	node.egress_if = (uint16_t)interface;
	ioam6_complete(ip6, end, slot, found.trace.type, &node);
}

static int link_program(const char *path)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	int link = bpf_obj_get(path);

	if (link < 0 || bpf_obj_get_info_by_fd(link, &info, &len))
		err(1, "%s", path);
	close(link);
	return bpf_prog_get_fd_by_id(info.prog_id);
}

static int empty_attach(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program = object ? bpf_object__next_program(object, NULL) : NULL;

	if (!program || bpf_object__load(object) || !bpf_program__attach(program))
		err(1, "%s", path);
	return bpf_program__fd(program);
}

/* A map of our program, by its name. */
static int map_of(int program, const char *name)
{
	uint32_t ids[16], len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .map_ids = (uint64_t)(unsigned long)ids, .nr_map_ids = 16 };

	if (bpf_obj_get_info_by_fd(program, &info, &len))
		err(1, "program's maps");
	for (uint32_t i = 0; i < info.nr_map_ids && i < 16; i++) {
		struct bpf_map_info map = { 0 };
		int fd = bpf_map_get_fd_by_id(ids[i]);

		len = sizeof(map);
		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &map, &len) == 0 && strcmp(map.name, name) == 0)
			return fd;
		close(fd);
	}
	errx(1, "no map %s", name);
}

static void account_read(struct account *account)
{
	for (int i = 0; i < PROGRAMS; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);

		if (bpf_obj_get_info_by_fd(programs[i], &info, &len))
			err(1, "program's statistics");
		account->ns[i] = info.run_time_ns;
		account->runs[i] = info.run_cnt;
	}
}

static uint64_t measured(unsigned int ifindex)
{
	struct wait_key key = { .ifindex = ifindex };
	struct wait_queue queue = { 0 };

	return bpf_map_lookup_elem(queues, &key, &queue) ? 0 : queue.packets;
}

static void packets_send(const struct sender *sender, const uint8_t *packet, unsigned int packets)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)sender->ifindex,
				  .sll_protocol = htons(ETHERTYPE_IPV6),
				  .sll_halen = 6 };

	for (unsigned int i = 0; i < packets; i++)
		if (sendto(sender->socket, packet, PACKET_LEN, 0, (struct sockaddr *)&to, sizeof(to)) != PACKET_LEN)
			err(1, "send");
}

/* ns per packet of each program. */
static void round_run(const struct sender *sender, enum kind kind, unsigned int packets, double ns[PROGRAMS])
{
	struct account before, after;
	uint64_t counted;

	for (int try = 0; try < TRIES_MAX; try++) {
		counted = measured(sender->ifindex);
		account_read(&before);
		packets_send(sender, kind == PLAIN ? plain : stamped, packets);
		account_read(&after);
		counted = measured(sender->ifindex) - counted;
		if (kind == MEASURED ? counted < packets - packets / 100 : counted)
			errx(1, "%s: %lu of %u packets were measured", names[kind], counted, packets);
		if (after.runs[OURS] - before.runs[OURS] > packets + packets / 100)
			continue;
		for (int i = 0; i < PROGRAMS; i++)
			ns[i] = (double)(after.ns[i] - before.ns[i]) / (double)(after.runs[i] - before.runs[i]);
		return;
	}
	errx(1, "this machine has too much traffic of others");
}

static void rows_run(struct sender senders[KINDS], unsigned int rounds, unsigned int packets)
{
	struct series series[KINDS][PROGRAMS];
	double ns[PROGRAMS];

	for (int kind = 0; kind < KINDS; kind++)
		for (int i = 0; i < PROGRAMS; i++)
			series_init(&series[kind][i], "empty program at the tracepoint", rounds);
	for (unsigned int round = 0; round < rounds; round++)
		for (int kind = 0; kind < KINDS; kind++) {
			round_run(&senders[kind], kind, packets, ns);
			for (int i = 0; i < PROGRAMS; i++)
				series[kind][i].values[round] = ns[i];
		}
	for (int kind = 0; kind < KINDS; kind++)
		row_print(&(struct row){ .what = names[kind],
					 .series = &series[kind][OURS],
					 .base = &series[kind][EMPTY],
					 .same = { &series[kind][EMPTY], &series[kind][EMPTY_SAME] },
					 .proof = kind == MEASURED ? "in the histogram" : "nothing in a histogram",
					 .packets = (double)rounds * packets },
			  rounds);
}

int main(int argc, char **argv)
{
	struct sender senders[KINDS];
	unsigned int rounds, packets;

	if (argc != 7 || (rounds = atoi(argv[2])) < 1 || (packets = atoi(argv[3])) < 1)
		errx(2, "usage: wait BENCH_OBJECT ROUNDS PACKETS LINK ROUTER OTHER");
	programs[OURS] = link_program(argv[4]);
	queues = map_of(programs[OURS], "wait_queues");
	programs[EMPTY] = empty_attach(argv[1]);
	programs[EMPTY_SAME] = empty_attach(argv[1]);
	senders[MEASURED] = senders[PLAIN] = sender_open(argv[5], "eth1");
	senders[NOT_MEASURED] = sender_open(argv[5], "eth2");
	senders[OTHER_NAMESPACE] = sender_open(argv[6], "eth1");
	packet_make(PACKET_PLAIN, plain);
	stamped_make(senders[MEASURED].ifindex);
	if (bpf_enable_stats(BPF_STATS_RUN_TIME) < 0)
		err(1, "bpf_stats");
	rows_run(senders, rounds, packets);
	return 0;
}
