#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The sink as a native XDP program, on a veth: at MTU 1500 and 9000 (more than one page, so in fragments), with and
# without segmentation offload at the sender, netfilter behind it gets every packet that was sent, octet for octet but
# without a hop-by-hop header, and no measurement copy; tshark finds every checksum right. Sockets are told what came
# and answers carry contexts back, which only tc can do: through XDP's metadata. A program of somebody else's stays.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need nft
need jq
need tshark
need ethtool
need bpftool

octets=2000000
bytes_port=7414
api_port=7415
trace=7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c

up() { node_exec server "$hopspan" host up dev eth0 node-id 5 "$@"; }
show() { node_exec "$1" "$hopspan" -j host show | jq -r ".[0].$2 // 0"; }
xdp() { ip -n "$(netns server)" -d -j link show dev eth0 | jq -r '.[0].xdp.prog.name // "none"'; }

# The sums of packets are finished before they leave, and none merge behind XDP: packets can be compared. A window of
# 64 kB keeps veth's ring from overflowing.
wire_prepare() {
	local node
	for node in client server; do
		node_exec $node ethtool -K eth0 tx off gro off >/dev/null
		node_exec $node sysctl -qw net.ipv4.tcp_rmem="4096 65536 65536"
	done
}

# wire_set MTU GSO
wire_set() {
	local node
	for node in client server; do
		ip -n "$(netns $node)" link set eth0 mtu "$1"
	done
	node_exec client ethtool -K eth0 gso "$2" >/dev/null
}

traffic() {
	rm -f "$state/receive.log"
	node_start server receive python3 "$top/tests/e2e/bytes.py" receive $bytes_port
	wait_for "the receiver" grep -q listens "$state/receive.log"
	node_exec client python3 "$top/tests/e2e/bytes.py" send $server $bytes_port $octets >"$tmp/sent" 2>"$tmp/rate" ||
		fail "sending: $(cat "$tmp/rate")"
	wait_for "the receiver to end" grep -q " $octets$" "$state/receive.log" || fail "not all arrived"
	same "SHA-256 and octets" "$(cat "$tmp/sent")" "$(tail -n 1 "$state/receive.log")"
	stop receive
	node_exec client "$top/build/tests/e2e/api" request $server $api_port >"$tmp/request" || fail "$(cat "$tmp/request")"
}

compare() { python3 "$top/tests/e2e/sink.py" "$tmp/before.pcap" "$tmp/behind.pcap"; }
compare_is_whole() { compare >"$tmp/result" 2>&1; }

# behind_count FILTER: packets behind the sink, as tshark sees them.
behind_count() { tshark -r "$tmp/behind.pcap" -o tcp.check_checksum:TRUE -Y "$1" 2>/dev/null | wc -l; }

# What XDP has taken is all that was stamped; nothing was left to tc.
judge() {
	local what="MTU $1, gso $2" took
	wait_for "both captures" compare_is_whole || fail "$what: $(cat "$tmp/result")"
	capture_stop before
	behind_stop server behind
	took=$(sed -n 's/.* \([0-9]*\) stamped.*/\1/p' "$tmp/result")
	same "stamped packets that XDP took, $what" "$took" $(($(show server sink.xdp_took) - took_before))
	same "packets left to tc, $what" 0 "$(show server sink.xdp_refused)"
	same "packets with a right checksum, $what" "$(behind_count tcp)" "$(behind_count "tcp.checksum.status == 1")"
	same "packets with options, $what" 0 "$(behind_count ipv6.hopopts)"
	kernel_is_silent "$what"
	echo "$what: $(cat "$tmp/result")"
}

run() {
	took_before=$(show server sink.xdp_took)
	wire_set "$1" "$2"
	capture_start client before -s 10000 -Q out ip6 # less than the default makes room for more of them
	behind_start server behind
	traffic
	judge "$1" "$2"
}

received_expected() {
	local span
	echo "received ENODATA ENODATA ENODATA"
	for span in 01 02 03 04; do
		echo "received ENODATA 1/1/$trace/b1b1b1b1b1b1b1$span 1/1/$trace/b1b1b1b1b1b1b1$span"
	done
}

replies_arrived() { [ "$(show client sink.recorded)" -ge $((replies_before + 4)) ]; }

# A program that passes all, put there as anybody would; `ip -n` hides /sys.
somebody_attach() {
	mkdir "$tmp/bpf"
	mount -t bpf bpf "$tmp/bpf"
	bpftool prog loadall "$top/build/tests/e2e/somebody.bpf.o" "$tmp/bpf/pins" >"$tmp/somebody" 2>&1 || true
	ip -n "$(netns server)" link set dev eth0 xdpdrv pinned "$tmp/bpf/pins/somebody" 2>>"$tmp/somebody" || true
	umount "$tmp/bpf"
	same "somebody else's XDP program: $(cat "$tmp/somebody")" somebody "$(xdp)"
}

# Somebody else's program keeps its place: what is asked for in words fails and says why, auto goes by tc.
others() {
	up via tc
	same "XDP program, via tc" none "$(xdp)"
	same "show, via tc" "tc true" "$(show server via) $(show server sink_attached)"
	somebody_attach
	! up via xdp 2>"$tmp/others" || fail "up over somebody else's XDP program"
	grep -qx "hopspan host up: eth0: another XDP program is there, somebody: try via tc" "$tmp/others" || fail "$(cat "$tmp/others")"
	same "somebody else's XDP program" somebody "$(xdp)"
	up || fail "up by itself, with somebody else's XDP program"
	same "show, by itself" "tc true" "$(show server via) $(show server sink_attached)"
	node_exec server "$hopspan" host down
	same "somebody else's XDP program after down" somebody "$(xdp)"
	ip -n "$(netns server)" link set dev eth0 xdpdrv off
}

kernel_log_mark
pair_up
same "choice by itself on a veth" "tc none" "$(show server via) $(xdp)"
wire_prepare
up via xdp
same "XDP program" xdp_sink "$(xdp)"
same "show" "xdp true" "$(show server via) $(show server sink_attached)"
"$hopspan" status >"$tmp/status" # a pipe that grep closes early would fail the line
grep -q "eth0 *host via xdp, [a-z]*, node 5" "$tmp/status" || fail "status: $(cat "$tmp/status")"
node_start server serve "$top/build/tests/e2e/api" serve $api_port
wait_for "the server" grep -q listens "$state/serve.log"
for mtu in 1500 9000; do
	for gso in on off; do
		replies_before=$(show client sink.recorded)
		run $mtu $gso
		wait_for "answers with contexts" replies_arrived || fail "$(show client sink.recorded) answers with contexts"
	done
done
received_expected >"$tmp/expected"
diff <(for _ in 1 2 3 4; do cat "$tmp/expected"; done) <(grep '^received' "$state/serve.log") ||
	fail "what the server was told"
up via xdp
same "XDP program after a second up" xdp_sink "$(xdp)"
others
up via xdp
node_exec server "$hopspan" host down
same "XDP program after down" none "$(xdp)"
