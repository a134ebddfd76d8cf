#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Two hosts joined by the forwarder, on huge pages: echo, TCP, raw frames of every kind, a stamped packet of a stock
# host. It drops nothing, ends cleanly and gives its pages back.
#
#	a eth0 --- left  forwarder  right --- eth0 b
. "$(dirname "$0")/lib.sh"
need ip ethtool python3 tcpdump tshark sha256sum flock
pages=/proc/sys/vm/nr_hugepages
free_pages() { awk '/^HugePages_Free/ { print $2 }' /proc/meminfo; }
used_pages() { awk '/^HugePages_Total/ { n = $2 } /^HugePages_Free/ { print n - $2 }' /proc/meminfo; }
pages_add() { # N; several tests may do this at once
	flock /run/lock/hopspan-hugepages sh -c "echo \$((\$(cat $pages) + $1)) >$pages"
}

hosts_make

undo+=("pages_add -32")
pages_add 32
before=$(used_pages) free=$(free_pages)
[ "$free" -ge 32 ] || skip "no huge pages to be had"
forwarder_start node-id 0x1267 left right
grep -q 'huge pages' "$dir/forwarder.err" && fail "runs without huge pages though $free were free"
grep -q '^KernelPageSize: *2048 kB' /proc/$pid/smaps || fail "no huge page mapped"

ip netns exec $a python3 "$here/peer.py" echo fd00::2 20 >"$dir/echo.err" 2>&1 || fail "no echo"

head -c 20000000 /dev/urandom >"$dir/sent"
ip netns exec $b timeout 60 python3 "$here/peer.py" serve "$dir/received" &
server=$!
wait_for "the listener" sh -c "ip netns exec $b ss -ltn | grep -q :7411"
ip netns exec $a timeout 60 python3 "$here/peer.py" send fd00::2 "$dir/sent" || fail "TCP did not end"
wait $server || fail "TCP: the receiver failed"
equal "sha256" "$(sha256sum <"$dir/sent")" "$(sha256sum <"$dir/received")"

# Tagged, link-local, broadcast and full-size frames.
ip netns exec $b timeout 30 python3 "$here/peer.py" capture eth0 7 >"$dir/frames.seen" 2>"$dir/capture.err" &
capture=$!
wait_for "the capture" grep -q ready "$dir/capture.err"
ip netns exec $a python3 "$here/peer.py" frames eth0 >"$dir/frames.sent"
wait $capture || fail "frames were lost"
cmp "$dir/frames.sent" "$dir/frames.seen" || fail "a frame was changed"

ip netns exec $b timeout 30 tcpdump -U -i eth0 -w "$dir/b.pcap" -c 3 'ip6[6] == 0 and dst host fd00::2' \
	2>"$dir/tcpdump.err" &
capture=$!
wait_for "tcpdump" grep -q listening "$dir/tcpdump.err"
ip netns exec $a python3 "$here/peer.py" stamp fd00::2 3
wait $capture || fail "no stamped packets"
index() { printf '0x%04x' "$(middle_index "$1")"; }
equal "node id, interfaces" "$(for _ in 1 2 3; do echo "0x001267 $(index left) $(index right)"; done)" \
	"$(tshark -r "$dir/b.pcap" -T fields -E separator=/s -e ipv6.opt.ioam.trace.node.id \
		-e ipv6.opt.ioam.trace.node.iif -e ipv6.opt.ioam.trace.node.eif 2>/dev/null)"

ends_well $pid
equal "written" "3 3" "$(counter "$dir/forwarder.err" appended) $(counter "$dir/forwarder.err" completed)"
for name in drop_queue_full drop_port_down drop_too_long; do
	equal $name 0 "$(counter "$dir/forwarder.err" $name)"
done
wait_for "all huge pages to come back" eval "[ \$(used_pages) -le $before ]"
