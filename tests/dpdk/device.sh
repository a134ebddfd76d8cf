#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A port's device goes down and up, is removed and comes back as another: the forwarder goes on, counts what it could not
# send, and knows the new device by its own index. The same with one worker and with several queues.
. "$(dirname "$0")/lib.sh"
need ip ethtool python3 tcpdump tshark dpdk-telemetry.py
cores=$(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0))[:2], sep=",")')

echoes() { ip netns exec $a timeout 20 python3 "$here/peer.py" echo fd00::2 5 >"$dir/echo.err" 2>&1; }
knock() { ip netns exec $a python3 "$here/peer.py" frames eth0 >/dev/null; } # seven frames
has_dropped() { [ "$(telemetry $pid drop_port_down)" -ge "$1" ]; }

hosts_make
for words in "cores ${cores%,*}" "cores $cores queues 2"; do
	forwarder_start node-id 0x1267 $words left right
	echoes || fail "no echo at first ($words)"

	ip -n $middle link set right down
	wait_for "the port to be down" is_in_state $pid 1 down
	knock
	wait_for "drops to be counted" has_dropped 7
	ip -n $middle link set right up
	wait_for "the port to be up" is_in_state $pid 1 up
	wait_for "an echo after the flap" echoes

	dropped=$(telemetry $pid drop_port_down)
	ip -n $b link del eth0
	wait_for "the port to be gone" is_in_state $pid 1 gone
	knock
	wait_for "drops to be counted" has_dropped $((dropped + 7))
	host_join $b 2 right
	wait_for "the port to be up again" is_in_state $pid 1 up
	ip -n $a neigh flush dev eth0
	wait_for "an echo by the new device" echoes
	equal "its index" "$(middle_index right)" "$(telemetry_port $pid 1 interface)"

	stamps_cross 1
	equal "its index in a trace" "$(printf '0x%04x' "$(middle_index right)")" \
		"$(tshark -r "$dir/b.pcap" -T fields -e ipv6.opt.ioam.trace.node.eif 2>/dev/null)"
	ends_well $pid
	grep -q 'right is gone' "$dir/forwarder.err" || fail "it did not say that the device was gone"
done
