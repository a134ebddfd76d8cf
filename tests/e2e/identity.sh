#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Random TCP and UDP traffic with contexts comes out behind the sink as the sender's stack made it: at MTU 1500 and
# 9000, with segmentation left to the device, done by the sender's kernel, and none, under both carriers and each way to
# stamp. What the stack made is seen on a second device, to which netfilter duplicates each packet before tc egress and
# which cuts and sums for itself; what came out is what the receiver's netfilter gets. tshark reads both.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need nft
need tshark
need ethtool
need jq

seed=${SEED:-$RANDOM}
cpu=$(taskset -cp $$ | sed 's/.*[ ,-]//') # for both ends: a veth changes the order of what comes from two
# A wire each, and what can be compared there.
ports=("7421=streams/unfinished" "7422=streams" "7423=packets" "7424=streams/unfinished" "7425=streams" "7426=packets")

# A device whose peer, a host without routes, ends all that comes.
mirror_add() {
	node_add mirror
	link_add client mirror0 mirror eth0
	ip -n "$(netns client)" link set mirror0 arp off
	address_add client mirror0 fd68:73:9::1/64
	node_exec client ethtool -K mirror0 tx off gso off >/dev/null
	node_exec client nft -f - <<-END || skip "nft cannot duplicate packets here"
	table ip6 mirror {
		chain made {
			type filter hook postrouting priority 0;
			oifname "eth0" meta l4proto { tcp, udp } dup to fd68:73:9::2 device "mirror0"
		}
	}
	END
}

# wire_set MTU TX GSO GRO SEGMENTS: what the device may be given, and how many segments at once.
wire_set() {
	local node
	for node in client server; do
		ip -n "$(netns $node)" link set eth0 mtu "$1"
	done
	ip -n "$(netns client)" link set mirror0 mtu "$1"
	ip -n "$(netns mirror)" link set eth0 mtu "$1"
	node_exec client ethtool -K eth0 tx "$2" gso "$3" >/dev/null
	node_exec client ethtool -K eth0 tso "$([ "$2 $3" = "on on" ] && echo on || echo off)" >/dev/null 2>&1 || true
	node_exec server ethtool -K eth0 gro "$4" >/dev/null
	ip -n "$(netns client)" link set eth0 gso_max_segs "$5"
}

# counters NODE: what they were the last time is kept.
counters() {
	[ ! -e "$tmp/$1.now" ] || mv "$tmp/$1.now" "$tmp/$1.before"
	node_exec "$1" "$hopspan" -j host show >"$tmp/$1.now"
}

# moved NODE PROGRAM COUNTER...: by how much, since the last time.
moved() {
	jq -n --arg program "$2" '[inputs[0][$program] | [.[$ARGS.positional[]] // 0] | add] | .[1] - .[0]' \
		"$tmp/$1.before" "$tmp/$1.now" --args "${@:3}"
}

# ways WAY: the ways to stamp that this word must lead to.
ways() {
	case $1 in
	auto) echo stamped_clone stamped_shadow ;;
	in-place) echo stamped_in_place ;;
	shadow) echo stamped_shadow ;;
	esac
}

# traffic CARRIER WAY PORT=HOW WIRE: something is stamped in each way that was asked for, and arrives so.
traffic() {
	local way stamped ended about="$4, carrier $1, way $2, seed $seed"
	node_exec client taskset -c "$cpu" python3 "$top/tests/e2e/identity.py" send $server "${3%=*}" "$about" \
		"$([[ $3 != */unfinished ]] || echo gso)" || fail "$about"
	counters client
	counters server
	for way in $(ways "$2"); do
		[ "$(moved client stamp "$way")" -gt 0 ] || fail "$way did not move, $about"
	done
	stamped=$(moved client stamp stamped_in_place stamped_clone stamped_shadow)
	ended=$(moved server sink recorded active_ended)
	# A stamped packet that is cut arrives as several.
	[ "$ended" -ge "$stamped" ] || fail "$stamped stamped, $ended at the sink, $about"
}

# wires CARRIER WAY: traffic on each wire, at a port of its own; the last datagram is behind all others in each capture.
wires() {
	local mtu number=0
	for mtu in 1500 9000; do
		wire_set $mtu on on on 65535
		traffic "$1" "$2" "${ports[number++]}" "MTU $mtu, offloaded"
		wire_set $mtu off on off 65535
		traffic "$1" "$2" "${ports[number++]}" "MTU $mtu, cut by the kernel"
		wire_set $mtu off off off 1
		traffic "$1" "$2" "${ports[number++]}" "MTU $mtu, single segments"
	done
	node_exec client bash -c "echo 'the end of $1 $2' >/dev/udp/$server/9"
	wait_for "the last packet made" grep -qa "the end of $1 $2" "$tmp/before.pcap"
	wait_for "the last packet behind the sink" grep -qa "the end of $1 $2" "$tmp/behind.pcap"
}

# compared CARRIER WAY: with room for one hop the header fits in front of a packet, else a clone makes the room.
compared() {
	local hops=4
	[ "$2" != in-place ] || hops=1
	node_exec client "$hopspan" host up dev eth0 proved ::/0 node-id 1 budget 0 carrier "$1" way "$2" hops $hops
	ip -n "$(netns client)" link set mirror0 mtu 9000 # tcpdump cuts what is longer than the MTU that it begins with
	DEV=mirror0 capture_start client before -s 9100 ip6
	behind_start server behind
	counters client
	counters server
	wires "$1" "$2"
	capture_stop before
	behind_stop server behind
	python3 "$top/tests/e2e/identity_judge.py" "$tmp/before.pcap" "$tmp/behind.pcap" "${ports[@]}" >"$tmp/result" 2>&1 ||
		fail "carrier $1, way $2, seed $seed: $(cat "$tmp/result")"
	kernel_is_silent "carrier $1, way $2"
	echo "carrier $1, way $2: $(cat "$tmp/result")"
}

kernel_log_mark
pair_up
mirror_add
node_exec server sysctl -qw net.ipv4.tcp_rmem="4096 65536 65536" # so that no queue overflows
node_start server receive taskset -c "$cpu" python3 "$top/tests/e2e/identity.py" receive "${ports[@]%=*}"
wait_for "the receiver" grep -q listens "$state/receive.log"
echo "seed $seed"
for carrier in snapshot generic; do
	for way in auto in-place shadow; do
		compared $carrier $way
	done
done
