/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Finds a network namespace by its cookie, among the named ones and those of processes. */
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

enum { NAMESPACES_MAX = 1024 }; /* different ones looked at */

/* Of the thread's namespace; 0: unknown. */
static uint64_t cookie_here(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len))
		cookie = 0;
	close(fd);
	return cookie;
}

/* True: the thread is now in the namespace of that cookie. */
static bool enter_path(const char *path, uint64_t cookie)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool there = fd >= 0 && setns(fd, CLONE_NEWNET) == 0 && cookie_here() == cookie;

	if (fd >= 0)
		close(fd);
	return there;
}

/* Most processes share a few namespaces: each is entered once. `name` tells one from another, "net:[4026531840]". */
struct seen {
	char names[NAMESPACES_MAX][32];
	unsigned int count;
};

static bool seen_before(struct seen *seen, const char *path)
{
	char *name = seen->names[seen->count];
	ssize_t len = readlink(path, name, sizeof(seen->names[0]) - 1);

	if (len < 0 || seen->count == NAMESPACES_MAX - 1)
		return true;
	name[len] = 0;
	for (unsigned int i = 0; i < seen->count; i++)
		if (strcmp(seen->names[i], name) == 0)
			return true;
	seen->count++;
	return false;
}

static bool enter_process(struct netns *netns, struct seen *seen, const char *pid)
{
	snprintf(netns->path, sizeof(netns->path), "/proc/%s/ns/net", pid);
	return !seen_before(seen, netns->path) && enter_path(netns->path, netns->cookie);
}

static bool enter_named(struct netns *netns, const char *name)
{
	snprintf(netns->path, sizeof(netns->path), "/run/netns/%s", name);
	return enter_path(netns->path, netns->cookie);
}

/* Named ones first: those outlive processes. */
static bool enter_found(struct netns *netns)
{
	struct seen seen = { .count = 0 };
	struct dirent *entry;
	bool found = false;

	for (int processes = 0; !found && processes < 2; processes++) {
		DIR *dir = opendir(processes ? "/proc" : "/run/netns");

		while (dir && !found && (entry = readdir(dir))) {
			if (processes)
				found = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
					enter_process(netns, &seen, entry->d_name);
			else
				found = entry->d_name[0] != '.' && enter_named(netns, entry->d_name);
		}
		if (dir)
			closedir(dir);
	}
	return found;
}

int netns_enter(struct netns *netns)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0)
		return -errno;
	if (cookie_here() == netns->cookie || (netns->path[0] && enter_path(netns->path, netns->cookie)) ||
	    enter_found(netns))
		return home;
	netns->path[0] = 0;
	netns_leave(home);
	return -ENOENT;
}

int netns_enter_name(const char *name, int len)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), there, error = 0;
	char path[PATH_MAX];

	if (home < 0)
		return -errno;
	snprintf(path, sizeof(path), "/run/netns/%.*s", len, name);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (there < 0 || setns(there, CLONE_NEWNET))
		error = -errno;
	if (there >= 0)
		close(there);
	if (!error)
		return home;
	close(home);
	return error;
}

void netns_leave(int home)
{
	if (setns(home, CLONE_NEWNET))
		fprintf(stderr, "hopspan: back to the own network namespace: %s\n", strerror(errno));
	close(home);
}
