/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Finds and makes hopspan's folders in the BPF file system, and finds cgroup2. */
#include "places.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define BPFFS_MOUNT "/sys/fs/bpf"
#define LOCK_FILE "/run/lock/hopspan"
#define MOUNTED_MARK "hopspan-mounted-this"

static int is_on(const char *path, long magic)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == magic;
}

static pid_t parent_of(pid_t pid)
{
	char path[64];
	int parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%*d (%*[^)]) %*c %d", &parent) != 1)
		parent = 0;
	fclose(file);
	return parent;
}

/* "/proc/PID/WHAT" of the oldest ancestor whose mount namespace we may enter: the machine's, or the container's. */
static const char *outer(const char *what, char path[PATH_MAX])
{
	pid_t oldest = getpid();

	for (pid_t pid = oldest; pid > 0; pid = parent_of(pid)) {
		snprintf(path, PATH_MAX, "/proc/%d/ns/mnt", pid);
		if (access(path, R_OK) == 0)
			oldest = pid;
	}
	snprintf(path, PATH_MAX, "/proc/%d/%s", oldest, what);
	return path;
}

static int enter_outer(void)
{
	char path[PATH_MAX];
	int ns = open(outer("ns/mnt", path), O_RDONLY | O_CLOEXEC);

	return ns < 0 || setns(ns, CLONE_NEWNS) ? -errno : 0;
}

/* A child mounts it outside, so that it outlives `ip netns exec`. */
static int mount_bpffs(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (enter_outer() || mount("bpf", BPFFS_MOUNT, "bpf", 0, "mode=0700"))
			_exit(errno);
		_exit(mkdir(BPFFS_MOUNT "/" MOUNTED_MARK, 0700) ? errno : 0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

/* Nothing on it but our mark and the kernel's own two files. */
static bool bpffs_is_empty(void)
{
	DIR *dir = opendir(BPFFS_MOUNT);
	struct dirent *entry;
	bool empty = dir;

	while (dir && empty && (entry = readdir(dir)))
		empty = entry->d_name[0] == '.' || strcmp(entry->d_name, MOUNTED_MARK) == 0 ||
			strstr(entry->d_name, ".debug");
	if (dir)
		closedir(dir);
	return empty;
}

/* Others may have pinned theirs on what we mounted. */
static void unmount_bpffs(void)
{
	pid_t child = fork();

	if (child == 0) {
		if (enter_outer() == 0 && bpffs_is_empty() && rmdir(BPFFS_MOUNT "/" MOUNTED_MARK) == 0)
			umount(BPFFS_MOUNT);
		_exit(0);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

/* What goes before `path` to get at a BPF file system: nothing, or the root of outside. False: there is none. */
static bool bpffs_prefix(const char *path, char prefix[PATH_MAX])
{
	char parent[2 * PATH_MAX];

	for (int outside = 0; outside < 2; outside++) {
		prefix[0] = 0;
		if (outside)
			outer("root", prefix);
		snprintf(parent, sizeof(parent), "%s%s", prefix, path);
		for (char *slash = strrchr(parent, '/'); slash && slash != parent; slash = strrchr(parent, '/')) {
			if (access(parent, F_OK) == 0)
				break;
			*slash = 0;
		}
		if (is_on(parent, BPF_FS_MAGIC))
			return true;
	}
	prefix[0] = 0;
	return false;
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
	const char *wanted = getenv("HOPSPAN_BPFFS");
	char prefix[PATH_MAX];
	bool found;
	int error;

	if (!wanted || !*wanted)
		wanted = BPFFS_MOUNT "/hopspan";
	found = bpffs_prefix(wanted, prefix);
	if (!found && create && (error = mount_bpffs()) != 0) {
		fprintf(stderr, "%s: no BPF file system for %s, and none could be mounted at %s: %s\n", who, wanted,
			BPFFS_MOUNT, strerror(-error));
		return error;
	}
	if (!found)
		found = bpffs_prefix(wanted, prefix);
	if (!found && create) {
		fprintf(stderr, "%s: %s is not in a BPF file system\n", who, wanted);
		return -EINVAL;
	}
	error = netns_cookie(&places->netns_cookie);
	if (snprintf(places->root, sizeof(places->root), "%s%s", prefix, wanted) >= PATH_MAX ||
	    snprintf(places->netns, sizeof(places->netns), "%s/netns/%llu", places->root,
		     (unsigned long long)places->netns_cookie) >= PATH_MAX)
		error = -ENAMETOOLONG;
	if (!error && create)
		error = make_folders(places);
	if (error)
		fprintf(stderr, "%s: %s: %s\n", who, places->root, strerror(-error));
	return error;
}

int places_lock(void)
{
	int fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0)
		flock(fd, LOCK_EX);
	return fd;
}

void places_unlock(int lock)
{
	if (lock >= 0)
		close(lock);
}

void places_empty(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
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

void places_each(const char *root, const char *kind, void (*each)(const char *folder, const char *name, void *arg),
		 void *arg)
{
	char path[2 * PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", root, kind);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", root, kind, entry->d_name);
		each(path, entry->d_name, arg);
	}
	if (dir)
		closedir(dir);
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
	char root[PATH_MAX], mounts[PATH_MAX];

	if (wanted) {
		snprintf(path, PATH_MAX, "%s", wanted);
		if (is_on(path, CGROUP2_SUPER_MAGIC))
			return 1;
		if (snprintf(path, PATH_MAX, "%s%s", outer("root", root), wanted) >= PATH_MAX)
			return 0;
		return is_on(path, CGROUP2_SUPER_MAGIC);
	}
	return cgroup2_find("/proc/self/mounts", "", path) ||
	       cgroup2_find(outer("mounts", mounts), outer("root", root), path);
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
