/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Loads, attaches and detaches the BPF programs that travel inside the command. */
#include "program.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define ELF(name) extern const char name##_elf[], name##_elf_end[]
ELF(sockopt);
ELF(stamp);
ELF(sink);
ELF(tc_transit);
ELF(depart);
ELF(xdp_transit);
ELF(xdp_sink);
ELF(wait);
ELF(border_in);
ELF(border_out);
ELF(xdp_border);

static const struct {
	const char *name, *start, *end;
	bool egress;
} programs[] = {
	[PROGRAM_SOCKOPT] = { "sockopt", sockopt_elf, sockopt_elf_end, false },
	[PROGRAM_STAMP] = { "tc_stamp", stamp_elf, stamp_elf_end, true },
	[PROGRAM_SINK] = { "tc_sink", sink_elf, sink_elf_end, false },
	[PROGRAM_STAMP_PEER] = { "tc_stamp", stamp_elf, stamp_elf_end, false },
	[PROGRAM_SINK_PEER] = { "tc_sink", sink_elf, sink_elf_end, true },
	[PROGRAM_TC_TRANSIT] = { "tc_transit", tc_transit_elf, tc_transit_elf_end, false },
	[PROGRAM_DEPART] = { "tc_depart", depart_elf, depart_elf_end, true },
	[PROGRAM_BORDER_IN] = { "tc_border_in", border_in_elf, border_in_elf_end, false },
	[PROGRAM_BORDER_OUT] = { "tc_border_out", border_out_elf, border_out_elf_end, true },
	[PROGRAM_XDP_TRANSIT] = { "xdp_transit", xdp_transit_elf, xdp_transit_elf_end, false },
	[PROGRAM_XDP_SINK] = { "xdp_sink", xdp_sink_elf, xdp_sink_elf_end, false },
	[PROGRAM_WAIT] = { "wait_xmit", wait_elf, wait_elf_end, false },
	[PROGRAM_XDP_BORDER] = { "xdp_border", xdp_border_elf, xdp_border_elf_end, false },
};

static int print_if_verbose(enum libbpf_print_level level, const char *format, va_list args)
{
	const char *verbose = getenv("HOPSPAN_VERBOSE");

	if (!verbose || strcmp(verbose, "1") != 0 || level == LIBBPF_DEBUG)
		return 0;
	return vfprintf(stderr, format, args);
}

static int object_set_config(struct bpf_object *object, const void *config, size_t len)
{
	struct bpf_map *map;

	if (!config)
		return 0;
	bpf_object__for_each_map (map, object)
		if (strstr(bpf_map__name(map), ".rodata.config"))
			return bpf_map__set_initial_value(map, config, len);
	return -ENOENT;
}

static int object_set_storage(struct bpf_object *object, const char *cgroup_folder)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "sockets");
	char path[PATH_MAX];

	if (!map || !cgroup_folder)
		return 0;
	snprintf(path, sizeof(path), "%s/sockets", cgroup_folder);
	return bpf_map__set_pin_path(map, path);
}

/* The map `name`, which pinning by name refuses: the one pinned in `folder`, made there if need be. */
static int object_share_map(struct bpf_object *object, const char *name, const char *folder)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	char path[PATH_MAX];
	int fd, error = 0;

	if (!map)
		return 0;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = bpf_obj_get(path);
	if (fd < 0) {
		fd = bpf_map_create(bpf_map__type(map), name, bpf_map__key_size(map), bpf_map__value_size(map),
				    bpf_map__max_entries(map), NULL);
		if (fd < 0 || bpf_obj_pin(fd, path))
			error = -errno;
	}
	if (!error)
		error = bpf_map__reuse_fd(map, fd);
	if (fd >= 0)
		close(fd);
	return error;
}

void program_listen(void)
{
	libbpf_set_print(print_if_verbose);
}

const char *program_name(enum program program)
{
	return programs[program].name;
}

bool program_is_egress(enum program program)
{
	return programs[program].egress;
}

bool program_is_border(enum program program)
{
	return program == PROGRAM_BORDER_IN || program == PROGRAM_BORDER_OUT;
}

int program_load(enum program program, const void *config, size_t len, const char *folder, const char *cgroup_folder,
		 struct bpf_object **object)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = programs[program].name, .pin_root_path = folder);
	struct bpf_object *opened;
	int error;

	program_listen();
	opened =
	    bpf_object__open_mem(programs[program].start, programs[program].end - programs[program].start, &options);
	if (!opened)
		return -errno;
	error = object_set_config(opened, config, len);
	if (!error)
		error = object_set_storage(opened, cgroup_folder);
	if (!error)
		error = object_share_map(opened, "forward_out", folder);
	if (!error)
		error = bpf_object__load(opened);
	if (error)
		bpf_object__close(opened);
	else
		*object = opened;
	return error;
}

void program_unload(struct bpf_object *object)
{
	bpf_object__close(object);
}

int program_map(struct bpf_object *object, const char *name)
{
	return bpf_object__find_map_fd_by_name(object, name);
}

int program_fd(struct bpf_object *object)
{
	return bpf_program__fd(bpf_object__next_program(object, NULL));
}

static int xdp_open(uint32_t id, struct bpf_prog_info *info)
{
	uint32_t len = sizeof(*info);
	int fd = bpf_prog_get_fd_by_id(id);

	*info = (struct bpf_prog_info){ 0 };
	if (fd >= 0)
		bpf_obj_get_info_by_fd(fd, info, &len);
	return fd;
}

/* The program on the device, whoever runs it: its fd, or -ENOENT. *ours: it is this one, and the driver's. */
static int xdp_attached(enum program program, int ifindex, struct bpf_prog_info *info, bool *ours)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	int fd;

	*ours = false;
	if (bpf_xdp_query(ifindex, 0, &query) || !(query.drv_prog_id | query.skb_prog_id | query.hw_prog_id))
		return -ENOENT;
	fd = xdp_open(query.drv_prog_id	  ? query.drv_prog_id
		      : query.skb_prog_id ? query.skb_prog_id
					  : query.hw_prog_id,
		      info);
	*ours = fd >= 0 && query.drv_prog_id && strcmp(info->name, programs[program].name) == 0;
	return fd;
}

int program_attached_xdp(enum program program, int ifindex)
{
	struct bpf_prog_info info;
	bool ours;
	int fd;

	program_listen();
	fd = xdp_attached(program, ifindex, &info, &ours);
	if (ours)
		return fd;
	if (fd >= 0)
		close(fd);
	return -ENOENT;
}

bool program_is_attached_xdp(enum program program, int ifindex)
{
	int fd = program_attached_xdp(program, ifindex);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Only in place of what was seen, so that nobody's program is lost who came meanwhile. */
int program_attach_xdp(struct bpf_object *object, enum program program, int ifindex, char other[PROGRAM_NAME_LEN])
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, options);
	struct bpf_prog_info info = { 0 };
	bool ours;
	int old = xdp_attached(program, ifindex, &info, &ours), error;

	if (old >= 0 && !ours) {
		snprintf(other, PROGRAM_NAME_LEN, "%s", info.name);
		close(old);
		return -EBUSY;
	}
	options.old_prog_fd = old;
	error = bpf_xdp_attach(ifindex, program_fd(object),
			       XDP_FLAGS_DRV_MODE | (old < 0 ? XDP_FLAGS_UPDATE_IF_NOEXIST : XDP_FLAGS_REPLACE),
			       old < 0 ? NULL : &options);
	if (old >= 0)
		close(old);
	other[0] = '\0';
	return error == -EEXIST ? -EBUSY : error;
}

int program_detach_xdp(enum program program, int ifindex)
{
	return program_is_attached_xdp(program, ifindex) ? bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, NULL) : 0;
}

/* cgroup_fd -1: the program says by itself where it belongs. */
static int attach_pinned(struct bpf_program *program, int cgroup_fd, const char *folder)
{
	struct bpf_link *link;
	char path[PATH_MAX];
	int error;

	snprintf(path, sizeof(path), "%s/%s", folder, bpf_program__name(program));
	if (access(path, F_OK) == 0)
		return 0;
	link = cgroup_fd < 0 ? bpf_program__attach(program) : bpf_program__attach_cgroup(program, cgroup_fd);
	if (!link)
		return -errno;
	error = bpf_link__pin(link, path);
	bpf_link__destroy(link);
	return error;
}

int program_attach_cgroup(struct bpf_object *object, int cgroup_fd, const char *folder)
{
	struct bpf_program *program;
	int error = 0;

	bpf_object__for_each_program (program, object)
		error = error ? error : attach_pinned(program, cgroup_fd, folder);
	return error;
}

int program_attach_tracepoint(struct bpf_object *object, const char *folder)
{
	return attach_pinned(bpf_object__next_program(object, NULL), -1, folder);
}

bool program_kernel_has_casts(void)
{
	static int known = -1;
	struct btf *btf;

	if (known >= 0)
		return known;
	program_listen();
	btf = btf__load_vmlinux_btf();
	known = btf && btf__find_by_name_kind(btf, "bpf_cast_to_kern_ctx", BTF_KIND_FUNC) > 0 &&
		btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
	btf__free(btf);
	return known;
}
