#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A device that is deleted takes its programs with it. Made again under a collector it gets back what it had: programs,
# order, ids, roles, policies, a border's rules. Without a collector `up` does it, and `down` forgets one that is gone.
. "$(dirname "$0")/lib.sh"

# The link, as pair_up makes it.
link() {
	link_add client eth0 server eth0
	address_add client eth0 fd68:73:3::1/64
	address_add server eth0 $server/64
}
unlink_it() { ip -n "$(netns client)" link del eth0; }

hosts() { node_exec client "$hopspan" -j host show | jq -c '[.[] | {dev, node, budget, hook, order, stamp_attached,
	sink_attached, destinations: [.destinations[] | .prefix, .path, .way]}]'; }
routers() { node_exec client "$hopspan" -j router show | jq -c '[.[] | {dev, via, transit_attached, depart_attached}]'; }
borders() { node_exec client "$hopspan" -j border show | jq -c '[.[] | {dev, via, in, out, in_attached, out_attached}]'; }
is_back() {
	[ "$(hosts)" = "$before" ] && [ "$(routers)" = "$router_before" ] && [ "$(borders)" = "$border_before" ] && server_is_back
}
server_is_back() { node_exec server "$hopspan" -j host show | jq -e 'length == 1 and .[0].sink_attached'; }
pins() { find "$HOPSPAN_BPFFS/netns" -name 'tc_*' | wc -l; }
counter() { node_exec client "$hopspan" -j host show | jq "[.[].stamp.$1 // 0] | max"; }

# traffic WHEN: three requests, each stamped, each taken by the sink.
traffic() {
	local stamped
	stamped=$(counter stamped_clone)
	rm -f "$tmp/sha" "$state/reader.log"
	node_start server reader python3 "$top/tests/e2e/shadow.py" server 7000 "$tmp/sha"
	wait_for "the server" grep -q listens "$state/reader.log"
	node_exec client python3 "$top/tests/e2e/shadow.py" client $server 7000 "$tmp/plan" 10 20 30 >"$tmp/sent"
	wait_for "the server to have it all" test -s "$tmp/sha"
	same "SHA-256 of the stream, $1" "$(cat "$tmp/sent")" "$(cat "$tmp/sha")"
	same "requests stamped, $1" 3 $(($(counter stamped_clone) - stamped))
}

pair_up
node_exec client "$hopspan" host up dev eth0 proved fd68:73:3::/64 way clone order first budget 5000 node-id 7
node_exec client "$hopspan" router up dev eth0 via tc node-id 7
node_exec client "$hopspan" border up dev eth0 out allow $server in strip-ioam in allow fd68:73:3::/64
before=$(hosts) router_before=$(routers) border_before=$(borders) pins=$(pins)
echo "$before $router_before $border_before"
jq -e '.[0] | .node == 7 and .stamp_attached and .sink_attached' <<<"$before" >/dev/null || fail "not up: $before"

node_describe 7 client host other ptp before-queue eth0
node_describe 5 server host other ptp before-queue eth0
collect_start
traffic "at first"
for turn in 1 2; do
	unlink_it
	same "stamp attached to a device that is gone" false \
		"$(node_exec client "$hopspan" -j host show | jq '.[0].stamp_attached')"
	link
	wait_for "the devices to be at work again" is_back || fail "not back: $(hosts) $(routers), before: $before"
	same "pinned links" "$pins" "$(pins)"
	traffic "after coming back $turn"
done
grep -q "eth0 has come back" "$state/collect.log" || fail "the collector says nothing"

stop collect
unlink_it
link
node_exec client "$hopspan" host up dev eth0 proved fd68:73:3::/64 way clone order first budget 5000 node-id 7
node_exec client "$hopspan" router up dev eth0 via tc node-id 7
node_exec client "$hopspan" border up dev eth0 out allow $server in strip-ioam in allow fd68:73:3::/64
node_exec server "$hopspan" host up dev eth0 node-id 5
is_back || fail "not up again: $(hosts) $(routers)"
same "pinned links" "$pins" "$(pins)"
traffic "after a second up"

unlink_it
node_exec client "$hopspan" host down dev eth0
node_exec client "$hopspan" router down dev eth0
node_exec client "$hopspan" border down dev eth0
same "devices after down" "[]" "$(hosts)"
node_exec server "$hopspan" host down
[ ! -e "$HOPSPAN_BPFFS" ] || fail "left: $(find "$HOPSPAN_BPFFS")"
! node_exec client "$hopspan" host down dev eth0 2>"$tmp/said" || fail "down of a device that nobody knows"
same "what down says" "hopspan host down: eth0: no such device" "$(cat "$tmp/said")"
