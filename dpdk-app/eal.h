/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* DPDK's environment: its arguments, its memory and what it leaves on disk. */
#ifndef HOPSPAN_DPDK_EAL_H
#define HOPSPAN_DPDK_EAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"

/* What the packet buffers need; the same for every port. */
struct eal_buffers {
	uint32_t frame_len; /* of an af_packet ring */
	uint32_t len;	    /* of a buffer, behind its headroom */
	uint32_t count;
	uint64_t more_megabytes; /* for others than them */
};

/* As far as the words tell: how many workers and ports there will be at most. */
unsigned int eal_workers_max(const struct config *config);
unsigned int eal_ports_max(const struct config *config);

/* Do the words for DPDK speak of it? Else it is a Linux device, or none. */
bool eal_may_have(const struct config *config, const char *device);

/* Starts DPDK on the cores, with the ports of the user's own words. Errors were printed; -errno. */
int eal_start(const struct config *config, const struct eal_buffers *buffers);

/* A thread beside the workers, on all cores that the process had before DPDK took some. 0 or -errno. */
int eal_thread_create(pthread_t *thread, void *(*run)(void *arg), void *arg);

/* Ends it; its runtime directory goes when the process exits. */
void eal_stop(void);

#endif
