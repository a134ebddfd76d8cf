/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where hopspan keeps what it put into the kernel: a folder per network namespace and per cgroup in a BPF filesystem.
 *
 *	/sys/fs/bpf/hopspan/netns/COOKIE/	maps of a namespace ($HOPSPAN_BPFFS moves the first three)
 *	/sys/fs/bpf/hopspan/cgroup/ID/		the socket option's programs and storage
 *
 * `ip netns exec` hides both file systems behind a fresh /sys; they are found in the mount namespace of the oldest
 * ancestor process that may be asked.
 */
#ifndef HOPSPAN_PLACES_H
#define HOPSPAN_PLACES_H

#include <limits.h>
#include <stdint.h>

struct places {
	char root[PATH_MAX];  /* .../hopspan */
	char netns[PATH_MAX]; /* of the namespace that this process is in */
	uint64_t netns_cookie;
};

/* Finds the file system, with `create` mounts it and makes the folders. 0 or -errno, printed as "WHO: ...". */
int places_open(struct places *places, int create, const char *who);

/* One command at a time changes what is attached, on the whole machine: until places_unlock(), or this process ends. */
int places_lock(void);
void places_unlock(int lock);

/* Removes folders that are empty, up to the root, and unmounts what places_open() mounted. */
void places_tidy(const struct places *places);

/* The cgroup of the socket option: `word`, else $HOPSPAN_CGROUP, else the root of cgroup2. An open fd, or -errno. */
int places_open_cgroup(const char *word, uint64_t *id, const char *who);

/* Removes everything that is pinned in a folder: what is attached by a pinned link only is detached. */
void places_empty(const char *folder);

/* Each folder below `root`/`kind` ("netns", "cgroup"): its path, and its name, which is the cookie or id. */
void places_each(const char *root, const char *kind, void (*each)(const char *folder, const char *name, void *arg),
		 void *arg);

/* .../cgroup/ID */
void places_cgroup(const struct places *places, uint64_t id, char path[PATH_MAX]);

#endif
