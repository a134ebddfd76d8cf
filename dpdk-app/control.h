/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * All that is not done for packets, in a thread of its own: signals (SIGINT and SIGTERM end the workers, SIGHUP has
 * node.yaml read again), and the ports: their counters, and devices that go down, vanish and come back.
 */
#ifndef HOPSPAN_DPDK_CONTROL_H
#define HOPSPAN_DPDK_CONTROL_H

#include <pthread.h>
#include <signal.h>

#include "worker.h"

struct control {
	const struct config *config;
	struct port *ports;
	unsigned int port_count;
	struct worker *workers;
	unsigned int worker_count;
	struct clock *clock;
	volatile sig_atomic_t stop; /* tells the workers */
	int signals, links;	    /* signalfd, and the kernel's news about its devices */
	pthread_t thread;
};

/* To be called before there are other threads: they leave the signals to this one. */
void control_block(void);

/* 0 or -errno. */
int control_start(struct control *control);

/* Waits until a signal has ended it. */
void control_join(struct control *control);

#endif
