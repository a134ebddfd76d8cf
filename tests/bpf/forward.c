/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A router's fast path, by test runs on veths of the test's own namespace: what is redirected is the packet with its
 * hop limit lowered, new link-layer addresses and, where it has a trace with room, this node's data, complete; all
 * else passes as transit leaves it, and its reason is counted.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ctl/plane/counters.h"
#include "tests.h"
#include "trial.h"
#include "wire/context.h"
#include "wire/node.h"
#include "xdp/transit.h"

enum { OUT_INTERFACE = 0x4142, OUT_INTERFACE_WIDE = 0x51525354 };

static const uint8_t to_router[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
static const uint8_t from_router[12] = { 2, 0, 0, 0, 1, 2, 2, 0, 0, 0, 1, 1 };

static void shell(const char *command)
{
	if (system(command))
		fail_msg("%s", command);
}

/*
 * f0 is where packets come in, f1 where they go out; f2 is a device that XDP does not send out by. Their other sides
 * say nothing by themselves.
 */
static void network_make(void)
{
	shell("for d in f0 f1 f2; do ip link add $d type veth peer name ${d}p &&"
	      " sysctl -qw net.ipv6.conf.${d}p.disable_ipv6=1 && ip link set ${d}p up || exit 1; done");
	shell("ip link set f0 address 02:00:00:00:00:02 up && ip link set f1 address 02:00:00:00:01:01 up &&"
	      " ip link set f2 up && ethtool -K f1p gro on");
	shell("sysctl -qw net.ipv6.conf.all.forwarding=1");
	shell("ip addr add fd68:73:11::1/64 dev f1 nodad && ip addr add fd68:73:12::1/64 dev f2 nodad");
	shell("ip neigh add fd68:73:11::2 lladdr 02:00:00:00:01:02 dev f1 nud permanent &&"
	      " ip neigh add fd68:73:12::2 lladdr 02:00:00:00:02:02 dev f2 nud permanent");
	shell("ip -6 route replace 2001:db8::/32 via fd68:73:11::2 dev f1 &&"
	      " ip -6 route replace 2001:db8:20::/48 via fd68:73:12::2 dev f2 &&"
	      " ip -6 route replace unreachable 2001:db8:21::/48 &&"
	      " ip -6 route replace 2001:db8:22::/48 via fd68:73:11::77 dev f1");
}

static void network_end(void)
{
	shell("ip link del f0; ip link del f1; ip link del f2");
}

/* As ctl opens it. */
static void port_open(struct trial *trial, const char *name, uint16_t interface, uint32_t interface_wide)
{
	uint32_t ifindex = if_nametoindex(name), key = ifindex % FORWARD_PORTS_MAX;
	struct forward_port port = { .ifindex = ifindex, .interface = interface, .interface_wide = interface_wide };
	struct bpf_devmap_val to = { .ifindex = ifindex, .bpf_prog.fd = -1 };
	uint8_t frame[ETHERNET_LEN + IPV6_LEN] = { 0 };
	struct xdp_md xdp = { .data_end = sizeof(frame), .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .ctx_in = &xdp,
		    .ctx_size_in = sizeof(xdp), .repeat = 1);

	assert_int_equal(bpf_map_update_elem(program_map(trial->object, "forward_ports"), &key, &port, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(program_map(trial->object, "forward_out"), &ifindex, &to, BPF_ANY), 0);
	assert_int_equal(bpf_xdp_attach((int)ifindex, trial->program_fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_int_equal(bpf_prog_test_run_opts(trial->program_fd, &options), 0);
}

static void forward_load(struct trial *trial)
{
	struct transit_config config = { .self = trial_self(), .forward = FORWARD_XDP };

	if (!config.self.kfuncs)
		skip(); /* no fast path on this kernel */
	*trial = (struct trial){ PROGRAM_XDP_TRANSIT, .role = "transit" };
	network_make();
	trial_load(trial, &config, sizeof(config));
	port_open(trial, "f0", 1, 1);
	port_open(trial, "f1", OUT_INTERFACE, OUT_INTERFACE_WIDE);
	assert_int_equal(counters_read(TRIAL_FOLDER, trial->role, trial->counts), 0);
}

static void forward_unload(struct trial *trial)
{
	trial_unload(trial);
	network_end();
}

/* Of a frame, VECTOR_LEN_MAX and its link layer at most. False: the kernel runs no program on it. */
static bool frame_run(struct trial *trial, const uint8_t *frame, uint32_t len, struct trial_out *out, uint8_t *link)
{
	uint8_t after[VECTOR_LEN_MAX + ETHERNET_LEN + sizeof(out->meta)];
	struct xdp_md xdp = { .data_end = len, .ingress_ifindex = if_nametoindex("f0") }, xdp_after = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = len, .repeat = 1, .data_out = after,
		    .data_size_out = sizeof(after), .ctx_in = &xdp, .ctx_size_in = sizeof(xdp), .ctx_out = &xdp_after,
		    .ctx_size_out = sizeof(xdp_after));
	uint64_t counts[OUTCOME_COUNT];

	if (bpf_prog_test_run_opts(trial->program_fd, &options))
		return false;
	assert_int_equal(counters_read(TRIAL_FOLDER, trial->role, counts), 0);
	for (int i = 0; i < OUTCOME_COUNT; i++) {
		out->moved[i] = counts[i] - trial->counts[i];
		trial->total[i] += out->moved[i];
		trial->counts[i] = counts[i];
	}
	out->verdict = options.retval;
	out->meta_len = xdp_after.data;
	memcpy(link, after + out->meta_len, ETHERNET_LEN);
	out->len = options.data_size_out - out->meta_len - ETHERNET_LEN;
	memcpy(out->octets, after + out->meta_len + ETHERNET_LEN, out->len);
	return true;
}

static uint32_t frame_from(const struct packet *packet, uint8_t *frame)
{
	memcpy(frame, to_router, sizeof(to_router));
	be16_store(frame + ETHERNET_TYPE_AT, ETHERTYPE_IPV6);
	memcpy(frame + ETHERNET_LEN, packet->octets, packet->len);
	return ETHERNET_LEN + packet->len;
}

/* Exactly one of the fast path's outcomes, for what is IPv6 at all. */
static enum outcome way_of(const struct packet *packet, const struct trial_out *out)
{
	enum outcome way = OUTCOME_COUNT;
	uint64_t count = 0;

	for (enum outcome i = OUTCOME_forwarded_xdp; i <= OUTCOME_kernel_turn; i++) {
		count += out->moved[i];
		if (out->moved[i])
			way = i;
	}
	packet_expect(packet, "ways counted", count, packet->len >= IPV6_LEN && ipv6_is(packet->octets));
	return way;
}

/* This node's data in what was redirected: complete but for the queue's depth, as the packet passes by it. */
static void node_check(const struct packet *packet, const struct trial_out *out, uint32_t slot, uint32_t type)
{
	const struct plane_node self = trial_self();
	struct ioam6_node saw;

	node_read(out->octets, slot, out->len, type, &saw);
	packet_expect(packet, "departures counted", out->moved[OUTCOME_completed], 1);
	if (type & IOAM6_INTERFACES)
		packet_expect(packet, "interfaces", (uint32_t)saw.ingress_if << 16 | saw.egress_if,
			      (uint32_t)self.interface << 16 | OUT_INTERFACE);
	if (type & IOAM6_INTERFACES_WIDE)
		packet_expect(packet, "wide egress interface", saw.egress_if_wide, OUT_INTERFACE_WIDE);
	if (type & IOAM6_DELAY)
		packet_expect(packet, "a delay", saw.delay_ns < 1U << 31, true);
	packet_expect(packet, "queue", saw.queue, IOAM6_NONE32);
	if (type & (IOAM6_HOP_AND_ID | IOAM6_HOP_AND_ID_WIDE))
		packet_expect(packet, "hop limit in the trace", saw.hop_limit, packet->octets[IPV6_HOP_LIMIT_AT] - 1);
}

/* The trace as it is to be: this node's data is checked, and taken from what came out. */
static void trace_take(const struct packet *packet, const struct trial_out *out, uint8_t *wanted)
{
	const uint8_t *end = wanted + packet->len;
	struct ioam6_node node = IOAM6_NODE_UNKNOWN;
	struct ioam6_found found;
	enum outcome why;
	uint32_t slot;

	packet_expect(packet, "well-formed", ioam6_find(wanted, end, CONTEXT_NAMESPACE, &found, &why), true);
	packet_expect(packet, "a trace and no other options", found.option && !found.others, true);
	if (ioam6_append(wanted, end, &found, &node, &slot) != OUTCOME_appended)
		return;
	node_check(packet, out, slot, found.trace.type);
	memcpy(wanted + slot, out->octets + slot, ioam6_node_words(found.trace.type) * IOAM6_WORD);
}

/* What was redirected is what came, but for the trace, the hop limit and the link layer. */
static void redirected_check(const struct packet *packet, const struct trial_out *out, const uint8_t *link)
{
	uint8_t wanted[VECTOR_LEN_MAX];

	memcpy(wanted, packet->octets, packet->len);
	packet_expect(packet, "hop limit before", wanted[IPV6_HOP_LIMIT_AT] > 1, true);
	packet_expect(packet, "payload's length", be16_load(wanted + IPV6_PAYLOAD_LEN_AT) + (size_t)IPV6_LEN,
		      packet->len);
	packet_expect(packet, "metadata's length", out->meta_len, 0);
	packet_expect_octets(packet, "link layer", link, sizeof(from_router), from_router, sizeof(from_router));
	if (packet_has_options(packet))
		trace_take(packet, out, wanted);
	wanted[IPV6_HOP_LIMIT_AT]--;
	packet_expect_octets(packet, "packet", out->octets, out->len, wanted, packet->len);
}

static void any_check(const struct packet *packet, void *arg)
{
	uint8_t frame[VECTOR_LEN_MAX + ETHERNET_LEN], link[ETHERNET_LEN];
	uint32_t len = frame_from(packet, frame);
	struct trial_out out;
	enum outcome way;

	if (!frame_run(arg, frame, len, &out, link))
		return;
	way = way_of(packet, &out);
	packet_expect(packet, "verdict", out.verdict, way == OUTCOME_forwarded_xdp ? XDP_REDIRECT : XDP_PASS);
	if (way == OUTCOME_forwarded_xdp) {
		redirected_check(packet, &out, link);
		return;
	}
	packet_expect_octets(packet, "link layer", link, ETHERNET_LEN, frame, ETHERNET_LEN);
	if (packet->len > IPV6_HOP_LIMIT_AT)
		packet_expect(packet, "hop limit", out.octets[IPV6_HOP_LIMIT_AT], packet->octets[IPV6_HOP_LIMIT_AT]);
}

/* All vectors and their mutations, whatever they are. */
void test_forward_any(void **state)
{
	struct trial trial;

	(void)state;
	forward_load(&trial);
	packets_each(any_check, &trial);
	trial_expect_all(&trial, OUTCOME_forwarded_xdp, OUTCOME_forwarded_xdp);
	trial_expect_all(&trial, OUTCOME_kernel_frame, OUTCOME_kernel_frame);
	trial_expect_all(&trial, OUTCOME_kernel_header, OUTCOME_kernel_header);
	trial_expect_all(&trial, OUTCOME_completed, OUTCOME_completed);
	forward_unload(&trial);
}

#define DEFAULT_ROUTE "ip -6 route replace 2001:db8::/32 via fd68:73:11::2 dev f1"
#define NEIGHBOUR "ip neigh replace fd68:73:11::2 lladdr 02:00:00:00:01:02 dev f1 nud permanent"

/* These octets are at `where` in the packet. */
#define OCTETS(where, ...) .at = where, .len = sizeof((uint8_t[]){ __VA_ARGS__ }), .octets = { __VA_ARGS__ }

/* A few octets of the packet, or a setting, make the difference. Bridges come last: their netfilter stays. */
static const struct change {
	const char *what;
	enum outcome way;
	uint32_t at, len;
	uint8_t octets[16];
	const char *before, *after; /* shell */
} changes[] = {
	{ "as it is", OUTCOME_forwarded_xdp, .len = 0 },
	{ "hop limit 2", OUTCOME_forwarded_xdp, OCTETS(IPV6_HOP_LIMIT_AT, 2) },
	{ "hop limit 1", OUTCOME_kernel_hop_limit, OCTETS(IPV6_HOP_LIMIT_AT, 1) },
	{ "hop limit 0", OUTCOME_kernel_hop_limit, OCTETS(IPV6_HOP_LIMIT_AT, 0) },
	{ "multicast", OUTCOME_kernel_address, OCTETS(IPV6_DESTINATION_AT, 0xff, 0x0e) },
	{ "link-local", OUTCOME_kernel_address, OCTETS(IPV6_DESTINATION_AT, 0xfe, 0x80) },
	{ "from link-local", OUTCOME_kernel_address, OCTETS(IPV6_SOURCE_AT, 0xfe, 0xbf) },
	{ "from site-local", OUTCOME_forwarded_xdp, OCTETS(IPV6_SOURCE_AT, 0xfe, 0xc0) },
	{ "from multicast", OUTCOME_kernel_address, OCTETS(IPV6_SOURCE_AT, 0xff, 0x02) },
	{ "to ::2", OUTCOME_kernel_address, OCTETS(IPV6_DESTINATION_AT, 0, 0, 0, 0, 0, 0, 0, 0) },
	{ "own address", OUTCOME_kernel_route,
	  OCTETS(IPV6_DESTINATION_AT, 0xfd, 0x68, 0, 0x73, 0, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1) },
	{ "no route", OUTCOME_kernel_route, OCTETS(IPV6_DESTINATION_AT, 0x20, 0x02) },
	{ "unreachable", OUTCOME_kernel_route, OCTETS(IPV6_DESTINATION_AT + 4, 0, 0x21) },
	{ "no neighbour", OUTCOME_kernel_neighbour, OCTETS(IPV6_DESTINATION_AT + 4, 0, 0x22) },
	{ "another device", OUTCOME_kernel_device, OCTETS(IPV6_DESTINATION_AT + 4, 0, 0x20) },
	{ "fragment", OUTCOME_kernel_header, OCTETS(IPV6_NEXT_HEADER_AT, 44) },
	{ "routing header", OUTCOME_kernel_header, OCTETS(IPV6_NEXT_HEADER_AT, 43) },
	{ "payload longer than the frame", OUTCOME_kernel_frame, OCTETS(IPV6_PAYLOAD_LEN_AT, 5) },
	{ "no payload length", OUTCOME_kernel_frame, OCTETS(IPV6_PAYLOAD_LEN_AT, 0, 0) },
	{ "forwarding is off", OUTCOME_kernel_off, .before = "sysctl -qw net.ipv6.conf.all.forwarding=0",
	  .after = "sysctl -qw net.ipv6.conf.all.forwarding=1" },
	{ "an IPsec policy", OUTCOME_kernel_rules,
	  .before = "ip xfrm policy add src ::/0 dst fd00::/16 dir fwd action block", .after = "ip xfrm policy flush" },
	{ "a device that is down", OUTCOME_kernel_route, .before = "ip link set f1 down",
	  .after =
	      "ip link set f1 up && ip addr replace fd68:73:11::1/64 dev f1 nodad && " NEIGHBOUR " && " DEFAULT_ROUTE },
	{ "nobody takes frames at the other side", OUTCOME_kernel_device, .before = "ethtool -K f1p gro off",
	  .after = "ethtool -K f1p gro on" },
	{ "too big", OUTCOME_kernel_too_big, .before = DEFAULT_ROUTE " mtu lock 1280", .after = DEFAULT_ROUTE },
	{ "as it was", OUTCOME_forwarded_xdp, .len = 0 },
	{ "a bridge", OUTCOME_kernel_rules, .before = "ip link add fb type bridge && ip link set f0 master fb",
	  .after = "ip link set f0 nomaster && ip link del fb" },
};

/* A plain UDP datagram; 1300 octets. */
static void datagram_make(struct packet *packet)
{
	*packet = (struct packet){ .name = "datagram", .len = 1300 };
	packet->octets[0] = 6 << 4;
	be16_store(packet->octets + IPV6_PAYLOAD_LEN_AT, 1300 - IPV6_LEN);
	packet->octets[IPV6_NEXT_HEADER_AT] = NEXT_HEADER_UDP;
	packet->octets[IPV6_HOP_LIMIT_AT] = 64;
	be32_store(packet->octets + IPV6_SOURCE_AT, 0x20010db8);
	packet->octets[IPV6_SOURCE_AT + 15] = 1;
	be32_store(packet->octets + IPV6_DESTINATION_AT, 0x20010db8);
	packet->octets[IPV6_DESTINATION_AT + 15] = 2;
	be16_store(packet->octets + IPV6_LEN, 1000);
	be16_store(packet->octets + IPV6_LEN + 2, 2000);
}

void test_forward_reasons(void **state)
{
	uint8_t frame[VECTOR_LEN_MAX + ETHERNET_LEN], link[ETHERNET_LEN];
	struct packet packet;
	struct trial trial;
	struct trial_out out;

	(void)state;
	forward_load(&trial);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct change *change = &changes[i];
		enum outcome way;

		datagram_make(&packet);
		packet.name = change->what;
		memcpy(packet.octets + change->at, change->octets, change->len);
		if (change->before)
			shell(change->before);
		do { /* past the neighbour's turn */
			assert_true(frame_run(&trial, frame, frame_from(&packet, frame), &out, link));
			way = way_of(&packet, &out);
		} while (way == OUTCOME_kernel_turn);
		if (change->after)
			shell(change->after);
		if (way != change->way)
			fail_msg("%s: %s, wanted %s", change->what, way < OUTCOME_COUNT ? outcome_name(way) : "nothing",
				 outcome_name(change->way));
		packet_expect(&packet, "verdict", out.verdict, way == OUTCOME_forwarded_xdp ? XDP_REDIRECT : XDP_PASS);
		if (way == OUTCOME_forwarded_xdp)
			redirected_check(&packet, &out, link);
		else
			packet_expect_octets(&packet, "packet", out.octets, out.len, packet.octets, packet.len);
	}
	forward_unload(&trial);
}

/* What is for others at the link layer, and a neighbour's turn. */
void test_forward_frames(void **state)
{
	uint8_t frame[VECTOR_LEN_MAX + ETHERNET_LEN], link[ETHERNET_LEN];
	static const uint64_t never;
	struct packet packet;
	struct trial trial;
	struct trial_out out;
	uint32_t len;

	(void)state;
	forward_load(&trial);
	datagram_make(&packet);
	for (int i = 0; i < 6; i++) {
		len = frame_from(&packet, frame);
		frame[i] ^= 1;
		assert_true(frame_run(&trial, frame, len, &out, link));
		assert_int_equal(way_of(&packet, &out), OUTCOME_kernel_frame);
	}
	len = frame_from(&packet, frame);
	assert_true(frame_run(&trial, frame, len + 1, &out, link));
	assert_int_equal(way_of(&packet, &out), OUTCOME_kernel_frame);
	for (uint32_t key = 0; key < FORWARD_TURNS_MAX; key++)
		bpf_map_update_elem(program_map(trial.object, "forward_turns"), &key, &never, BPF_ANY);
	assert_true(frame_run(&trial, frame, len, &out, link));
	assert_int_equal(way_of(&packet, &out), OUTCOME_kernel_turn);
	assert_true(frame_run(&trial, frame, len, &out, link));
	assert_int_equal(way_of(&packet, &out), OUTCOME_forwarded_xdp);
	forward_unload(&trial);
}
