#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# More than two workers can forward: what comes is in order and as it has to be, and each packet that does not come is
# in a counter. PACKETS each way.
. "$(dirname "$0")/lib.sh"
need ip ethtool python3
mixed=$here/../../build/tests/dpdk/mixed
[ -x "$mixed" ] || skip "no build/tests/dpdk/mixed"
cores=$(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0))[:2], sep=",")')
packets=${PACKETS:-100000}

hosts_make 9000
for host in $a $b; do ip netns exec $host sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1; done
forwarder_start node-id 0x1267 cores "$cores" queues 2 left right

# It stands still until more than its rings hold has come.
has_filled() { [ "$(ip netns exec $middle cat /sys/class/net/left/statistics/rx_packets)" -gt 10000 ]; }
kill -STOP $pid
timeout 100 "$mixed" $a $b eth0 "$packets" 0x1267 "$(middle_index left)" "$(middle_index right)" flood \
	>"$dir/judged" &
judge=$!
wait_for "packets" has_filled
kill -CONT $pid
wait $judge || fail "$(cat "$dir/judged")"
read -r _ came _ unread _ <"$dir/judged"
# What veth could not hand over counts at its sender. (Received and "dropped" is also what only a socket has looked at.)
device_drops() { # NETNS DEV
	ip -n "$1" -j -s -s link show "$2" | python3 -c '
import json, sys
print(json.load(sys.stdin)[0]["stats64"]["tx"]["dropped"])'
}
lost_by_devices=$(($(device_drops $a eth0) + $(device_drops $b eth0) + $(device_drops $middle left) +
	$(device_drops $middle right)))
ends_well $pid

count() { counter "$dir/forwarder.err" "$1"; }
missed=$(awk '$1 == "left" || $1 == "right" { n += $6 } END { print n }' "$dir/forwarder.err")
received=$(awk '$1 == "left" || $1 == "right" { n += $2 } END { print n }' "$dir/forwarder.err")
[ "$came" -lt $((2 * packets)) ] || fail "nothing was lost: that was no flood"
equal "received: forwarded or dropped" "$received" $(($(count forwarded) + $(count drop_queue_full)))
equal "sent: came, or counted as lost" $((2 * packets)) \
	$((came + unread + missed + $(count drop_queue_full) + lost_by_devices))
echo "$came of $((2 * packets)) came; missed $missed, queue full $(count drop_queue_full), devices $lost_by_devices," \
	"unread $unread"
