#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The same packets through the Linux kernel's own IOAM and through ours: what comes out differs in nothing but what
# wire/README.md lists. SEED=N repeats a run, MUTATIONS=N says how many random changes there are.
#
#                 +-- in   router kernel  out --+     ioam6_enabled
#                 +-- off  (the same)         --+     not enabled there: what Linux does and drops by itself
#   lab, raw -----+-- in   router xdp     out --+---- lab, raw
#                 +-- in   router tc      out --+
#                 +-- off  (the same)         --+     hopspan listens at `out` alone
#
# What Linux drops behind our programs cannot be seen on the wire, so each attached program is run on each packet alone,
# too: verdict, octets and counter must be right for all, and the wire shows the rest. wrong.txt judges the judge.
# shellcheck source-path=SCRIPTDIR source=../e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
need tshark bpftool jq

program=$top/build/tests/differ/differ
[ -x "$program" ] || fail "no $program: make test-build first"
seed=${SEED:-$((RANDOM * 32768 + RANDOM))} mutations=${MUTATIONS:-100000}
echo "SEED=$seed MUTATIONS=$mutations"
near=02:68:00:00:00:01 far=02:68:00:00:00:03 mtu=3000

# wire ROUTER DEV NUMBER: the lab's end is ROUTER-DEV.
wire() {
	link_add lab "$1-$2" "$1" "$2"
	ip -n "$(netns lab)" link set "$1-$2" mtu $mtu addrgenmode none
	ip -n "$(netns "$1")" link set "$2" mtu $mtu address "$3"
}

# One that forwards all to the lab, whoever it is from.
router_add() {
	local router=$1
	node_add "$router"
	forward "$router"
	wire "$router" in $near
	wire "$router" off $near
	wire "$router" out 02:68:00:00:00:04
	ip -n "$(netns "$router")" -6 route add fd68:7465::/32 via fe80::1 dev out
	ip -n "$(netns "$router")" neigh replace fe80::1 lladdr $far dev out nud permanent
}

kernel_up() {
	local ns
	ns=$(netns kernel)
	node_exec kernel sysctl -qw net.ipv6.ioam6_id=$((0x010203)) net.ipv6.ioam6_id_wide=$((0x11121314151617)) \
		net.ipv6.conf.in.ioam6_enabled=1 \
		net.ipv6.conf.in.ioam6_id=$((0x2122)) net.ipv6.conf.in.ioam6_id_wide=$((0x31323334)) \
		net.ipv6.conf.out.ioam6_id=$((0x4142)) net.ipv6.conf.out.ioam6_id_wide=$((0x51525354)) ||
		skip "this kernel has no IOAM"
	ip -n "$ns" ioam namespace add 0x6873 || skip "no namespaces of IOAM here"
}

hopspan_up() {
	cat >"$tmp/node.yaml" <<-END
		node_id: 0x010203
		node_id_wide: 0x11121314151617
		interfaces:
		  in: {id: 0x2122, id_wide: 0x31323334}
		  out: {id: 0x4142, id_wide: 0x51525354}
		namespaces:
		  0x6873: {time: ptp}
	END
	HOPSPAN_NODE_YAML=$tmp/node.yaml node_exec "$1" "$hopspan" router up dev in dev out via "$1"
}

# The number of the program that arriving packets meet.
xdp_id() { ip -n "$(netns xdp)" -j -d link show dev in | jq '.[0].xdp.prog.id'; }
tc_id() {
	local id
	id=$(node_exec tc "$program" tcx in)
	[ "$id" -gt 0 ] || id=$(node_exec tc bpftool -j net show dev in |
		jq '[.[0].tc[] | select(.name | startswith("tc_transit"))][0].id')
	echo "$id"
}

topology_check
topology_begin
node_add lab
node_exec lab sysctl -qw net.ipv6.conf.default.disable_ipv6=1
router_add kernel
router_add xdp
router_add tc
kernel_up
hopspan_up xdp
hopspan_up tc

cpu=$(taskset -cp $$ | sed 's/.*[ ,-]//') # one processor keeps all in order
node_exec lab taskset -c "$cpu" "$program" judge "$seed" "$mutations" \
	kernel kernel-in kernel-out plain kernel-off kernel-out \
	xdp xdp-in xdp-out "$(xdp_id)" tc tc-in tc-out "$(tc_id)" untouched xdp-off xdp-out \
	capture "$tmp/written.pcap" wrong "$top/build/tests/differ/wrong" || fail "SEED=$seed MUTATIONS=$mutations"
