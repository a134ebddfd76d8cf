#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# 100 MB over one connection that is stamped again and again arrive as they were sent, and the kernel has nothing to
# say about it: between two hosts that share a veth, with segmentation offload, then over the line's three routers.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

octets=100000000
port=7412

# count NODE PROGRAM PATTERN: the sum of the program's counters whose names match.
count() {
	node_exec "$1" "$hopspan" -j host show | jq --arg program "$2" --arg pattern "$3" \
		'[.[][$program] | to_entries[] | select(.key | test($pattern)) | .value] | add // 0'
}

packets_sent() { node_exec client cat /sys/class/net/eth0/statistics/tx_packets; }

transfer() {
	local stamped arrived
	packets=$(packets_sent)
	node_start server receive python3 "$top/tests/e2e/bytes.py" receive $port
	wait_for "the receiver" grep -q listens "$state/receive.log"
	node_exec client python3 "$top/tests/e2e/bytes.py" send $server $port $octets >"$tmp/sent" 2>"$tmp/rate" ||
		fail "sending, $1: $(cat "$tmp/rate")"
	wait_for "the receiver to end" grep -q " $octets$" "$state/receive.log" || fail "not all arrived, $1"
	same "SHA-256 and octets, $1" "$(cat "$tmp/sent")" "$(tail -n 1 "$state/receive.log")"
	stop receive
	packets=$(($(packets_sent) - packets))
	stamped=$(count client stamp '^stamped_')
	arrived=$(count server sink '^(recorded|ring_full|active_ended)$')
	[ "$stamped" -gt 0 ] || fail "no packet was stamped, $1"
	[ "$arrived" -gt 0 ] || fail "no stamped packet arrived, $1"
	kernel_is_silent "$1"
	echo "$1: $(cat "$tmp/rate"), $stamped stamped, $arrived at the sink, of $packets packets"
}

kernel_log_mark
pair_up
transfer "two hosts"
[ "$packets" -lt $((octets / 1500 / 2)) ] || fail "no segmentation offload, $packets packets: nothing is shown"
topology_down

RATE=2gbit line_up
transfer "line"
