#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Every hop span of a path against captures on all of its links, as queues fill and drain: each link and each stay, packet
# by packet. PACKETS (2500) makes four times as many hop spans behind routers of the kernel, and three behind DPDK's.
#
#   client eth0 --- eth0 r1 eth1, tbf --- eth0 r2 eth1 --- port0 r3 port1 --- eth0 server
#          0            1 (tc)  2             3 (xdp) 4        5 (dpdk)            6
#
# What a capture's time is: stay.sh, times.sh. Of DPDK's own sending there is none.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

here=$top/tests/e2e
packets=${PACKETS:-2500}
places=(client:eth0 r1:eth0 r1:eth1 r2:eth0 r2:eth1 r3:port0 server:eth0)

decoded() { "$hopspan" decode "$tmp/$1.pcap" nodes "$state/nodes.yaml"; }
all_captured() { [ "$(decoded "$1" | wc -l)" -ge "$packets" ]; }

line_up tc xdp dpdk tbf r1 eth1 40mbit
collect_start
node_start server swallow python3 "$here/stay.py" serve 7000
wait_for "the server" grep -q listens "$state/swallow.log"
# Neighbours are found, and the collector has seen packets that met an empty queue.
node_exec client python3 "$here/stay.py" send $server 7000 50
for i in "${!places[@]}"; do
	PROMPT='' DEV=${places[i]#*:} capture_start "${places[i]%:*}" "$i" 'ip6[6] = 0'
done
node_start client fill python3 "$here/stay.py" fill $server 7000
node_exec client python3 "$here/stay.py" send $server 7000 "$packets"
stop fill
for i in "${!places[@]}"; do
	wait_for "all packets at ${places[i]}" all_captured "$i"
	capture_stop "$i"
	decoded "$i" >"$tmp/$i.json"
done
stop collect
"$python" "$here/truth.py" "$HOPSPAN_STORE" "$tmp" "$packets" || fail "hop spans"
