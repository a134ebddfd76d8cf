#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Hosts on both sides of a border stamp in every way, in place, by clone and by shadow: streams and datagrams come out of
# it as they would be without hopspan: at MTU 1500 and 9000, with segmentation offload and checksums left to the device
# and without, at tc and by XDP. What comes in is counted once each. Rules and programs change under load, and not one
# packet gets past them.
# shellcheck source-path=SCRIPTDIR source=border-lib.sh
. "$(dirname "$0")/border-lib.sh"
need nft
octets=1000000
cpu=$(taskset -cp $$ | sed 's/.*[ ,-]//') # for both ends: a veth changes the order of what comes from two

# wire_set MTU TX GSO: a window of 64 kB keeps veth's ring from overflowing.
wire_set() {
	local node dev
	for node in outside server; do
		[ $node = outside ] && dev=eth0 || dev=eth1
		ip -n "$(netns $node)" link set eth0 mtu "$1"
		ip -n "$(netns border)" link set $dev mtu "$1"
		node_exec $node ethtool -K eth0 tx "$2" >/dev/null 2>&1
		node_exec $node ethtool -K eth0 gso "$3" >/dev/null 2>&1
		node_exec $node sysctl -qw net.ipv4.tcp_rmem="4096 65536 65536"
	done
}

# One router between; a busy machine may lose a packet, or a capture of it.
compare() { python3 "$here/sink.py" "$tmp/sent.pcap" "$tmp/arrived.pcap" 1 10 >"$tmp/compared" 2>&1; }

# The file no longer grows.
captured() {
	local size
	size=$(stat -c %s "$tmp/arrived.pcap") && sleep 0.3 && [ "$size" = "$(stat -c %s "$tmp/arrived.pcap")" ] || return 1
}

# stream FROM TO ADDRESS COMPARED WHAT
stream() {
	local from=$1 to=$2 what=$5
	[ "$4" = no ] || capture_start "$from" sent -s 10000 -Q out ip6
	[ "$4" = no ] || behind_start "$to" arrived
	node_start "$to" receive taskset -c "$cpu" python3 "$here/bytes.py" receive 7414
	wait_for "the receiver" grep -q listens "$state/receive.log"
	node_exec "$from" taskset -c "$cpu" python3 "$here/bytes.py" send "$3" 7414 $octets >"$tmp/sha" 2>"$tmp/rate" || fail "$what: $(cat "$tmp/rate")"
	wait_for "the receiver to end" grep -q " $octets$" "$state/receive.log" || fail "$what: not all arrived"
	same "SHA-256 and octets, $what" "$(cat "$tmp/sha")" "$(tail -n 1 "$state/receive.log")"
	stop receive
	[ "$4" = yes ] || return 0
	wait_for "both captures, $what" captured || true
	compare || fail "$what: $(cat "$tmp/compared")"
	capture_stop sent
	behind_stop "$to" arrived
	echo "$what: $(cat "$tmp/compared")"
}

# streams VIA MTU TX GSO WAY: in and out. The sums of packets are whole on the wire where TX is off.
streams() {
	local what="$5, MTU $2, tx $3, gso $4, via $1" compared=no node
	[ "$3" = on ] || compared=yes
	wire_set "$2" "$3" "$4"
	up via "$1"
	for node in outside server; do
		node_exec $node "$hopspan" host up dev eth0 proved ::/0 way "$5" || fail "host up"
	done
	stream outside server $server $compared "in, $what"
	stream server outside $outside $compared "out, $what"
	kernel_is_silent "$what"
}

came_in() { node_exec border cat /sys/class/net/eth0/statistics/rx_packets; }

# Every packet that came in by the device, once. (Neighbours ask now and then, so it is looked at until nothing came.)
adds_up() {
	local came counted
	until came=$(came_in) && counted=$(counts in | jq '([to_entries[].value] | add) - 2 * (.xdp_took // 0)') &&
		[ "$came" = "$(came_in)" ]; do :; done
	same "packets counted" "$came" $((counted - counted_before))
}

up
counted_before=$(($(counts in | jq '[to_entries[].value] | add // 0') - $(came_in)))
streams tc 1500 on on auto
streams tc 1500 off off shadow
streams tc 9000 off on in-place
adds_up
streams xdp 1500 on on auto
streams xdp 9000 off on in-place
for direction in in out; do
	counts $direction | jq -e '.stripped > 0 and .active_ended > 0 and (.blanked // 0) + (.drop_unstripped // 0) == 0' >/dev/null ||
		fail "$direction: $(counts $direction)"
done
same "what the server's sink met" "" "$(met server)"
same "what the sink outside met" "" "$(met outside)"

# Under load: all of these forbid it to the address that sends.
node_start outside forger python3 "$here/border.py" send eth0 "$(mac border eth0)" $outside $server 7500 10000000 0.001
before=$(counts in | jq '[to_entries[].value] | add')
for _ in 1 2; do
	up in allow in strip $outside
	up in strip out drop via xdp
	up in drop fd68:73:1::/64 in allow
	up in strip-ioam
done
stop forger
met=$(($(counts in | jq '[to_entries[].value] | add') - before))
[ $met -gt 1000 ] || fail "only $met packets came during 8 changes: nothing is shown"
same "what the server's sink met during 8 changes and $met packets" "" "$(met server)"
up in allow
forge outside 15
[ -n "$(met server)" ] || fail "the sink takes nothing that is allowed"
kernel_is_silent "after 8 changes under load"
echo "8 changes under load, $met packets met, none got by"
