/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * ns per packet of a whole hop over a router: from the frame at its driver's XDP hook to the far end of the veth it
 * leaves by. Frames are made on the router's own device by the kernel's test run (BPF_F_TEST_XDP_LIVE_FRAMES), so that
 * no sender's cost is in it; a program at the far end looks at every one of them and drops it.
 *
 *	hop FOLDER ROUNDS PACKETS ROUTER FAR
 *
 * In namespace ROUTER eth0 is where packets come in, eth1 and eth2 where they go out, to o1 and o2 in FAR; on eth2 the
 * router's own departure is attached. Run by hop.sh. One JSON object per row; "x" rows are ratios of two costs.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hop.h"
#include "namespaces.h"
#include "packet.h"
#include "pair.h"
#include "row.h"
#include "xdp/transit.h"

enum { MANY = 256 };

/* What a batch of packets meets. */
enum kind {
	DROPPED,
	DROPPED_SAME,
	FIXED_PARSE,
	FIXED_TIMELESS,
	FIXED_APPEND,
	FIB_PLAIN,
	FAST_PLAIN,
	FAST_PARSE,
	FAST_APPEND,
	KERNEL_PLAIN,
	KERNEL_PARSE,
	KERNEL_SAME,
	KERNEL_PARSE_MANY,
	TRANSIT,
	IOAM,
	IOAM_MANY,
	KINDS,
};

enum program { NOTHING, ROUTER_FAST, ROUTER_KERNEL, FIXED, TIMELESS, FIB };

static const struct plan {
	const char *name;
	enum program program;
	enum packet_kind packet;
	unsigned int destinations;
	bool dropped, writes, ioam, departs;
} plans[KINDS] = {
	[DROPPED] = { "a frame made and dropped", NOTHING, PACKET_TRACE, MANY, .dropped = true },
	[DROPPED_SAME] = { "a frame made and dropped", NOTHING, PACKET_TRACE, MANY, .dropped = true },
	[FIXED_PARSE] = { "fixed redirect, parse only", FIXED, PACKET_OVERFLOWED, MANY },
	[FIXED_TIMELESS] = { "fixed redirect, append without clock", TIMELESS, PACKET_TRACE, MANY, .writes = true },
	[FIXED_APPEND] = { "fixed redirect with append", FIXED, PACKET_TRACE, MANY, .writes = true },
	[FIB_PLAIN] = { "a lookup and a redirect, no more", FIB, PACKET_PLAIN, MANY },
	[FAST_PLAIN] = { "fast path, plain", ROUTER_FAST, PACKET_PLAIN, MANY },
	[FAST_PARSE] = { "fast path, parse only", ROUTER_FAST, PACKET_OVERFLOWED, MANY },
	[FAST_APPEND] = { "fast path with append", ROUTER_FAST, PACKET_TRACE, MANY, .writes = true },
	[KERNEL_PLAIN] = { "kernel, plain", NOTHING, PACKET_PLAIN, MANY },
	[KERNEL_PARSE] = { "kernel, option unread", NOTHING, PACKET_TRACE, 1 },
	[KERNEL_SAME] = { "kernel, option unread", NOTHING, PACKET_TRACE, 1 },
	[KERNEL_PARSE_MANY] = { "kernel, option unread", NOTHING, PACKET_TRACE, MANY },
	[TRANSIT] = { "xdp transit, kernel, depart", ROUTER_KERNEL, PACKET_TRACE, MANY, .writes = true,
		      .departs = true },
	[IOAM] = { "kernel IOAM", NOTHING, PACKET_TRACE, 1, .writes = true, .ioam = true },
	[IOAM_MANY] = { "kernel IOAM", NOTHING, PACKET_TRACE, MANY, .writes = true, .ioam = true },
};

static struct bpf_object *hop, *fast, *slow;
static struct series series[KINDS];
static uint8_t packets[3][PACKET_LEN], macs[12];
static int plan_map, seen_map, next_map, front;
static uint32_t in_device;
static double sent_in_all;

static int say_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static struct bpf_object *object_load(const char *folder, const char *name, uint8_t forward)
{
	struct transit_config config = { .self = { .id_wide = ~0ULL,
						   .id = HOP_NODE_ID,
						   .interface = 1,
						   .interface_wide = 1,
						   .namespace = CONTEXT_NAMESPACE,
						   .link_len = ETHERNET_LEN,
						   .kfuncs = 1 },
					 .forward = forward };
	struct bpf_object *object;
	struct bpf_map *map;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", folder, name);
	object = bpf_object__open_file(path, NULL);
	if (!object)
		err(1, "%s", path);
	bpf_object__for_each_map (map, object) {
		bpf_map__set_pin_path(map, NULL);
		if (strstr(bpf_map__name(map), ".rodata.config") &&
		    bpf_map__set_initial_value(map, &config, sizeof(config)))
			errx(1, "%s: its configuration has another size", name);
	}
	if (bpf_object__load(object))
		err(1, "%s: load", path);
	namespaces_set(object);
	return object;
}

static int object_program(struct bpf_object *object, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

static int object_map(struct bpf_object *object, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(object, name);

	if (fd < 0)
		errx(1, "no map %s", name);
	return fd;
}

static uint32_t device(const char *name)
{
	uint32_t ifindex = if_nametoindex(name);

	if (!ifindex)
		err(1, "%s", name);
	return ifindex;
}

static void xdp_put(const char *name, const char *program)
{
	if (bpf_xdp_attach((int)device(name), object_program(hop, program), XDP_FLAGS_DRV_MODE, NULL))
		err(1, "XDP on %s", name);
}

static void mac_get(const char *name, uint8_t *mac)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
		err(1, "%s", name);
	memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	close(fd);
}

static void map_put(struct bpf_object *object, const char *map, uint32_t key, const void *value)
{
	if (bpf_map_update_elem(object_map(object, map), &key, value, BPF_ANY))
		err(1, "map %s", map);
}

/* A port of the fast path, as ctl opens it; the program sees its device for a first time. */
static void port_open(uint32_t ifindex)
{
	struct forward_port port = { .ifindex = ifindex, .interface = (uint16_t)ifindex, .interface_wide = ifindex };
	struct bpf_devmap_val to = { .ifindex = ifindex, .bpf_prog.fd = -1 };
	struct xdp_md context = { .data_end = PACKET_LEN, .ingress_ifindex = ifindex };
	uint8_t frame[PACKET_LEN] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = 1);

	map_put(fast, "forward_ports", ifindex % FORWARD_PORTS_MAX, &port);
	map_put(fast, "forward_out", ifindex, &to);
	if (bpf_prog_test_run_opts(object_program(fast, "xdp_transit"), &options))
		err(1, "test run on port %u", ifindex);
}

static void router_prepare(const char *folder, const char *router)
{
	uint32_t out;

	pair_enter(router);
	in_device = device("eth0");
	out = device("eth1");
	mac_get("eth0", macs);
	macs[6] = 2;
	hop = object_load(folder, "tests/bench/hop", FORWARD_KERNEL);
	fast = object_load(folder, "xdp/transit", FORWARD_XDP);
	slow = object_load(folder, "xdp/transit", FORWARD_KERNEL);
	xdp_put("eth0", "hop_pass"); /* a device whose frames a test run may use has XDP on */
	xdp_put("eth1", "hop_pass");
	port_open(in_device);
	port_open(out);
	map_put(hop, "hop_out", 0, &out);
	plan_map = object_map(hop, "hop_plan");
	seen_map = object_map(hop, "hop_seen");
	next_map = object_map(hop, "next");
	front = object_program(hop, "hop_front");
	for (enum packet_kind kind = PACKET_PLAIN; kind <= PACKET_OVERFLOWED; kind++)
		packet_make(kind, packets[kind]);
}

/* Linux takes part or not: by the sysctl of the ingress device, in this namespace. */
static void ioam_set(bool on)
{
	FILE *file = fopen("/proc/sys/net/ipv6/conf/eth0/ioam6_enabled", "we");

	if (!file || fprintf(file, "%d\n", on) < 0 || fclose(file))
		err(1, "ioam6_enabled");
}

static int program_of(enum program program)
{
	switch (program) {
	case FIXED:
		return object_program(hop, "hop_fixed");
	case TIMELESS:
		return object_program(hop, "hop_timeless");
	case FIB:
		return object_program(hop, "hop_fib");
	default:
		return object_program(program == ROUTER_FAST ? fast : slow, "xdp_transit");
	}
}

static void plan_put(const struct plan *plan)
{
	uint16_t lengths = plan->packet == PACKET_PLAIN ? 0 : packet_lengths(packets[plan->packet]);
	struct hop_plan map = { .lengths = lengths,
				.verdict = plan->dropped ? XDP_DROP : XDP_PASS,
				.destinations = plan->destinations - 1 };
	struct hop_seen seen = { .remaining = lengths & 0x7f, .id = plan->writes ? HOP_NODE_ID : 0 };
	int program = program_of(plan->program);
	uint32_t key = 0;

	memcpy(map.macs, macs, sizeof(macs));
	if (plan->writes)
		seen.remaining -= ENCAP_HOP_LEN / IOAM6_WORD;
	if (plan->packet == PACKET_PLAIN)
		seen.remaining = HOP_NO_TRACE;
	if (bpf_map_update_elem(plan_map, &key, &map, BPF_ANY) || bpf_map_update_elem(seen_map, &key, &seen, BPF_ANY))
		err(1, "plan");
	if (plan->program == NOTHING)
		bpf_map_delete_elem(next_map, &key);
	else if (bpf_map_update_elem(next_map, &key, &program, BPF_ANY))
		err(1, "tail call");
	ioam_set(plan->ioam);
}

/* Every packet has arrived, and is as it is to be. */
static void seen_check(const struct plan *plan, unsigned int count)
{
	struct hop_seen seen = { 0 };
	uint32_t key = 0;

	for (int tries = 0; tries < 1000 && !plan->dropped; tries++) {
		if (bpf_map_lookup_elem(seen_map, &key, &seen))
			err(1, "what was seen");
		if (seen.right + seen.wrong >= count)
			break;
		usleep(50);
	}
	if (seen.wrong || seen.right != (plan->dropped ? 0 : count))
		errx(1, "%s: %lu of %u packets arrived as they should, %lu otherwise", plan->name, seen.right, count,
		     seen.wrong);
}

/* In ns per packet, as the kernel tells: of its batches of 64, each with all softirqs that it raises. */
static double batch_run(const struct plan *plan, unsigned int count)
{
	uint8_t *frame = packets[plan->packet];
	struct xdp_md context = { .data_end = PACKET_LEN, .ingress_ifindex = in_device };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = PACKET_LEN, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = (int)count, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	frame[HOP_PREFIX_AT - 1] = plan->departs ? 2 : 1; /* fd68:7301:0:2xx::/64 are behind eth2 */
	plan_put(plan);
	if (bpf_prog_test_run_opts(front, &options))
		err(1, "%s: test run of live frames", plan->name);
	seen_check(plan, count);
	sent_in_all += count;
	return options.duration;
}

/* Of two kinds, the cost of one over another, round by round. */
static struct series series_less(const char *name, enum kind kind, enum kind base, unsigned int rounds)
{
	struct series less;

	series_init(&less, name, rounds);
	for (unsigned int i = 0; i < rounds; i++)
		less.values[i] = series[kind].values[i] - series[base].values[i];
	return less;
}

static void hop_row(const char *what, const struct series *value, const struct series *base, double target, bool times,
		    unsigned int rounds)
{
	struct row row = {
		.what = what,
		.series = value,
		.base = base,
		.same = { &series[KERNEL_PARSE], &series[KERNEL_SAME] },
		.proof = "every packet looked at where it arrived",
		.target = target,
		.packets = sent_in_all / KINDS,
		.times = times,
	};

	row_print(&row, rounds);
}

static void cost_row(const char *what, enum kind kind, enum kind base, unsigned int rounds)
{
	hop_row(what, &series[kind], &series[base], 0, false, rounds);
}

/* How many times less `kind` over `base` costs than Linux's own over its own. */
static void times_row(const char *what, enum kind linux_kind, enum kind linux_base, enum kind kind, enum kind base,
		      double target, unsigned int rounds)
{
	struct series theirs = series_less("kernel IOAM", linux_kind, linux_base, rounds);
	struct series ours = series_less(plans[kind].name, kind, base, rounds);

	hop_row(what, &theirs, &ours, target, true, rounds);
	series_free(&theirs);
	series_free(&ours);
}

static void rows_print(unsigned int rounds)
{
	cost_row("hop: fixed redirect, parse only", FIXED_PARSE, DROPPED, rounds);
	cost_row("hop: fixed redirect with append", FIXED_APPEND, DROPPED, rounds);
	cost_row("hop: a lookup and a redirect, packet without the option", FIB_PLAIN, DROPPED, rounds);
	cost_row("hop: fast path, packet without the option", FAST_PLAIN, DROPPED, rounds);
	cost_row("hop: fast path, parse only", FAST_PARSE, DROPPED, rounds);
	cost_row("hop: fast path with append", FAST_APPEND, DROPPED, rounds);
	cost_row("hop: kernel, packet without the option", KERNEL_PLAIN, DROPPED, rounds);
	cost_row("hop: kernel, option unread", KERNEL_PARSE_MANY, DROPPED, rounds);
	cost_row("hop: xdp transit, kernel, depart", TRANSIT, DROPPED, rounds);
	cost_row("hop: kernel IOAM, 1 destination", IOAM, DROPPED, rounds);
	cost_row("hop: kernel IOAM, 256 destinations", IOAM_MANY, DROPPED, rounds);
	cost_row("append: kernel IOAM, 1 destination", IOAM, KERNEL_PARSE, rounds);
	cost_row("append: kernel IOAM, 256 destinations", IOAM_MANY, KERNEL_PARSE_MANY, rounds);
	hop_row("append: xdp without clock, fixed redirect", &series[FIXED_TIMELESS], &series[FIXED_PARSE], 10, false,
		rounds);
	hop_row("append: xdp with clock, fixed redirect", &series[FIXED_APPEND], &series[FIXED_PARSE], 60, false,
		rounds);
	cost_row("append: fast path, and completed, two clocks", FAST_APPEND, FAST_PARSE, rounds);
	cost_row("append: xdp transit and depart, kernel forwards", TRANSIT, KERNEL_PARSE_MANY, rounds);
	times_row("kernel IOAM's append by xdp's, 1 destination", IOAM, KERNEL_PARSE, FIXED_APPEND, FIXED_PARSE, 0,
		  rounds);
	times_row("kernel IOAM's append by xdp's, 256 destinations", IOAM_MANY, KERNEL_PARSE_MANY, FIXED_APPEND,
		  FIXED_PARSE, 4, rounds);
	times_row("kernel IOAM's hop by a fixed redirect's with append", IOAM_MANY, DROPPED, FIXED_APPEND, DROPPED, 3,
		  rounds);
	times_row("kernel IOAM's hop by the fast path's with append", IOAM_MANY, DROPPED, FAST_APPEND, DROPPED, 2,
		  rounds);
}

int main(int argc, char **argv)
{
	unsigned int rounds, count;

	if (argc != 6 || (rounds = atoi(argv[2])) < 1 || (count = atoi(argv[3])) < 1)
		errx(2, "usage: hop FOLDER ROUNDS PACKETS ROUTER FAR");
	libbpf_set_print(say_nothing);
	router_prepare(argv[1], argv[4]);
	pair_enter(argv[5]);
	xdp_put("o1", "hop_far");
	xdp_put("o2", "hop_far");
	pair_enter(argv[4]);
	for (int kind = 0; kind < KINDS; kind++) {
		series_init(&series[kind], plans[kind].name, rounds);
		batch_run(&plans[kind], count);
	}
	sent_in_all = 0;
	for (unsigned int run = 0; run < rounds * KINDS; run++) {
		unsigned int round = run / KINDS, i = run % KINDS, kind = round % 2 ? KINDS - 1 - i : i;

		series[kind].values[round] = batch_run(&plans[kind], count);
	}
	rows_print(rounds);
	bpf_object__close(slow);
	bpf_object__close(fast);
	bpf_object__close(hop);
	return 0;
}
