/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Finds and makes hopspan's folders in the BPF file system, and finds cgroup2. */
#include "places.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define INIT_ROOT "/proc/1/root"
#define BPFFS_MOUNT "/sys/fs/bpf"
#define MOUNTED_MARK "hopspan-mounted-this"

static int is_on(const char *path, long magic)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == magic;
}

/* A child enters process 1's mount namespace and mounts there, so that it outlives `ip netns exec`. */
static int mount_bpffs(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		int ns = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);

		if (ns < 0 || setns(ns, CLONE_NEWNS) || mount("bpf", BPFFS_MOUNT, "bpf", 0, "mode=0700"))
			_exit(errno);
		_exit(mkdir(BPFFS_MOUNT "/" MOUNTED_MARK, 0700) ? errno : 0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

static void unmount_bpffs(void)
{
	pid_t child = fork();

	if (child == 0) {
		int ns = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);

		if (ns >= 0 && setns(ns, CLONE_NEWNS) == 0 && rmdir(BPFFS_MOUNT "/" MOUNTED_MARK) == 0)
			umount(BPFFS_MOUNT);
		_exit(0);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

/* "" or INIT_ROOT: where `path`'s parent is a BPF file system; NULL: nowhere. */
static const char *bpffs_prefix(const char *path)
{
	static const char *const prefixes[] = { "", INIT_ROOT };
	char parent[PATH_MAX];

	for (int i = 0; i < 2; i++) {
		snprintf(parent, sizeof(parent), "%s%s", prefixes[i], path);
		for (char *slash = strrchr(parent, '/'); slash && slash != parent; slash = strrchr(parent, '/')) {
			if (access(parent, F_OK) == 0)
				break;
			*slash = 0;
		}
		if (is_on(parent, BPF_FS_MAGIC))
			return prefixes[i];
	}
	return NULL;
}

static int make_folder(const char *path)
{
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

static int make_folders(const struct places *places)
{
	char path[PATH_MAX];
	int error = make_folder(places->root);

	for (int i = 0; !error && i < 2; i++) {
		if (snprintf(path, sizeof(path), "%s/%s", places->root, i ? "cgroup" : "netns") >= PATH_MAX)
			return -ENAMETOOLONG;
		error = make_folder(path);
	}
	return error ? error : make_folder(places->netns);
}

/* Unique for as long as the machine is up, unlike the inode number. */
static int netns_cookie(uint64_t *cookie)
{
	socklen_t len = sizeof(*cookie);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &len) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return error;
}

int places_open(struct places *places, int create, const char *who)
{
	const char *wanted = getenv("HOPSPAN_BPFFS"), *prefix;
	int error;

	if (!wanted || !*wanted)
		wanted = BPFFS_MOUNT "/hopspan";
	prefix = bpffs_prefix(wanted);
	if (!prefix && create && (error = mount_bpffs()) != 0) {
		fprintf(stderr, "%s: no BPF file system for %s, and none could be mounted at %s: %s\n", who, wanted,
			BPFFS_MOUNT, strerror(-error));
		return error;
	}
	if (!prefix)
		prefix = bpffs_prefix(wanted);
	if (!prefix && create) {
		fprintf(stderr, "%s: %s is not in a BPF file system\n", who, wanted);
		return -EINVAL;
	}
	error = netns_cookie(&places->netns_cookie);
	snprintf(places->root, sizeof(places->root), "%s%s", prefix ? prefix : "", wanted);
	if (snprintf(places->netns, sizeof(places->netns), "%s/netns/%llu", places->root,
		     (unsigned long long)places->netns_cookie) >= PATH_MAX)
		error = -ENAMETOOLONG;
	if (!error && create)
		error = make_folders(places);
	if (error)
		fprintf(stderr, "%s: %s: %s\n", who, places->root, strerror(-error));
	return error;
}

void places_tidy(const struct places *places)
{
	char path[PATH_MAX + 8];

	rmdir(places->netns);
	snprintf(path, sizeof(path), "%s/netns", places->root);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/cgroup", places->root);
	rmdir(path);
	if (rmdir(places->root) == 0)
		unmount_bpffs();
}

/* The mount point of cgroup2 in `mounts`, seen under `prefix`. */
static int cgroup2_find(const char *mounts, const char *prefix, char path[PATH_MAX])
{
	FILE *file = setmntent(mounts, "re");
	struct mntent *entry;
	int found = 0;

	while (file && !found && (entry = getmntent(file))) {
		if (strcmp(entry->mnt_type, "cgroup2") != 0)
			continue;
		snprintf(path, PATH_MAX, "%s%s", prefix, entry->mnt_dir);
		found = is_on(path, CGROUP2_SUPER_MAGIC);
	}
	if (file)
		endmntent(file);
	return found;
}

static int cgroup_resolve(const char *wanted, char path[PATH_MAX])
{
	if (wanted) {
		snprintf(path, PATH_MAX, "%s", wanted);
		if (is_on(path, CGROUP2_SUPER_MAGIC))
			return 1;
		snprintf(path, PATH_MAX, "%s%s", INIT_ROOT, wanted);
		return is_on(path, CGROUP2_SUPER_MAGIC);
	}
	return cgroup2_find("/proc/self/mounts", "", path) || cgroup2_find("/proc/1/mounts", INIT_ROOT, path);
}

int places_open_cgroup(const char *word, uint64_t *id, const char *who)
{
	const char *wanted = word ? word : getenv("HOPSPAN_CGROUP");
	char path[PATH_MAX];
	struct stat status;
	int fd = -1;

	if (wanted && !*wanted)
		wanted = NULL;
	if (cgroup_resolve(wanted, path))
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else
		errno = ENOENT;
	if (fd < 0 || fstat(fd, &status)) {
		fprintf(stderr, "%s: %s: %s\n", who, wanted ? wanted : "cgroup2",
			errno == ENOENT ? "no such cgroup2 folder" : strerror(errno));
		return -errno;
	}
	*id = status.st_ino;
	return fd;
}

void places_cgroup(const struct places *places, uint64_t id, char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s/cgroup/%llu", places->root, (unsigned long long)id) >= PATH_MAX)
		path[0] = 0;
}
