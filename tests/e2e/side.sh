#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A pod that nothing of ours runs in: at the host's side of its veth requests are stamped as they come in, each once and
# in place; answers lose their headers on the way out to it, and its sockets are told what they brought. On both hooks.
# What cannot be stamped there in place goes bare: nothing is cloned, no shadow sent.
#
#   client eth0 ------- pod r1 eth1 ------- eth0 server       client is the pod, r1 its host
#   fd68:73:1::1     ::2    fd68:73:3::1      ::2
. "$(dirname "$0")/lib.sh"

topology_check
topology_begin
node_add client r1 server
link_add client eth0 r1 pod
link_add r1 eth1 server eth0
address_add client eth0 fd68:73:1::1/64
address_add r1 pod fd68:73:1::2/64
address_add r1 eth1 fd68:73:3::1/64
address_add server eth0 $server/64
route_add client default fd68:73:1::2
route_add server default fd68:73:3::1
forward r1

up() { node_exec r1 "$hopspan" host up dev pod side peer proved ::/0 node-id 2 "$@"; }
counter() { node_exec r1 "$hopspan" -j host show | jq ".[0].$1.$2 // 0"; }

# exchange COUNT: each answer brings its request's context to the pod's socket.
exchange() {
	rm -f "$state/side.log"
	node_start server side python3 "$top/tests/e2e/side.py" server 7000
	wait_for "the server" grep -q listens "$state/side.log"
	node_exec client python3 "$top/tests/e2e/side.py" client $server 7000 "$1" >"$tmp/answers"
	diff <(for i in $(seq "$1"); do echo "$i $i"; done) "$tmp/answers" || fail "contexts that answers brought"
}

# whole SIZE...: the stream is the sender's.
whole() {
	rm -f "$tmp/sha" "$state/reader.log"
	node_start server reader python3 "$top/tests/e2e/shadow.py" server 7001 "$tmp/sha"
	wait_for "the server" grep -q listens "$state/reader.log"
	node_exec client python3 "$top/tests/e2e/shadow.py" client $server 7001 "$tmp/plan" "$@" >"$tmp/sent"
	wait_for "the server to have it all" test -s "$tmp/sha"
	same "SHA-256 of the stream" "$(cat "$tmp/sent")" "$(cat "$tmp/sha")"
}

node_exec server "$hopspan" host up dev eth0 proved ::/0 node-id 5
for hook in tcx clsact; do
	[ $hook = tcx ] || export HOPSPAN_TC=clsact
	up
	same "side" peer "$(node_exec r1 "$hopspan" -j host show | jq -r '.[0].side')"
	same "attached" truetrue "$(node_exec r1 "$hopspan" -j host show | jq -r '.[0] | "\(.stamp_attached)\(.sink_attached)"')"
	stamped=$(counter stamp stamped_in_place) taken=$(counter sink recorded)
	DEV=eth1 capture_start r1 way ip6
	capture_start client pod ip6
	exchange 20
	capture_stop way
	capture_stop pod
	same "requests stamped" $((stamped + 20)) "$(counter stamp stamped_in_place)"
	same "answers taken" $((taken + 20)) "$(counter sink recorded)"
	node_exec r1 "$hopspan" decode "$tmp/way.pcap" >"$tmp/decoded"
	same "requests on the way, each once" "$(seq 1 20 | xargs)" \
		"$(jq -r "select(.destination == \"$server\") | .span_id" "$tmp/decoded" | sed 's/^0*/0x/' | xargs printf '%d\n' | xargs)"
	same "node and queue of the first hop" "2 null" \
		"$(jq -r "select(.destination == \"$server\") | \"\(.hops[0].node) \(.hops[0].queue_bytes)\"" "$tmp/decoded" | sort -u)"
	same "stamped packets in the pod" "" "$(node_exec r1 "$hopspan" decode "$tmp/pod.pcap")"
done

whole 10,20,30 100 1428 300000 10,20,30
same "clones and shadows" 00 "$(counter stamp stamped_clone)$(counter stamp stamped_shadow)"

# The other side and back; what only the pod's own side has is refused.
node_exec r1 "$hopspan" host up dev pod proved ::/0 node-id 2
same "attached" truetrue "$(node_exec r1 "$hopspan" -j host show | jq -r '.[0] | "\(.stamp_attached)\(.sink_attached)"')"
whole 100
up
exchange 3
! up lower-mtu on 2>"$tmp/said" || fail "lower-mtu on the peer's side"
grep -q "side peer: the routes are the pod's" "$tmp/said" || fail "lower-mtu on the peer's side says $(cat "$tmp/said")"
! node_exec r1 "$hopspan" host up dev lo side peer 2>"$tmp/said" || fail "side peer of lo"
same "what up says" "hopspan host up: lo: side peer: it is no veth" "$(cat "$tmp/said")"
node_exec r1 "$hopspan" host down
whole 100
