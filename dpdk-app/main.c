/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * hopspan-dpdk: a bump in the wire, or a router. Ports are joined in pairs, and all that comes in by one goes out by
 * the other; or IPv6 packets go by the routes that the kernel has. The traces in them say when they came, how long they
 * stayed and behind how much they waited.
 */
#include <errno.h>
#include <rte_lcore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "control.h"
#include "ctl/notify.h"
#include "ctl/version.h"
#include "eal.h"
#include "port.h"
#include "router.h"
#include "self.h"
#include "stats.h"
#include "worker.h"

static struct port ports[PORTS_MAX];
static struct worker workers[WORKERS_MAX];
static struct clock clock_shared;
static struct router *router;

static void print_help(void)
{
	puts("usage: hopspan-dpdk [node-id N] [namespace N] [clock-offset N] [cores LIST]\n"
	     "                    [huge auto|no] [buffers N] [busy] [mode wire|router]\n"
	     "                    [dev] DEV [queues N] [queue-bytes N] [queue-packets N]\n"
	     "                    [rate RATE] [burst N] [times HOW] ...\n"
	     "                    [pair DEV DEV]... [-- EAL ARGUMENTS]\n"
	     "\n"
	     "Joins ports in pairs, the first with the second, the third with the fourth:\n"
	     "what comes in by one goes out by the other unchanged, whatever it is. Where\n"
	     "an IPv6 packet carries a trace with room in it, node data is added: ids, time\n"
	     "of arrival, delay with the wait in the queue, octets in the queue it joined.\n"
	     "As a router it sends IPv6 packets by the kernel's routes and neighbours; what\n"
	     "is the kernel's, or not certain, it gets as it came, by the port's twin.\n"
	     "\n"
	     "Ids, IOAM namespaces with their formats and the clock's offset are node.yaml's\n"
	     "($HOPSPAN_NODE_YAML, /etc/hopspan/node.yaml), which SIGHUP has read again; each\n"
	     "of these words is in its place:\n"
	     "  node-id N      this node's id in traces, 0 to 16777214; 0x for hexadecimal\n"
	     "  namespace N    the only IOAM namespace of the traces to write to, PTP time\n"
	     "  clock-offset N ns that this node's clock is off\n"
	     "  busy           poll without a pause; without it an idle forwarder sleeps\n"
	     "All that follows can be in node.yaml, too, below dpdk: with _ for -, and is read\n"
	     "once. Devices among the words are in place of all ports there.\n"
	     "  DEV, dev DEV   a Linux network device, up and without addresses; the id of\n"
	     "                 its interface in traces is its ifindex. On the far end of a\n"
	     "                 veth pair: ethtool -K FAR tx off. Or a device of DPDK's, as\n"
	     "                 it calls it. Of this port, before any device of all ports:\n"
	     "    queues N       receive queues, shared out among the workers; a flow stays\n"
	     "                   in one (one for each worker)\n"
	     "    queue-bytes N, queue-packets N\n"
	     "                   bounds of its egress queue, of all workers (1048576, 1024);\n"
	     "                   what does not fit is dropped and counted\n"
	     "    rate RATE      it sends no faster, as 100mbit; frames count without FCS.\n"
	     "                   Workers share it\n"
	     "    burst N        octets that may leave at once after a pause, beside a packet\n"
	     "                   (what the rate carries in 200 us)\n"
	     "    times auto|burst|packet|hardware\n"
	     "                   when packets arrived: once for a burst; for each packet, by\n"
	     "                   the kernel (a Linux device) or the CPU's counter; by the\n"
	     "                   device's clock. auto: its own, else the kernel's, else burst\n"
	     "    twin NAME      router: the Linux device that has its addresses; made if it\n"
	     "                   is not there, else a TAP device that stays (twin-DEV)\n"
	     "  mode wire|router   ports in pairs (wire), or a router\n"
	     "  routes N       router: prefixes that there is room for (16384)\n"
	     "  pair DEV DEV   these are joined; if there is one, all have to be in pairs\n"
	     "  cores LIST     a worker on each of these, as 0,2-3 (one, where it is started)\n"
	     "  huge auto|no   pages of 2 MB if enough are free (sysctl vm.nr_hugepages), or\n"
	     "                 plain ones\n"
	     "  buffers N      packets held at most, of all ports (as many as they need)\n"
	     "  EAL ARGUMENTS  for DPDK; ports that they make and that are not named come\n"
	     "                 after the devices; the number + 1 is the interface's id:\n"
	     "                 -- --vdev net_pcap0,rx_pcap=in.pcap,tx_pcap=out.pcap ...\n"
	     "  --version      the version\n"
	     "\n"
	     "Runs until SIGINT or SIGTERM, then prints its counters; meanwhile hopspan status\n"
	     "shows them, and dpdk-telemetry.py -f hopspan-dpdk-PID: /hopspan/counters");
}

/* Twins, and what the kernel knows; workers go by it. 0 or -errno. */
static int route(const struct control *control, const struct config *config)
{
	int err = router_open(&router, config, ports, control->port_count, workers[0].readers);

	for (unsigned int i = 0; !err && i < control->worker_count; i++)
		forward_init(&workers[i].forward, router_shared(router), i, workers[i].transit.counts);
	return err ? err : router_start(router);
}

/* Starts everything but the packets. */
static int prepare(struct control *control, const struct config *config)
{
	struct self *self;
	int err = self_read(config, control->ports, control->port_count, &self);

	if (err)
		return err;
	err = workers_init(workers, control->worker_count, ports, control->port_count, config, control->clock,
			   &control->stop);
	for (unsigned int i = 0; !err && i < control->worker_count; i++) {
		struct self *own = self_copy(self);

		err = own ? transit_init(&workers[i].transit, own, control->clock) : -ENOMEM;
	}
	free(self);
	if (!err && config->mode == MODE_ROUTER)
		err = route(control, config);
	if (!err)
		err = stats_serve(workers, control->worker_count, router);
	if (!err)
		err = control_start(control);
	if (err)
		fprintf(stderr, PROGRAM ": %s\n", strerror(-err));
	return err;
}

static void print_ways(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (router)
			fprintf(stderr, PROGRAM ": %s routes by its twin %s\n", ports[i].name, router_twin(router, i));
		else if (ports[i].peer > &ports[i])
			fprintf(stderr, PROGRAM ": %s and %s are joined\n", ports[i].name, ports[i].peer->name);
}

/* DPDK runs: ports, workers, counters. */
static int forward(const struct config *config, const struct eal_buffers *buffers)
{
	static struct control control = { .ports = ports, .workers = workers, .clock = &clock_shared };
	int status;

	control.config = config;
	control.worker_count = RTE_MIN(rte_lcore_count(), (unsigned int)WORKERS_MAX);
	status = ports_open(ports, &control.port_count, &control.worker_count, config, buffers);
	if (!status)
		status = prepare(&control, config) ? EXIT_FAILED : EXIT_DONE;
	if (!status) {
		print_ways(control.port_count);
		notify_send("READY=1");
		workers_run(workers, control.worker_count);
		notify_send("STOPPING=1");
		control_join(&control);
		stats_print(workers, control.worker_count, router, stderr);
	}
	router_close(router);
	ports_close(ports, control.port_count);
	return status;
}

static bool is_answered(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_help();
			return true;
		}
		if (strcmp(argv[i], "--version") == 0) {
			puts(PROGRAM " " HOPSPAN_VERSION);
			return true;
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	struct config config;
	struct eal_buffers buffers;
	struct self *self;
	int64_t offset_ns;
	int status, err;

	if (is_answered(argc, argv))
		return EXIT_DONE;
	config_init(&config);
	if (config_read(&config))
		return EXIT_FAILED;
	status = config_parse(&config, argc, argv);
	if (status)
		return status;
	err = self_read(&config, NULL, 0, &self);
	if (err)
		return err == -ENOKEY ? EXIT_MISUSE : EXIT_FAILED;
	offset_ns = self->clock_offset_ns;
	free(self); /* it is read again with the ports */
	if (port_frame_len(&config, &buffers))
		return EXIT_FAILED;
	buffers.count = ports_buffers(&config, eal_ports_max(&config), eal_workers_max(&config));
	control_block();
	/* Before DPDK, which ties this thread to a core: the clock's is not to wait for a worker there. */
	err = clock_start(&clock_shared, offset_ns);
	if (err) {
		fprintf(stderr, PROGRAM ": clock: %s\n", strerror(-err));
		return EXIT_FAILED;
	}
	if (!clock_counter_is_trusted())
		fputs(PROGRAM ": the kernel does not trust the CPUs' counters: times may be off by more than is said\n",
		      stderr);
	buffers.more_megabytes = config.mode == MODE_ROUTER ? table_megabytes(config.routes) : 0;
	if (eal_start(&config, &buffers))
		return EXIT_FAILED;
	status = forward(&config, &buffers);
	eal_stop();
	clock_stop();
	return status;
}
