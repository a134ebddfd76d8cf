#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Packets whose header holds options of others beside ours: behind the sink, tc's and XDP's, ours is gone, the others
# are all there in their order, and the kernel takes what is left: each datagram reaches its socket. tshark counts options.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need nft
need jq
need tshark
here=$top/tests/e2e
port=7300
count=300

show() { node_exec server "$hopspan" -j host show | jq -r ".[0].sink.$1 // 0"; }

# options CAPTURE: a line per datagram: types and lengths of its options without padding, in their order.
options() {
	tshark -r "$1" -Y "udp.dstport == $port && !icmpv6" -T fields -e udp.payload -e ipv6.opt.type -e ipv6.opt.length \
		-e ipv6.opt.ioam.trace.ns 2>/dev/null | python3 -c '
import sys
for line in sys.stdin:
    payload, types, lengths, namespaces = (line.rstrip("\n") + "\t\t\t").split("\t")[:4]
    namespaces = iter(namespaces.split(","))
    lengths = iter(lengths.split(","))
    kept = []
    for kind in filter(None, types.split(",")):
        kind = int(kind, 0)
        if kind == 0:
            continue
        length = int(next(lengths))
        namespace = int(next(namespaces), 0) if kind == 0x31 else 0
        if kind > 1 and namespace != 0x6873 and (kind, length) != (0x1e, 32):
            kept.append(f"{kind:x}:{length}")
    print(payload, *kept)'
}

# ours CAPTURE: packets in which tshark sees an option of ours.
ours() { tshark -r "$1" -Y 'ipv6.opt.ioam.trace.ns == 0x6873 || ipv6.opt.type == 0x1e' 2>/dev/null | wc -l; }

run() {
	node_exec server "$hopspan" host up dev eth0 node-id 5 via "$1"
	rm -f "$state/udp.log"
	node_start server udp python3 "$here/others.py" server $port $count
	wait_for "the server" grep -q listens "$state/udp.log"
	capture_start client before -Q out ip6
	behind_start server behind
	node_exec client python3 "$here/others.py" client eth0 "$mac" fd68:73:3::1 $server $port $count
	wait_for "all datagrams, via $1" grep -qx "told of the last" "$state/udp.log" || fail "via $1: $(cat "$state/udp.log")"
	capture_stop before
	behind_stop server behind
	stop udp
	same "datagrams with an option of ours before the sink, via $1" $count "$(ours "$tmp/before.pcap")"
	same "datagrams with an option of ours behind it, via $1" 0 "$(ours "$tmp/behind.pcap")"
	options "$tmp/before.pcap" >"$tmp/before"
	options "$tmp/behind.pcap" >"$tmp/behind"
	same "datagrams, via $1" $count "$(wc -l <"$tmp/before")"
	diff "$tmp/before" "$tmp/behind" || fail "options of others, via $1"
}

kernel_log_mark
pair_up
mac=$(node_exec server cat /sys/class/net/eth0/address)
run tc
same "datagrams with other options, via tc" $count "$(show foreign_option)"
same "datagrams that XDP took, via tc" 0 "$(show xdp_took)"
run xdp
same "datagrams with other options, via xdp" $((2 * count)) "$(show foreign_option)"
same "datagrams that XDP took, via xdp" $count "$(show xdp_took)"
kernel_is_silent "after options of others"
