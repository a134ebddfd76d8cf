/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The DPDK forwarders of this machine, asked over DPDK's telemetry: one socket each, in DPDK's runtime directory
 * (/var/run/dpdk/NAME/dpdk_telemetry.v2; $HOPSPAN_DPDK_RUNTIME is in place of /var/run/dpdk).
 */
#ifndef HOPSPAN_CTL_DPDK_H
#define HOPSPAN_CTL_DPDK_H

struct json_t;

/*
 * An array of {"name", "pid", "dpdk", "counters": {}, "ports": [], "clock": {}, "router": {}}: what the forwarder
 * answers, or {"name", "error"}. All are asked at the same time, and no one is waited for longer than a second. Other
 * programs of DPDK are left out, unless one does not answer: then it cannot be told from a forwarder.
 */
struct json_t *dpdk_json(void);

/* For people, an array of those. */
void dpdk_print(const struct json_t *forwarders);

#endif
