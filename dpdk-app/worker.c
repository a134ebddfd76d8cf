/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The forwarding loop. When nothing has come for a while it sleeps until a packet arrives (af_packet: poll on the
 * drivers' sockets) or, where a driver has no socket, in steps so short that arrival times stay true within them.
 */
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_pause.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "wire/ethernet.h"

enum {
	BURST = FORWARD_BURST,
	SPIN_NS = 20 * 1000, /* empty polls before a sleep */
	STEP_NS = 50 * 1000, /* a sleep without a socket, or with packets waiting */
	SLEEP_MS = 100,	     /* the longest sleep on sockets: to see that it is to end */
	FLUSH_NS = 200 * 1000 * 1000,
};

_Static_assert((int)BURST <= (int)TRANSIT_BURST_MAX, "a burst goes through the transit step at once");

static unsigned int place_of(const struct worker *worker, const struct port *port)
{
	return (unsigned int)(port - worker->ports);
}

static bool is_too_long(const struct port *out, const struct rte_mbuf *packet)
{
	uint32_t max = __atomic_load_n(&out->frame_len_max, __ATOMIC_RELAXED);

	if (likely(packet->pkt_len <= max))
		return false;
	return packet->pkt_len - max > VLAN_TAG_LEN ||
	       be16_load(rte_pktmbuf_mtod_offset(packet, const uint8_t *, ETHERNET_TYPE_AT)) != ETHERTYPE_VLAN;
}

static void packets_join(struct worker *worker, struct port *out, struct rte_mbuf **packets, uint16_t count)
{
	struct transit *transit = &worker->transit;
	struct queue *egress = &worker->egress[place_of(worker, out)];
	struct backlog others = queue_others(egress);

	for (uint16_t i = 0; i < count; i++) {
		enum outcome outcome = OUTCOME_drop_too_long;
		uint64_t met;

		if (likely(!is_too_long(out, packets[i])))
			outcome = queue_put(egress, packets[i], &others, &met);
		if (likely(outcome == OUTCOME_forwarded)) {
			transit_join(transit, packets[i], met);
			continue;
		}
		transit->counts[outcome]++;
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

/* Of a port that takes nothing: all that waits for it. How many. */
static uint32_t queue_drop(struct worker *worker, unsigned int place)
{
	uint32_t count = queue_clear(&worker->egress[place]);

	worker->transit.counts[OUTCOME_drop_port_down] += count;
	return count;
}

/*
 * At a rate, so few that a packet which comes meanwhile finds the queue as it was, but for one packet or a small part;
 * then what has come is looked at again.
 */
static uint16_t send_max(const struct queue *egress)
{
	return line_has_rate(egress->line) ? (uint16_t)RTE_MIN(BURST, 1 + queue_count(egress) / BURST) : BURST;
}

/*
 * One burst from the queue to its port, as its rate allows. Packets that the port does not take stay where they are.
 * How many left.
 */
static uint32_t queue_send(struct worker *worker, unsigned int place)
{
	struct transit *transit = &worker->transit;
	struct queue *egress = &worker->egress[place];
	struct rte_mbuf **packets;
	uint64_t ticks = rte_rdtsc(), bytes;
	uint16_t count, sent;
	uint32_t completed;

	if (unlikely(port_state(&worker->ports[place]) != PORT_UP))
		return queue_drop(worker, place);
	count = queue_front(egress, &packets, send_max(egress));
	count = line_take(egress->line, packets, count, ticks);
	if (!count)
		return 0;
	bytes = packets_bytes(packets, count);
	completed = transit_depart(transit, packets, count, place, ticks);
	sent = rte_eth_tx_burst(worker->ports[place].id, (uint16_t)worker->index, packets, count);
	if (unlikely(sent < count)) {
		bytes -= packets_bytes(packets + sent, count - sent);
		completed -= transit_count(transit, packets + sent, count - sent);
		line_give_back(egress->line, packets + sent, count - sent);
	}
	queue_drop_front(egress, sent, bytes);
	transit->counts[OUTCOME_completed] += completed;
	transit->counts[OUTCOME_forwarded] += sent;
	worker->counts[place].tx_packets += sent;
	worker->counts[place].tx_bytes += bytes;
	return sent;
}

static void service_tags_restore(struct rte_mbuf **packets, uint16_t count, uint32_t service_tags)
{
	for (uint16_t i = 0; i < count; i++)
		if (service_tags & 1U << i)
			be16_store(rte_pktmbuf_mtod_offset(packets[i], uint8_t *, ETHERNET_TYPE_AT),
				   ETHERTYPE_SERVICE_VLAN);
}

/* A burst as the driver gives it, with what tells when its packets came. */
static uint16_t queue_receive(const struct rx_queue *from, struct rte_mbuf **packets, struct arrivals *arrivals)
{
	struct ring *ring = &from->port->rings[from->queue];
	uint32_t service_tags;
	uint16_t count;

	arrivals->of = &from->port->arrival;
	arrivals->unix_count = 0;
	if (unlikely(port_state(from->port) == PORT_GONE))
		return 0;
	if (!ring->frames)
		return rte_eth_rx_burst(from->port->id, from->queue, packets, BURST);
	count = ring_peek(ring, arrivals->unix_ns, &service_tags, BURST);
	if (count)
		count = rte_eth_rx_burst(from->port->id, from->queue, packets, count);
	ring_advance(ring, count);
	if (unlikely(service_tags))
		service_tags_restore(packets, count, service_tags);
	if (arrivals->of->source == ARRIVAL_KERNEL)
		arrivals->unix_count = count;
	return count;
}

static void burst_join(struct worker *worker, struct rx_queue *from, struct rte_mbuf **packets, uint16_t count,
		       const struct arrivals *arrivals)
{
	transit_arrive(&worker->transit, packets, count, place_of(worker, from->port), rte_rdtsc(), arrivals);
	packets_join(worker, from->port->peer, packets, count);
}

/* A router's: those that are not the kernel's join the queue of the port that each is for. */
static void burst_route(struct worker *worker, struct rx_queue *from, struct rte_mbuf **packets, uint16_t count,
			struct arrivals *arrivals)
{
	unsigned int place = place_of(worker, from->port);
	uint64_t ticks = rte_rdtsc();
	uint16_t egress[BURST], end;

	count = forward_packets(&worker->forward, worker->transit.self, place, packets, count, egress,
				arrivals->unix_ns, &arrivals->unix_count);
	transit_arrive(&worker->transit, packets, count, place, ticks, arrivals);
	for (uint16_t at = 0; at < count; at = end) {
		for (end = at + 1; end < count && egress[end] == egress[at]; end++)
			;
		packets_join(worker, &worker->ports[egress[at]], &packets[at], end - at);
	}
}

/* One burst from a receive queue into egress queues. How many. */
static uint16_t burst_take(struct worker *worker, struct rx_queue *from)
{
	struct rte_mbuf *packets[BURST];
	struct port_counts *counts = &worker->counts[place_of(worker, from->port)];
	struct arrivals arrivals;
	uint16_t count = queue_receive(from, packets, &arrivals);

	if (!count)
		return 0;
	counts->rx_packets += count;
	counts->rx_bytes += packets_bytes(packets, count);
	if (worker->forward.shared)
		burst_route(worker, from, packets, count, &arrivals);
	else
		burst_join(worker, from, packets, count, &arrivals);
	return count;
}

/*
 * A burst; where it waits for a port with a rate, all that has come: what leaves in between would not have left when
 * they came.
 */
static bool bursts_take(struct worker *worker, struct rx_queue *from)
{
	const struct port *peer = from->port->peer;
	unsigned int most = peer && line_has_rate(&peer->line) ? RING_FRAMES / BURST : 1, taken = 0;

	while (taken < most) {
		uint16_t count = burst_take(worker, from);

		taken += count > 0;
		if (count < BURST)
			break;
	}
	return taken > 0;
}

/* What can leave by the port now. Did anything? */
static bool port_drain(struct worker *worker, unsigned int place)
{
	bool moved = false;

	while (queue_count(&worker->egress[place]) && queue_send(worker, place)) {
		moved = true;
		if (line_has_rate(worker->egress[place].line))
			break;
	}
	return moved;
}

/* A burst, and what can leave after it. Did anything move? */
static bool queue_forward(struct worker *worker, struct rx_queue *from)
{
	bool moved = bursts_take(worker, from);

	if (!worker->forward.shared)
		return port_drain(worker, place_of(worker, from->port->peer)) || moved;
	for (unsigned int i = 0; i < worker->port_count; i++)
		moved |= port_drain(worker, i);
	return moved;
}

/* A burst of what the kernel sends. Did anything move? */
static bool kernel_forward(struct worker *worker)
{
	struct rte_mbuf *packets[BURST];
	uint16_t count = forward_from_kernel(&worker->forward, packets, BURST);

	for (uint16_t i = 0; i < count; i++) {
		unsigned int place = packets[i]->port;

		packets_join(worker, &worker->ports[place], &packets[i], 1);
		port_drain(worker, place);
	}
	return count > 0;
}

static bool has_waiting(const struct worker *worker)
{
	for (unsigned int i = 0; i < worker->port_count; i++)
		if (queue_count(&worker->egress[i]))
			return true;
	return false;
}

static void step_sleep(void)
{
	struct timespec step = { .tv_nsec = STEP_NS };

	nanosleep(&step, NULL);
}

/* False: a frame waits in a port's ring for the kernel to have a buffer for it. */
static bool rings_kick(const struct worker *worker)
{
	for (unsigned int i = 0; i < worker->port_count; i++) {
		const struct port *port = &worker->ports[i];
		int err = port_state(port) == PORT_UP && port->ring_count ? ring_kick(&port->rings[worker->index]) : 0;

		if (err == -EAGAIN || err == -ENOBUFS)
			return false;
	}
	return true;
}

/* Those of its receive queues; poll() passes over one that is -1, of a port that is gone. False: one has no socket. */
static bool fds_fill(const struct worker *worker, struct pollfd *fds)
{
	for (unsigned int i = 0; i < worker->rx_queue_count; i++) {
		const struct port *port = worker->rx_queues[i].port;
		bool is_there = port_state(port) != PORT_GONE;

		if (is_there && !port->ring_count)
			return false;
		fds[i].fd = is_there ? port->rings[worker->rx_queues[i].queue].fd : -1;
		fds[i].events = POLLIN;
	}
	return true;
}

/* Sleeps until a packet arrives. False: not possible with these ports at this moment. */
static bool rings_sleep(const struct worker *worker)
{
	struct pollfd fds[PORTS_MAX * QUEUES_MAX + 1];
	int count;

	fds[worker->rx_queue_count] = (struct pollfd){ .fd = forward_fd(&worker->forward), .events = POLLIN };
	if (!fds_fill(worker, fds) || !rings_kick(worker))
		return false;
	rte_rcu_qsbr_thread_offline(worker->readers, worker->index);
	count = poll(fds, worker->rx_queue_count + 1, SLEEP_MS);
	rte_rcu_qsbr_thread_online(worker->readers, worker->index);
	if (count <= 0)
		return true;
	for (unsigned int i = 0; i < worker->rx_queue_count; i++) {
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

/* A router's worker keeps nobody waiting while it sleeps. */
static void worker_sleep(struct worker *worker)
{
	if (!forward_sleep(&worker->forward))
		return;
	if (has_waiting(worker) || !rings_sleep(worker))
		step_sleep();
	forward_wake(&worker->forward);
}

static void worker_idle(struct worker *worker)
{
	if (worker->busy || clock_ns(worker->transit.clock, rte_rdtsc() - worker->moved_ticks) < SPIN_NS)
		rte_pause();
	else
		worker_sleep(worker);
}

/* At the end: what the ports still take goes out, the rest is counted. */
static void worker_flush(struct worker *worker)
{
	uint64_t start = rte_rdtsc();

	while (has_waiting(worker) && clock_ns(worker->transit.clock, rte_rdtsc() - start) < FLUSH_NS)
		for (unsigned int i = 0; i < worker->port_count; i++)
			queue_send(worker, i);
	for (unsigned int i = 0; i < worker->port_count; i++)
		queue_drop(worker, i);
}

/* Of the thread that it is called by: one core, as eal.c asks for. */
static unsigned int core_own(void)
{
	int core = sched_getcpu();

	return core < 0 ? 0 : (unsigned int)core;
}

static int worker_run(void *arg)
{
	struct worker *worker = arg;

	prctl(PR_SET_TIMERSLACK, 1);
	worker->core = core_own();
	worker->moved_ticks = rte_rdtsc();
	rte_rcu_qsbr_thread_online(worker->readers, worker->index);
	while (!*worker->stop) {
		uint64_t ticks = rte_rdtsc();
		bool moved = false;

		rte_rcu_qsbr_quiescent(worker->readers, worker->index);
		transit_renew(&worker->transit);
		for (unsigned int i = 0; i < worker->rx_queue_count; i++)
			moved |= queue_forward(worker, &worker->rx_queues[i]);
		moved |= kernel_forward(worker);
		if (moved)
			worker->moved_ticks = ticks;
		else
			worker_idle(worker);
	}
	worker_flush(worker);
	rte_rcu_qsbr_thread_offline(worker->readers, worker->index);
	return 0;
}

/* A port's queues go to different workers, and so do ports that have one each. */
static void rx_queues_share(struct worker *workers, unsigned int count, struct port *ports, unsigned int port_count)
{
	unsigned int next = 0;

	for (unsigned int i = 0; i < port_count; i++)
		for (uint16_t queue = 0; queue < ports[i].rx_queues; queue++) {
			struct worker *worker = &workers[next++ % count];

			worker->rx_queues[worker->rx_queue_count++] = (struct rx_queue){ &ports[i], queue };
		}
}

/* Each worker is known from the beginning, and counts once it runs. */
static struct rte_rcu_qsbr *readers_open(unsigned int count)
{
	struct rte_rcu_qsbr *readers = rte_zmalloc("readers", rte_rcu_qsbr_get_memsize(count), RTE_CACHE_LINE_SIZE);

	if (!readers)
		return NULL;
	rte_rcu_qsbr_init(readers, count);
	for (unsigned int i = 0; i < count; i++)
		rte_rcu_qsbr_thread_register(readers, i);
	return readers;
}

void workers_wait(const struct worker *workers)
{
	rte_rcu_qsbr_synchronize(workers->readers, RTE_QSBR_THRID_INVALID);
}

static int queues_init(struct worker *worker)
{
	int err = 0;

	for (unsigned int port = 0; !err && port < worker->port_count; port++)
		err = queue_init(&worker->egress[port], &worker->ports[port].line);
	return err;
}

int workers_init(struct worker *workers, unsigned int count, struct port *ports, unsigned int port_count,
		 const struct config *config, const struct clock *clock, const volatile sig_atomic_t *stop)
{
	struct rte_rcu_qsbr *readers = readers_open(count);
	int err = readers ? 0 : -ENOMEM;

	for (unsigned int port = 0; port < port_count; port++)
		line_init(&ports[port].line, ports[port].config, clock);
	for (unsigned int i = 0; !err && i < count; i++) {
		workers[i].ports = ports;
		workers[i].port_count = port_count;
		workers[i].index = i;
		workers[i].busy = config->busy;
		workers[i].stop = stop;
		workers[i].readers = readers;
		err = queues_init(&workers[i]);
	}
	rx_queues_share(workers, count, ports, port_count);
	return err;
}

void workers_run(struct worker *workers, unsigned int count)
{
	unsigned int started = 1, lcore;

	RTE_LCORE_FOREACH_WORKER(lcore)
	{
		if (started < count)
			rte_eal_remote_launch(worker_run, &workers[started++], lcore);
	}
	worker_run(&workers[0]);
	rte_eal_mp_wait_lcore();
}
