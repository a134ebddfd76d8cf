#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The same packets through the Linux kernel's own IOAM and through ours: what comes out differs in nothing but what
# wire/README.md lists. SEED=N repeats a run, MUTATIONS=N says how many random changes there are.
#
# What Linux drops behind our programs cannot be seen on the wire, so each attached program is run on each packet alone,
# too: verdict, octets and counter must be right for all, and the wire shows the rest. wrong.txt judges the judge.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need tshark
need bpftool
need jq

program=$top/build/tests/differ/differ
[ -x "$program" ] || fail "no $program: make test-build first"
seed=${SEED:-$((RANDOM * 32768 + RANDOM))} mutations=${MUTATIONS:-100000}
echo "SEED=$seed MUTATIONS=$mutations"
# node.h has them, too
# shellcheck disable=SC2034 # of lib.sh
self=(0x010203 0x11121314151617 0x2122 0x31323334 0x4142 0x51525354)
# shellcheck disable=SC2034
namespaces=("0x6873 ptp 0x71727374 0x8182838485868788"
	"0x6900 posix 0x05060708 0x9192939495969798 0x616263 Hello there -Obi")

# The number of the program that arriving packets meet.
xdp_id() { ip -n "$(netns xdp)" -j -d link show dev in | jq '.[0].xdp.prog.id'; }
tc_id() {
	local id
	id=$(node_exec tc "$program" tcx in)
	[ "$id" -gt 0 ] || id=$(node_exec tc bpftool -j net show dev in |
		jq '[.[0].tc[] | select(.name | startswith("tc_transit"))][0].id')
	echo "$id"
}

# What the DPDK forwarder makes of them in frames of TAGS tags, capture in and capture out, before the others.
dpdk_run() { # TAGS
	local in=$tmp/packets.pcap
	out=$tmp/dpdk-$1.pcap
	"$program" packets "$seed" "$mutations" "$in" "$1"
	head -c 24 "$in" >"$tmp/nothing.pcap"
	dpdk+=(dpdk "$out" "$1" "$(date +%s%N)")
	HOPSPAN_NODE_YAML=$tmp/node.yaml node_start lab dpdk "$hopspan_dpdk" queue-bytes 100000000 -- --no-huge -m 256 \
		--vdev "net_pcap0,rx_pcap=$in,tx_pcap=$tmp/back.pcap" \
		--vdev "net_pcap1,rx_pcap=$tmp/nothing.pcap,tx_pcap=$out"
	wait_for "all packets to be forwarded" dpdk_is_done "$in"
	stop dpdk
}

dpdk_is_done() { [ "$(stat -c %s "$out")" -eq "$(stat -c %s "$1")" ]; }

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
	# shellcheck disable=SC2016 # no expansion, the document's own quotes
	sed -n '/^## Where Linux/,/^## /s/^| `\([a-z_]*\)` .*/\1/p' "$top/wire/README.md" | sort >"$tmp/reasons"
	sed -n 's/^difference \([a-z_]*\) .*/\1/p' "$tmp/said" | sort >"$tmp/differences"
	diff "$tmp/reasons" "$tmp/differences" || fail "the list of differences in wire/README.md is another"
}

lab_up
dpdk=()
for tags in 0 1 2; do dpdk_run $tags; done
node_exec lab taskset -c "$cpu" "$program" judge "$seed" "$mutations" \
	kernel kernel-in kernel-out plain kernel-off kernel-out \
	tc tc-in tc-out "$(tc_id)" pages tc-in tc-out "$(tc_id)" xdp xdp-in xdp-out "$(xdp_id)" "${dpdk[@]}" \
	untouched xdp-off xdp-out capture "$tmp/written.pcap" wrong "$top/build/tests/differ/wrong" \
	>"$tmp/said" || { cat "$tmp/said" && fail "SEED=$seed MUTATIONS=$mutations repeats it"; }
cat "$tmp/said"
reasons_check
tshark_check "$tmp/written.pcap"
