#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A router's devices: a bridge whose frames have VLAN tags or none, packets of more than a page, a device without
# Ethernet, and a neighbour of the same node id, in whose packets this router has room or none. What each wrote is read
# by tshark behind it: arrival, departure and hop limit, of this node alone.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need tshark
need jq

port=7432 type=fa0002 node=ipv6.opt.ioam.trace.node

up() { node_exec "$1" "$hopspan" router up "${@:2}" node-id 2 >/dev/null; }
count() { node_exec "$1" "$hopspan" -j router show | jq -r "[.[0].$2 // {} | .$3 // 0] | add"; }

# read_begin: what comes to the server from here on.
read_begin() {
	rm -f "$tmp/read.pcap"
	capture_start server read ip6 proto 0 or vlan
}

# VLAN tags show as they are; a filter of libpcap would look behind the first only.
traces_there() { [ "$(traces | wc -l)" -ge "$1" ]; }

# traces: hop limits of the packet and of the data, ids, interfaces, whether there is a delay, queue, overflow.
traces() {
	tshark -r "$tmp/read.pcap" -Y "$node.id" -T fields -E aggregator=+ -e eth.type -e ipv6.hlim -e $node.hlim -e $node.id \
		-e $node.iif -e $node.eif -e $node.trdelay -e $node.qdepth -e ipv6.opt.ioam.trace.flag.o 2>/dev/null |
		awk -F '\t' '{
			n = split($7, delays, "[+]"); seen = ""
			for (i = 1; i <= n; i++) seen = seen (i > 1 ? "+" : "") (is_delay(delays[i]) ? "delay" : "none")
			print $1 "|" $2 "|" $3 "|" $4 "|" $5 "|" $6 "|" seen "|" $8 "|" $9
		}
		function is_delay(hex) { return hex !~ /^0x[89a-f]/ }'
}

read_end() {
	wait_for "$1 traces at the server" traces_there "$1" || fail "$2: $(traces)"
	capture_stop read
	traces >"$tmp/traces"
}

# A bridge does not route, so hop limits stay: XDP's metadata says which data are to be completed.
bridge_up() {
	ip -n "$(netns r1)" link add br0 type bridge
	ip -n "$(netns r1)" link set eth0 master br0
	ip -n "$(netns r1)" link set eth1 master br0
	ip -n "$(netns r1)" link set br0 up
	mac=$(node_exec server cat /sys/class/net/eth0/address)
	# Known, so that frames are not flooded: copies lose their metadata where the kernel makes them writable.
	node_exec r1 bridge fdb replace "$mac" dev eth1 master static
}

inject() {
	node_exec client python3 "$top/tests/e2e/traces.py" inject eth0 "$mac" fd68:73:1::1 $server $port $type 20 \
		none 802.1q 802.1ad+802.1q
}

tagged() {
	up r1 dev eth0 dev eth1 via "$1"
	read_begin
	inject
	read_end 3 "frames over a bridge via $1"
	printf '%s\n' "0x86dd|64|$2" "0x8100|64|$2" "0x88a8|64|$2" | sort >"$tmp/wanted"
	diff "$tmp/wanted" <(sort "$tmp/traces") || fail "frames over a bridge via $1"
	node_exec r1 "$hopspan" router down
}

bridge() {
	network_begin
	bridge_up
	tagged xdp "64|0x000002|0x0002|0x0003|delay|0x00000000|0"
	tagged tc "63|0x000002|0x0002|0xffff|none|0xffffffff|0"
	topology_down
}

network_begin() {
	topology_begin
	node_add client r1 server
	link_add client eth0 r1 eth0
	link_add r1 eth1 server eth0
}

routed() {
	address_add client eth0 fd68:73:1::1/64
	address_add r1 eth0 fd68:73:1::2/64
	route_add client default fd68:73:1::2
	forward r1
	address_add r1 eth1 fd68:73:3::1/64
	address_add server eth0 $server/64
	route_add server default fd68:73:3::1
}

big_send() { node_exec client python3 "$top/tests/e2e/traces.py" big $server $port $type 20 "$1" 5; }

# A trace type without ids and time: where XDP wrote, and when, its metadata says.
nameless() {
	local fields
	up r1 dev eth0 dev eth1 via xdp
	read_begin
	node_exec client python3 "$top/tests/e2e/traces.py" big $server $port 480000 20 100 3
	wait_for "traces without ids" nameless_there || fail "traces without ids"
	capture_stop read
	fields=$(tshark -r "$tmp/read.pcap" -Y $node.eif -T fields -e $node.iif -e $node.eif -e $node.trdelay 2>/dev/null |
		sed 's/0x0[0-9a-f]*$/delay/' | sort | uniq -c | tr -s ' \t' ' ')
	same "traces without ids" " 3 0x0002 0x0003 delay" "$fields"
	node_exec r1 "$hopspan" router down
}

nameless_there() { [ "$(tshark -r "$tmp/read.pcap" -Y $node.eif 2>/dev/null | wc -l)" -ge 3 ]; }

# More than a page, so in fragments to XDP; and the other way, where segments merge.
frames() {
	local via
	network_begin
	for end in "client eth0" "r1 eth0" "r1 eth1" "server eth0"; do
		# shellcheck disable=SC2086 # two words
		set -- $end
		ip -n "$(netns "$1")" link set "$2" mtu 9000
	done
	routed
	nameless
	for via in xdp tc; do
		up r1 dev eth0 dev eth1 via $via
		read_begin
		big_send 8800
		read_end 5 "datagrams of 8800 octets via $via"
		same "datagrams of 8800 octets via $via" "5 0x86dd|63|63|0x000002|0x0002|0x0003|delay|0x00000000|0" \
			"$(sort "$tmp/traces" | uniq -c | sed 's/^ *//')"
		node_exec r1 "$hopspan" router down
	done
	topology_down
}

id_of() { printf '0x%04x' "$(ifindex "$1" "$2")"; }

tun() {
	topology_begin
	node_add client r1 server
	link_add r1 eth1 server eth0
	node_start r1 tun python3 "$top/tests/e2e/tun.py" "$(netns client)" "$(netns r1)"
	wait_for "the tunnel" grep -q carries "$state/tun.log"
	ip -n "$(netns client)" link set tun0 up
	ip -n "$(netns r1)" link set tun0 up
	address_add client tun0 fd68:73:1::1/64
	address_add r1 tun0 fd68:73:1::2/64
	ip -n "$(netns client)" -6 route add default dev tun0
	forward r1
	address_add r1 eth1 fd68:73:3::1/64
	address_add server eth0 $server/64
	route_add server default fd68:73:3::1
	up r1 dev tun0 dev eth1
	same "why tc on a device without Ethernet" "tc: the driver runs no XDP" \
		"$(node_exec r1 "$hopspan" -j router show dev tun0 | jq -r '.[0] | .via + ": " + .why')"
	read_begin
	big_send 100
	read_end 5 "a device without Ethernet"
	same "a device without Ethernet" \
		"5 0x86dd|63|63|0x000002|$(id_of r1 tun0)|$(id_of r1 eth1)|delay|0x00000000|0" \
		"$(sort "$tmp/traces" | uniq -c | sed 's/^ *//')"
	topology_down
}

# Two routers with one id, in two network namespaces of one machine, over which XDP's metadata could travel.
neighbour() {
	topology_begin
	node_add client r1 r2 server
	link_add client eth0 r1 eth0
	link_add r1 eth1 r2 eth0
	link_add r2 eth1 server eth0
	address_add r1 eth1 fd68:73:2::1/64
	address_add r2 eth0 fd68:73:2::2/64
	address_add client eth0 fd68:73:1::1/64
	address_add r1 eth0 fd68:73:1::2/64
	address_add r2 eth1 fd68:73:3::1/64
	address_add server eth0 $server/64
	route_add client default fd68:73:1::2
	route_add r1 fd68:73:3::/64 fd68:73:2::2
	route_add r2 fd68:73:1::/64 fd68:73:2::1
	route_add server default fd68:73:3::1
	forward r1
	forward r2
	echo 'interfaces: {eth0: {id: 20}, eth1: {id: 21}}' >"$tmp/node.yaml"
	up r1 dev eth0 dev eth1 via xdp
	HOPSPAN_NODE_YAML=$tmp/node.yaml up r2 dev eth0 dev eth1 via "$1"
	read_begin
	room=7 # for one
	node_exec client python3 "$top/tests/e2e/traces.py" big $server $port $type $room 100 3
	node_exec client python3 "$top/tests/e2e/traces.py" big $server $port $type 20 100 3
	read_end 6 "a neighbour with the same id, via $1"
	printf '%s\n' "3 0x86dd|62|63|0x000002|0x0002|0x0003|delay|0x00000000|1" \
		"3 0x86dd|62|62+63|0x000002+0x000002|0x0014+0x0002|0x0015+0x0003|delay+delay|0x00000000+0x00000000|0" | sort >"$tmp/wanted"
	diff "$tmp/wanted" <(sort "$tmp/traces" | uniq -c | sed 's/^ *//' | sort) || fail "a neighbour with the same id, via $1"
	same "data completed by the second, via $1" 3 "$(count r2 depart completed)"
	same "packets that left it full, via $1" 3 "$(count r2 depart overflowed)"
	topology_down
}

topology_check
bridge
frames
if [ -c /dev/net/tun ]; then tun; else echo "no /dev/net/tun: a device without Ethernet is left out"; fi
neighbour tc
neighbour xdp
