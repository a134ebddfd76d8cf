#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The fast path sends every packet where the kernel alone would: two routers that are the same but for `forward xdp`,
# one stream of mixed packets through both, compared packet by packet (forward.c), while routes, neighbours, rules,
# MTUs and netfilter change between runs, and routes within one.
#
#	a-in eth0 --- eth0 a-r eth1, eth2, eth3 --- o1, o2, o3 a-out		XDP forwards: eth0, eth1, eth2
#	b-in eth0 --- eth0 b-r eth1, eth2, eth3 --- o1, o2, o3 b-out		the kernel does
#
# PACKETS and SEED by the environment.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need jq
need nft
need ethtool

packets=${PACKETS:-1000000} seed=${SEED:-$RANDOM$RANDOM}
next=64 # numbers below are left out: what is not the stream's has flow label 0

show() { node_exec a-r "$hopspan" -j router show | jq -r "$1"; }
counter() { show ".[0].transit.$1 // 0"; }

# mac NODE DEV LAST-OCTETS: the link-local address goes by it when the device comes up.
mac() {
	ip -n "$(netns "$1")" link set "$2" down
	ip -n "$(netns "$1")" link set "$2" address "02:00:00:00:$3" up
}

# world NAME: its three nodes.
world() {
	local w=$1 i
	node_add "$w-in" "$w-r" "$w-out"
	link_add "$w-in" eth0 "$w-r" eth0
	mac "$w-in" eth0 10:01
	mac "$w-r" eth0 10:02
	for i in 1 2 3; do
		link_add "$w-r" eth$i "$w-out" o$i
		mac "$w-r" eth$i 1$i:01
		mac "$w-out" o$i 1$i:02
		address_add "$w-r" eth$i "fd68:73:1$i::1/64"
		address_add "$w-out" o$i "fd68:73:1$i::2/64"
		address_add "$w-out" o$i "fd68:73:1$i::3/64"
		node_exec "$w-out" ethtool -K o$i gro on >/dev/null
	done
	for i in "in eth0" "r eth0" "r eth2" "out o2"; do
		ip -n "$(netns "$w-${i% *}")" link set "${i#* }" mtu 9000
	done
	node_exec "$w-in" ethtool -K eth0 gro on >/dev/null
	address_add "$w-in" eth0 fd68:73:10::1/64
	address_add "$w-r" eth0 fd68:73:10::2/64
	node_exec "$w-r" sysctl -qw net.ipv6.icmp.ratemask=255 net.ipv6.auto_flowlabels=0 \
		net.ipv6.neigh.eth1.retrans_time_ms=50 net.ipv6.neigh.eth2.retrans_time_ms=50
	forward "$w-r"
	# Errors that wait for a neighbour fill the one socket by which this processor sends all of them.
	for i in fd68:73:10::1 fe80::1:1 fe80::5; do
		ip -n "$(netns "$w-r")" neigh replace $i lladdr 02:00:00:00:10:01 dev eth0 nud permanent
	done
	# Nobody there answers but who has an address.
	node_exec "$w-out" nft -f - <<-END
	table ip6 silent {
		chain arrived {
			type filter hook prerouting priority raw;
			icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
			drop
		}
	}
	END
	routes "$w"
}

# route WORLD WORDS...
route() {
	local w=$1
	shift
	ip -n "$(netns "$w-r")" -6 route replace "$@"
}

routes() {
	local w=$1 p=2001:db8:1
	route "$w" 2001:db8:99::/48 via fd68:73:10::1 dev eth0
	route "$w" $p:0::/64 via fd68:73:11::2 dev eth1
	route "$w" $p:1::/64 via fd68:73:12::2 dev eth2
	route "$w" $p:2::/64 nexthop via fd68:73:11::2 dev eth1 nexthop via fd68:73:12::2 dev eth2
	route "$w" $p:3::/64 via fd68:73:13::2 dev eth3
	route "$w" unreachable $p:4::/64
	route "$w" $p:5::/64 via fd68:73:11::3 dev eth1
	route "$w" $p:6::/64 via fd68:73:12::2 dev eth2
	ip -n "$(netns "$w-r")" neigh replace fd68:73:11::7 lladdr 02:00:00:00:11:07 dev eth1 nud permanent
	route "$w" $p:7::/64 via fd68:73:11::7 dev eth1
	route "$w" blackhole $p:8::/64
	route "$w" prohibit $p:9::/64
	route "$w" $p:a::/64 via fd68:73:10::1 dev eth0
	route "$w" $p:b::/64 encap seg6 mode encap segs fd68:73:12::2 dev eth2
	route "$w" $p:c::/64 via fd68:73:12::2 dev eth2 mtu lock 1300
	route "$w" $p:d::/64 via fd68:73:11::2 dev eth1 mtu lock 1400
	route "$w" local $p:e::/64 dev lo
	route "$w" throw $p:f::/64
}

# ask WORDS...: a command to forward.c, its answer. A packet that differs comes first.
ask() {
	local line
	echo "$*" >&"${judge[1]}"
	while read -r -t 120 line <&"${judge[0]}"; do
		case $line in
		*" the same: "*) answer=$line && return ;;
		*) echo "$line" ;;
		esac
	done
	losses
	fail "forward.c has ended: $*"
}

# unsent WORLD: ICMPv6 errors that its router had no memory to send.
unsent() { node_exec "$1-r" awk '$1 == "Icmp6OutErrors" { print $2 }' /proc/net/snmp6; }

# run WHAT PERCENT [load]: that part of the stream; every packet is the same, but for the few whose error a router
# could not send by its own account.
unsent_most=10
run() {
	local count=$((packets * $2 / 100)) before_a before_b same few_a few_b again_a again_b
	before_a=$(unsent a) before_b=$(unsent b)
	ask "${3:-run}" $next $count
	next=$((next + count))
	[[ $answer =~ ^([0-9]+)\ .*a\ ([0-9]+),\ b\ ([0-9]+)\;.*a\ ([0-9]+),\ b\ ([0-9]+)$ ]] || fail "$1: $answer"
	same=${BASH_REMATCH[1]} again_a=${BASH_REMATCH[2]} again_b=${BASH_REMATCH[3]}
	few_a=${BASH_REMATCH[4]} few_b=${BASH_REMATCH[5]}
	if [ $((same + few_a + few_b)) -ne $count ] || [ $((few_a + few_b)) -gt $unsent_most ] ||
		[ $((few_a + again_a)) -gt $(($(unsent a) - before_a)) ] ||
		[ $((few_b + again_b)) -gt $(($(unsent b) - before_b)) ]; then
		losses
		fail "$1, seed $seed: $answer"
	fi
	echo "$1: $answer"
}

# What devices have dropped; not all of it is wrong.
losses() {
	local node
	for node in {a,b}-{in,r,out}; do
		ip -n "$(netns "$node")" -s -j link | jq -r --arg node "$node" '.[] | "\($node) \(.ifname)", (.stats64 |
			"  in \(.rx.packets), dropped \(.rx.dropped), out \(.tx.packets), dropped \(.tx.dropped)")'
	done
}

both() {
	local w
	for w in a b; do "$@" $w; done
}

neighbours_flush() { ip -n "$(netns "$1-r")" neigh flush all; }
routes_move() {
	route "$1" 2001:db8:1:0::/64 via fd68:73:12::2 dev eth2
	route "$1" unreachable 2001:db8:1:1::/64
	ip -n "$(netns "$1-r")" -6 route del 2001:db8:1:5::/64
	route "$1" 2001:db8:1:6::/64 via fd68:73:11::3 dev eth1
	ip -n "$(netns "$1-r")" neigh replace fd68:73:12::2 lladdr 02:00:00:00:12:77 dev eth2
}
rules_add() {
	local w=$1 r
	r=$(netns "$w-r")
	route "$w" 2001:db8:1::/48 via fd68:73:12::2 dev eth2 table 100
	route "$w" 2001:db8:1::/48 via fd68:73:11::3 dev eth1 table 101
	ip -n "$r" -6 rule add from 2001:db8:99:1::/64 lookup 100 pref 100
	ip -n "$r" -6 rule add ipproto tcp dport 443 lookup 101 pref 101
	ip -n "$r" -6 rule add dsfield 0xb8 lookup 101 pref 102
	ip -n "$r" -6 rule add from 2001:db8:99:2::/64 to 2001:db8:1:7::/64 prohibit pref 103
}
rules_remove() { for pref in 100 101 102 103; do ip -n "$(netns "$1-r")" -6 rule del pref $pref; done; }
hash_policy() { node_exec "$2-r" sysctl -qw "net.ipv6.fib_multipath_hash_policy=$1"; }
mtu() { ip -n "$(netns "$2-r")" link set eth1 mtu "$1"; }
firewall_add() {
	node_exec "$1-r" nft -f - <<-END
	table ip6 guard {
		chain forward {
			type filter hook forward priority filter;
			udp dport 7000-7003 drop
		}
	}
	END
}
firewall_remove() { node_exec "$1-r" nft delete table ip6 guard; }
ipsec_add() { ip -n "$(netns "$1-r")" xfrm policy add src ::/0 dst 2001:db8:1:1::/64 dir fwd action block; }
ipsec_remove() { ip -n "$(netns "$1-r")" xfrm policy flush; }
forwarding() { node_exec "$2-r" sysctl -qw "net.ipv6.conf.all.forwarding=$1"; }

gro() { node_exec "$2-out" ethtool -K o2 gro "$1" >/dev/null; }

# sockets COUNT: datagrams from a socket, whose checksums a veth leaves to whoever is last.
sockets() {
	node_exec a-in python3 -c '
import socket, sys, time
out = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
for _ in range(int(sys.argv[1])):
    out.sendto(b"x" * 100, ("2001:db8:1:1::5", 9))
    time.sleep(0.001)' "$1"
}

# Of the kernel as long as they lack it.
datagrams() {
	local frame forwarded
	ip -n "$(netns a-in)" -6 route replace default via fd68:73:10::2
	frame=$(counter kernel_frame) forwarded=$(counter forwarded_xdp)
	sockets 50
	[ "$(counter kernel_frame)" -ge $((frame + 50)) ] || fail "datagrams without a checksum were not left to the kernel"
	same "those that XDP forwarded" "$forwarded" "$(counter forwarded_xdp)"
	node_exec a-in ethtool -K eth0 tx off >/dev/null
	sockets 50
	[ "$(counter forwarded_xdp)" -ge $((forwarded + 45)) ] || fail "datagrams with a checksum were not forwarded"
}

# What XDP passes by is said by show, and by up.
bypasses() {
	tc -n "$(netns a-r)" qdisc replace dev eth1 root tbf rate 100mbit burst 10000 limit 100000
	route a 2001:db8:1:d::/64 via fd68:73:11::2 dev eth1 mtu 1400
	same "what XDP passes by" "qdisc tbf, the MTU of 1 routes, which is not locked" 		"$(show '.[] | select(.dev == "eth1").forward_bypasses | join(", ")')"
	node_exec a-r "$hopspan" router up dev eth1 node-id 2 forward xdp 2>"$tmp/up" || fail "$(cat "$tmp/up")"
	same "what up says of it" "hopspan router up: eth1: forward xdp passes by: qdisc tbf" "$(head -n 1 "$tmp/up")"
	! node_exec a-r "$hopspan" router up dev eth1 node-id 2 forward xdp via tc 2>"$tmp/up" || fail "forward xdp via tc"
	grep -q "forward xdp: not via tc" "$tmp/up" || fail "$(cat "$tmp/up")"
	node_exec a-r "$hopspan" router up dev eth1 node-id 2
	same "show, forward kernel" "kernel tc" "$(show '.[] | select(.dev == "eth1") | "\(.forward) \(.via)"')"
}

# Until it is ended: the route to prefix 7 moves, and a neighbour gets another address.
flip() {
	local w
	while [ -e "$tmp/flips" ]; do
		for w in a b; do
			route $w 2001:db8:1:7::/64 via fd68:73:12::3 dev eth2
			sleep 0.01
			route $w 2001:db8:1:7::/64 via fd68:73:11::7 dev eth1
			ip -n "$(netns $w-r)" neigh replace fd68:73:11::7 lladdr 02:00:00:00:11:08 dev eth1 nud permanent
			sleep 0.01
			ip -n "$(netns $w-r)" neigh replace fd68:73:11::7 lladdr 02:00:00:00:11:07 dev eth1 nud permanent
		done
	done
}

kernel_log_mark
topology_check
topology_begin
world a
world b
export HOPSPAN_NODE_YAML=$tmp/node.yaml
echo 'interfaces: {eth0: {id: 100}, eth1: {id: 101}, eth2: {id: 102}}' >"$HOPSPAN_NODE_YAML"
if ! node_exec a-r "$hopspan" router up dev eth0 dev eth1 dev eth2 node-id 2 forward xdp 2>"$tmp/up"; then
	grep -q "not with this kernel" "$tmp/up" && skip "$(head -n 1 "$tmp/up")"
	fail "$(cat "$tmp/up")"
fi
same "what up says" "" "$(cat "$tmp/up")"
same "show" "xdp xdp true" "$(show '.[0] | "\(.via) \(.forward) \(.forward_out)"')"

coproc judge { exec "$top/build/tests/e2e/forward" "$seed" "/run/netns/$(netns a-in)" "/run/netns/$(netns a-out)" \
	"/run/netns/$(netns b-in)" "/run/netns/$(netns b-out)" 2>&1; }
# shellcheck disable=SC2154 # of coproc
echo "$judge_PID" >"$state/judge.pid"
echo "seed $seed"
run "as it is" 28
both hash_policy 1
run "paths chosen by ports" 8
both rules_add
run "policy rules" 10
both hash_policy 0
run "policy rules, paths chosen by addresses" 6
both rules_remove
both routes_move
run "routes and a neighbour changed" 10
both mtu 1300
run "a smaller MTU" 5
both mtu 1500
both neighbours_flush
run "neighbours forgotten" 5
both routes
touch "$tmp/flips"
flip &
flips=$!
run "a route changed meanwhile" 10 load
rm "$tmp/flips"
wait $flips
forwarded=$(counter forwarded_xdp)
both firewall_add
run "a firewall" 3
both firewall_remove
both ipsec_add
run "an IPsec policy" 3
both ipsec_remove
same "packets that XDP forwarded past netfilter and IPsec" "$forwarded" "$(counter forwarded_xdp)"
both forwarding 0
run "forwarding off" 2
same "packets that XDP forwarded with forwarding off" "$forwarded" "$(counter forwarded_xdp)"
both forwarding 1
# A veth whose other side has neither XDP nor GRO drops what XDP sends by it, and says nothing.
both gro off
same "show, when the other side takes nothing" "false" "$(show '.[] | select(.dev == "eth2").forward_out')"
run "a device that takes nothing from XDP" 4
both gro on
both routes
run "as it was" 6
datagrams
bypasses
forwarded=$(counter forwarded_xdp)
[ "$forwarded" -gt $((packets * 3 / 10)) ] || fail "XDP forwarded $forwarded of $packets only"
for reason in off rules frame header address hop_limit too_big route neighbour device turn; do
	[ "$(counter kernel_$reason)" -gt 0 ] || fail "kernel_$reason counted nothing"
done
show '.[0].transit | to_entries[] | "  \(.key) \(.value)"'
stop judge
kernel_is_silent "after all"
node_exec a-r "$hopspan" router down
same "XDP programs after down" "" "$(ip -n "$(netns a-r)" -d -j link show | jq -r '.[].xdp.prog.name // empty')"
