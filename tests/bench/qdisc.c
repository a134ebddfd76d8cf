/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the ways to stamp do to a connection: every load without contexts, the same again, and by every way, in turn.
 *
 *	qdisc FOLDER CLIENT SERVER ADDRESS CONGESTION ROUNDS MILLISECONDS
 *
 * CLIENT and SERVER are network namespaces' files, hopspan is up in both and keeps its maps below FOLDER. One JSON
 * object per run.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flow.h"
#include "policy.h"
#include "wire/outcome.h"

static const struct kind {
	const char *name;
	bool contexts;
	enum stamp_way way;
} kinds[] = {
	{ "bare", false, STAMP_AUTO },	{ "bare again", false, STAMP_AUTO }, { "in-place", true, STAMP_IN_PLACE },
	{ "clone", true, STAMP_CLONE }, { "shadow", true, STAMP_SHADOW },    { "auto", true, STAMP_AUTO },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const enum outcome counted[] = { OUTCOME_stamped_in_place, OUTCOME_stamped_clone, OUTCOME_stamped_shadow };

enum { COUNTED = sizeof(counted) / sizeof(counted[0]) };

static int policies, host, counters;

/* A map of the client's namespace, which the calling thread is in. */
static int map_open(const char *folder, const char *name)
{
	char path[PATH_MAX];
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	int fd, tmp = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (tmp < 0 || getsockopt(tmp, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len))
		err(1, "cookie of the namespace");
	close(tmp);
	snprintf(path, sizeof(path), "%s/netns/%lu/%s", folder, cookie, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void way_set(enum stamp_way way)
{
	policy_change(policies, host, way, &ENCAP_SHAPE_USUAL);
}

static void counts_read(uint64_t counts[COUNTED])
{
	uint64_t values[libbpf_num_possible_cpus()];

	for (unsigned int i = 0; i < COUNTED; i++) {
		uint32_t key = counted[i];

		counts[i] = 0;
		if (bpf_map_lookup_elem(counters, &key, values))
			err(1, "counters");
		for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++)
			counts[i] += values[cpu];
	}
}

static void result_print(const struct flow_load *load, const struct kind *kind, unsigned int round,
			 const struct flow_result *r, const uint64_t before[COUNTED], const uint64_t after[COUNTED])
{
	printf("{\"load\":\"%s\",\"way\":\"%s\",\"round\":%u,\"mbit_s\":%.3f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
	       "\"segments\":%u,\"out_of_order\":%u,\"retransmitted\":%u,\"in_place\":%lu,\"clone\":%lu,"
	       "\"shadow\":%lu}\n",
	       load->name, kind->name, round, (double)r->octets * 8e3 / r->ns, r->p50_ns / 1e3, r->p99_ns / 1e3,
	       r->segments_received, r->out_of_order, r->retransmitted, after[0] - before[0], after[1] - before[1],
	       after[2] - before[2]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6 };
	uint64_t before[COUNTED], after[COUNTED];
	struct flow_result result;
	double send_ns;
	int listener;

	if (argc != 8 || inet_pton(AF_INET6, argv[4], &address.sin6_addr) != 1 || atoi(argv[6]) < 1 ||
	    atoi(argv[7]) < 1)
		errx(2, "usage: qdisc FOLDER CLIENT SERVER ADDRESS CONGESTION ROUNDS MILLISECONDS");
	send_ns = atoi(argv[7]) * 1e6;
	listener = pair_listen(argv[3], &address);
	pair_enter(argv[2]);
	policies = map_open(argv[1], "stamp_prefix");
	host = map_open(argv[1], "stamp_host");
	counters = map_open(argv[1], "stamp_count");
	for (unsigned int run = 0; run < (unsigned int)atoi(argv[6]) * FLOW_COMPARED * KINDS; run++) {
		const struct flow_load *load = &flow_loads[run / KINDS % FLOW_COMPARED];
		const struct kind *kind = &kinds[run % KINDS];
		struct pair pair = pair_make(argv[2], listener, &address, argv[5]);

		way_set(kind->way);
		counts_read(before);
		flow_run(load, &pair, kind->contexts, send_ns, &result);
		counts_read(after);
		pair_free(&pair);
		result_print(load, kind, run / KINDS / FLOW_COMPARED, &result, before, after);
	}
	return 0;
}
