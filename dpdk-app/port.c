/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ports: found, started, joined in pairs. A Linux device is taken by DPDK's af_packet driver.
 */
#include "port.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <rte_dev.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "router.h"
#include "wire/ethernet.h"

enum {
	DESCRIPTORS = 512,
	POOL_CACHE = 256,
	FRAME_STEP = 1024, /* four of them make a page */
	FRAME_LEN_MIN = 2048,
	/* Of a packet in several pieces: all headers are in the first. */
	PIECE_LEN_MIN = ETHERNET_LEN + VLAN_TAGS_MAX * VLAN_TAG_LEN + IPV6_LEN + HBH_LEN_MAX,
};

static int device_failed(const char *device, int err)
{
	fprintf(stderr, PROGRAM ": %s: %s\n", device,
		err == EPERM	? "needs root, or CAP_NET_RAW and CAP_NET_ADMIN"
		: err == ENODEV ? "no such device"
				: strerror(err));
	return -err;
}

/* One number or flag word of a device, by any socket. */
static int device_ioctl(int fd, const char *device, unsigned long request, struct ifreq *reply)
{
	memset(reply, 0, sizeof(*reply));
	snprintf(reply->ifr_name, IFNAMSIZ, "%.*s", IFNAMSIZ - 1, device);
	return ioctl(fd, request, reply) < 0 ? -errno : 0;
}

static int device_mtu(int fd, const char *device, uint32_t *mtu)
{
	struct ifreq reply;
	int err = device_ioctl(fd, device, SIOCGIFMTU, &reply);

	if (!err)
		*mtu = (uint32_t)reply.ifr_mtu;
	return err;
}

static int device_check(const char *device, uint32_t *mtu)
{
	struct ifreq reply;
	int fd, err;

	if (!if_nametoindex(device))
		return device_failed(device, ENODEV);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return device_failed(device, errno);
	err = device_mtu(fd, device, mtu);
	if (!err)
		err = device_ioctl(fd, device, SIOCGIFFLAGS, &reply);
	close(fd);
	if (err)
		return device_failed(device, -err);
	if (!(reply.ifr_flags & IFF_UP))
		fprintf(stderr, PROGRAM ": %s is down, nothing will come (ip link set %s up)\n", device, device);
	return 0;
}

int port_frame_len(const struct config *config, struct eal_buffers *buffers)
{
	uint32_t longest = FRAME_LEN_MIN;

	for (unsigned int i = 0; i < config->port_count; i++) {
		uint32_t mtu;
		int err;

		if (eal_may_have(config, config->ports[i].device))
			continue;
		err = device_check(config->ports[i].device, &mtu);

		if (err)
			return err;
		longest = RTE_MAX(longest, mtu + ETHERNET_LEN + VLAN_TAG_LEN + RING_FRAME_HEADROOM);
	}
	buffers->frame_len = RTE_ALIGN_CEIL(longest, FRAME_STEP);
	buffers->len = RTE_MAX(buffers->frame_len, (uint32_t)PIECE_LEN_MIN);
	if (buffers->len + RTE_PKTMBUF_HEADROOM <= UINT16_MAX)
		return 0;
	fprintf(stderr, PROGRAM ": an MTU of %u is more than a packet buffer holds\n", longest);
	return -EMSGSIZE;
}

static void port_name(struct port *port, const struct rte_eth_dev_info *info)
{
	port->interface = info->if_index ? info->if_index : port->id + 1U;
	if (!info->if_index || !if_indextoname(info->if_index, port->name))
		rte_eth_dev_get_name_by_port(port->id, port->name);
}

/* A frame that the ring has cut is longer than its room, so it counts as too long even if the MTU has been raised. */
static void frame_len_update(struct port *port)
{
	uint32_t mtu;

	if (device_mtu(port->rings[0].fd, port->name, &mtu) == 0)
		__atomic_store_n(&port->frame_len_max, RTE_MIN(mtu + ETHERNET_LEN, port->frame_room), __ATOMIC_RELAXED);
}

static int port_open_rings(struct port *port, const struct rte_eth_dev_info *info)
{
	uint32_t frame_len = port->ring_frame_len;
	int err;

	if (info->max_rx_queues > QUEUES_MAX)
		return -E2BIG;
	port->ring_count = info->max_rx_queues;
	if (port->is_device) {
		port->frame_room = frame_len - RING_FRAME_HEADROOM - VLAN_TAG_LEN;
		err = rings_open(port->rings, port->ring_count, port->rx_queues, port->interface, frame_len);
	} else {
		err = rings_find(port->rings, port->ring_count, port->interface);
	}
	if (!err)
		frame_len_update(port);
	return err;
}

static int port_configure(const struct port *port, const struct rte_eth_dev_info *info)
{
	uint64_t hashed = (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP) & info->flow_type_rss_offloads;
	struct rte_eth_conf conf = {
		.rxmode.offloads = arrival_offloads(port->config->times, info->rx_offload_capa),
	};

	if (port->rx_queues > 1 && hashed) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = hashed;
	}
	return rte_eth_dev_configure(port->id, port->rx_queues, port->tx_queues, &conf);
}

static int port_start(const struct port *port, const struct rte_eth_dev_info *info)
{
	int err = port_configure(port, info);

	for (uint16_t i = 0; !err && i < port->rx_queues; i++)
		err = rte_eth_rx_queue_setup(port->id, i, DESCRIPTORS, SOCKET_ID_ANY, NULL, port->pool);
	for (uint16_t i = 0; !err && i < port->tx_queues; i++)
		err = rte_eth_tx_queue_setup(port->id, i, DESCRIPTORS, SOCKET_ID_ANY, NULL);
	return err ? err : rte_eth_dev_start(port->id);
}

static int port_open(struct port *port)
{
	struct rte_eth_dev_info info;
	int err = rte_eth_dev_info_get(port->id, &info);

	if (!err)
		err = port_start(port, &info);
	if (err)
		return err;
	if (strcmp(info.driver_name, "net_af_packet") == 0)
		return port_open_rings(port, &info);
	err = rte_eth_promiscuous_enable(port->id);
	return err == -ENOTSUP ? 0 : err;
}

static int port_open_times(struct port *port)
{
	enum config_times times = port->config->times;
	struct rte_eth_dev_info info;
	int err = rte_eth_dev_info_get(port->id, &info);

	if (!err)
		err = arrival_init(&port->arrival, times, port->id, arrival_offloads(times, info.rx_offload_capa),
				   port->rings[0].frames);
	if (err)
		fprintf(stderr, PROGRAM ": %s: its driver gives no hardware times (times packet, or burst)\n",
			port->name);
	return err;
}

/* A driver that does not share packets out itself is given them in all of its queues. */
static bool must_poll_all(const struct port *port, const struct rte_eth_dev_info *info)
{
	return !port->is_device && !info->flow_type_rss_offloads && info->max_rx_queues <= QUEUES_MAX;
}

static int port_plan_queues(struct port *port, unsigned int workers, const struct rte_eth_dev_info *info)
{
	unsigned int most = RTE_MIN(info->max_rx_queues, QUEUES_MAX), queues = port->config->queues;
	bool all = must_poll_all(port, info);

	if (!queues)
		queues = all ? most : RTE_MIN(workers, most);
	port->rx_queues = (uint16_t)queues;
	if (queues == most || (queues < most && !all))
		return EXIT_DONE;
	fprintf(stderr, PROGRAM ": %s has %u receive queue%s, not %u\n", port->name, most, most == 1 ? "" : "s",
		queues);
	return EXIT_FAILED;
}

static int ports_plan(struct port *ports, unsigned int count, unsigned int *workers)
{
	struct rte_eth_dev_info infos[PORTS_MAX];
	unsigned int rx_queues = 0;
	int status = EXIT_DONE;

	for (unsigned int i = 0; i < count; i++) {
		unsigned int most;

		if (rte_eth_dev_info_get(ports[i].id, &infos[i])) {
			fprintf(stderr, PROGRAM ": port %u: its driver does not say what it can do\n", ports[i].id);
			return EXIT_FAILED;
		}
		port_name(&ports[i], &infos[i]);
		most = infos[i].max_tx_queues;
		if (*workers <= most)
			continue;
		fprintf(stderr, PROGRAM ": %s has %u transmit queue%s: %u of %u workers\n", ports[i].name, most,
			most == 1 ? "" : "s", most, *workers);
		*workers = most;
	}
	for (unsigned int i = 0; !status && i < count; i++) {
		status = port_plan_queues(&ports[i], *workers, &infos[i]);
		rx_queues += ports[i].rx_queues;
	}
	if (!status && rx_queues < *workers) {
		fprintf(stderr, PROGRAM ": %u receive queues in all: %u of %u workers\n", rx_queues, rx_queues,
			*workers);
		*workers = rx_queues;
	}
	return status;
}

/* A name is taken once, and the same device takes the same one again. */
static void device_name(const struct port *port, char *name, size_t size)
{
	snprintf(name, size, "net_af_packet_hopspan_%.*s", IFNAMSIZ - 1, port->config->device);
}

/* By one CPU: see sockets_find(). */
static int vdev_add(const char *name, const char *args)
{
	cpu_set_t before, one;
	int cpu = sched_getcpu(), err = sched_getaffinity(0, sizeof(before), &before);

	CPU_ZERO(&one);
	CPU_SET(cpu < 0 ? 0 : (unsigned int)cpu, &one);
	if (!err)
		err = sched_setaffinity(0, sizeof(one), &one);
	if (err)
		return -errno;
	err = rte_eal_hotplug_add("vdev", name, args);
	sched_setaffinity(0, sizeof(before), &before);
	return err;
}

/* af_packet has as many queues to receive as to send. */
static int device_take(struct port *port, unsigned int workers)
{
	uint32_t frame_len = port->ring_frame_len;
	char name[RTE_ETH_NAME_MAX_LEN], args[256];

	device_name(port, name, sizeof(name));
	snprintf(args, sizeof(args), "iface=%s,qpairs=%u,blocksz=%u,framesz=%u,framecnt=%u", port->config->device,
		 RTE_MAX(port->config->queues, workers), frame_len * RING_BLOCK_FRAMES, frame_len, RING_FRAMES);
	port->is_device = true;
	if (vdev_add(name, args) == 0 && rte_eth_dev_get_port_by_name(name, &port->id) == 0)
		return 0;
	return -ENODEV;
}

static bool has_port(const struct port *ports, unsigned int count, uint16_t id)
{
	for (unsigned int i = 0; i < count; i++)
		if (ports[i].id == id)
			return true;
	return false;
}

/* DPDK's own, or a Linux device that it is to take. */
static int port_find(struct port *port, unsigned int workers)
{
	if (rte_eth_dev_get_port_by_name(port->config->device, &port->id) == 0 || device_take(port, workers) == 0)
		return EXIT_DONE;
	fprintf(stderr, PROGRAM ": %s: DPDK could not take it\n", port->config->device);
	return EXIT_FAILED;
}

/* Those of the configuration, in their order, then whatever else DPDK has. */
static int ports_find(struct port *ports, unsigned int *count, unsigned int workers, const struct config *config,
		      uint32_t frame_len)
{
	uint16_t id;

	for (*count = 0; *count < config->port_count; (*count)++) {
		ports[*count].config = &config->ports[*count];
		ports[*count].ring_frame_len = frame_len;
		if (port_find(&ports[*count], workers))
			return EXIT_FAILED;
	}
	RTE_ETH_FOREACH_DEV(id)
	{
		if (has_port(ports, config->port_count, id))
			continue;
		if (*count == PORTS_MAX) {
			fprintf(stderr, PROGRAM ": more than %d ports\n", PORTS_MAX);
			return EXIT_MISUSE;
		}
		ports[*count].config = &config->all;
		ports[(*count)++].id = id;
	}
	return EXIT_DONE;
}

/* Those that the configuration has not paired: in order. */
static int ports_join(struct port *ports, unsigned int count, const struct config *config)
{
	struct port *left = NULL;

	for (unsigned int i = 0; i < config->pair_count; i++) {
		ports[config->pairs[i][0]].peer = &ports[config->pairs[i][1]];
		ports[config->pairs[i][1]].peer = &ports[config->pairs[i][0]];
	}
	for (unsigned int i = 0; i < count; i++) {
		if (ports[i].peer)
			continue;
		ports[i].peer = left;
		if (left)
			left->peer = &ports[i];
		left = left ? NULL : &ports[i];
	}
	if (count && !left)
		return EXIT_DONE;
	if (count)
		fprintf(stderr, PROGRAM ": %u port%s, but they are joined in pairs\n", count, count == 1 ? "" : "s");
	else
		fputs(PROGRAM ": DPDK has no ports: nothing is to be joined\n", stderr);
	return EXIT_MISUSE;
}

unsigned int ports_buffers(const struct config *config, unsigned int ports, unsigned int workers)
{
	unsigned int buffers = 0;

	if (config->buffers)
		return config->buffers;
	for (unsigned int i = 0; i < RTE_MAX(ports, 2U); i++) {
		const struct config_port *port = i < config->port_count ? &config->ports[i] : &config->all;

		buffers += RTE_MAX(workers, port->queues) * PORT_BUFFERS + port->queue_packets;
	}
	return config->mode == MODE_ROUTER ? buffers + ROUTER_BUFFERS : buffers;
}

static void ports_reset(struct port *ports)
{
	for (unsigned int i = 0; i < PORTS_MAX; i++) {
		ports[i].frame_len_max = ports[i].frame_room = UINT32_MAX;
		for (unsigned int queue = 0; queue < QUEUES_MAX; queue++)
			ports[i].rings[queue].fd = -1;
	}
}

int ports_open(struct port *ports, unsigned int *count, unsigned int *workers, const struct config *config,
	       const struct eal_buffers *buffers)
{
	struct rte_mempool *pool;
	unsigned int buffer_count;
	int status, err;

	ports_reset(ports);
	status = ports_find(ports, count, *workers, config, buffers->frame_len);
	if (!status && config->mode == MODE_WIRE)
		status = ports_join(ports, *count, config);
	if (!status)
		status = ports_plan(ports, *count, workers);
	if (status)
		return status;
	buffer_count = ports_buffers(config, *count, *workers);
	pool = rte_pktmbuf_pool_create("hopspan", buffer_count, RTE_MIN(POOL_CACHE, buffer_count / 8), 0,
				       (uint16_t)(buffers->len + RTE_PKTMBUF_HEADROOM), SOCKET_ID_ANY);
	if (!pool) {
		fprintf(stderr, PROGRAM ": no memory for %u packet buffers (word buffers): %s\n", buffer_count,
			rte_strerror(rte_errno));
		return EXIT_FAILED;
	}
	for (unsigned int i = 0; i < *count; i++) {
		ports[i].pool = pool;
		ports[i].tx_queues = (uint16_t)*workers;
		err = port_open(&ports[i]);
		if (err) {
			fprintf(stderr, PROGRAM ": %s: port does not start: %s\n", ports[i].name, rte_strerror(-err));
			return EXIT_FAILED;
		}
		if (port_open_times(&ports[i]))
			return EXIT_FAILED;
	}
	return EXIT_DONE;
}

void ports_close(struct port *ports, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (ports[i].state == PORT_GONE)
			continue;
		rte_eth_dev_stop(ports[i].id);
		rte_eth_dev_close(ports[i].id);
	}
}

void port_count(struct port *port)
{
	struct rte_eth_stats stats = { 0 };

	if (port->state == PORT_GONE || rte_eth_stats_get(port->id, &stats))
		return;
	port->tx_errors = port->tx_errors_before + stats.oerrors;
	if (!port->ring_count) {
		port->rx_missed = stats.imissed;
		return;
	}
	for (unsigned int i = 0; i < port->ring_count; i++)
		port->rx_missed += ring_missed(&port->rings[i]);
	frame_len_update(port);
}

bool port_says_unfinished(struct port *port)
{
	for (unsigned int i = 0; !port->said_unfinished && i < port->ring_count; i++)
		if (__atomic_load_n(&port->rings[i].unfinished, __ATOMIC_RELAXED))
			return port->said_unfinished = true;
	return false;
}

/* As it is now; IFF_RUNNING follows up to a second later. A driver that does not say: it has. */
static bool device_has_carrier(int fd, const char *device)
{
	struct ethtool_value link = { .cmd = ETHTOOL_GLINK };
	struct ifreq request = { .ifr_data = (void *)&link };

	snprintf(request.ifr_name, IFNAMSIZ, "%.*s", IFNAMSIZ - 1, device);
	return ioctl(fd, SIOCETHTOOL, &request) < 0 || link.data;
}

/* Only of a Linux device that sockets are bound to: other drivers say little, or that all is well. */
enum port_state port_look(const struct port *port)
{
	struct ifreq reply;
	char name[IF_NAMESIZE];

	if (!port->ring_count)
		return PORT_UP;
	if (!if_indextoname(port->interface, name) ||
	    device_ioctl(port->rings[0].fd, name, SIOCGIFFLAGS, &reply) == -ENODEV)
		return PORT_GONE;
	return reply.ifr_flags & IFF_UP && device_has_carrier(port->rings[0].fd, name) ? PORT_UP : PORT_DOWN;
}

void port_release(struct port *port)
{
	char name[RTE_ETH_NAME_MAX_LEN];

	port->tx_errors_before = port->tx_errors;
	for (unsigned int i = 0; i < port->ring_count; i++)
		port->rings[i] = (struct ring){ .fd = -1 };
	rte_eth_dev_stop(port->id);
	if (rte_eth_dev_get_name_by_port(port->id, name) == 0)
		rte_eal_hotplug_remove("vdev", name);
}

/* Before it is up its sockets could not share packets out, on kernels before 6.10. */
static bool device_is_up(const char *device)
{
	struct ifreq reply;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	bool up = fd >= 0 && device_ioctl(fd, device, SIOCGIFFLAGS, &reply) == 0 && reply.ifr_flags & IFF_UP;

	if (fd >= 0)
		close(fd);
	return up;
}

int port_retake(struct port *port)
{
	struct rte_eth_dev_info info;
	int err;

	if (!port->is_device || !device_is_up(port->config->device))
		return -ENODEV;
	err = device_take(port, port->tx_queues);
	if (!err)
		err = rte_eth_dev_info_get(port->id, &info);
	if (err)
		return err;
	port_name(port, &info);
	err = port_open(port);
	if (err)
		port_release(port);
	return err;
}
