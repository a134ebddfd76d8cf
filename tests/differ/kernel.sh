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

# What the DPDK forwarder makes of them, capture in and capture out, before the others.
dpdk_run() {
	"$program" packets "$seed" "$mutations" "$tmp/packets.pcap"
	head -c 24 "$tmp/packets.pcap" >"$tmp/nothing.pcap"
	sent_ns=$(date +%s%N)
	node_start lab dpdk "$hopspan_dpdk" node-id $((0x010203)) queue 100000000 -- --no-huge -m 256 \
		--vdev "net_pcap0,rx_pcap=$tmp/packets.pcap,tx_pcap=$tmp/back.pcap" \
		--vdev "net_pcap1,rx_pcap=$tmp/nothing.pcap,tx_pcap=$tmp/dpdk.pcap"
	wait_for "all packets to be forwarded" dpdk_is_done
	stop dpdk
}

dpdk_is_done() { [ "$(stat -c %s "$tmp/dpdk.pcap")" -eq "$(stat -c %s "$tmp/packets.pcap")" ]; }

# tshark decodes all that was written to. Where a type has no fields but the snapshot it wants a NodeLen that is not 0.
tshark_check() {
	local read found
	read=$(tshark -n -r "$1" -T fields -e ipv6.opt.ioam.trace.ns -e ipv6.opt.ioam.trace.nodelen \
		-e ipv6.opt.ioam.trace.invalid_remlen -e ipv6.opt.ioam.trace.invalid_type \
		-e ipv6.opt.ioam.trace.invalid_nodelen 2>/dev/null | awk -F '\t' '
		$1 == "" || $3 != "" || $4 != "" || ($5 != "" && $2 !~ /(^|,)0(,|$)/) { wrong++ }
		END { print NR, wrong + 0 }')
	found=$(capinfos -Mrc "$1" | awk '/Number of packets/ { print $NF }')
	echo "tshark    reads ${read% *} of $found packets, finds ${read#* } invalid"
	same "packets that tshark decodes, and invalid ones" "$found 0" "$read"
}

# wire/README.md has a reason for each.
reasons_check() {
	sed -n '/^## Where Linux/,/^## /s/^| `\([a-z_]*\)` .*/\1/p' "$top/wire/README.md" | sort >"$tmp/reasons"
	sed -n 's/^difference \([a-z_]*\) .*/\1/p' "$tmp/said" | sort >"$tmp/differences"
	diff "$tmp/reasons" "$tmp/differences" || fail "the list of differences in wire/README.md is another"
}

dpdk_run
cpu=$(taskset -cp $$ | sed 's/.*[ ,-]//') # one processor keeps all in order
node_exec lab taskset -c "$cpu" "$program" judge "$seed" "$mutations" \
	kernel kernel-in kernel-out plain kernel-off kernel-out \
	tc tc-in tc-out "$(tc_id)" xdp xdp-in xdp-out "$(xdp_id)" dpdk "$tmp/dpdk.pcap" "$sent_ns" \
	untouched xdp-off xdp-out capture "$tmp/written.pcap" wrong "$top/build/tests/differ/wrong" \
	>"$tmp/said" || { cat "$tmp/said" && fail "SEED=$seed MUTATIONS=$mutations repeats it"; }
cat "$tmp/said"
reasons_check
[ -z "${KEEP:-}" ] || cp "$tmp/written.pcap" "$KEEP"
tshark_check "$tmp/written.pcap"
