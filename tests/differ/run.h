/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The very program that is attached to a dataplane's device, run on each packet alone: bytes, verdict, counter. */
#ifndef HOPSPAN_DIFFER_RUN_H
#define HOPSPAN_DIFFER_RUN_H

#include "answer.h"

/* `id`: the kernel's number of the program; `counters`: the name of its map of counters. */
void run_program(const struct packets *packets, uint32_t id, const char *counters, struct answer *answers);

/* The number of the first program at tcx ingress of the device; 0: none there. */
uint32_t run_tcx_program(const char *device);

#endif
