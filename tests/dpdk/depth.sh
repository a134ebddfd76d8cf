#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A port shaped to 100 Mbit/s is a real bottleneck: what packets say of their delay and of the queue that they met is what
# captures on both sides show; what does not fit is counted; two workers share the rate.
#
#	a eth0 --- left  forwarder  right --- eth0 b
. "$(dirname "$0")/lib.sh"
need ip ethtool python3 tcpdump
[ "$(id -u)" = 0 ] || skip "needs root"
id=hq$$
a=$id-a b=$id-b middle=$id-m
rate=100000000

for name in $a $b $middle; do
	ip netns add $name 2>/dev/null || skip "no network namespaces here"
	undo+=("ip netns del $name")
done
ip -n $a link add eth0 type veth peer name left netns $middle || skip "no veth here"
ip -n $b link add eth0 type veth peer name right netns $middle
for end in left right; do
	ip netns exec $middle sysctl -qw net.ipv6.conf.$end.disable_ipv6=1
	ip -n $middle link set $end up
done
for host in $a:1 $b:2; do
	ip netns exec ${host%:*} ethtool -K eth0 tx off >/dev/null
	ip -n ${host%:*} link set eth0 up
	ip -n ${host%:*} addr add fd00::${host#*:}/64 dev eth0 nodad
done
ip -n $a neigh add fd00::2 dev eth0 lladdr "$(ip netns exec $b cat /sys/class/net/eth0/address)"
# capture NETNS FILE DIRECTION: its pid is $!.
capture() {
	ip netns exec $1 tcpdump -U --time-stamp-precision=nano -s 160 -B 4096 --immediate-mode -Q $3 -i eth0 -w "$dir/$2" \
		'ip6[6] == 0 and dst host fd00::2' 2>"$dir/$2.err" &
	undo+=("kill $! 2>/dev/null")
	wait_for "tcpdump" grep -q listening "$dir/$2.err"
}

# through NAME BURSTS PACKETS WORD...: bursts of packets with these words for the forwarder; captures NAME-*.pcap.
through() {
	local name=$1 bursts=$2 packets=$3 pid before after
	shift 3
	ip netns exec $middle "$forwarder" node-id 0x1267 huge no "$@" 2>"$dir/$name.err" &
	pid=$!
	undo+=("kill $pid 2>/dev/null")
	wait_for "the forwarder" grep -q joined "$dir/$name.err"
	capture $a "$name-before.pcap" out
	before=$!
	capture $b "$name-after.pcap" in
	after=$!
	ip netns exec $a python3 "$here/depth.py" send fd00::2 $b "$bursts" "$packets" || fail "not sent"
	kill -INT $before $after
	wait $before $after
	ends_well $pid
	echo "$name: $*"
}

# judge NAME [shared]
judge() { python3 "$here/depth.py" judge "$dir/$1-before.pcap" "$dir/$1-after.pcap" $rate "${@:2}"; }

through one 40 80 left right rate 100mbit
judge one || fail "one worker"
equal "drops" 0 "$(counter "$dir/one.err" drop_queue_full)"

through full 10 80 left right rate 100mbit queue-bytes 40000
judge full || fail "a full queue"
dropped=$(counter "$dir/full.err" drop_queue_full)
[ "$dropped" -gt 0 ] || fail "nothing was dropped"
equal "packets that left, and dropped ones" 800 \
	$(($(tcpdump -r "$dir/full-after.pcap" 2>/dev/null | wc -l) + dropped))

[ "$(nproc)" -gt 1 ] || exit 0
through two 40 80 cores 0,1 left right rate 100mbit
judge two shared || fail "two workers"
equal "drops" 0 "$(counter "$dir/two.err" drop_queue_full)"
