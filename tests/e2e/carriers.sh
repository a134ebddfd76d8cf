#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The line under each carrier: XDP, DPDK and stock Linux write into the trace whatever carries the ids, the sink reads
# them, the server is told, the collector draws the same hops; ids alone go through all of them as they are.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

# hosts_up WORDS...: both ends.
hosts_up() {
	node_exec client "$hopspan" host up dev eth0 node-id 1 proved ::/0 "$@"
	node_exec server "$hopspan" host up dev eth0 node-id 5 proved ::/0 "$@"
}

# arrivals: what reached the server, as decode prints it.
arrivals() { "$hopspan" decode "$tmp/$1.pcap" nodes "$state/nodes.yaml" | jq -c 'select(.destination_port == 8080)'; }

# carried NAME CARRIER NODES WORDS...: requests under these words; each arrives with its ids and the nodes on the way.
carried() {
	local name=$1 requests
	hosts_up "${@:4}"
	capture_start server "$name" ip6
	shop_run 5 10 --ids "$tmp/ids"
	capture_stop "$name"
	requests=$(arrivals "$name" | jq -r .trace_id | sort -u)
	same "traces that arrived, $name" "$(jq -r .trace_id "$tmp/ids" | sort -u)" "$requests"
	same "carrier and nodes, $name" "[\"$2\",[$3]]" "$(arrivals "$name" | jq -c '[.carrier, [.hops[].node]]' | sort -u)"
}

counter() { node_exec "$1" "$hopspan" -j host show | jq ".[0].$2.$3 // 0"; }

line_up
collect_start
cart_start
carried snapshot snapshot 1,2,3,4
carried generic generic-context 1,2,3,4 carrier generic
trace=$(tail -n 1 "$tmp/ids" | jq -r .trace_id)
carried plain generic 1,2,3,4 carrier generic-id
carried few snapshot 1,2,3 hops 2
same "overflow seen with room for two" true "$(arrivals few | jq .overflow | sort -u)"
carried wide snapshot 1,2,3 trace 0x90e000 hops 2
carried alone generic-context "" carrier generic trace none
learnt=$(counter server sink reply_learnt)
[ "$learnt" -ge 25 ] || fail "replies learnt: $learnt"
stop cart
stop collect
same "requests recorded at the server" 0 "$(counter server sink no_context)"
"$hopspan" trace show "$trace" -j | jq -r '.spans[].name' >"$tmp/rows"
for row in 'client -> r1' 'r1 eth1' 'r2 port1' 'r2 -> r3' 'r3 -> server' 'server -> r3' 'r1 -> client'; do
	grep -qxF "$row" "$tmp/rows" || fail "no row $row under the generic carrier"
done
