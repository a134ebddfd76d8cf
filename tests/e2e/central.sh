#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A collector per host, and a central one they pass on to: what neither host can know, how far the clocks are apart, is
# known there, and all traces are whole there, also when the central collector is killed and its hosts' go on.
#
#   client --- r1 --- server            each host: its own sink, cgroup, BPF file system and collector
#      |                |
#    collect          collect           see requests or replies alone
#         \           /
#        central collect                sees no packet itself
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

here=$top/tests/e2e
port=$((20000 + $$ % 12000)) # below those that clients get
bpffs=$HOPSPAN_BPFFS
central_store=$tmp/central.db
cgroup=
trap 'central_end $?' EXIT

# on HOST: what follows is this host's.
on() {
	HOPSPAN_BPFFS=$bpffs-$1
	HOPSPAN_CGROUP=$cgroup/$1
	HOPSPAN_STORE=$tmp/$1.db
	mkdir -p "$HOPSPAN_CGROUP"
	echo "$HOPSPAN_CGROUP" >"$state/cgroup"
}

# Before the topology's own end: this host's part, and where it was.
down() {
	local host name
	for host in server client; do
		on "$host"
		for name in cart "collect-$host" central; do stop "$name"; done
		node_exec "$host" "$hopspan" host down
		[ "$host" = server ] || node_exec r1 "$hopspan" router down
		rmdir "$HOPSPAN_CGROUP"
	done
	echo "$cgroup" >"$state/cgroup"
}

central_end() {
	local status=$1
	trap - EXIT
	set +e
	[ -z "$cgroup" ] || down
	test_end "$status"
}

central_start() {
	HOPSPAN_BPFFS=$bpffs-none "$hopspan" collect nodes "$state/nodes.yaml" listen "127.0.0.1:$port" store "$central_store" \
		metrics off >"$state/central.log" 2>&1 </dev/null &
	echo $! >"$state/central.pid"
	wait_for "the central collector" grep -q "OTLP in" "$state/central.log"
}

host_start() {
	on "$1"
	node_exec "$1" "$hopspan" host up dev eth0 proved ::/0 node-id "$2" clock-offset "$3"
	"$hopspan" collect nodes "$state/nodes.yaml" listen "$(netns "$1")/127.0.0.1:4319" metrics off \
		central "http://127.0.0.1:$port" >"$state/collect-$1.log" 2>&1 </dev/null &
	echo $! >"$state/collect-$1.pid"
	wait_for "the collector of $1" grep -q "OTLP in" "$state/collect-$1.log"
}

run() {
	on client
	shop_run "$1" 5 --ids "$tmp/$2.ids"
}

central_kill() {
	kill -9 "$(cat "$state/central.pid")"
	wait "$(cat "$state/central.pid")" 2>/dev/null || true
	rm "$state/central.pid"
	cat "$state/central.log" >>"$state/central-killed.log" # the next begins it anew
}

hop_wire
cgroup=$HOPSPAN_CGROUP
node_describe 1 client host other ptp before-queue eth0
node_describe 2 r1 router tc ptp before-queue eth0 eth1
node_describe 5 server host other ptp before-queue eth0
central_start
host_start server 5 250000000
cart_start
host_start client 1 0
node_exec r1 "$hopspan" router up dev eth0 dev eth1 via tc node-id 2 clock-offset -3000000
run 100 first
run 200 told
run 300 killed &
running=$!
for _ in 1 2 3; do
	sleep 0.4
	central_kill
	central_start
done
wait $running
on server
stop cart
for host in server client; do stop "collect-$host"; done
stop central
"$python" "$here/central.py" "$tmp" || fail "what the central collector knows"
"$python" "$here/complete.py" "$central_store" --again "$tmp/first.ids" "$tmp/told.ids" "$tmp/killed.ids" ||
	fail "not all traces are whole at the central collector"
