#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A router on veth devices with all, none and some of their offloads, MTU 1500 and 9000, by tc and by XDP: a TCP stream
# with contexts comes through octet for octet, and every trace that was written on arrival is completed on departure.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need ethtool
need jq

octets=1000000 port=7433
ends=("client eth0" "r1 eth0" "r1 eth1" "server eth0")

# wire_set MTU TX GSO GRO: on every device.
wire_set() {
	local end node dev
	for end in "${ends[@]}"; do
		read -r node dev <<<"$end"
		ip -n "$(netns "$node")" link set "$dev" mtu "$1"
		node_exec "$node" ethtool -K "$dev" tx "$2" gso "$3" gro "$4" >/dev/null
		node_exec "$node" ethtool -K "$dev" tso "$([ "$2 $3" = "on on" ] && echo on || echo off)" >/dev/null 2>&1 || true
	done
}

traffic() {
	node_start server receive python3 "$top/tests/e2e/bytes.py" receive $port
	wait_for "the receiver" grep -q listens "$state/receive.log"
	node_exec client timeout 60 python3 "$top/tests/e2e/bytes.py" send $server $port $octets >"$tmp/sent" 2>"$tmp/rate" ||
		fail "$1: $(cat "$tmp/rate")"
	wait_for "the receiver to end" grep -q " $octets$" "$state/receive.log" || fail "$1: not all arrived"
	same "SHA-256 and octets, $1" "$(cat "$tmp/sent")" "$(tail -n 1 "$state/receive.log")"
	stop receive
}

# What the router has counted: arrivals, departures, and departures that found nothing.
counted() {
	node_exec r1 "$hopspan" -j router show dev eth0 |
		jq -r '.[0] | "\(.transit.appended // 0) \(.depart.completed // 0) \(.depart.slot_lost // 0)"'
}

run() {
	local via=$1 before after
	wire_set "${@:2}"
	before=$(counted)
	traffic "via $via, MTU $2, tx $3, gso $4, gro $5"
	after=$(counted)
	read -r appended completed lost before_appended before_completed before_lost <<<"$after $before"
	[ "$appended" -gt "$before_appended" ] || fail "via $via, ${*:2}: no trace went through"
	same "traces completed, via $via, MTU $2, tx $3, gso $4, gro $5" \
		"$((appended - before_appended)) 0" "$((completed - before_completed)) $((lost - before_lost))"
}

hop_wire
kernel_log_mark
node_exec client "$hopspan" host up dev eth0 proved ::/0 node-id 1
node_exec server "$hopspan" host up dev eth0 node-id 5
for via in tc xdp; do
	node_exec r1 "$hopspan" router up dev eth0 dev eth1 node-id 2 via $via
	for mtu in 1500 9000; do
		run $via $mtu on on on
		run $via $mtu off off off
		run $via $mtu off on off
		run $via $mtu on off on
		kernel_is_silent "via $via, MTU $mtu"
	done
	echo "via $via: $(counted) appended, completed, lost"
done
