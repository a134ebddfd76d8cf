/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the command line asked for. */
#ifndef HOPSPAN_DPDK_CONFIG_H
#define HOPSPAN_DPDK_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define PROGRAM "hopspan-dpdk"

/* Exit status. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_MISUSE = 2 };

enum {
	PORTS_MAX = 32,
	WORKERS_MAX = 32,
	QUEUES_MAX = 32, /* of a port */
};

struct config {
	uint32_t node_id; /* each in place of node.yaml's, if it is there */
	uint16_t namespace;
	bool has_node_id, has_namespace, has_clock_offset;
	int64_t clock_offset_ns;
	uint64_t queue_bytes;
	bool busy;			 /* never sleep */
	unsigned int cores[WORKERS_MAX]; /* a worker on each */
	unsigned int core_count;	 /* 0: on the one that it is started on */
	unsigned int queues;		 /* receive queues of each port; 0: one for each worker, if it has as many */
	const char *devices[PORTS_MAX];	 /* Linux network devices */
	unsigned int device_count;
	char **eal_words; /* the user's own, behind "--" */
	int eal_count;
};

/* EXIT_DONE, or EXIT_MISUSE with the reason printed. */
int config_parse(struct config *config, int argc, char **argv);

#endif
