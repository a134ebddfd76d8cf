#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# `router up ... wait measured`: what is counted and what is not, by transmit queue; waits of seconds; what stays and what
# goes with each `up` and `down`. How right the waits are, stay.sh tells.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need bpftool
need jq

here=$top/tests/e2e

# r1_up WORDS...: times are written in $format.
format=ptp
r1_up() {
	echo "namespaces: {0x6873: {time: $format}}" >"$tmp/node.yaml"
	HOPSPAN_NODE_YAML=$tmp/node.yaml node_exec r1 "$hopspan" router up dev eth0 dev eth1 via tc "$@" >>"$state/up.log"
}
r1_down() { node_exec r1 "$hopspan" router down "$@"; }
show() { node_exec r1 "$hopspan" -j router show dev "$1" | jq -r ".[0] | $2"; }
packets() { show "$1" '[.queues[].packets] | add'; }
counted() { show eth1 ".depart.completed // 0"; }
files() { find "$HOPSPAN_BPFFS" -name 'wait_*' | sed 's|.*/||' | sort | xargs; }
gone_program() { ! bpftool prog show id "$1"; }

# stamped COUNT; plain COUNT
stamped() { node_exec client python3 "$here/stay.py" send $server 7000 "$1"; }
plain() { node_exec client python3 "$here/stay.py" send $server 7000 "$1" bare; }

# Without the word nothing of it is there; a wrong one is told by its name.
without() {
	hop_up tc
	node_start server swallow python3 "$here/stay.py" serve 7000
	wait_for "the server" grep -q listens "$state/swallow.log"
	stamped 5
	same "files without the word" "" "$(files)"
	same "what show says" "off no" "$(show eth1 '"\(.wait) \(if .queues then "queues" else "no" end)"')"
	status=0
	said=$(r1_up node-id 2 wait long 2>&1) || status=$?
	same "status of a wrong word" 2 $status
	[[ $said == *"wait long: it is one of off, measured"* ]] || fail "a wrong word: $said"
}

counts() {
	local before
	r1_up node-id 2 wait measured
	same "files with the word" "wait_count wait_queues wait_xmit" "$(files)"
	before=$(counted)
	stamped 50
	same "packets counted" "$(($(counted) - before))" "$(packets eth1)"
	same "packets that went the other way" 0 "$(packets eth0)"
	same "their sum in the histogram" 50 "$(show eth1 '[.queues[].histogram[][1]] | add')"
	same "the counter" 50 "$("$hopspan" -j status | jq '.namespaces[].wait | select(.) | .wait_measured')"
	plain 50
	same "packets counted after plain ones" 50 "$(packets eth1)"
	[[ $(node_exec r1 "$hopspan" router show dev eth1) =~ queue\ 0\ *50\ stamped\ packets,.*longest ]] ||
		fail "no queue is shown: $(node_exec r1 "$hopspan" router show dev eth1)"
}

# Packets of several flows in several queues.
queues() {
	ip -n "$(netns r1)" link del eth1
	ip link add eth1 netns "$(netns r1)" numtxqueues 4 type veth peer name eth0 netns "$(netns server)"
	ip -n "$(netns r1)" link set eth1 up
	ip -n "$(netns server)" link set eth0 up
	address_add r1 eth1 fd68:73:3::1/64
	address_add server eth0 $server/64
	route_add server default fd68:73:3::1
	node_exec server "$hopspan" host up dev eth0 proved ::/0 node-id 5
	r1_up node-id 2 wait measured
	stamped 1
	r1_up node-id 2
	r1_up node-id 2 wait measured
	for _ in {1..12}; do stamped 2; done
	same "packets in all queues" 24 "$(packets eth1)"
	[ "$(show eth1 '[.queues[] | select(.packets > 0)] | length')" -gt 1 ] || fail "one queue: $(show eth1 .queues)"
}

drained() { [ "$(backlog r1 eth1)" = 0 ] && [ "$(packets eth1)" -ge "$1" ]; }
decoded() { "$hopspan" decode "$tmp/long.pcap" nodes "$tmp/nodes.yaml"; }
all_captured() { [ "$(decoded | wc -l)" -ge "$1" ]; }
differ_by_less() { [ $(($1 - $2)) -lt "$3" ] && [ $(($2 - $1)) -lt "$3" ]; }
near_one_of() {
	local one
	for one in $2; do ! differ_by_less "$1" "$one" 1000000 || return 0; done
	return 1
}

# A packet that comes when the format has just changed is not measured.
settled() {
	stamped 1
	[ "$(packets eth1)" -gt 0 ]
}

# waits_long FORMAT WORDS...: a shaper holds packets for more than a second, as the capture behind the queue says. With WORDS the
# trace has seconds, and the longest wait is that; else it is the longest of what is left of each without whole seconds.
# Behind a shaper the kernel passes a packet in a hundred by all tracepoints (docs/wait.md), so one or two may be missing.
waits_long() {
	format=$1
	shift
	local second=1000000000 truth measured waits='.time_unix_ns - .hops[1].time_unix_ns - .hops[1].delay_ns'
	node_exec client "$hopspan" host up dev eth0 proved ::/0 node-id 1 "$@"
	echo "[{node: 2, name: r1, time: $format}]" >"$tmp/nodes.yaml"
	r1_up node-id 2 wait measured
	wait_for "the format to be settled" settled
	tc -n "$(netns r1)" qdisc replace dev eth1 root tbf rate 16kbit burst 3000 limit 100000
	r1_up node-id 2
	r1_up node-id 2 wait measured
	PROMPT='' DEV=eth1 capture_start r1 long 'ip6[6] = 0'
	stamped 17
	wait_for "all packets" all_captured 17
	wait_for "the queue to drain" drained 15
	capture_stop long
	decoded >"$tmp/long.json"
	[ $# -gt 0 ] || waits="(($waits) % $second + $second) % $second"
	truth=$(jq -s "map($waits) | sort | reverse | .[0:3] | .[]" "$tmp/long.json" | xargs)
	measured=$(show eth1 '[.queues[].wait_max_ns // 0] | max')
	tc -n "$(netns r1)" qdisc del dev eth1 root
	echo "$format, ${*:-trace without seconds}: the longest waits are $truth ns by the capture, measured $measured"
	[ $# = 0 ] || [ "${truth%% *}" -gt $second ] || fail "the shaper held packets for ${truth%% *} ns"
	near_one_of "$measured" "$truth" || fail "expected $truth"
}

# What an `up` changes; `down` of one device, and of the last.
changes() {
	local program before
	r1_up node-id 2 wait measured
	before=$(packets eth1)
	stamped 10
	r1_up node-id 2 wait measured
	same "packets after the same once more" $((before + 10)) "$(packets eth1)"
	r1_up node-id 7 wait measured
	same "packets of a new node id" 0 "$(packets eth1)"
	stamped 3
	same "packets of a new node id" 3 "$(packets eth1)"
	program=$(bpftool -j link show pinned "$(find "$HOPSPAN_BPFFS" -name wait_xmit)" | jq .prog_id)
	r1_down dev eth0
	same "files with one device" "wait_count wait_queues wait_xmit" "$(files)"
	same "packets with one device" 3 "$(packets eth1)"
	node_exec r1 "$hopspan" router up dev eth1 via tc node-id 7
	same "files with none to be measured" "" "$(files)"
	wait_for "the program to be gone" gone_program "$program" || fail "program $program is left"
	node_exec r1 "$hopspan" router up dev eth1 via tc node-id 7 wait measured
	program=$(bpftool -j link show pinned "$(find "$HOPSPAN_BPFFS" -name wait_xmit)" | jq .prog_id)
	r1_down
	same "files after the last down" "" "$(files)"
	wait_for "the program to be gone" gone_program "$program" || fail "program $program is left"
}

without
counts
queues
waits_long ptp trace 0xfa0000
waits_long ntp trace 0xfa0000
waits_long posix
changes
