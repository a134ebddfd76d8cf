#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A border: with each action, in each direction, at tc and by XDP, datagrams with options of every kind come out as they
# must, and are counted as that. What outside forges is no record inside, tells no socket, and no answer carries it back;
# nor does a request that outside has stamped.
# shellcheck source-path=SCRIPTDIR source=border-lib.sh
. "$(dirname "$0")/border-lib.sh"
need tshark
count=150
api_port=7415

# moved BEFORE AFTER: "name count ..." of the counters that moved, but those of nothing to do.
moved() {
	jq -rn --argjson a "$1" --argjson b "$2" '[$b | to_entries[] | .value -= ($a[.key] // 0) |
		select(.value > 0 and (.key | IN("pass", "other_options", "xdp_took") | not)) | "\(.key) \(.value)"] | sort | join(" ")'
}
telling() { sed -E 's/(pass|other_options) [0-9]+ ?//g; s/ $//' "$1"; }
judge() { python3 "$here/border.py" judge "$1" 7500 "$tmp/before.pcap" "$tmp/behind.pcap" >"$tmp/judged" 2>&1; }

# datagrams in|out ACTION [ADDRESS]: as these rules say of that address outside.
datagrams() {
	local from=outside to=server before
	[ "$1" = in ] || { from=server to=outside; }
	before=$(counts "$1")
	capture_start $from before -Q out ip6
	capture_start $to behind -Q in ip6
	forge $from $count "${3:-$outside}"
	wait_for "the captures" judge "$2" || fail "$1 $2 ${3:-}: $(cat "$tmp/judged")"
	capture_stop before
	capture_stop behind
	same "counters, $1 $2 ${3:-}" "$(telling "$tmp/judged")" "$(moved "$before" "$(counts "$1")")"
	echo "$1 $2 ${3:-}: $(cat "$tmp/judged")"
}

# requests TOLD: five connections that outside stamps; the server is told so many contexts.
requests() {
	local before
	before=$(grep -c '^received' "$state/serve.log") || true
	node_exec outside "$top/build/tests/e2e/api" request $server $api_port >"$tmp/request" || fail "$(cat "$tmp/request")"
	wait_for "five connections to be served" served $((before + 5))
	same "requests of whose context the server was told" "$1" \
		"$(tail -n 5 <(grep '^received' "$state/serve.log") | grep -vc '^received ENODATA ENODATA ENODATA$')"
}
served() { [ "$(grep -c '^received' "$state/serve.log")" -ge "$1" ]; }

for to in fd68:73:1::7 fd68:73:9::1; do
	ip -n "$(netns border)" -6 neigh replace $to dev eth0 lladdr "$(mac outside eth0)" nud permanent
done
ip -n "$(netns border)" -6 route add fd68:73:9::/64 dev eth0
node_start server serve "$top/build/tests/e2e/api" serve $api_port
wait_for "the server" grep -q listens "$state/serve.log"

for via in tc xdp; do
	up via $via
	same "attached" "$via true true" "$(border -j show | jq -r '.[0] | "\(.via) \(.in_attached) \(.out_attached)"')"
	for action in strip strip-ioam drop; do
		up via $via in $action out $action
		datagrams in $action
		[ $via = xdp ] || datagrams out $action
	done
	up via $via in drop in strip fd68:73:1::/64 in strip-ioam fd68:73:1::7 out allow out drop fd68:73:1::/64 out strip $outside
	datagrams in strip
	datagrams in strip-ioam fd68:73:1::7
	datagrams in drop fd68:73:9::1
	[ $via = xdp ] || datagrams out strip
	[ $via = xdp ] || datagrams out drop fd68:73:1::7
	requests 0
done
[ "$(counts in | jq .xdp_took)" -gt 0 ] || fail "XDP has taken nothing"
same "what the server's sink met" "" "$(met server)"
same "what the sink outside met" "" "$(met outside)"
same "requests that were stamped" 8 "$(node_exec outside "$hopspan" -j host show | jq '.[0].stamp | .stamped_in_place + .stamped_clone')"

# What is allowed would have been taken.
for via in tc xdp; do
	up via $via in allow out allow
	datagrams in allow
	datagrams out allow
done
requests 4
[ "$(sink server | jq .recorded)" -gt 0 ] || fail "the sink takes nothing that is allowed"
same "copies for measurement that got to the sinks" "null null" "$(sink server | jq .active_ended) $(sink outside | jq .active_ended)"
kernel_is_silent "behind a border"
