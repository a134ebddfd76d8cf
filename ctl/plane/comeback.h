/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A device that was deleted and made again gets back what it had: programs, settings, ids. By its name, in every
 * network namespace in which hopspan is at work.
 */
#ifndef HOPSPAN_COMEBACK_H
#define HOPSPAN_COMEBACK_H

struct comeback;

int comeback_new(struct comeback **comeback);

/* Looks once; what came back is said. */
void comeback_look(struct comeback *comeback);
void comeback_free(struct comeback *comeback);

#endif
