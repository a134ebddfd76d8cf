/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The IOAM namespaces of a router's program that the command did not load. */
#ifndef HOPSPAN_BENCH_NAMESPACES_H
#define HOPSPAN_BENCH_NAMESPACES_H

struct bpf_object;

/* What the command sets up: PTP time in one namespace, nothing else. A program without the map stays as it is. */
void namespaces_set(struct bpf_object *object);

#endif
