/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * hopspan-dpdk: a bump in the wire. Ports are joined in pairs; all that comes in by one goes out by the other, and the
 * traces in it say when it came, how long it stayed and behind how much it waited.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "ctl/plane/identity.h"
#include "ctl/version.h"
#include "eal.h"
#include "port.h"
#include "stats.h"
#include "worker.h"

enum { NODE_ID_MAX = 0xfffffe }; /* 24 bits; all ones: not available */

static volatile sig_atomic_t stop;
static struct worker worker;

static void print_help(void)
{
	puts("usage: hopspan-dpdk [node-id N] [namespace N] [clock-offset N] [queue BYTES]\n"
	     "                    [busy] [DEV DEV [DEV DEV...]] [-- EAL ARGUMENTS]\n"
	     "\n"
	     "Joins ports in pairs, the first with the second, the third with the fourth:\n"
	     "what comes in by one goes out by the other unchanged, whatever it is. Where\n"
	     "an IPv6 packet carries a trace with room in it, node data is added: ids, time\n"
	     "of arrival, delay with the wait in the queue, octets in the queue it joined.\n"
	     "\n"
	     "Ids, IOAM namespaces with their formats and the clock's offset are node.yaml's\n"
	     "($HOPSPAN_NODE_YAML, /etc/hopspan/node.yaml), which SIGHUP has read again; each\n"
	     "of these words is in its place:\n"
	     "  node-id N      this node's id in traces, 0 to 16777214; 0x for hexadecimal\n"
	     "  namespace N    the only IOAM namespace of the traces to write to, PTP time\n"
	     "  clock-offset N ns that this node's clock is off\n"
	     "  queue BYTES    bound of each port's egress queue (1048576); what does not\n"
	     "                 fit, or is more than 1024 packets, is dropped and counted\n"
	     "  busy           poll without a pause; without it an idle forwarder sleeps\n"
	     "  DEV, dev DEV   a Linux network device, up and without addresses; the id of\n"
	     "                 its interface in traces is its ifindex. On the far end of a\n"
	     "                 veth pair: ethtool -K FAR tx off\n"
	     "  EAL ARGUMENTS  for DPDK; ports that they make come after the devices, with\n"
	     "                 their number + 1 as the interface's id:\n"
	     "                 -- --vdev net_pcap0,rx_pcap=in.pcap,tx_pcap=out.pcap ...\n"
	     "  --version      the version\n"
	     "\n"
	     "Runs until SIGINT or SIGTERM, then prints its counters; meanwhile\n"
	     "dpdk-telemetry.py -f hopspan-dpdk-PID shows them: /hopspan/counters\n"
	     "Uses huge pages of 2 MB if enough are free (sysctl vm.nr_hugepages).");
}

__attribute__((format(printf, 1, 2))) static int misuse(const char *format, ...)
{
	va_list args;

	fputs(PROGRAM ": ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs(" (see " PROGRAM " --help)\n", stderr);
	return EXIT_MISUSE;
}

/* A word's number. EXIT_DONE, or EXIT_MISUSE with the reason printed. */
static int number_parse(const char *word, const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	char *end;

	if (!text)
		return misuse("%s needs a number", word);
	errno = 0;
	*number = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || *number < min || *number > max)
		return misuse("%s \"%s\" is not a number from %lu to %lu", word, text, min, max);
	return EXIT_DONE;
}

static int device_add(struct config *config, const char *device)
{
	if (!device)
		return misuse("dev needs a device");
	/* These end a value in the words that DPDK is given. */
	if (device[0] == '-' || strpbrk(device, ",=[]'\""))
		return misuse("\"%s\" is no device", device);
	for (unsigned int i = 0; i < config->device_count; i++)
		if (strcmp(config->devices[i], device) == 0)
			return misuse("%s is given twice", device);
	if (config->device_count == PORTS_MAX)
		return misuse("more than %d devices", PORTS_MAX);
	config->devices[config->device_count++] = device;
	return EXIT_DONE;
}

/* The word at *at and what belongs to it, which moves *at on. */
static int word_parse(struct config *config, char **words, int *at)
{
	const char *word = words[*at];
	uint64_t number = 0;
	int err;

	if (strcmp(word, "busy") == 0) {
		config->busy = true;
		return EXIT_DONE;
	}
	if (strcmp(word, "dev") == 0)
		return device_add(config, words[++*at]);
	if (strcmp(word, "node-id") == 0) {
		err = number_parse(word, words[++*at], 0, NODE_ID_MAX, &number);
		config->node_id = (uint32_t)number;
		config->has_node_id = true;
	} else if (strcmp(word, "namespace") == 0) {
		err = number_parse(word, words[++*at], 0, UINT16_MAX, &number);
		config->namespace = (uint16_t)number;
		config->has_namespace = true;
	} else if (strcmp(word, "clock-offset") == 0) {
		word = words[++*at];
		config->has_clock_offset = true;
		err = identity_offset_parse(word ? word : "", &config->clock_offset_ns)
			  ? EXIT_DONE
			  : misuse("clock-offset \"%s\" is not a number of ns between -10^18 and 10^18",
				   word ? word : "");
	} else if (strcmp(word, "queue") == 0) {
		err = number_parse(word, words[++*at], 1, UINT32_MAX, &number);
		config->queue_bytes = number;
	} else {
		err = device_add(config, word);
	}
	return err;
}

static int config_parse(struct config *config, int argc, char **argv)
{
	int err;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			config->eal_words = &argv[i + 1];
			config->eal_count = argc - i - 1;
			break;
		}
		err = word_parse(config, argv, &i);
		if (err)
			return err;
	}
	if (!config->device_count && !config->eal_count)
		return misuse("no devices");
	if (config->device_count % 2 && !config->eal_count)
		return misuse("%u devices, but they are joined in pairs", config->device_count);
	return EXIT_DONE;
}

static void on_signal(int signal)
{
	(void)signal;
	stop = 1;
}

static void signals_catch(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* DPDK runs: ports, worker, counters. */
static int forward(const struct config *config, const struct eal_buffers *buffers)
{
	int status = ports_open(worker.ports, &worker.port_count, config, buffers->frame_len, buffers->count), err;
	struct self *self;

	if (status)
		return status;
	worker.busy = config->busy;
	if (self_read(config, worker.ports, worker.port_count, &self))
		return EXIT_FAILED;
	err = transit_init(&worker.transit, self);
	if (!err)
		err = self_watch(config, worker.ports, worker.port_count, &worker.transit.next, &worker.transit.old);
	if (!err)
		err = stats_serve(&worker);
	if (err) {
		fprintf(stderr, PROGRAM ": %s\n", strerror(-err));
		return EXIT_FAILED;
	}
	for (unsigned int i = 0; i < worker.port_count; i += 2)
		fprintf(stderr, PROGRAM ": %s and %s are joined\n", worker.ports[i].name, worker.ports[i + 1].name);
	err = worker_run(&worker, &stop);
	stats_print(&worker, stderr);
	return err ? EXIT_FAILED : EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct config config = { .queue_bytes = QUEUE_BYTES_DEFAULT };
	struct eal_buffers buffers;
	struct self *self;
	int status, err;

	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_help();
			return EXIT_DONE;
		}
		if (strcmp(argv[i], "--version") == 0) {
			puts(PROGRAM " " HOPSPAN_VERSION);
			return EXIT_DONE;
		}
	}
	status = config_parse(&config, argc, argv);
	if (status)
		return status;
	err = self_read(&config, NULL, 0, &self);
	if (err)
		return err == -ENOKEY ? EXIT_MISUSE : EXIT_FAILED;
	free(self); /* it is read again with the ports */
	if (port_frame_len(&config, &buffers.frame_len))
		return EXIT_FAILED;
	buffers.count = PORT_BUFFERS * RTE_MAX(config.device_count, 2U);
	signals_catch();
	self_block();
	if (eal_start(&config, &buffers))
		return EXIT_FAILED;
	status = forward(&config, &buffers);
	ports_close(worker.ports, worker.port_count);
	eal_stop();
	return status;
}
