#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The stamps are true: against packet captures, packet by packet, with r1's queue empty and with it filled. Compared are
# the times themselves and the stays in r1 (its wait included) and in the DPDK box, as the collector's spans say them.
#
#   client eth0 --- eth0 r1 eth1 --- port0 r2 port1 --- eth0 r3 eth1 --- eth0 server
#         tx          rx    tx         rx                 rx               rx
#
# tx: a tap after the queue, as the device takes the packet. rx: over veth the kernel marks a packet's arrival as the
# peer sends it; only r1 eth0 has XDP, and its tap comes after that. DPDK's sending passes no tap, so that a packet has
# left r2 is seen at r3.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

requests=200
places="client:eth0 r1:eth0 r1:eth1 r2:port0 r3:eth0 server:eth0"

capture_name() { echo "$phase-${1/:/-}"; }
decoded() { "$hopspan" decode "$tmp/$1.pcap" nodes "$state/nodes.yaml" | jq -c 'select(.direction == "request")'; }
decoded_all() { [ "$(decoded "$1" | wc -l)" -ge $requests ]; }

captures_start() {
	local place
	for place in $places; do
		DEV=${place#*:} capture_start "${place%:*}" "$(capture_name "$place")" 'ip6[6] = 0'
	done
}

captures_stop() {
	local place name
	for place in $places; do
		name=$(capture_name "$place")
		wait_for "all requests at $place" decoded_all "$name"
		capture_stop "$name"
		decoded "$name" >"$tmp/$name.json"
	done
}

phase() {
	phase=$1
	captures_start
	shop_run $requests 5 --ids "$tmp/$phase.ids"
	captures_stop
}

# What the collector made of it: a line per trace, its stays and their durations.
spans() {
	jq -r .trace_id "$tmp/$1.ids" | while read -r trace; do
		"$hopspan" trace show "$trace" -j | jq -c '{trace_id, stays: (.spans | map(select(.kind == "node" and
			.direction == "request") | {(.name): .duration_ns}) | add // {})}'
	done >"$tmp/$1.spans"
}

line_up
collect_start
cart_start
phase empty
background_start r1 eth1
phase filled
background_stop
stop cart
stop collect
spans empty
spans filled
python3 "$top/tests/e2e/times.py" "$tmp" $requests || fail "times"
