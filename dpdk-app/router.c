/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The router's thread: frames between twins and workers, links, and once a second what no message tells. */
#include "router.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "ctl/plane/route.h"
#include "eal.h"
#include "filters.h"
#include "port.h"
#include "rtnetlink.h"
#include "twin.h"

enum { FD_WAKE, FD_KERNEL, FD_TWINS, FD_COUNT = FD_TWINS + PORTS_MAX };
enum { SECOND_MS = 1000, NO_BUFFER_MS = 1 };

struct router {
	struct forward_shared shared;
	struct mirror *mirror;
	struct rtnetlink *rtnetlink;
	const struct port *ports;
	struct rte_mempool *buffers;
	struct router_port {
		struct twin twin;
		struct rtnetlink_link link, device; /* the twin's, and that of the device beneath */
	} twins[PORTS_MAX];
	unsigned int port_count;
	uint64_t dropped;
	struct mirror_counts counts;
	bool stop, running, has_filters, was_full;
	pthread_t thread;
};

struct forward_shared *router_shared(struct router *router)
{
	return &router->shared;
}

uint64_t router_dropped(const struct router *router)
{
	return __atomic_load_n(&router->dropped, __ATOMIC_RELAXED);
}

struct mirror_counts router_counts(const struct router *router)
{
	return router->counts;
}

const char *router_twin(const struct router *router, unsigned int place)
{
	return router->twins[place].twin.name;
}

/* Links */

/* What IPv6 may send by it: the least of the twin's MTU, the kernel's own for IPv6 there, and the device's. */
static uint32_t port_mtu(const struct router_port *port)
{
	uint32_t mtu = port->link.mtu, ipv6 = route_device_mtu(port->twin.name);

	if (ipv6 && ipv6 < mtu)
		mtu = ipv6;
	return port->device.mtu && port->device.mtu < mtu ? port->device.mtu : mtu;
}

/* What workers and mirror know of a port, anew. */
static void port_show(struct router *router, unsigned int place)
{
	const struct router_port *port = &router->twins[place];
	struct forward_port *shared = &router->shared.ports[place];
	bool up = port->link.up && !port->link.master && !port->link.gone;
	struct mirror_port mirrored = { .ifindex = up ? port->twin.ifindex : 0, .mtu = port_mtu(port) };

	memcpy(mirrored.mac, port->link.mac, sizeof(mirrored.mac));
	memcpy(shared->mac, port->link.mac, sizeof(shared->mac));
	__atomic_store_n(&shared->up, up, __ATOMIC_RELAXED);
	mirror_port_set(router->mirror, place, &mirrored);
}

/* The twin follows its port. */
static void device_follow(struct router *router, unsigned int place, const struct rtnetlink_link *device)
{
	struct router_port *port = &router->twins[place];

	if (port->device.mtu != device->mtu && device->mtu && twin_mtu_set(&port->twin, device->mtu))
		fprintf(stderr, PROGRAM ": twin %s: its MTU cannot be %u\n", port->twin.name, device->mtu);
	if (memcmp(port->device.mac, device->mac, sizeof(device->mac)) != 0)
		twin_mac_set(&port->twin, device->mac);
	twin_carrier_set(&port->twin, device->up && device->carrier && !device->gone);
	port->device = *device;
	port_show(router, place);
}

/* Some routes come and go with a link without a message. */
static void twin_note(struct router *router, unsigned int place, const struct rtnetlink_link *link)
{
	struct router_port *port = &router->twins[place];
	bool changed = port->link.up != link->up || port->link.carrier != link->carrier;

	port->link = *link;
	port_show(router, place);
	if (changed && router->rtnetlink)
		rtnetlink_again(router->rtnetlink);
}

static void on_link(void *context, const struct rtnetlink_link *link)
{
	struct router *router = context;

	for (unsigned int i = 0; i < router->port_count; i++) {
		if (router->twins[i].twin.ifindex == link->ifindex)
			twin_note(router, i, link);
		else if (router->ports[i].is_device && router->ports[i].interface == link->ifindex)
			device_follow(router, i, link);
	}
}

static void on_forwarding(void *context, uint32_t ifindex, bool on)
{
	struct router *router = context;

	for (unsigned int i = 0; i < router->port_count; i++)
		if (router->twins[i].twin.ifindex == ifindex)
			__atomic_store_n(&router->shared.ports[i].on, on, __ATOMIC_RELAXED);
}

/* A port that is no Linux device is asked for its link. */
static void port_ask(struct router *router, unsigned int place)
{
	const struct port *port = &router->ports[place];
	struct rtnetlink_link device = { .up = true };
	struct rte_ether_addr mac;
	struct rte_eth_link link;
	uint16_t mtu;

	if (port->is_device)
		return;
	if (rte_eth_dev_get_mtu(port->id, &mtu) == 0)
		device.mtu = mtu;
	if (rte_eth_macaddr_get(port->id, &mac) == 0)
		memcpy(device.mac, &mac, sizeof(device.mac));
	device.carrier = rte_eth_link_get_nowait(port->id, &link) || link.link_status == RTE_ETH_LINK_UP;
	device_follow(router, place, &device);
}

/* Frames */

static void kernel_feed(struct router *router)
{
	struct rte_mbuf *packets[FORWARD_BURST];
	unsigned int count;

	while ((count = rte_ring_sc_dequeue_burst(router->shared.to_kernel, (void **)packets, FORWARD_BURST, NULL))) {
		for (unsigned int i = 0; i < count; i++)
			router->dropped += twin_write(&router->twins[packets[i]->port].twin, packets[i]) != 0;
		rte_pktmbuf_free_bulk(packets, count);
	}
}

static void worker_wake(struct router *router)
{
	static const uint64_t one = 1;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&router->shared.worker_sleeps, __ATOMIC_RELAXED) &&
	    __atomic_exchange_n(&router->shared.worker_sleeps, 0, __ATOMIC_ACQ_REL) &&
	    write(router->shared.worker_fd, &one, sizeof(one)) < 0)
		return; /* it wakes by itself a little later */
}

/* One burst from a twin. False: it goes on waiting there, for want of buffers. */
static bool twin_drain(struct router *router, unsigned int place)
{
	for (int i = 0; i < FORWARD_BURST; i++) {
		struct rte_mbuf *packet = rte_pktmbuf_alloc(router->buffers);

		if (!packet)
			return false;
		packet->port = (uint16_t)place;
		if (twin_read(&router->twins[place].twin, packet)) {
			rte_pktmbuf_free(packet);
			break;
		}
		if (rte_ring_sp_enqueue(router->shared.from_kernel, packet)) {
			router->dropped++;
			rte_pktmbuf_free(packet);
		}
	}
	worker_wake(router);
	return true;
}

/* The thread */

static void on_use(void *context, uint32_t ifindex, const uint8_t *address)
{
	const struct router *router = context;

	rtnetlink_use(router->rtnetlink, ifindex, address);
}

static void policy_read(struct router *router)
{
	FILE *file = fopen("/proc/sys/net/ipv6/fib_multipath_hash_policy", "re");
	unsigned int policy = FORWARD_HASH_L3;

	if (file && fscanf(file, "%u", &policy) != 1)
		policy = UINT32_MAX;
	if (file)
		fclose(file);
	__atomic_store_n(&router->shared.hash_policy, policy, __ATOMIC_RELAXED);
}

/* Said whenever it changes. */
static void filters_read(struct router *router)
{
	bool are_there = filters_are_there();

	if (are_there != router->has_filters)
		fprintf(stderr, PROGRAM ": %s\n",
			are_there ? "netfilter or IPsec has rules for what is forwarded: all packets are the kernel's"
				  : "no rules of netfilter or IPsec any more");
	router->has_filters = are_there;
	table_off(&router->shared.table, TABLE_OFF_FILTERS, are_there);
}

/* Said whenever it changes, as well. */
static void full_say(struct router *router)
{
	const struct table *table = &router->shared.table;

	if (table->full && !router->was_full)
		fprintf(stderr, PROGRAM ": more than %u prefixes: all packets are the kernel's (routes N)\n",
			table->route_max);
	else if (!table->full && router->was_full)
		fprintf(stderr, PROGRAM ": there is room for all prefixes again\n");
	router->was_full = table->full;
}

static void second_pass(struct router *router)
{
	filters_read(router);
	policy_read(router);
	mirror_used(router->mirror, on_use, router);
	for (unsigned int i = 0; i < router->port_count; i++) {
		port_ask(router, i);
		port_show(router, i);
		/* A device that came back has another number. */
		if (router->ports[i].is_device && router->ports[i].interface != router->twins[i].device.ifindex)
			rtnetlink_again(router->rtnetlink);
	}
	if (rtnetlink_is_due(router->rtnetlink) || router->shared.table.full)
		rtnetlink_again(router->rtnetlink);
	rtnetlink_read(router->rtnetlink);
	full_say(router);
	router->counts = mirror_counts(router->mirror);
}

static unsigned int fds_fill(const struct router *router, struct pollfd *fds)
{
	fds[FD_WAKE] = (struct pollfd){ .fd = router->shared.kernel_fd, .events = POLLIN };
	fds[FD_KERNEL] = (struct pollfd){ .fd = rtnetlink_fd(router->rtnetlink), .events = POLLIN };
	for (unsigned int i = 0; i < router->port_count; i++)
		fds[FD_TWINS + i] = (struct pollfd){ .fd = router->twins[i].twin.fd, .events = POLLIN };
	return FD_TWINS + router->port_count;
}

/* Until somebody has something for us, or the second is over. */
static void router_wait(struct router *router, struct pollfd *fds, unsigned int count, int ms)
{
	uint64_t times;

	__atomic_store_n(&router->shared.kernel_sleeps, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	poll(fds, count, rte_ring_empty(router->shared.to_kernel) ? ms : 0);
	__atomic_store_n(&router->shared.kernel_sleeps, 0, __ATOMIC_RELAXED);
	if (fds[FD_WAKE].revents && read(router->shared.kernel_fd, &times, sizeof(times)) < 0)
		return;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * (int64_t)1000 + now.tv_nsec / 1000000;
}

static void *router_run(void *arg)
{
	struct router *router = arg;
	struct pollfd fds[FD_COUNT];
	unsigned int count = fds_fill(router, fds);
	int64_t second_ms = now_ms() + SECOND_MS;
	bool starved = false;

	while (!__atomic_load_n(&router->stop, __ATOMIC_ACQUIRE)) {
		int64_t left_ms = second_ms - now_ms();

		if (left_ms <= 0) {
			second_pass(router);
			second_ms = now_ms() + SECOND_MS;
			left_ms = SECOND_MS;
		}
		if (starved)
			usleep(NO_BUFFER_MS * 1000);
		router_wait(router, fds, count, (int)left_ms);
		kernel_feed(router);
		starved = false;
		for (unsigned int i = 0; i < router->port_count; i++)
			if (fds[FD_TWINS + i].revents & POLLIN)
				starved |= !twin_drain(router, i);
		if (fds[FD_KERNEL].revents || rtnetlink_is_due(router->rtnetlink))
			rtnetlink_read(router->rtnetlink);
		if (mirror_has_new(router->mirror))
			mirror_used(router->mirror, on_use, router);
	}
	return NULL;
}

int router_start(struct router *router)
{
	int err = eal_thread_create(&router->thread, router_run, router);

	router->running = !err;
	return err;
}

/* Start and end */

/* The kernel must leave the device beneath to us. */
static void device_warn(const struct port *port, const char *twin)
{
	char path[sizeof("/proc/sys/net/ipv6/conf//disable_ipv6") + IFNAMSIZ];
	struct ifaddrs *all = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%.*s/disable_ipv6", IFNAMSIZ - 1, port->name);
	file = fopen(path, "re");
	if (file && fgetc(file) == '0')
		fprintf(stderr,
			PROGRAM ": %s: the kernel takes IPv6 from it, too, and would forward it a second time: "
				"sysctl net.ipv6.conf.%s.disable_ipv6=1\n",
			port->name, port->name);
	if (file)
		fclose(file);
	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *one = all; one; one = one->ifa_next)
		if (one->ifa_addr && (one->ifa_addr->sa_family == AF_INET || one->ifa_addr->sa_family == AF_INET6) &&
		    strcmp(one->ifa_name, port->name) == 0) {
			fprintf(stderr,
				PROGRAM ": %s has addresses, the kernel would answer twice: they belong to its twin "
					"%s (ip addr flush dev %s)\n",
				port->name, twin, port->name);
			break;
		}
	freeifaddrs(all);
}

/* The name that the configuration gave, else the port's with a word before it. */
static int twin_name(const struct port *port, char *name)
{
	const char *given = port->config->twin;
	int len = snprintf(name, IFNAMSIZ, "%s%s", *given ? "" : "twin-", *given ? given : port->name);

	if (len < IFNAMSIZ)
		return 0;
	fprintf(stderr, PROGRAM ": %s: twin-%s is too long for a device, give it a name: dev %s twin NAME\n",
		port->name, port->name, port->name);
	return -ENAMETOOLONG;
}

static int twins_open(struct router *router)
{
	for (unsigned int i = 0; i < router->port_count; i++) {
		const struct port *port = &router->ports[i];
		struct rte_ether_addr mac;
		char name[IFNAMSIZ];
		int err = twin_name(port, name);

		if (!err)
			err = twin_open(&router->twins[i].twin, name);
		if (err)
			return err;
		if (rte_eth_macaddr_get(port->id, &mac) == 0)
			twin_mac_set(&router->twins[i].twin, mac.addr_bytes);
		if (port->is_device)
			device_warn(port, name);
	}
	return 0;
}

static int queues_open(struct forward_shared *shared)
{
	shared->to_kernel = rte_ring_create("hopspan_up", ROUTER_RING, SOCKET_ID_ANY, RING_F_SC_DEQ);
	shared->from_kernel =
	    rte_ring_create("hopspan_down", ROUTER_RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	shared->kernel_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	shared->worker_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return shared->to_kernel && shared->from_kernel && shared->kernel_fd >= 0 && shared->worker_fd >= 0 ? 0
													    : -ENOMEM;
}

static int router_fill(struct router *router, const struct config *config, struct rte_rcu_qsbr *readers)
{
	const struct rtnetlink_calls calls = { .link = on_link, .forwarding = on_forwarding, .context = router };
	int err = queues_open(&router->shared);

	if (!err)
		err = table_open(&router->shared.table, config->routes, readers);
	if (!err)
		err = mirror_open(&router->mirror, &router->shared.table, config->routes);
	if (err) {
		fprintf(stderr, PROGRAM ": no memory for a table of %u routes\n", config->routes);
		return err;
	}
	err = twins_open(router);
	for (unsigned int i = 0; !err && i < router->port_count; i++)
		port_ask(router, i);
	return err ? err : rtnetlink_open(&router->rtnetlink, router->mirror, &router->shared.table, &calls);
}

int router_open(struct router **router, const struct config *config, const struct port *ports, unsigned int port_count,
		struct rte_rcu_qsbr *readers)
{
	static struct router only; /* telemetry's thread may read of it until the process ends */
	struct router *opened = &only;
	int err;

	opened->ports = ports;
	opened->port_count = port_count;
	opened->buffers = rte_mempool_lookup("hopspan");
	opened->shared.kernel_fd = opened->shared.worker_fd = -1;
	for (unsigned int i = 0; i < PORTS_MAX; i++)
		opened->twins[i].twin.fd = -1;
	err = router_fill(opened, config, readers);
	if (err) {
		router_close(opened);
		return err;
	}
	policy_read(opened);
	filters_read(opened);
	opened->counts = mirror_counts(opened->mirror);
	*router = opened;
	return 0;
}

static void ring_empty(struct rte_ring *ring)
{
	void *packet;

	while (ring && rte_ring_dequeue(ring, &packet) == 0)
		rte_pktmbuf_free(packet);
	rte_ring_free(ring);
}

void router_close(struct router *router)
{
	static const uint64_t one = 1;

	if (!router)
		return;
	__atomic_store_n(&router->stop, true, __ATOMIC_RELEASE);
	if (router->running && write(router->shared.kernel_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(router->thread, NULL);
	rtnetlink_close(router->rtnetlink);
	for (unsigned int i = 0; i < PORTS_MAX; i++)
		twin_close(&router->twins[i].twin);
	ring_empty(router->shared.to_kernel);
	ring_empty(router->shared.from_kernel);
	mirror_close(router->mirror);
	table_close(&router->shared.table);
	if (router->shared.kernel_fd >= 0)
		close(router->shared.kernel_fd);
	if (router->shared.worker_fd >= 0)
		close(router->shared.worker_fd);
}
