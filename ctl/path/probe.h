/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A probe of one destination: echo requests with the header that a stamped packet has, and as many without, of the same
 * length and flow label. Nothing blocks: the caller waits for the fd and the time, for as many probes as it likes.
 *
 *	probe_start();
 *	while (!probe_is_over())
 *		poll(probe_fd() for POLLIN, until probe_next_ns()), probe_step();
 *	probe_verdict(), probe_free()
 *
 * The context in the header is all zeros, which is no version that a sink reads: to it the packet has no context, so
 * it passes as it is and leaves no record.
 */
#ifndef HOPSPAN_PATH_PROBE_H
#define HOPSPAN_PATH_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "netns.h"
#include "weigh.h"
#include "wire/encap.h"

struct probe_target {
	uint8_t address[16];
	uint32_t scope_id;   /* device of a link-local address, else 0 */
	uint32_t flow_label; /* host order */
	uint16_t namespace;  /* IOAM's */
	uint8_t hops;	     /* room asked for */
	struct encap_shape shape;
};

struct probe;

/* 0 or -errno; the socket is the namespace's, the calling thread comes back from there. */
int probe_start(struct netns *netns, const struct probe_target *target, uint64_t now_ns, struct probe **probe);
void probe_free(struct probe *probe);

int probe_fd(const struct probe *probe);

/* CLOCK_MONOTONIC when it wants to be stepped at the latest. */
uint64_t probe_next_ns(const struct probe *probe);

/* Sends and receives what is due. */
void probe_step(struct probe *probe, uint64_t now_ns);
bool probe_is_over(const struct probe *probe);

enum probe_verdict probe_verdict(const struct probe *probe);
const struct probe_counts *probe_counts(const struct probe *probe);

#endif
