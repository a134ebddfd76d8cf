#!/usr/bin/env bash
# Clones are sent only where they keep their place among their socket's packets: not where a queue may sort by socket,
# nor where there are several transmit queues, of which the socket's packets keep to one.
. "$(dirname "$0")/lib.sh"

client_qdisc() { tc -n "$(netns client)" qdisc "$@"; }
stamped() { node_exec client "$hopspan" -j host show | jq ".[0].stamp.$1 // 0"; }

runs=0
# clones_expected WHAT COUNT: ten requests by clone, of which COUNT may go so.
clones_expected() {
	local before=$(($(stamped stamped_clone)))
	rm -f "$tmp/sha"
	reader=reader-$((++runs))
	node_start server $reader python3 "$top/tests/e2e/shadow.py" server 7000 "$tmp/sha"
	wait_for "the server" grep -q listens "$state/$reader.log"
	node_exec client python3 "$top/tests/e2e/shadow.py" client $server 7000 "$tmp/plan" 10 20 30 40 50 60 70 80 90 100 \
		>"$tmp/sent.sha"
	wait_for "the server to have it all" test -s "$tmp/sha"
	stop $reader
	same "SHA-256 of the stream, $1" "$(cat "$tmp/sent.sha")" "$(cat "$tmp/sha")"
	same "clones, $1" "$2" $(($(stamped stamped_clone) - before))
}

topology_check
topology_begin
node_add client server
ip link add eth0 netns "$(netns client)" numtxqueues 2 numrxqueues 2 type veth peer name eth0 netns "$(netns server)"
for node in client server; do ip -n "$(netns $node)" link set eth0 up; done
address_add client eth0 fd68:73:3::1/64
address_add server eth0 $server/64
node_exec client "$hopspan" host up dev eth0 proved ::/0 node-id 1 way clone
node_exec server "$hopspan" host up dev eth0 proved ::/0 node-id 5

clones_expected "two transmit queues" 0
node_exec client ethtool -L eth0 tx 1 >/dev/null 2>&1 || skip "the number of transmit queues cannot be set"
clones_expected "noqueue" 10
client_qdisc replace dev eth0 root pfifo
clones_expected "pfifo" 10
client_qdisc replace dev eth0 root handle 1: htb default 1
tc -n "$(netns client)" class add dev eth0 parent 1: classid 1:1 htb rate 1gbit
clones_expected "htb, which may hold fq" 0
client_qdisc del dev eth0 root
if client_qdisc add dev eth0 root fq 2>/dev/null; then clones_expected "fq" 0; fi
if client_qdisc replace dev eth0 root fq_codel 2>/dev/null; then clones_expected "fq_codel" 10; fi
