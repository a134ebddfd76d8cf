/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The forwarding loop. When nothing has come for a while it sleeps until a packet arrives (af_packet: poll on the
 * drivers' sockets) or, where a driver has no socket, in steps so short that arrival times stay true within them.
 */
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <rte_cycles.h>
#include <rte_pause.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "wire/ipv6.h"

enum {
	BURST = 32,
	SPIN_NS = 20 * 1000, /* empty polls before a sleep */
	STEP_NS = 50 * 1000, /* a sleep without a socket, or with packets waiting */
	SLEEP_MS = 100,	     /* the longest sleep on sockets: the clock wants its adjustment */
	FLUSH_NS = 200 * 1000 * 1000,
	ETHERTYPE_VLAN = 0x8100,
};

static unsigned int place_of(const struct worker *worker, const struct port *port)
{
	return (unsigned int)(port - worker->ports);
}

static bool is_too_long(const struct port *out, const struct rte_mbuf *packet)
{
	uint32_t max = out->frame_len_max;

	if (likely(packet->pkt_len <= max))
		return false;
	return packet->pkt_len - max > VLAN_LEN ||
	       be16_load(rte_pktmbuf_mtod_offset(packet, const uint8_t *, ETHERNET_TYPE_AT)) != ETHERTYPE_VLAN;
}

static void packets_join(struct worker *worker, struct port *out, struct rte_mbuf **packets, uint16_t count)
{
	struct transit *transit = &worker->transit;

	for (uint16_t i = 0; i < count; i++) {
		uint64_t depth = out->egress.bytes;
		bool too_long = is_too_long(out, packets[i]);

		if (likely(!too_long && queue_put(&out->egress, packets[i]))) {
			transit_join(transit, packets[i], depth);
			continue;
		}
		transit->counts[too_long ? OUTCOME_drop_too_long : OUTCOME_drop_queue_full]++;
		rte_pktmbuf_free(packets[i]);
	}
}

static uint64_t packets_bytes(struct rte_mbuf **packets, uint16_t count)
{
	uint64_t bytes = 0;

	for (uint16_t i = 0; i < count; i++)
		bytes += packets[i]->pkt_len;
	return bytes;
}

/* One burst from the queue to its port. Packets that the port does not take stay where they are. How many left. */
static uint16_t queue_send(struct worker *worker, struct port *out)
{
	struct transit *transit = &worker->transit;
	struct rte_mbuf **packets;
	uint16_t count = queue_front(&out->egress, &packets, BURST), sent;
	uint64_t bytes = packets_bytes(packets, count);
	uint32_t completed = transit_depart(transit, packets, count, place_of(worker, out), rte_rdtsc());

	sent = rte_eth_tx_burst(out->id, 0, packets, count);
	if (unlikely(sent < count)) {
		bytes -= packets_bytes(packets + sent, count - sent);
		completed -= transit_count(transit, packets + sent, count - sent);
	}
	queue_drop_front(&out->egress, sent, bytes);
	transit->counts[OUTCOME_completed] += completed;
	transit->counts[OUTCOME_forwarded] += sent;
	out->tx_packets += sent;
	out->tx_bytes += bytes;
	return sent;
}

/* One burst from a port into its peer's queue, and what can leave from there. Did anything move? */
static bool port_forward(struct worker *worker, struct port *port)
{
	struct rte_mbuf *packets[BURST];
	int64_t unix_ns[BURST];
	struct port *out = port->peer;
	uint16_t time_count = ring_times(&port->ring, unix_ns, BURST);
	uint16_t count = rte_eth_rx_burst(port->id, 0, packets, BURST);
	bool moved = count > 0;

	if (count) {
		ring_advance(&port->ring, count);
		transit_arrive(&worker->transit, packets, count, place_of(worker, port), rte_rdtsc(), unix_ns,
			       time_count);
		port->rx_packets += count;
		port->rx_bytes += packets_bytes(packets, count);
		packets_join(worker, out, packets, count);
	}
	while (queue_count(&out->egress) && queue_send(worker, out))
		moved = true;
	return moved;
}

static bool has_waiting(const struct worker *worker)
{
	for (unsigned int i = 0; i < worker->port_count; i++)
		if (queue_count(&worker->ports[i].egress))
			return true;
	return false;
}

static void step_sleep(void)
{
	struct timespec step = { .tv_nsec = STEP_NS };

	nanosleep(&step, NULL);
}

/* Sleeps until a packet arrives. False: not possible with these ports at this moment. */
static bool ring_sleep(const struct worker *worker)
{
	struct pollfd fds[PORTS_MAX];

	for (unsigned int i = 0; i < worker->port_count; i++) {
		const struct ring *ring = &worker->ports[i].ring;
		int err = ring->fd < 0 ? -EAGAIN : ring_kick(ring);

		if (err == -EAGAIN || err == -ENOBUFS)
			return false;
		fds[i] = (struct pollfd){ .fd = ring->fd, .events = POLLIN };
	}
	if (poll(fds, worker->port_count, SLEEP_MS) <= 0)
		return true;
	for (unsigned int i = 0; i < worker->port_count; i++) {
		socklen_t len = sizeof(int);
		int pending;

		if (!(fds[i].revents & POLLERR))
			continue;
		/* The device went down: reading the error takes it away, but it may be there again at once. */
		getsockopt(fds[i].fd, SOL_SOCKET, SO_ERROR, &pending, &len);
		return false;
	}
	return true;
}

static void worker_idle(const struct worker *worker)
{
	if (worker->busy || clock_ns(&worker->transit.clock, rte_rdtsc() - worker->moved_ticks) < SPIN_NS)
		rte_pause();
	else if (has_waiting(worker) || !ring_sleep(worker))
		step_sleep();
}

/* What is not done for every packet: the clock, and once a second the ports. */
static int worker_check(struct worker *worker, uint64_t ticks)
{
	if (clock_is_due(&worker->transit.clock, ticks))
		clock_adjust(&worker->transit.clock);
	if ((int64_t)(ticks - worker->check_ticks) < 0)
		return 0;
	worker->check_ticks = ticks + worker->second_ticks;
	for (unsigned int i = 0; i < worker->port_count; i++) {
		if (port_check(&worker->ports[i]) == 0)
			continue;
		fprintf(stderr, PROGRAM ": %s is gone\n", worker->ports[i].name);
		return -ENODEV;
	}
	return 0;
}

/* At the end: what the ports still take goes out, the rest is counted. */
static void worker_flush(struct worker *worker)
{
	uint64_t start = rte_rdtsc();

	while (has_waiting(worker) && clock_ns(&worker->transit.clock, rte_rdtsc() - start) < FLUSH_NS)
		for (unsigned int i = 0; i < worker->port_count; i++)
			queue_send(worker, &worker->ports[i]);
	for (unsigned int i = 0; i < worker->port_count; i++) {
		worker->transit.counts[OUTCOME_drop_port_down] += queue_clear(&worker->ports[i].egress);
		port_check(&worker->ports[i]);
	}
}

int worker_run(struct worker *worker, const volatile sig_atomic_t *stop)
{
	int err = 0;

	prctl(PR_SET_TIMERSLACK, 1);
	worker->second_ticks = (uint64_t)(((unsigned __int128)1000000000 << 32) / worker->transit.clock.ns_per_tick);
	worker->check_ticks = worker->moved_ticks = rte_rdtsc();
	while (!*stop && !err) {
		uint64_t ticks = rte_rdtsc();
		bool moved = false;

		transit_renew(&worker->transit);
		for (unsigned int i = 0; i < worker->port_count; i++)
			moved |= port_forward(worker, &worker->ports[i]);
		if (moved)
			worker->moved_ticks = ticks;
		else
			worker_idle(worker);
		err = worker_check(worker, ticks);
	}
	worker_flush(worker);
	return err;
}
