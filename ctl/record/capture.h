/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Stamped packets of a capture file (pcap, pcapng) or of a live device, by libpcap.
 *
 * On a live device only what comes in is looked at: packets on their way out have not been on the way yet.
 */
#ifndef HOPSPAN_CAPTURE_H
#define HOPSPAN_CAPTURE_H

#include <stdint.h>
#include <stdio.h>

#include "record.h"

struct capture;

/* `file` becomes the capture's, also on failure; `name` is for messages. Errors are printed; -errno. */
int capture_open_file(FILE *file, const char *name, struct capture **capture);

/* A device, or NETNS/DEV in a network namespace of `ip netns`. Needs CAP_NET_RAW. Errors are printed; -errno. */
int capture_open_live(const char *device, struct capture **capture);

/*
 * The next stamped packet: 1; 0: none now (live); -ENODATA: the end; or -errno, printed. The record's times are not
 * set yet, see record_times().
 */
int capture_next(struct capture *capture, struct record *record);

/* To poll() for packets. */
int capture_fd(const struct capture *capture);

/* Packets that the kernel had no room for (live). */
uint64_t capture_lost(const struct capture *capture);

/* Packets by outcome: OUTCOME_pass for those that hold nothing of ours. */
const uint64_t *capture_outcomes(const struct capture *capture);

/* All that hold something of ours that cannot be decoded. */
uint64_t capture_malformed(const struct capture *capture);

void capture_close(struct capture *capture); /* NULL: nothing */

#endif
