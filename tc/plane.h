/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What every BPF program of a network namespace shares with ctl: who the node is, and its clock.
 */
#ifndef HOPSPAN_TC_PLANE_H
#define HOPSPAN_TC_PLANE_H

#include <stdint.h>

#include "wire/node.h"

/* Who writes; a program is loaded per device, so interface ids are constants to it. Host order. */
struct plane_node {
	uint64_t id_wide; /* 56 bits; all ones: not available */
	uint32_t id;	  /* 24 bits; all ones: not available */
	uint32_t interface_wide;
	uint16_t interface;
	uint16_t namespace; /* of a host: the one that it stamps in and takes out */
	uint8_t link_len;   /* octets before the IPv6 header on this device: 14 or 0 */
	uint8_t kfuncs;	    /* the kernel has bpf_cast_to_kern_ctx() and bpf_rdonly_cast() (6.2) */
	uint8_t direct;	    /* the device hands packets to no other one's queue: veth, hardware */
	uint8_t reserved;
};

/*
 * Map "namespaces", an array of one array of one of these: what the node writes in which IOAM namespace. ctl changes it
 * by putting another array in its place, so that a packet meets either the old or the new.
 */
struct plane_namespaces {
	struct ioam6_namespaces node;
	uint64_t since_ns[IOAM6_NAMESPACES_MAX]; /* CLOCK_MONOTONIC: since when time is written in that format */
};

/* Map "clock", one entry. TAI = CLOCK_MONOTONIC + mono_to_tai_ns; the programs refresh that themselves. */
struct plane_clock {
	int64_t mono_to_tai_ns;
	uint64_t refreshed_ns; /* CLOCK_MONOTONIC */
	int64_t correction_ns; /* set by ctl: what the kernel's CLOCK_TAI lacks (leap seconds never told to it) */
	int64_t offset_ns;     /* and how far this node's clock is to be off: part of correction_ns */
	int64_t tai_to_utc_ns; /* TAI - UTC when it was set */
};

enum {
	PLANE_CLOCK_REFRESH_NS = 100000000,
	PLANE_CLOCK_READ_NS = 20000,	/* a refresh that took longer is not to be trusted */
	PLANE_CLOCK_LEAP_NS = 50000000, /* so near to the leap seconds a jump is by them */
};

#endif
