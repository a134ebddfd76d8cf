/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Captures of Ethernet frames: for tshark to read, and what the DPDK forwarder takes and gives. */
#ifndef HOPSPAN_DIFFER_PCAP_H
#define HOPSPAN_DIFFER_PCAP_H

#include <stdio.h>

#include "answer.h"

enum { PCAP_TAGS_MAX = 2 };

/* Frames have up to PCAP_TAGS_MAX VLAN tags: one of IEEE 802.1Q, and in front of it one of 802.1ad. */
FILE *pcap_create(const char *path);
void pcap_add(FILE *file, uint32_t tags, const uint8_t *octets, uint32_t len, uint64_t at_ns);

/* Fills the answers with what is in the capture behind so many tags; all was sent at `sent_ns`. */
void pcap_read(const char *path, uint32_t tags, const struct packets *packets, uint64_t sent_ns,
	       struct answer *answers);

#endif
