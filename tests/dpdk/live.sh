#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Two hosts joined by the forwarder, on huge pages: echo, TCP, raw frames of every kind, a stamped packet of a stock
# host. It drops nothing, says when a sender left checksums to hardware that is not there, ends cleanly and gives its
# pages back.
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

hosts_talk
stamps_cross
index() { printf '0x%04x' "$(middle_index "$1")"; }
equal "node id, interfaces" "$(for _ in 1 2 3; do echo "0x001267 $(index left) $(index right)"; done)" \
	"$(stamps_read)"

grep -q unfinished "$dir/forwarder.err" && fail "checksums were finished"
ip netns exec $a ethtool -K eth0 tx on >/dev/null
ip netns exec $a bash -c 'echo >/dev/udp/fd00::2/9'
wait_for "a word about the checksum" grep -q 'left: checksums .* are unfinished' "$dir/forwarder.err"

ends_well $pid
equal "written" "3 3" "$(counter "$dir/forwarder.err" appended) $(counter "$dir/forwarder.err" completed)"
for name in drop_queue_full drop_port_down drop_too_long; do
	equal $name 0 "$(counter "$dir/forwarder.err" $name)"
done
wait_for "all huge pages to come back" eval "[ \$(used_pages) -le $before ]"
