#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The ways in which a program can write to a TCP socket, one case each (the table in writes.py): stamped packets carry
# bytes of the context they name, just as many leave as must, the counters say the same, and the stream is whole. Once
# as hosts come, once with shadows alone. tshark reads the capture. WRITES="kernel TLS" picks cases by their names.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need tshark
need nft
here=$top/tests/e2e

# Ports of writes.py: a SYN of two lost on 7001; the first data lost on 7004, and three times on 7005.
losses() {
	node_exec server nft -f - <<-'END'
	table ip6 lossy {
		set met { type inet_service; flags dynamic; size 1024; }
		chain in {
			type filter hook prerouting priority 0;
			tcp dport 7001 tcp flags & (syn | ack) == syn numgen inc mod 2 < 1 drop
			tcp dport 7004 ip6 length > 40 tcp sport != @met add @met { tcp sport } drop
			tcp dport 7005 ip6 length > 40 numgen inc mod 1000000 < 3 drop
		}
	}
	END
}

# ports: the client's segments, with their ports.
ports() {
	tshark -r "$1" -o tcp.relative_sequence_numbers:false -o tcp.analyze_sequence_numbers:false \
		-o tcp.desegment_tcp_streams:false -Y 'tcp.dstport >= 7000 && tcp.dstport < 7006' -T fields -e tcp.srcport \
		-e tcp.dstport -e ipv6.opt.ioam.trace.node.oss.data -e tcp.seq -e tcp.len -e ipv6.opt.ioam.trace.flag.a -e tcp.flags.syn
}

# table WAY
table() {
	node_exec client "$hopspan" host up dev eth0 node-id 1 budget 0 way "$1"
	losses
	capture_start client "$1" ip6
	node_exec client python3 "$here/writes.py" client $server "$hopspan" "$1" "$tmp/$1.plan"
	capture_stop "$1"
	node_exec server nft delete table ip6 lossy
	ports "$tmp/$1.pcap" >"$tmp/$1.segments"
	python3 "$here/writes_judge.py" "$tmp/$1.plan" "$tmp/$1.segments" || fail "way $1"
}

kernel_log_mark
pair_up
node_exec client sysctl -qw net.ipv4.tcp_fastopen=5
node_exec server sysctl -qw net.ipv4.tcp_fastopen=0x202
node_start server server python3 "$here/writes.py" server
wait_for "the server" grep -q listens "$state/server.log"
table auto
table shadow
kernel_is_silent "after every way to write"
