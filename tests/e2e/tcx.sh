#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Programs of others at tc stay and go on counting, before ours and behind them, on tcx and on clsact; ours outlive the
# command, stand where `order` says, change the hook and are gone after `down`. What is sent as a clone goes once, on
# both hooks, and TCP takes none of it for a loss.
. "$(dirname "$0")/lib.sh"

need bpftool
counter=$top/build/tests/e2e/counter
others=$HOPSPAN_BPFFS-others

# Not `ip netns exec`: that hides the BPF file system.
at_client() { nsenter --net="/run/netns/$(netns client)" "$@"; }

other_end() { rm -rf "$others"; }
trap 'status=$?; other_end; test_end $status' EXIT

up() { node_exec client "$hopspan" host up dev eth0 proved ::/0 way clone node-id 1 "$@"; }
shown() { node_exec client "$hopspan" -j host show | jq -r ".[0].$1 // 0"; }
order() { at_client "$counter" tcx-order eth0 egress; }
seen() { "$counter" read "$others/$1"; }
filters() { tc -n "$(netns client)" -j filter show dev eth0 egress | jq -r '.[].options.prog.name // empty' | xargs; }
tcp() { node_exec client nstat -az "$1" | awk -v name="$1" '$1 == name { print $2 }'; }

# traffic WHEN: ten requests, each sent once, and each program of others sees them.
traffic() {
	local name sent
	local -A before
	for name in before behind clsact; do before[$name]=$(seen $name); done
	rm -f "$tmp/sha" "$state/reader.log"
	node_start server reader python3 "$top/tests/e2e/shadow.py" server 7000 "$tmp/sha"
	wait_for "the server" grep -q listens "$state/reader.log"
	sent=$(shown stamp.stamped_clone)
	capture_start client sent ip6
	node_exec client python3 "$top/tests/e2e/shadow.py" client $server 7000 "$tmp/plan" 1 2 3 4 5 6 7 8 9 10 >"$tmp/sent"
	wait_for "the server to have it all" test -s "$tmp/sha"
	capture_stop sent
	same "SHA-256 of the stream, $1" "$(cat "$tmp/sent")" "$(cat "$tmp/sha")"
	same "clones, $1" 10 "$(($(shown stamp.stamped_clone) - sent))"
	same "segments with data on the wire, $1" 10 "$(segments "$tmp/sent.pcap" | awk -F'\t' '$3 > 0' | wc -l)"
	for name in before behind clsact; do
		[ "$(seen $name)" -gt $((before[$name] + 10)) ] || fail "$1, the program $name ours has seen too little"
	done
}

pair_up
node_exec client "$hopspan" host down
for name in before behind clsact; do
	mkdir -p "$others/$name"
	"$counter" load "$others/$name" -1
done
at_client "$counter" tcx "$others/before" eth0 egress first || skip "this kernel has no tcx"
failed=$(tcp TcpRetransSegs)

up
same "hook" tcx "$(shown hook)"
same "stamp attached" true "$(shown stamp_attached)"
same "order on tcx" "counter tc_stamp" "$(order)"
at_client "$counter" tcx "$others/behind" eth0 egress last
at_client tc qdisc add dev eth0 clsact
at_client tc filter add dev eth0 egress pref 7 bpf da pinned "$others/clsact/program"
same "order on tcx" "counter tc_stamp counter" "$(order)"
traffic "on tcx"

up
same "order on tcx after a second up" "counter tc_stamp counter" "$(order)"
up order first
same "order on tcx, first" "tc_stamp counter counter" "$(order)"
traffic "first on tcx"
up order last
same "order on tcx, last" "counter counter tc_stamp" "$(order)"

HOPSPAN_TC=clsact up
same "hook" clsact "$(shown hook)"
same "stamp attached" true "$(shown stamp_attached)"
same "order on tcx without ours" "counter counter" "$(order)"
same "order on clsact" "tc_stamp counter" "$(filters)"
traffic "on clsact"
HOPSPAN_TC=clsact up order last
same "order on clsact, last" "counter tc_stamp" "$(filters)"
traffic "last on clsact"

up
same "filters on clsact" counter "$(filters)"
same "retransmissions" "$failed" "$(tcp TcpRetransSegs)"

# Each packet that a clone replaces is sent well, as far as TCP knows: its window was never cut.
node_start server listener python3 -c 'import socket
listener = socket.create_server(("::", 7001), family=socket.AF_INET6)
print("listens", flush=True)
connection = listener.accept()[0]
while connection.recv(100): connection.sendall(b"a")'
wait_for "the server" grep -q listens "$state/listener.log"
stamped=$(shown stamp.stamped_clone)
node_exec client env PYTHONPATH="$top/tests/e2e" python3 -c 'import socket, struct, sys
from shadow import set_context
connection = socket.create_connection((sys.argv[1], 7001))
for span in range(1, 21):
    set_context(connection, span)
    connection.sendall(b"q")
    connection.recv(1)
info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
print(struct.unpack_from("I", info, 76)[0])' $server >"$tmp/ssthresh"
same "clones" $((stamped + 20)) "$(shown stamp.stamped_clone)"
same "slow start threshold, never set" 2147483647 "$(cat "$tmp/ssthresh")"

# With a device go its programs.
folder=$(dirname "$(find "$HOPSPAN_BPFFS/netns" -name 'tc_stamp-*' -newer "$tmp/plan" | head -n 1)")
[ -e "$folder/devices" ] || fail "no link of ours in $HOPSPAN_BPFFS: $(find "$HOPSPAN_BPFFS")"
node_exec client "$hopspan" host down
same "order on tcx after down" "counter counter" "$(order)"
same "filters on clsact after down" counter "$(filters)"
[ ! -e "$folder" ] || fail "left: $(find "$folder")"
