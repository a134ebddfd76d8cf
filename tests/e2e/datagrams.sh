#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# UDP: each datagram carries the context at the time of its send, or none; the server is told; answers carry it back.
# The cases are in datagrams.py; tshark reads the captures.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need tshark
need nft
here=$top/tests/e2e

# counter NODE PROGRAM NAME
counter() { node_exec "$1" "$hopspan" -j host show | jq ".[0].$2.$3 // 0"; }

# case NAME [FILTER]: runs it and judges what the client sent, or what FILTER says.
case_run() {
	capture_start client "$1" ip6
	node_exec client python3 "$here/datagrams.py" client $server "$1" || fail "case $1"
	capture_stop "$1"
	tshark -r "$tmp/$1.pcap" -Y "${2:-udp.dstport >= 7100 && udp.dstport < 7200} && !icmpv6" -T fields -e udp.payload \
		-e ipv6.opt.ioam.trace.node.oss.data >"$tmp/$1.datagrams" 2>"$state/tshark.log"
	echo "$1:"
	python3 "$here/datagrams.py" judge "$tmp/$1.datagrams" || fail "case $1"
	same "datagrams above the MTU, case $1" 0 "$(tshark -r "$tmp/$1.pcap" -Y 'frame.len > 1514 && ipv6.nxt == 0' | wc -l)"
}

kernel_log_mark
pair_up
node_start server server python3 "$here/datagrams.py" server
wait_for "the server" grep -q listens "$state/server.log"
node_exec client ip -6 neigh replace $server dev eth0 nud reachable lladdr "$(node_exec server cat /sys/class/net/eth0/address)"
case_run each
case_run told
late=$(counter client stamp bare_late)
node_exec server nft -f - <<'END'
table ip6 deaf {
	chain in {
		type filter hook input priority 0;
		ip6 daddr ff02::1:ff00:2 icmpv6 type nd-neighbor-solicit numgen inc mod 1000000 < 1 drop
	}
}
END
case_run waits
same "datagrams that waited" 2 $(($(counter client stamp bare_late) - late))
case_run child
same "datagrams of another process" 3 $(($(counter client stamp bare_late) - late))
case_run sizes
same "segmented datagrams" 1 "$(counter client stamp bare_gso)"
[ "$(counter client stamp bare_mtu)" -gt 0 ] || fail "no datagram was too long"

node_exec client ip -6 route replace fd68:73:3::/64 dev eth0 metric 256 mtu 1400
case_run route
same "octets of the longest stamped packet" 1400 "$(tshark -r "$tmp/route.pcap" -Y 'ipv6.nxt == 0' -T fields -e ipv6.plen |
	sort -n | tail -n 1 | awk '{ print $1 + 40 }')"

case_run replies 'udp.port == 7102'
same "replies with a context" 50 "$(counter server stamp stamped_clone)"
same "requests that were open at once" 1 "$(counter server sink replies_ambiguous)"
same "datagrams recorded as replies" 50 "$("$hopspan" decode "$tmp/replies.pcap" | jq -s 'map(select(.direction == "reply")) | length')"
kernel_is_silent "after datagrams of all kinds"
