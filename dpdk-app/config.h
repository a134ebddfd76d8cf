/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is to be forwarded and how: node.yaml's part "dpdk", and the command line, which wins.
 *
 *	dpdk:
 *	  mode: wire                   the ports are joined in pairs; router: packets go by the kernel's routes
 *	  ports:                       in order; those that the words for DPDK make and that are not here come after
 *them
 *	    - device: eth0             of Linux, or of DPDK: a PCI address, or what its word calls it (net_pcap0)
 *	      queues: 2                receive queues; default: one for each worker
 *	      rate: 100mbit            it sends no faster, with tc's units; default: no limit
 *	      burst: 2500              octets that may leave at once after a pause; default: 200 us of the rate
 *	      queue_bytes: 1048576     bounds of its egress queue, of all workers
 *	      queue_packets: 1024
 *	      twin: r0                 router: the Linux device that stands for it in the kernel
 *	      times: auto              when packets arrived: auto | burst | packet | hardware; arrival.h
 *	  pairs: [[eth0, eth1]]        default: the ports as they follow each other
 *	  cores: [0, 1]                a worker on each; default: one, where the process is
 *	  huge: auto                   pages of 2 MB if enough are free | no
 *	  buffers: 16384               packets held at most, of all ports; default: what the ports need
 *	  routes: 16384                router: prefixes that there is room for
 *
 * The words are the same with "-" for "_". Those of a port follow its device; before any device they are for all ports.
 */
#ifndef HOPSPAN_DPDK_CONFIG_H
#define HOPSPAN_DPDK_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define PROGRAM "hopspan-dpdk"

/* Exit status. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_MISUSE = 2 };

enum {
	PORTS_MAX = 32,
	WORKERS_MAX = 32,
	QUEUES_MAX = 32, /* of a port */
	DEVICE_LEN = 64, /* a name, with its end */
};

enum config_mode { MODE_WIRE, MODE_ROUTER };
enum config_times { TIMES_AUTO, TIMES_BURST, TIMES_PACKET, TIMES_HARDWARE };

enum config_port_key {
	PORT_QUEUES,
	PORT_RATE,
	PORT_BURST,
	PORT_QUEUE_BYTES,
	PORT_QUEUE_PACKETS,
	PORT_TWIN,
	PORT_TIMES,
	PORT_DEVICE, /* not one for all */
	PORT_KEYS
};
extern const char *const config_port_keys[PORT_KEYS];

enum config_key { CONFIG_MODE, CONFIG_HUGE, CONFIG_BUFFERS, CONFIG_ROUTES, CONFIG_KEYS };
extern const char *const config_keys[CONFIG_KEYS];

struct config_port {
	char device[DEVICE_LEN];
	char twin[IFNAMSIZ]; /* "": named after the port */
	uint64_t rate;	     /* bits per second; 0: no limit */
	uint64_t burst;	     /* octets; 0: what the rate is in 200 us */
	uint64_t queue_bytes;
	uint32_t queue_packets;
	uint32_t queues; /* 0: one for each worker, as far as the port has them */
	enum config_times times;
};

struct config {
	uint32_t node_id; /* each in place of node.yaml's, if it is there */
	uint16_t namespace;
	bool has_node_id, has_namespace, has_clock_offset;
	int64_t clock_offset_ns;
	enum config_mode mode;
	bool busy;		/* never sleep */
	bool no_huge;		/* plain pages without trying */
	uint32_t buffers;	/* 0: as many as needed */
	uint32_t routes;	/* that a router has room for */
	struct config_port all; /* a port that is not listed, and what one begins with */
	struct config_port ports[PORTS_MAX];
	unsigned int port_count;
	unsigned int pairs[PORTS_MAX / 2][2]; /* places in `ports` */
	unsigned int pair_count;	      /* 0: in order */
	unsigned int cores[WORKERS_MAX];      /* a worker on each */
	unsigned int core_count;	      /* 0: on the one that it is started on */
	char **eal_words;		      /* the user's own, behind "--" */
	int eal_count;
};

void config_init(struct config *config);

/* What the file that node.yaml is says. Errors were printed, with line and column; -errno. */
int config_read(struct config *config);

/* EXIT_DONE, or EXIT_MISUSE with the reason printed. */
int config_parse(struct config *config, int argc, char **argv);

/* For those two: takes a value, as text. NULL, or what is expected in its place. */
const char *config_set(struct config *config, enum config_key key, const char *text);
const char *config_port_set(struct config_port *port, enum config_port_key key, const char *text);

/* NULL, or what is wrong with the last of them. A port is what it begins with. */
const char *config_port_add(struct config *config, const struct config_port *port);
const char *config_pair_add(struct config *config, const char *first, const char *second);
const char *config_core_add(struct config *config, unsigned long first, unsigned long last);

#endif
