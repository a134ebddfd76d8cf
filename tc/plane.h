/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What every BPF program of a network namespace shares with ctl: who the node is, and its clock.
 */
#ifndef HOPSPAN_TC_PLANE_H
#define HOPSPAN_TC_PLANE_H

#include <stdint.h>

/* Who writes; a program is loaded per device, so interface ids are constants to it. Host order. */
struct plane_node {
	uint64_t id_wide; /* 56 bits; all ones: not available */
	uint32_t id;	  /* 24 bits; all ones: not available */
	uint32_t interface_wide;
	uint16_t interface;
	uint16_t namespace;
	uint8_t link_len; /* octets before the IPv6 header on this device: 14 or 0 */
	uint8_t kfuncs;	  /* the kernel has bpf_cast_to_kern_ctx() and bpf_rdonly_cast() (6.2) */
	uint8_t reserved[2];
};

/* Map "clock", one entry. TAI = CLOCK_MONOTONIC + mono_to_tai_ns; the programs refresh that themselves. */
struct plane_clock {
	int64_t mono_to_tai_ns;
	uint64_t refreshed_ns; /* CLOCK_MONOTONIC */
	int64_t correction_ns; /* set by ctl: what the kernel's CLOCK_TAI lacks (leap seconds never told to it) */
};

enum { PLANE_CLOCK_REFRESH_NS = 100000000 };

#endif
