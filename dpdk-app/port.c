/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ports: found, started, joined in pairs. A Linux device is taken by DPDK's af_packet driver.
 */
#include "port.h"

#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "eal.h"

enum {
	DESCRIPTORS = 512,
	FRAME_STEP = 1024, /* four of them make a page */
	FRAME_LEN_MIN = 2048,
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

int port_frame_len(const struct config *config, uint32_t *frame_len)
{
	uint32_t longest = FRAME_LEN_MIN;

	for (unsigned int i = 0; i < config->device_count; i++) {
		uint32_t mtu;
		int err = device_check(config->devices[i], &mtu);

		if (err)
			return err;
		longest = RTE_MAX(longest, mtu + ETHER_HDR_LEN + VLAN_LEN + RING_FRAME_HEADROOM);
	}
	*frame_len = RTE_ALIGN_CEIL(longest, FRAME_STEP);
	if (*frame_len + RTE_PKTMBUF_HEADROOM <= UINT16_MAX)
		return 0;
	fprintf(stderr, PROGRAM ": an MTU of %u is more than a packet buffer holds\n", longest);
	return -EMSGSIZE;
}

/* A frame that the ring has cut is longer than its room, so it counts as too long even if the MTU has been raised. */
static void frame_len_update(struct port *port)
{
	uint32_t mtu;

	if (device_mtu(port->ring.fd, port->name, &mtu) == 0)
		port->frame_len_max = RTE_MIN(mtu + ETHER_HDR_LEN, port->frame_room);
}

static int port_open_ring(struct port *port, uint32_t frame_len)
{
	int err = ring_open(&port->ring, port->interface, frame_len);

	if (err)
		return err;
	port->frame_room = frame_len - RING_FRAME_HEADROOM - VLAN_LEN;
	frame_len_update(port);
	return 0;
}

static int port_start(struct port *port, struct rte_mempool *pool)
{
	struct rte_eth_conf conf = { 0 };
	int err = rte_eth_dev_configure(port->id, 1, 1, &conf);

	if (!err)
		err = rte_eth_rx_queue_setup(port->id, 0, DESCRIPTORS, SOCKET_ID_ANY, NULL, pool);
	if (!err)
		err = rte_eth_tx_queue_setup(port->id, 0, DESCRIPTORS, SOCKET_ID_ANY, NULL);
	return err ? err : rte_eth_dev_start(port->id);
}

static void port_name(struct port *port, const struct rte_eth_dev_info *info)
{
	port->interface = info->if_index ? info->if_index : port->id + 1U;
	if (!info->if_index || !if_indextoname(info->if_index, port->name))
		rte_eth_dev_get_name_by_port(port->id, port->name);
}

static int port_open(struct port *port, const struct config *config, struct rte_mempool *pool, uint32_t frame_len)
{
	struct rte_eth_dev_info info;
	int err = rte_eth_dev_info_get(port->id, &info);

	port->ring.fd = port->ring.promiscuous_fd = -1;
	port->frame_len_max = UINT32_MAX;
	queue_init(&port->egress, config->queue_bytes);
	if (!err) {
		port_name(port, &info);
		err = port_start(port, pool);
	}
	if (err)
		return err;
	if (strcmp(info.driver_name, "net_af_packet") == 0)
		return port_open_ring(port, frame_len);
	err = rte_eth_promiscuous_enable(port->id);
	return err == -ENOTSUP ? 0 : err;
}

/* The devices that were named, in their order, then whatever else DPDK has. */
static int ports_find(struct port *ports, unsigned int *count, const struct config *config)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	uint16_t id;

	for (*count = 0; *count < config->device_count; (*count)++) {
		eal_port_name(*count, name, sizeof(name));
		if (rte_eth_dev_get_port_by_name(name, &ports[*count].id)) {
			fprintf(stderr, PROGRAM ": %s: DPDK could not take it\n", config->devices[*count]);
			return EXIT_FAILED;
		}
	}
	RTE_ETH_FOREACH_DEV(id)
	{
		if (rte_eth_dev_get_name_by_port(id, name) || strstr(name, "_hopspan"))
			continue;
		if (*count == PORTS_MAX) {
			fprintf(stderr, PROGRAM ": more than %d ports\n", PORTS_MAX);
			return EXIT_MISUSE;
		}
		ports[(*count)++].id = id;
	}
	if (*count && *count % 2 == 0)
		return EXIT_DONE;
	fprintf(stderr, PROGRAM ": %u ports, but they are joined in pairs\n", *count);
	return EXIT_MISUSE;
}

int ports_open(struct port *ports, unsigned int *count, const struct config *config, uint32_t frame_len,
	       uint32_t buffer_count)
{
	struct rte_mempool *pool;
	int err = ports_find(ports, count, config);

	if (err)
		return err;
	pool = rte_pktmbuf_pool_create("hopspan", buffer_count, 256, 0, (uint16_t)(frame_len + RTE_PKTMBUF_HEADROOM),
				       SOCKET_ID_ANY);
	if (!pool) {
		fprintf(stderr, PROGRAM ": no memory for %u packet buffers: %s\n", buffer_count,
			rte_strerror(rte_errno));
		return EXIT_FAILED;
	}
	for (unsigned int i = 0; i < *count; i++) {
		ports[i].peer = &ports[i ^ 1];
		err = port_open(&ports[i], config, pool, frame_len);
		if (err) {
			fprintf(stderr, PROGRAM ": %s: port does not start: %s\n", ports[i].name, rte_strerror(-err));
			return EXIT_FAILED;
		}
	}
	return EXIT_DONE;
}

void ports_close(struct port *ports, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		rte_eth_dev_stop(ports[i].id);
		rte_eth_dev_close(ports[i].id);
		ring_close(&ports[i].ring);
	}
}

int port_check(struct port *port)
{
	struct rte_eth_stats stats = { 0 };
	char name[IF_NAMESIZE];

	if (rte_eth_stats_get(port->id, &stats) == 0)
		port->tx_errors = stats.oerrors;
	if (port->ring.fd < 0) {
		port->rx_missed = stats.imissed;
		return 0;
	}
	port->rx_missed += ring_missed(&port->ring);
	frame_len_update(port);
	return if_indextoname(port->interface, name) ? 0 : -ENODEV;
}
