#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A router's stay, its delay and the wait in its queue that the collector derives from the next arrival, against captures
# on both sides of it: 10,000 packets, a queue that fills and drains. Beside it stands what r1 itself measured of the
# waits.
#
#   client eth0 ------ eth0 r1 eth1, tbf ------ eth0 server
#                      before  after
#
# All times are of one clock, so each difference of two is one packet's own. What the captures' times are:
#   before  the packet's arrival is marked when it is put into the backlog of the processor that takes it from the veth.
#           r1's own stamp, at tc ingress, comes when that processor gets to it: within us as long as the sender's system
#           call goes through with it, later when it is interrupted or the work is left to ksoftirqd. That is no stay: of
#           what a device holds for the processor no router knows anything. The few packets that waited so are counted,
#           and compared from r1's stamp on.
#   after   the tap lies behind the queue, right before the device is given the packet.
# The collector knows neither; it has r1's arrival and departure and the arrival at the server.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need jq

here=$top/tests/e2e
packets=10000

decoded() { "$hopspan" decode "$tmp/$1.pcap" nodes "$state/nodes.yaml"; }
all_captured() { [ "$(decoded "$1" | wc -l)" -ge $packets ]; }

hop_up tc
tc -n "$(netns r1)" qdisc replace dev eth1 root tbf rate 40mbit burst 3000 limit 1000000
collect_start
node_start server swallow python3 "$here/stay.py" serve 7000
wait_for "the server" grep -q listens "$state/swallow.log"
# Neighbours are found, and the collector has seen packets that met an empty queue.
node_exec client python3 "$here/stay.py" send $server 7000 20
node_exec r1 "$hopspan" router up dev eth0 dev eth1 via tc node-id 2 wait measured
PROMPT='' DEV=eth0 capture_start r1 before 'ip6[6] = 0'
PROMPT='' DEV=eth1 capture_start r1 after 'ip6[6] = 0'
node_start client fill python3 "$here/stay.py" fill $server 7000
node_exec client python3 "$here/stay.py" send $server 7000 $packets
stop fill
for side in before after; do
	wait_for "all packets $side" all_captured $side
	capture_stop $side
	decoded $side >"$tmp/$side.json"
done
stop collect
node_exec r1 "$hopspan" -j router show dev eth1 | jq '.[0].queues[0]' >"$tmp/queue.json"
"$python" "$here/stay.py" judge "$HOPSPAN_STORE" "$tmp/before.json" "$tmp/after.json" "$tmp/queue.json" $packets ||
	fail "stays"
