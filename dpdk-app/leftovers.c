/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Finds and removes runtime directories: sockets and maps of memory, no folders in them. */
#include "leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config.h"

/* The process of that directory's name; 0: it is no forwarder's. */
static pid_t name_pid(const char *name)
{
	static const char prefix[] = PROGRAM "-";
	const char *digits = name + sizeof(prefix) - 1;
	char *end;
	long pid;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	pid = strtol(digits, &end, 10);
	return end == digits || *end || pid <= 0 || pid > INT_MAX ? 0 : (pid_t)pid;
}

static bool somebody_listens(const char *parent, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), len, err;

	len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s/dpdk_telemetry.v2", parent, name);
	if (fd < 0 || len >= (int)sizeof(address.sun_path))
		return true; /* who knows */
	err = connect(fd, (struct sockaddr *)&address, sizeof(address)) ? errno : 0;
	close(fd);
	return err != ECONNREFUSED && err != ENOENT;
}

static void folder_remove(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(folder)))
		unlinkat(fd, entry->d_name, 0);
	closedir(folder);
	if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0)
		fprintf(stderr, PROGRAM ": %s, left by one that was killed, is removed\n", name);
}

void leftovers_remove(const char *runtime_dir)
{
	const char *slash = strrchr(runtime_dir, '/');
	char parent[PATH_MAX];
	struct dirent *entry;
	DIR *folder;

	if (!slash || snprintf(parent, sizeof(parent), "%.*s", (int)(slash - runtime_dir), runtime_dir) >= PATH_MAX)
		return;
	folder = opendir(parent);
	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		pid_t pid = name_pid(entry->d_name);

		if (pid && pid != getpid() && kill(pid, 0) < 0 && errno == ESRCH &&
		    !somebody_listens(parent, entry->d_name))
			folder_remove(dirfd(folder), entry->d_name);
	}
	closedir(folder);
}
