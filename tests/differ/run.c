/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* bpf_prog_test_run of an attached program: what it does to packets that the kernel behind it drops shows only here. */
#include "run.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/ipv6.h"

enum { META_MAX = 64, MAPS_MAX = 64, PROGRAMS_MAX = 16, TC_UNSPEC = -1, TCX_INGRESS = 46 };

struct program {
	int fd, counters_fd, cpus;
	bool is_xdp;
	uint64_t counts[OUTCOME_COUNT];
	uint64_t *values; /* of each processor */
};

static int counters_find(const struct bpf_prog_info *program, const char *name)
{
	const uint32_t *ids = (const void *)(uintptr_t)program->map_ids;

	for (uint32_t i = 0; i < program->nr_map_ids; i++) {
		struct bpf_map_info info = { 0 };
		uint32_t len = sizeof(info);
		int fd = bpf_map_get_fd_by_id(ids[i]);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) && strcmp(info.name, name) == 0 &&
		    info.max_entries == OUTCOME_COUNT)
			return fd;
		close(fd);
	}
	errx(1, "program %u has no map %s of %d counters", program->id, name, OUTCOME_COUNT);
}

static struct program program_open(uint32_t id, const char *counters)
{
	uint32_t maps[MAPS_MAX], len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .map_ids = (uintptr_t)maps, .nr_map_ids = MAPS_MAX };
	struct program program = { .fd = bpf_prog_get_fd_by_id(id), .cpus = libbpf_num_possible_cpus() };

	if (program.fd < 0 || program.cpus < 1 || bpf_obj_get_info_by_fd(program.fd, &info, &len))
		err(1, "program %u", id);
	program.is_xdp = info.type == BPF_PROG_TYPE_XDP;
	program.counters_fd = counters_find(&info, counters);
	program.values = calloc((size_t)program.cpus * OUTCOME_COUNT, sizeof(*program.values));
	return program;
}

/* All at once; returns which of them has moved, and how many. */
static enum outcome counters_move(struct program *program, int *moved)
{
	uint32_t keys[OUTCOME_COUNT], count = OUTCOME_COUNT, next;
	enum outcome outcome = OUTCOME_COUNT;

	LIBBPF_OPTS(bpf_map_batch_opts, options);
	if (bpf_map_lookup_batch(program->counters_fd, NULL, &next, keys, program->values, &count, &options) &&
	    errno != ENOENT)
		err(1, "reading the counters");
	*moved = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t sum = 0;

		for (int cpu = 0; cpu < program->cpus; cpu++)
			sum += program->values[i * (uint32_t)program->cpus + (uint32_t)cpu];
		if (sum != program->counts[keys[i]]) {
			*moved += (int)(sum - program->counts[keys[i]]);
			outcome = keys[i];
		}
		program->counts[keys[i]] = sum;
	}
	return outcome;
}

/* False: the kernel does not run programs on what is shorter than an IPv6 header. */
static bool packet_run(const struct program *program, const struct packet *packet, struct answer *answer)
{
	static const uint8_t link[ETHERNET_LEN] = { 2, 0x68, 0, 0, 0, 1, 2, 0x68, 0, 0, 0, 2, 0x86, 0xdd };
	static uint8_t in[PACKET_LEN_MAX + ETHERNET_LEN], out[sizeof(in) + META_MAX];
	uint32_t len = packet->len + ETHERNET_LEN, front;
	struct xdp_md xdp = { .data_end = len }, xdp_after = { 0 };

	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = in, .data_size_in = len, .repeat = 1, .data_out = out,
		    .data_size_out = sizeof(out));
	if (packet->len < IPV6_LEN)
		return false;
	memcpy(in, link, sizeof(link));
	memcpy(in + sizeof(link), packet->octets, packet->len);
	if (program->is_xdp) {
		options.ctx_in = &xdp;
		options.ctx_out = &xdp_after;
		options.ctx_size_in = options.ctx_size_out = sizeof(xdp);
	}
	if (bpf_prog_test_run_opts(program->fd, &options))
		err(1, "test run of a packet of %u octets, %s", packet->len, packet->family);
	front = xdp_after.data + ETHERNET_LEN;
	answer->passed = options.retval == (program->is_xdp ? XDP_PASS : (uint32_t)TC_UNSPEC) &&
			 options.data_size_out >= front && memcmp(out + xdp_after.data, link, sizeof(link)) == 0;
	answer->after_len = (uint16_t)(options.data_size_out - front);
	answer->after = malloc(answer->after_len + 1U);
	memcpy(answer->after, out + front, answer->after_len);
	return true;
}

void run_program(const struct packets *packets, uint32_t id, const char *counters, struct answer *answers)
{
	struct program program = program_open(id, counters);
	int moved;

	counters_move(&program, &moved);
	for (uint32_t i = 0; i < packets->count; i++) {
		answers[i].ran = packet_run(&program, &packets->list[i], &answers[i]);
		if (answers[i].ran)
			answers[i].outcome = counters_move(&program, &answers[i].outcomes);
	}
	free(program.values);
	close(program.counters_fd);
	close(program.fd);
}

/* Debian 12's libbpf and bpftool do not know tcx; the kernel takes the device where a file would be named. */
uint32_t run_tcx_program(const char *device)
{
	uint32_t ids[PROGRAMS_MAX] = { 0 }, flags, count = PROGRAMS_MAX;

	return bpf_prog_query((int)if_nametoindex(device), (enum bpf_attach_type)TCX_INGRESS, 0, &flags, ids, &count)
		   ? 0
		   : ids[0];
}
