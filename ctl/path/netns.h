/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Sockets in another network namespace, which is known by its cookie. No namespace is held: one that is deleted goes.
 */
#ifndef HOPSPAN_PATH_NETNS_H
#define HOPSPAN_PATH_NETNS_H

#include <limits.h>
#include <stdint.h>

struct netns {
	uint64_t cookie;
	char path[PATH_MAX]; /* where it was found last: /run/netns/NAME or /proc/PID/ns/net; "": nowhere yet */
};

/*
 * Moves the calling thread there; the fd of where it was, for netns_leave(), or -errno. -ENOENT: no process and no name
 * holds it.
 */
int netns_enter(struct netns *netns);
void netns_leave(int home);

/* The same for one of `ip netns`, whose name has `len` octets. */
int netns_enter_name(const char *name, int len);

#endif
