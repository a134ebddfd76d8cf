#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Which packets of a request are stamped: the first N and one in M after them, exactly; and offloaded packets in place
# where the policy asks, cut so that no segment passes the MTU. tshark reads the captures, the streams are compared.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need tshark
need ethtool
here=$top/tests/e2e
segment=1428 # octets of data in a full one

# stream SIZE...: requests of these sizes on one connection, which must arrive whole.
stream() {
	rm -f "$tmp/sha"
	node_start server reader python3 "$here/shadow.py" server 7000 "$tmp/sha"
	wait_for "the server" grep -q listens "$state/reader.log"
	node_exec client python3 "$here/shadow.py" client $server 7000 "$tmp/plan" "$@" >"$tmp/sent"
	wait_for "the server to have it all" test -s "$tmp/sha"
	same "SHA-256 of the stream" "$(cat "$tmp/sent")" "$(cat "$tmp/sha")"
}

# stamped NAME: span and place in its request of each stamped segment, "1:0 1:1428 2:0".
stamped() {
	segments "$tmp/$1.pcap" >"$tmp/segments" 2>/dev/null
	PYTHONDONTWRITEBYTECODE=1 python3 "$here/picks.py" "$tmp/plan" "$tmp/segments"
}

# wanted FIRST EVERY SEGMENTS REQUESTS: the same, as the policy says.
wanted() {
	local first=$1 every=$2 segments=$3 requests=$4 r s
	for ((r = 1; r <= requests; r++)); do
		for ((s = 0; s < segments; s++)); do
			if ((s < first || (every && (s - first + 1) % every == 0))); then echo "$r:$((s * segment))"; fi
		done
	done | paste -sd ' '
}

# picks FIRST EVERY
picks() {
	local name=picks-$1-$2 size=$((12 * segment))
	node_exec client "$hopspan" host up dev eth0 node-id 1 proved ::/0 first "$1" every "$2" way shadow
	capture_start client "$name" ip6
	stream $size $size $size
	capture_stop "$name"
	same "stamped segments, first $1 every $2" "$(wanted "$1" "$2" 12 3)" "$(stamped "$name")"
}

kernel_log_mark
pair_up
# Each segment is a packet of its own, so that what is picked can be counted.
node_exec client ip link set eth0 gso_max_segs 1
picks 1 0
picks 3 0
picks 1 4
picks 2 5
picks 100 0

node_exec client ip link set eth0 gso_max_segs 64
node_exec client "$hopspan" host up dev eth0 node-id 1 proved ::/0 first 1000 way in-place
capture_start client offloaded ip6
capture_start server arrived ip6
stream 300000 300000 300000
capture_stop offloaded
capture_stop arrived
read -r many longest <<<"$(tshark -r "$tmp/offloaded.pcap" -Y 'ipv6.nxt == 0 && frame.len > 3000' -T fields -e frame.len \
	2>/dev/null | sort -n | awk '{ n++; last = $1 } END { print n + 0, last + 0 }')"
echo "$many offloaded packets stamped in place, the longest of $longest octets"
[ "$many" -gt 0 ] || fail "no offloaded packet was stamped in place"
stamped offloaded >/dev/null || fail "an offloaded packet names another's bytes"
# Segmented and summed by the kernel on the way out: a device that can do neither sees what a real one sends.
node_exec client ethtool -K eth0 tx off tso off >/dev/null
capture_start client cut ip6
stream 300000 300000 300000
capture_stop cut
same "packets above the MTU" 0 "$(tshark -r "$tmp/cut.pcap" -Y 'frame.len > 1514' 2>/dev/null | wc -l)"
same "wrong checksums" 0 "$(tshark -r "$tmp/cut.pcap" -o tcp.check_checksum:true -Y 'tcp.dstport == 7000 && tcp.checksum.status == "Bad"' 2>/dev/null | wc -l)"
[ "$(tshark -r "$tmp/cut.pcap" -Y 'ipv6.nxt == 0' 2>/dev/null | wc -l)" -gt 100 ] || fail "segments without the header"
kernel_is_silent "after offloaded packets in place"
