#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Killing the collector in the middle of a transfer harms nobody: the transfer and requests go on while it is dead, and
# a new one records what comes from then on, and what came meanwhile.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

received() { node_exec server cat /sys/class/net/eth0/statistics/rx_bytes; }
received_above() { [ "$(received)" -gt "$1" ]; }

# The transfer is moving now: half a megabyte more than at this moment.
transfer_moves() { wait_for "the transfer to move, $1" received_above $(($(received) + 500000)) || fail "it stands, $1"; }

has_hops() {
	"$hopspan" trace show "$1" -j | jq -e '[.spans[].name] | contains(["r1 eth1", "r2 port1", "r3 -> server"])'
}

# requests NAME: each is answered, or the client ends with an error.
requests() { shop_run 10 5 --ids "$tmp/$1" || fail "requests $1"; }

recorded() {
	local trace
	while read -r trace; do
		wait_for "the hops of $trace" has_hops "$trace" || fail "no hops of a request $1"
	done < <(jq -r .trace_id "$tmp/$1")
}

RATE=50mbit line_up
collect_start
cart_start
requests before
recorded before
background_start r1 eth1
transfer_moves "collector alive"

pid=$(cat "$state/collect.pid")
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
rm "$state/collect.pid"
transfer_moves "collector killed"
requests dead
transfer_moves "after requests without a collector"

collect_start
requests after
recorded after
recorded dead # from the sinks' rings, which live on
transfer_moves "collector started again"
gone "$(cat "$state/background.pid")" && fail "the transfer ended: $(cat "$state/background.log")"
background_stop
stop cart
stop collect

# What was on disk before the kill is still there and whole.
recorded before
"$hopspan" trace list limit 3
