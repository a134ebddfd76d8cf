/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The ring buffer of a network namespace that the collector reads: what came (sinks), and what had to be sent again.
 */
#ifndef HOPSPAN_TC_RECORDS_BPF_H
#define HOPSPAN_TC_RECORDS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sink.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SINK_RING_LEN);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} records SEC(".maps");

#endif
