/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The memory of a process that does the same again and again, as the collector each tick.
 */
#ifndef HOPSPAN_MEMORY_H
#define HOPSPAN_MEMORY_H

/* Of what is freed 16 MB or more stay with the process: each page that is taken from the kernel anew costs a fault. */
void memory_keep(void);

#endif
