/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Captures of Ethernet frames: for tshark to read, and what the DPDK forwarder takes and gives. */
#ifndef HOPSPAN_DIFFER_PCAP_H
#define HOPSPAN_DIFFER_PCAP_H

#include <stdio.h>

#include "answer.h"

FILE *pcap_create(const char *path);
void pcap_add(FILE *file, const uint8_t *octets, uint32_t len, uint64_t at_ns);

/* Fills the answers with what is in the capture; all was sent at `sent_ns`. */
void pcap_read(const char *path, const struct packets *packets, uint64_t sent_ns, struct answer *answers);

#endif
