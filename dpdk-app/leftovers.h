/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What forwarders that were killed have left on disk: all else goes with the process. */
#ifndef HOPSPAN_DPDK_LEFTOVERS_H
#define HOPSPAN_DPDK_LEFTOVERS_H

/*
 * Removes the runtime directories of forwarders of our own naming (hopspan-dpdk-PID) beside `runtime_dir`, whose
 * process is gone and whose telemetry socket nobody listens to: a process may be in another PID namespace.
 */
void leftovers_remove(const char *runtime_dir);

#endif
