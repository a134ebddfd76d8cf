/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Somebody else's tc program: counts what it sees and returns CODE.
 *
 *	counter load FOLDER CODE                            pinned as FOLDER/program, its map as FOLDER/count
 *	counter tcx FOLDER DEV ingress|egress first|last    on tcx, held by FOLDER/link
 *	counter tcx-order DEV ingress|egress                names of the programs there, in their order
 *	counter read FOLDER                                 how many it has seen
 */
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/bpf.h of Linux 6.6 */
enum { TCX_INGRESS = 46, TCX_EGRESS = 47, TCX_BEFORE = 1 << 3, TCX_AFTER = 1 << 4, PROGRAMS_MAX = 16 };

static const char *what; /* for messages: what is being done */

static int bpf(int command, const char *doing, void *attr, size_t size)
{
	int result = (int)syscall(SYS_bpf, command, attr, size);

	what = doing;
	if (result < 0) {
		fprintf(stderr, "counter: %s: %s\n", what, strerror(errno));
		exit(errno == EINVAL ? 77 : 1);
	}
	return result;
}

static void pin(int fd, const char *folder, const char *name)
{
	char path[512];
	union bpf_attr attr = { .pathname = (uintptr_t)path, .bpf_fd = (uint32_t)fd };

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	bpf(BPF_OBJ_PIN, path, &attr, sizeof(attr));
}

static int pinned(const char *folder, const char *name)
{
	char path[512];
	union bpf_attr attr = { .pathname = (uintptr_t)path };

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return bpf(BPF_OBJ_GET, path, &attr, sizeof(attr));
}

static int map_make(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1 };

	return bpf(BPF_MAP_CREATE, "map", &attr, sizeof(attr));
}

static int program_make(int map, int code)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = 10, .off = -4 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -4 },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = map },
		{ 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .off = 2 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = 1 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = 0, .src_reg = 1, .imm = BPF_ADD },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = code },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SCHED_CLS,
				.insns = (uintptr_t)insns,
				.insn_cnt = sizeof(insns) / sizeof(insns[0]),
				.license = (uintptr_t) "Dual BSD/GPL",
				.prog_name = "counter" };

	return bpf(BPF_PROG_LOAD, "program", &attr, sizeof(attr));
}

static uint32_t hook_type(const char *hook)
{
	return strcmp(hook, "egress") == 0 ? TCX_EGRESS : TCX_INGRESS;
}

static void tcx_attach(const char *folder, const char *device, const char *hook, const char *order)
{
	struct {
		uint32_t prog_fd, ifindex, attach_type, flags, relative, reserved;
		uint64_t revision;
	} create = { .prog_fd = (uint32_t)pinned(folder, "program"),
		     .ifindex = if_nametoindex(device),
		     .attach_type = hook_type(hook),
		     .flags = strcmp(order, "first") == 0 ? TCX_BEFORE : TCX_AFTER };

	pin(bpf(BPF_LINK_CREATE, "tcx", &create, sizeof(create)), folder, "link");
}

static void tcx_order(const char *device, const char *hook)
{
	uint32_t ids[PROGRAMS_MAX] = { 0 };
	union bpf_attr query = { .query = { .target_fd = if_nametoindex(device),
					    .attach_type = hook_type(hook),
					    .prog_ids = (uintptr_t)ids,
					    .prog_cnt = PROGRAMS_MAX } };

	bpf(BPF_PROG_QUERY, "query", &query, sizeof(query));
	for (uint32_t i = 0; i < query.query.prog_cnt && i < PROGRAMS_MAX; i++) {
		union bpf_attr by_id = { .prog_id = ids[i] };
		struct bpf_prog_info program = { 0 };
		union bpf_attr info = { .info = { .info_len = sizeof(program), .info = (uintptr_t)&program } };

		info.info.bpf_fd = (uint32_t)bpf(BPF_PROG_GET_FD_BY_ID, "program", &by_id, sizeof(by_id));
		bpf(BPF_OBJ_GET_INFO_BY_FD, "program", &info, sizeof(info));
		printf("%s%s", i ? " " : "", program.name);
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	uint64_t count = 0;
	uint32_t key = 0;
	int map;

	if (argc == 4 && strcmp(argv[1], "load") == 0) {
		map = map_make();
		pin(map, argv[2], "count");
		pin(program_make(map, atoi(argv[3])), argv[2], "program");
	} else if (argc == 6 && strcmp(argv[1], "tcx") == 0) {
		tcx_attach(argv[2], argv[3], argv[4], argv[5]);
	} else if (argc == 4 && strcmp(argv[1], "tcx-order") == 0) {
		tcx_order(argv[2], argv[3]);
	} else if (argc == 3 && strcmp(argv[1], "read") == 0) {
		union bpf_attr lookup = { .map_fd = (uint32_t)pinned(argv[2], "count"),
					  .key = (uintptr_t)&key,
					  .value = (uintptr_t)&count };

		bpf(BPF_MAP_LOOKUP_ELEM, "count", &lookup, sizeof(lookup));
		printf("%llu\n", (unsigned long long)count);
	} else {
		fprintf(stderr, "counter load|tcx|tcx-order|read ...\n");
		return 2;
	}
	return 0;
}
