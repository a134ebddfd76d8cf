/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * ns per packet of the programs as they are shipped, by the kernel's test run of them (BPF_PROG_TEST_RUN): many
 * thousand runs a batch, one batch of everything a round. Each batch is proved by the program's own counters, each
 * program by the packet that its last run left.
 *
 *	run FOLDER ROUNDS REPEAT	FOLDER holds the built programs; prints one JSON object per row
 *
 * The kernel tells whole ns per batch.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "namespaces.h"
#include "packet.h"
#include "row.h"
#include "tc/sink.h"
#include "tc/stamp.h"
#include "xdp/transit.h"

/* One program on one packet. Rows name these by number. */
enum run {
	XDP_EMPTY,
	XDP_EMPTY_SAME,
	XDP_CLOCK,
	XDP_CLOCK_TAI,
	XDP_CLOCK_OURS,
	XDP_PLAIN,
	XDP_PARSE,
	XDP_EMPTY_RESET,
	XDP_PARSE_RESET,
	XDP_APPEND,
	XDP_SINK_PLAIN,
	XDP_EMPTY_RESTORE,
	XDP_SINK,
	TC_EMPTY,
	TC_EMPTY_SAME,
	TC_PLAIN,
	TC_PARSE,
	TC_EMPTY_RESET,
	TC_PARSE_RESET,
	TC_APPEND,
	DEPART_OWN,
	DEPART_PLAIN,
	TC_EMPTY_ARRIVE,
	DEPART_TRACE,
	SINK_PLAIN,
	STAMP_BARE,
	RUNS,
};

static const struct run_plan {
	const char *name, *object, *program;
	enum packet_kind packet;
	enum outcome outcome; /* of every run; OUTCOME_COUNT: it counts nothing */
	bool reset;	      /* behind a program that empties the trace */
	bool forwarded;	      /* the packet has come in by a device */
	bool arrive;	      /* behind one that empties what is written on leaving */
	bool restore;	      /* behind a program that makes the packet whole again; runs that a ring buffer holds */
} plans[RUNS] = {
	[XDP_EMPTY] = { "empty XDP program", "bench", "xdp_empty", PACKET_PLAIN, OUTCOME_COUNT },
	[XDP_EMPTY_SAME] = { "empty XDP program", "bench", "xdp_empty", PACKET_PLAIN, OUTCOME_COUNT },
	[XDP_CLOCK] = { "the clock", "bench", "xdp_clock", PACKET_PLAIN, OUTCOME_COUNT },
	[XDP_CLOCK_TAI] = { "the clock, TAI helper", "bench", "xdp_clock_tai", PACKET_PLAIN, OUTCOME_COUNT },
	[XDP_CLOCK_OURS] = { "the clock, as programs read it", "bench", "xdp_clock_ours", PACKET_PLAIN, OUTCOME_COUNT },
	[XDP_PLAIN] = { "xdp transit, plain", "xdp/transit", "xdp_transit", PACKET_PLAIN, OUTCOME_pass },
	[XDP_PARSE] = { "xdp transit, parse only", "xdp/transit", "xdp_transit", PACKET_OVERFLOWED,
			OUTCOME_overflowed },
	[XDP_EMPTY_RESET] = { "empty XDP program", "bench", "xdp_empty", PACKET_TRACE, OUTCOME_COUNT, true },
	[XDP_PARSE_RESET] = { "xdp transit, parse only", "xdp/transit", "xdp_transit", PACKET_OVERFLOWED,
			      OUTCOME_overflowed, true },
	[XDP_APPEND] = { "xdp transit, append", "xdp/transit", "xdp_transit", PACKET_TRACE, OUTCOME_appended, true },
	[XDP_SINK_PLAIN] = { "xdp sink, plain", "xdp/sink", "xdp_sink", PACKET_PLAIN, OUTCOME_COUNT },
	[XDP_EMPTY_RESTORE] = { .name = "empty XDP program",
				.object = "bench",
				.program = "xdp_empty",
				.packet = PACKET_TRACE,
				.outcome = OUTCOME_COUNT,
				.restore = true },
	[XDP_SINK] = { .name = "xdp sink, taken",
		       .object = "xdp/sink",
		       .program = "xdp_sink",
		       .packet = PACKET_TRACE,
		       .outcome = OUTCOME_xdp_took,
		       .restore = true },
	[TC_EMPTY] = { "empty tc program", "bench", "tc_empty", PACKET_PLAIN, OUTCOME_COUNT },
	[TC_EMPTY_SAME] = { "empty tc program", "bench", "tc_empty", PACKET_PLAIN, OUTCOME_COUNT },
	[TC_PLAIN] = { "tc transit, plain", "tc/transit", "tc_transit", PACKET_PLAIN, OUTCOME_pass },
	[TC_PARSE] = { "tc transit, parse only", "tc/transit", "tc_transit", PACKET_OVERFLOWED, OUTCOME_overflowed },
	[TC_EMPTY_RESET] = { "empty tc program", "bench", "tc_empty", PACKET_TRACE, OUTCOME_COUNT, true },
	[TC_PARSE_RESET] = { "tc transit, parse only", "tc/transit", "tc_transit", PACKET_OVERFLOWED,
			     OUTCOME_overflowed, true },
	[TC_APPEND] = { "tc transit, append", "tc/transit", "tc_transit", PACKET_TRACE, OUTCOME_appended, true },
	[DEPART_OWN] = { "depart, host's own packet", "tc/depart", "tc_depart", PACKET_PLAIN, OUTCOME_pass },
	[DEPART_PLAIN] = { "depart, plain", "tc/depart", "tc_depart", PACKET_PLAIN, OUTCOME_pass, false, true },
	[TC_EMPTY_ARRIVE] = { "empty tc program", "bench", "tc_empty", PACKET_TRACE, OUTCOME_COUNT, .arrive = true },
	[DEPART_TRACE] = { "depart, slot from trace", "tc/depart", "tc_depart", PACKET_TRACE, OUTCOME_completed,
			   .forwarded = true, .arrive = true },
	[SINK_PLAIN] = { "sink, plain", "tc/sink", "tc_sink", PACKET_PLAIN, OUTCOME_pass },
	[STAMP_BARE] = { "stamp, socket without context", "tc/stamp", "tc_stamp", PACKET_PLAIN,
			 OUTCOME_bare_no_context },
};

static const struct row_plan {
	const char *what;
	enum run run, base;
	double target;
} row_plans[] = {
	{ "the clock alone: bpf_ktime_get_ns()", XDP_CLOCK, XDP_EMPTY, 0 },
	{ "the clock alone: bpf_ktime_get_tai_ns()", XDP_CLOCK_TAI, XDP_EMPTY, 0 },
	{ "the clock alone: monotonic + offset, as it is read", XDP_CLOCK_OURS, XDP_EMPTY, 0 },
	{ "xdp transit, packet without the option", XDP_PLAIN, XDP_EMPTY, 6 },
	{ "xdp transit, option without room: parse only", XDP_PARSE, XDP_EMPTY, 0 },
	{ "xdp transit, append with clock", XDP_APPEND, XDP_PARSE_RESET, 60 },
	{ "xdp transit, append with clock, all of it", XDP_APPEND, XDP_EMPTY_RESET, 0 },
	{ "xdp sink, packet without the option", XDP_SINK_PLAIN, XDP_EMPTY, 0 },
	{ "xdp sink, recorded, stripped, metadata left", XDP_SINK, XDP_EMPTY_RESTORE, 0 },
	{ "tc transit, packet without the option", TC_PLAIN, TC_EMPTY, 0 },
	{ "tc transit, option without room: parse only", TC_PARSE, TC_EMPTY, 0 },
	{ "tc transit, append with clock", TC_APPEND, TC_PARSE_RESET, 60 },
	{ "tc transit, append with clock, all of it", TC_APPEND, TC_EMPTY_RESET, 0 },
	{ "tc depart, host's own packet", DEPART_OWN, TC_EMPTY, 0 },
	{ "tc depart, packet without the option", DEPART_PLAIN, TC_EMPTY, 0 },
	{ "tc depart, completed, slot from the trace", DEPART_TRACE, TC_EMPTY_ARRIVE, 0 },
	{ "tc sink, packet without the option", SINK_PLAIN, TC_EMPTY, 0 },
	{ "tc stamp, socket without context", STAMP_BARE, TC_EMPTY, 15 },
};

/* A loaded plan. */
struct loaded {
	struct bpf_object *object, *reset;
	int fd;	      /* what is run */
	int counters; /* map of the program measured; -1: it has none */
	struct ring_buffer *ring;
	uint8_t packet[PACKET_LEN];
	struct series series;
	unsigned int batches;
};

static int processors;

static int say_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

/* All configurations begin with the node. */
static void object_configure(struct bpf_object *object, const struct bench_reset *reset)
{
	struct plane_node self = { .id_wide = ~0ULL,
				   .id = PACKET_NODE_ID,
				   .interface = 1,
				   .interface_wide = 1,
				   .namespace = CONTEXT_NAMESPACE,
				   .link_len = ETHERNET_LEN,
				   .kfuncs = 1,
				   .direct = 1 };
	union {
		struct transit_config transit;
		struct stamp_config stamp;
		struct sink_config sink;
	} config = { .transit.self = self };
	struct bpf_map *map;

	bpf_object__for_each_map (map, object) {
		bpf_map__set_pin_path(map, NULL);
		if (strstr(bpf_map__name(map), ".rodata.config") &&
		    bpf_map__set_initial_value(map, &config, bpf_map__value_size(map)))
			errx(1, "%s: its configuration has another size", bpf_object__name(object));
		if (strstr(bpf_map__name(map), ".rodata.reset") && reset &&
		    bpf_map__set_initial_value(map, reset, sizeof(*reset)))
			errx(1, "bench.bpf.o: its configuration has another size");
	}
}

/* Only the program named is loaded. */
static struct bpf_object *object_load(const char *folder, const char *name, const char *program,
				      const struct bench_reset *reset)
{
	struct bpf_program *each;
	struct bpf_object *object;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s%s.bpf.o", folder, strcmp(name, "bench") ? "" : "tests/bench/", name);
	object = bpf_object__open_file(path, NULL);
	if (!object)
		err(1, "%s", path);
	bpf_object__for_each_program (each, object)
		bpf_program__set_autoload(each, strcmp(bpf_program__name(each), program) == 0);
	object_configure(object, reset);
	if (bpf_object__load(object))
		err(1, "%s: load", path);
	namespaces_set(object);
	return object;
}

static int object_program(struct bpf_object *object, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

static int object_counters(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, object)
		if (strstr(bpf_map__name(map), "_count"))
			return bpf_map__fd(map);
	return -1;
}

static int record_skip(void *unused, void *data, size_t len)
{
	(void)unused;
	(void)data;
	(void)len;
	return 0;
}

static void loaded_ring(struct loaded *loaded, const struct run_plan *plan)
{
	int records = bpf_object__find_map_fd_by_name(loaded->object, "records");

	if (records < 0)
		return;
	loaded->ring = ring_buffer__new(records, record_skip, NULL, NULL);
	if (!loaded->ring)
		err(1, "%s: ring buffer", plan->name);
}

/* NULL: none. */
static const char *program_before(const struct run_plan *plan)
{
	if (plan->restore)
		return "xdp_restore";
	if (plan->arrive)
		return "tc_arrive";
	return !plan->reset ? NULL : strstr(plan->program, "xdp") ? "xdp_reset" : "tc_reset";
}

static void loaded_init(struct loaded *loaded, const struct run_plan *plan, const char *folder, unsigned int rounds)
{
	const char *before = program_before(plan);
	struct bench_reset reset;
	uint32_t key = 0;
	int front;

	packet_make(plan->packet, loaded->packet);
	loaded->object = object_load(folder, plan->object, plan->program, NULL);
	loaded->fd = object_program(loaded->object, plan->program);
	loaded->counters = plan->outcome == OUTCOME_COUNT ? -1 : object_counters(loaded->object);
	loaded_ring(loaded, plan);
	series_init(&loaded->series, plan->name, rounds);
	if (!before)
		return;
	reset.lengths = packet_lengths(loaded->packet);
	loaded->reset = object_load(folder, "bench", before, &reset);
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(loaded->reset, "next"), &key, &loaded->fd, BPF_ANY))
		err(1, "%s: tail call", plan->name);
	front = bpf_object__find_map_fd_by_name(loaded->reset, "packet_front");
	if (bpf_map_update_elem(front, &key, loaded->packet, BPF_ANY))
		err(1, "%s: the packet's front", plan->name);
	loaded->fd = object_program(loaded->reset, before);
}

static uint64_t counter_read(const struct loaded *loaded, uint32_t outcome)
{
	uint64_t values[processors], sum = 0;

	if (loaded->counters < 0)
		return 0;
	if (bpf_map_lookup_elem(loaded->counters, &outcome, values))
		err(1, "counters");
	for (int i = 0; i < processors; i++)
		sum += values[i];
	return sum;
}

/* One hop must have been written where it belongs, or nothing changed. */
static void packet_check(const struct run_plan *plan, const uint8_t *before, const uint8_t *after)
{
	uint32_t at = BENCH_SLOT_AT;

	if (plan->outcome != OUTCOME_appended && plan->outcome != OUTCOME_completed) {
		if (memcmp(before, after, PACKET_LEN))
			errx(1, "%s: changed the packet", plan->name);
		return;
	}
	if ((packet_lengths(after) & 0x7f) != (ENCAP_HOPS_USUAL - 1) * ENCAP_HOP_LEN / IOAM6_WORD ||
	    (be32_load(after + at) & 0xffffff) != PACKET_NODE_ID || be32_load(after + at + 8) >= 1000000000)
		errx(1, "%s: the packet does not hold this node's data", plan->name);
}

/* The header has gone, and nothing else. */
static void stripped_check(const struct run_plan *plan, const uint8_t *before, const uint8_t *after, uint32_t len)
{
	uint32_t header_len = encap_len(&ENCAP_SHAPE_USUAL, ENCAP_HOPS_USUAL), front = ETHERNET_LEN + IPV6_LEN;
	const uint8_t *rest = after + sizeof(struct sink_meta) + front;

	if (len != sizeof(struct sink_meta) + PACKET_LEN - header_len ||
	    memcmp(rest, before + front + header_len, PACKET_LEN - header_len - front))
		errx(1, "%s: the packet is not the one without its header", plan->name);
}

/* Where there is a ring buffer to fill, as many as it holds before its reader is woken. */
static unsigned int runs_of(const struct run_plan *plan, unsigned int repeat)
{
	unsigned int most = SINK_RING_LEN / (sizeof(struct sink_record) + BPF_RINGBUF_HDR_SZ) / 8;

	return plan->restore && repeat > most ? most : repeat;
}

static double batch_run(struct loaded *loaded, const struct run_plan *plan, unsigned int repeat)
{
	uint8_t after[sizeof(struct transit_meta) + PACKET_LEN]; /* XDP's metadata comes first */
	struct __sk_buff skb = { .ingress_ifindex = 1, .ifindex = 1 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = loaded->packet, .data_size_in = PACKET_LEN,
		    .data_out = after, .data_size_out = sizeof(after), .repeat = (int)repeat);
	uint64_t counted = counter_read(loaded, plan->outcome);

	if (plan->forwarded) {
		options.ctx_in = &skb;
		options.ctx_size_in = sizeof(skb);
	}
	options.repeat = (int)(repeat = runs_of(plan, repeat));
	if (bpf_prog_test_run_opts(loaded->fd, &options))
		err(1, "%s: test run", plan->name);
	if (loaded->ring)
		ring_buffer__consume(loaded->ring);
	if (loaded->counters >= 0 && counter_read(loaded, plan->outcome) - counted != repeat)
		errx(1, "%s: another outcome than %d was counted", plan->name, plan->outcome);
	if (plan->outcome == OUTCOME_xdp_took)
		stripped_check(plan, loaded->packet, after, options.data_size_out);
	else
		packet_check(plan, loaded->packet, after + options.data_size_out - PACKET_LEN);
	return options.duration;
}

/* The slot that depart is to find: what tc transit leaves, with the hop limit after forwarding. */
static void depart_packet_make(struct loaded *loaded, struct loaded *transit)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = transit->packet, .data_size_in = PACKET_LEN,
		    .data_out = loaded[DEPART_TRACE].packet, .data_size_out = PACKET_LEN, .repeat = 1);

	if (bpf_prog_test_run_opts(transit->fd, &options))
		err(1, "tc transit: test run");
	loaded[DEPART_TRACE].packet[ETHERNET_LEN + IPV6_HOP_LIMIT_AT]--;
	memcpy(loaded[TC_EMPTY_ARRIVE].packet, loaded[DEPART_TRACE].packet, PACKET_LEN);
}

static void rows_print(struct loaded *loaded, unsigned int rounds, unsigned int repeat)
{
	for (unsigned int i = 0; i < sizeof(row_plans) / sizeof(row_plans[0]); i++) {
		const struct row_plan *plan = &row_plans[i];
		bool xdp = plan->run < TC_EMPTY;
		struct row row = {
			.what = plan->what,
			.series = &loaded[plan->run].series,
			.base = &loaded[plan->base].series,
			.same = { &loaded[xdp ? XDP_EMPTY : TC_EMPTY].series,
				  &loaded[xdp ? XDP_EMPTY_SAME : TC_EMPTY_SAME].series },
			.proof = "counters equal, packet checked",
			.target = plan->target,
			.packets = (double)rounds * runs_of(&plans[plan->run], repeat),
		};

		row_print(&row, rounds);
	}
}

int main(int argc, char **argv)
{
	static struct loaded loaded[RUNS];
	unsigned int rounds, repeat;

	if (argc != 4 || (rounds = atoi(argv[2])) < 1 || (repeat = atoi(argv[3])) < 1)
		errx(2, "usage: run FOLDER ROUNDS REPEAT");
	libbpf_set_print(say_nothing);
	processors = libbpf_num_possible_cpus();
	for (unsigned int i = 0; i < RUNS; i++)
		loaded_init(&loaded[i], &plans[i], argv[1], rounds);
	depart_packet_make(loaded, &loaded[TC_APPEND]);
	for (unsigned int i = 0; i < RUNS; i++)
		batch_run(&loaded[i], &plans[i], repeat);
	for (unsigned int round = 0; round < rounds; round++)
		for (unsigned int n = 0; n < RUNS; n++) {
			unsigned int i = round % 2 ? RUNS - 1 - n : n;

			loaded[i].series.values[round] = batch_run(&loaded[i], &plans[i], repeat);
		}
	rows_print(loaded, rounds, repeat);
	for (unsigned int i = 0; i < RUNS; i++) {
		series_free(&loaded[i].series);
		ring_buffer__free(loaded[i].ring);
		bpf_object__close(loaded[i].reset);
		bpf_object__close(loaded[i].object);
	}
	return 0;
}
