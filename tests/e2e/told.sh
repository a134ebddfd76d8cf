#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# UDP sockets are told what came and when, by tc's sink and by XDP's; answers of connected ones carry it back, but not
# from a local port that the map reply_off holds, nor do TCP's then. Python tells its server the same.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need jq
need bpftool
here=$top/tests/e2e
udp_port=7102 # of the connected socket in datagrams.py
tcp_port=7416

sink() { node_exec server "$hopspan" -j host show | jq ".[0].sink.$1 // 0"; }
learnt() { sink reply_learnt; }

cookie=
cookie_find() {
	cookie=$(node_exec server python3 -c 'import socket; print(int.from_bytes(socket.socket().getsockopt(
		socket.SOL_SOCKET, 71, 8), "little"))')
}

# switch update|delete PORT
switch() {
	local key value=(value 1)
	read -ra key <<<"$(($2 / 256)) $(($2 % 256))"
	[ "$1" = update ] || value=()
	bpftool map "$1" pinned "$HOPSPAN_BPFFS/netns/$cookie/reply_off" key "${key[@]}" "${value[@]}"
}

# datagrams CASE
datagrams() {
	rm -f "$state/udp.log"
	node_start server udp python3 "$here/datagrams.py" server
	wait_for "the server" grep -q listens "$state/udp.log"
	node_exec client python3 "$here/datagrams.py" client $server "$1" || fail "case $1"
	stop udp
}

# replies UDP WHAT TCP: how many requests are learnt
replies() {
	local before
	before=$(learnt)
	datagrams replies
	same "UDP requests learnt, $2" "$1" $(($(learnt) - before))
	before=$(learnt)
	node_exec client "$top/build/tests/e2e/api" request $server $tcp_port >"$tmp/request" || fail "$(cat "$tmp/request")"
	same "TCP requests learnt, $2" "$3" $(($(learnt) - before))
}

python_told() {
	rm -f "$state/told.log"
	node_start server told env PYTHONPATH="$top/sdk/python" PYTHONDONTWRITEBYTECODE=1 "$python" "$here/told.py" 7101
	wait_for "the Python server" grep -qx nothing "$state/told.log"
	node_exec client python3 "$here/datagrams.py" client $server told || fail "Python's server"
	same "what Python's server was told" "50 told" "$(grep -v nothing "$state/told.log" | sort | uniq -c | xargs)"
	stop told
}

# Two stamped datagrams of one request are one request, not two that are open at once.
twice() {
	local learnt_before ambiguous_before recorded_before
	learnt_before=$(learnt)
	ambiguous_before=$(sink replies_ambiguous)
	recorded_before=$(sink recorded)
	rm -f "$state/udp.log"
	node_start server udp python3 "$here/datagrams.py" server
	wait_for "the server" grep -q listens "$state/udp.log"
	node_exec client "$hopspan" host up dev eth0 node-id 1 first 2
	PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 node_exec client python3 - $server <<-'END' || fail "two of one request"
		import sys
		from datagrams import NONE, new_id, set_context, udp
		sock = udp(7202)
		sock.connect((sys.argv[1], 7102))
		sock.settimeout(10)
		sock.send(NONE + b"connect")
		sock.recv(100)
		for _ in range(10):
		    trace_id = new_id()
		    set_context(sock, trace_id)
		    sock.send(trace_id + b"two ")
		    sock.send(trace_id + b"of one request")
		    assert sock.recv(100)[16:] + sock.recv(100)[16:] == b"firstsecond"
	END
	stop udp
	node_exec client "$hopspan" host up dev eth0 node-id 1 first 1
	same "requests of two stamped datagrams learnt, via $via" 10 $(($(learnt) - learnt_before))
	same "of them ambiguous, via $via" 0 $(($(sink replies_ambiguous) - ambiguous_before))
	same "stamped datagrams of them, via $via" 20 $(($(sink recorded) - recorded_before))
}

pair_up
cookie_find
# A datagram that waits for its neighbour's address goes bare.
mac=$(node_exec server cat /sys/class/net/eth0/address)
node_exec client ip -6 neigh replace $server dev eth0 nud permanent lladdr "$mac"
node_start server serve "$top/build/tests/e2e/api" serve $tcp_port
wait_for "the server" grep -q listens "$state/serve.log"
for via in tc xdp; do
	node_exec server "$hopspan" host up dev eth0 node-id 5 via $via
	datagrams told
	python_told
	replies 51 "via $via" 4
	twice
	for port in $udp_port $tcp_port; do switch update "$port"; done
	datagrams told
	replies 0 "via $via, switched off" 0
	for port in $udp_port $tcp_port; do switch delete "$port"; done
	replies 51 "via $via, switched on again" 4
done
! grep -q not- "$state/serve.log" || fail "what the TCP server was told: $(cat "$state/serve.log")"
took=$(sink xdp_took)
[ "$took" -gt 200 ] || fail "XDP took $took packets"
