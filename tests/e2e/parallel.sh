#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Two topologies side by side: each store has its own traces and no others, and taking one down leaves the other at work.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

# topology NAME: what is sourced works on that one from here on.
first=$TOPOLOGY second=$TOPOLOGY-2
topology() {
	TOPOLOGY=$1
	state=${HOPSPAN_RUN:-/run/hopspan}/topologies/$TOPOLOGY
	HOPSPAN_BPFFS=/sys/fs/bpf/hopspan-$TOPOLOGY
	HOPSPAN_STORE=$state/store.db
	[ ! -e "$state/cgroup" ] || HOPSPAN_CGROUP=$(cat "$state/cgroup")
}
trap 'status=$?; topology "$second"; topology_down; topology "$first"; test_end $status' EXIT

topology_start() {
	topology "$1"
	line_up
	collect_start
	cart_start
}

# traces_expected NAME FILE...: the store of topology NAME has these requests' traces, each with both transfers, no others.
traces_expected() {
	local name=$1
	shift
	topology "$name"
	wait_for "the spans of $name" traces_same "$@" || fail "$name: $(diff "$tmp/expected" "$tmp/seen")"
}

traces_same() {
	jq -r '"\(.trace_id) reply,request"' "$@" | sort >"$tmp/expected"
	"$hopspan" trace list limit 1000 -j | jq -r '.[].trace_id' | while read -r trace; do
		"$hopspan" trace show "$trace" -j | jq -r '.trace_id as $id | [.spans[].name | select(. == "request" or . == "reply")] |
			"\($id) \(sort | join(","))"'
	done | sort >"$tmp/seen"
	cmp -s "$tmp/expected" "$tmp/seen"
}

topology_start "$first"
topology_start "$second"

topology "$first"
shop_run 30 5 --ids "$tmp/first" &
pid=$!
topology "$second"
shop_run 20 5 --ids "$tmp/second"
wait "$pid" || fail "the requests of the first topology failed"
traces_expected "$first" "$tmp/first"
traces_expected "$second" "$tmp/second"

topology_down
[ ! -e "$state" ] || fail "$state is left"
topology "$first"
shop_run 10 5 --ids "$tmp/later"
traces_expected "$first" "$tmp/first" "$tmp/later"
