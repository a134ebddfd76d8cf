/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Attaches programs to tcx and to clsact. libbpf 1.1 does not know tcx: its calls are made by hand. */
#include "hook.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "netlink.h"

/* Ours is known by its handle. A border's place is outermost. */
enum { TC_BORDER_IN = 1, TC_FIRST, TC_LAST = 0xfffe, TC_BORDER_OUT, TC_HANDLE = 0x68730000 };

/* linux/bpf.h of Linux 6.6 */
enum { TCX_INGRESS = 46, TCX_EGRESS = 47, TCX_BEFORE = 1 << 3, TCX_AFTER = 1 << 4, TCX_LINK = 1 << 13 };

struct tcx_link_create {
	uint32_t prog_fd, ifindex, attach_type, flags, relative, reserved;
	uint64_t revision;
};

struct tcx_link_info {
	uint32_t type, id, prog_id, reserved;
	uint32_t ifindex; /* 0: its device is gone */
	uint32_t attach_type;
};

static uint32_t tcx_type(enum program program)
{
	return program_is_egress(program) ? TCX_EGRESS : TCX_INGRESS;
}

enum hook hook_choose(int ifindex)
{
	const char *wanted = getenv("HOPSPAN_TC");
	uint32_t count = 0;

	if (wanted && strcmp(wanted, "clsact") == 0)
		return HOOK_CLSACT;
	return bpf_prog_query(ifindex, (enum bpf_attach_type)TCX_INGRESS, 0, NULL, NULL, &count) ? HOOK_CLSACT
												 : HOOK_TCX;
}

const char *hook_name(enum hook hook)
{
	return hook == HOOK_TCX ? "tcx" : "clsact";
}

const char *hook_order_name(enum hook_order order)
{
	return order == HOOK_FIRST ? "first" : order == HOOK_LAST ? "last" : "usual";
}

static void link_path(enum program program, int ifindex, const char *folder, char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s/%s-%d", folder, program_name(program), ifindex) >= PATH_MAX)
		path[0] = '\0';
}

/* The pinned link, -ENOENT; one whose device is gone is none. */
static int link_open(enum program program, int ifindex, const char *folder)
{
	struct tcx_link_info info = { 0 };
	uint32_t len = sizeof(info);
	char path[PATH_MAX];
	int fd;

	link_path(program, ifindex, folder, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.ifindex == (uint32_t)ifindex)
		return fd;
	close(fd);
	return -ENOENT;
}

static int tcx_detach(enum program program, int ifindex, const char *folder)
{
	char path[PATH_MAX];

	link_path(program, ifindex, folder, path);
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

/* Where among the programs on the hook: at an end, or beside the border, whose link is open then; else -1. */
static int tcx_place(enum program program, int ifindex, const char *folder, enum hook_order order,
		     struct tcx_link_create *create)
{
	bool egress = program_is_egress(program);
	bool first = program_is_border(program) ? !egress : order == HOOK_FIRST;
	int border = -1;

	if (!program_is_border(program) && first != egress)
		border = link_open(egress ? PROGRAM_BORDER_OUT : PROGRAM_BORDER_IN, ifindex, folder);
	create->flags = first ? TCX_BEFORE : 0;
	if (border >= 0) {
		create->flags = TCX_LINK | (egress ? TCX_BEFORE : TCX_AFTER);
		create->relative = (uint32_t)border;
	}
	return border;
}

static int tcx_attach(int prog_fd, enum program program, int ifindex, const char *folder, enum hook_order order)
{
	struct tcx_link_create create = { .prog_fd = (uint32_t)prog_fd,
					  .ifindex = (uint32_t)ifindex,
					  .attach_type = tcx_type(program) };
	int link = link_open(program, ifindex, folder), border, error;
	char path[PATH_MAX];

	if (link >= 0) {
		error = bpf_link_update(link, prog_fd, NULL) ? -errno : 0;
		close(link);
		return error;
	}
	error = tcx_detach(program, ifindex, folder); /* a link of a device that is gone */
	if (error)
		return error;
	border = tcx_place(program, ifindex, folder, order, &create);
	link = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &create, sizeof(create));
	error = link < 0 ? -errno : 0;
	if (border >= 0)
		close(border);
	if (error)
		return error;
	link_path(program, ifindex, folder, path);
	error = bpf_obj_pin(link, path) ? -errno : 0;
	close(link);
	return error;
}

static enum bpf_tc_attach_point clsact_point(enum program program)
{
	return program_is_egress(program) ? BPF_TC_EGRESS : BPF_TC_INGRESS;
}

static uint32_t clsact_place(enum program program, enum hook_order order)
{
	if (program_is_border(program))
		return program_is_egress(program) ? TC_BORDER_OUT : TC_BORDER_IN;
	return order == HOOK_LAST ? TC_LAST : TC_FIRST;
}

/* Where ours is on clsact; 0: it is not there. */
static uint32_t clsact_priority(enum program program, int ifindex)
{
	const uint32_t priorities[] = { clsact_place(program, HOOK_FIRST), clsact_place(program, HOOK_LAST) };
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = clsact_point(program));

	program_listen();
	for (int i = 0; i < 2; i++) {
		LIBBPF_OPTS(bpf_tc_opts, options, .handle = TC_HANDLE + program, .priority = priorities[i]);

		if (bpf_tc_query(&hook, &options) == 0)
			return priorities[i];
	}
	return 0;
}

static int clsact_detach(enum program program, int ifindex)
{
	uint32_t priority = clsact_priority(program, ifindex);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = clsact_point(program));
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = TC_HANDLE + program, .priority = priority);
	int error = priority ? bpf_tc_detach(&hook, &options) : 0;

	return error == -ENOENT || error == -EINVAL ? 0 : error;
}

static int clsact_attach(int prog_fd, enum program program, int ifindex, enum hook_order order, bool *made_clsact)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = clsact_point(program));
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = TC_HANDLE + program, .priority = clsact_place(program, order),
		    .prog_fd = prog_fd, .flags = BPF_TC_F_REPLACE);
	int error = bpf_tc_hook_create(&hook);

	*made_clsact = error == 0;
	if (error && error != -EEXIST)
		return error;
	return bpf_tc_attach(&hook, &options);
}

int hook_attach(struct bpf_object *object, enum program program, int ifindex, const char *folder, enum hook hook,
		enum hook_order order, bool *made_clsact)
{
	int prog_fd = program_fd(object), error;

	*made_clsact = false;
	if (hook == HOOK_CLSACT)
		error = tcx_detach(program, ifindex, folder);
	else
		error = clsact_detach(program, ifindex);
	if (error)
		return error;
	if (hook == HOOK_CLSACT)
		return clsact_attach(prog_fd, program, ifindex, order, made_clsact);
	return tcx_attach(prog_fd, program, ifindex, folder, order);
}

int hook_detach(enum program program, int ifindex, const char *folder)
{
	int error = tcx_detach(program, ifindex, folder), also = clsact_detach(program, ifindex);

	return error ? error : also;
}

bool hook_is_attached(enum program program, int ifindex, const char *folder, enum hook hook)
{
	int link;

	if (hook == HOOK_CLSACT)
		return clsact_priority(program, ifindex) != 0;
	link = link_open(program, ifindex, folder);
	if (link >= 0)
		close(link);
	return link >= 0;
}

int hook_others(int ifindex, const char *folder, bool egress)
{
	uint32_t count = 0;
	int others = netlink_filters_of(ifindex, egress);

	if (others < 0)
		others = 0;
	if (bpf_prog_query(ifindex, (enum bpf_attach_type)(egress ? TCX_EGRESS : TCX_INGRESS), 0, NULL, NULL, &count) ==
	    0)
		others += (int)count;
	for (enum program program = PROGRAM_STAMP; program <= PROGRAM_DEPART; program++)
		if (program_is_egress(program) == egress)
			others -= hook_is_attached(program, ifindex, folder, HOOK_TCX) +
				  hook_is_attached(program, ifindex, folder, HOOK_CLSACT);
	return others;
}

int hook_remove_clsact(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int error = bpf_tc_hook_destroy(&hook);

	return error == -ENOENT || error == -EINVAL ? 0 : error;
}
