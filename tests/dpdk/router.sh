#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The forwarder as IPv6 router between hosts: neighbours, echo, TCP, path MTU, traceroute, traces, routes that change
# under traffic, a neighbour that moves, forwarding switched off, policy rules. What it is sure of it forwards itself,
# all else is the kernel's.
#
#	a eth0 --- port0 (r0)  router  port1 (r1) --- eth0 b
#	fd00:a::1        ::2           fd00:b::2      ::1   fd00:c::1 on lo
#	                       port2 (r2) --- eth1
#	                             fd00:d::2      ::1
. "$(dirname "$0")/lib.sh"
need ip ethtool python3 ping tracepath traceroute tcpdump tshark sha256sum jq nft dpdk-telemetry.py
[ "$(id -u)" = 0 ] || skip "needs root"
[ -e /dev/net/tun ] || skip "no /dev/net/tun here"
id=hs$$
a=$id-a b=$id-b r=$id-r

for name in $a $b $r; do
	ip netns add $name 2>/dev/null || skip "no network namespaces here"
	undo+=("ip netns del $name")
	ip netns exec $name sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
	ip -n $name link set lo up
done
link_add() { # HOST DEV PORT
	ip -n "$1" link add "$2" type veth peer name "$3" netns $r || skip "no veth here"
	ip netns exec "$1" ethtool -K "$2" tx off >/dev/null
	ip netns exec $r sysctl -qw "net.ipv6.conf.$3.disable_ipv6=1"
	ip -n "$1" link set "$2" up
	ip -n $r link set "$3" up
}
link_add $a eth0 port0
link_add $b eth0 port1
link_add $b eth1 port2
ip -n $a addr add fd00:a::1/64 dev eth0 nodad
ip -n $a -6 route add default via fd00:a::2
ip -n $b addr add fd00:b::1/64 dev eth0 nodad
ip -n $b addr add fd00:d::1/64 dev eth1 nodad
ip -n $b addr add fd00:c::1/128 dev lo
ip -n $b -6 route add default via fd00:b::2

# The kernel must leave the ports to the forwarder: it says so.
ip netns exec $r sysctl -qw net.ipv6.conf.port2.disable_ipv6=0
ip -n $r addr add fd00:9::1/64 dev port2 nodad
ip netns exec $r "$forwarder" node-id 1 mode router port2 2>"$dir/warned.err" &
pid=$!
undo+=("kill $pid 2>/dev/null; wait $pid")
wait_for "the router" grep -q "port2 routes by its twin twin-port2" "$dir/warned.err"
ends_well $pid
grep -q "port2: the kernel takes IPv6 from it, too" "$dir/warned.err" || fail "no word on IPv6 at port2"
grep -q "port2 has addresses" "$dir/warned.err" || fail "no word on port2's address"
ip netns exec $r sysctl -qw net.ipv6.conf.port2.disable_ipv6=1

ip netns exec $r "$forwarder" node-id 0x1267 mode router dev port0 twin r0 dev port1 twin r1 dev port2 twin r2 \
	2>"$dir/router.err" &
pid=$!
undo+=("kill $pid 2>/dev/null; wait $pid")
wait_for "the router" grep -q "port2 routes by its twin r2" "$dir/router.err"
grep -q "takes IPv6 from it\|has addresses" "$dir/router.err" && fail "complains of ports that are as they should be"
for twin in r0:a r1:b r2:d; do
	ip -n $r link set ${twin%:*} up
	ip -n $r addr add fd00:${twin#*:}::2/64 dev ${twin%:*} nodad
	mac=$(ip netns exec $r cat /sys/class/net/${twin%:*}/address)
	equal "MAC of ${twin%:*}" "$(ip netns exec $r cat /sys/class/net/port$((${twin:1:1}))/address)" "$mac"
done
ip netns exec $r sysctl -qw net.ipv6.conf.all.forwarding=1
ip -n $r -6 route add fd00:c::/64 via fd00:b::1
at_a() { ip netns exec $a "$@"; }
at_b() { ip netns exec $b "$@"; }
at_r() { ip netns exec $r "$@"; }

# Neighbours are found by the kernel, both ways; the router itself answers.
wait_for "the way to b" at_a ping -c 1 -W 1 fd00:b::1
at_a ping -c 3 -i 0.1 -W 2 fd00:a::2 >/dev/null || fail "the router does not answer"
at_a ping -c 3 -i 0.1 -W 2 fe80::1%eth0 >/dev/null && fail "nobody has that address"

# What follows is by the router, not by its kernel.
forwarded=$(telemetry $pid forwarded) kernel=$(telemetry $pid from_kernel)
at_a ping -q -c 200 -i 0.002 -W 2 fd00:b::1 >"$dir/ping" || fail "echo: $(cat "$dir/ping")"
at_a ping -q -c 20 -i 0.01 -s 20000 -W 2 fd00:c::1 >"$dir/ping" || fail "large echo: $(cat "$dir/ping")"
[ $(($(telemetry $pid forwarded) - forwarded)) -ge 900 ] || fail "it forwarded $forwarded and $(telemetry $pid forwarded) packets"
[ $(($(telemetry $pid from_kernel) - kernel)) -le 20 ] || fail "the kernel has sent $kernel and $(telemetry $pid from_kernel)"

tcp() { # ADDRESS
	head -c 20000000 /dev/urandom >"$dir/sent"
	at_b timeout 60 python3 "$here/peer.py" serve "$dir/received" &
	local server=$!
	wait_for "the listener" sh -c "ip netns exec $b ss -ltn | grep -q :7411"
	at_a timeout 60 python3 "$here/peer.py" send "$1" "$dir/sent" || fail "TCP to $1 did not end"
	wait $server || fail "TCP: the receiver failed"
	equal "sha256" "$(sha256sum <"$dir/sent")" "$(sha256sum <"$dir/received")"
}
tcp fd00:c::1

# Traceroute by two programs: the router and the host, nobody else.
equal "traceroute" "fd00:a::2 fd00:c::1" "$(at_a traceroute -6 -n -q 1 -N 1 -w 2 fd00:c::1 | awk 'NR > 1 { print $2 }' | xargs)"
equal "hop limit at b" 63 "$(at_a ping -c 1 fd00:c::1 | sed -n 's/.*ttl=//p' | cut -d' ' -f1)"

# Path MTU: the twin follows its port, the kernel says what is too big, TCP goes on.
ip -n $r link set port1 mtu 1400
ip -n $b link set eth0 mtu 1400
wait_for "the twin's MTU" sh -c "ip -n $r link show r1 | grep -q 'mtu 1400'"
at_a ping -c 1 -W 2 -M do -s 1352 fd00:c::1 >/dev/null || fail "a packet of 1400 octets"
big=$(telemetry $pid kernel_too_big)
at_a ping -c 1 -W 2 -M do -s 1353 fd00:c::1 >"$dir/ping" && fail "a packet of 1401 octets"
grep -q "Packet too big: mtu=1400\|mtu: 1400" "$dir/ping" || fail "not too big: $(cat "$dir/ping")"
[ "$(telemetry $pid kernel_too_big)" -gt "$big" ] || fail "too big is not counted"
at_a tracepath -6 -n -m 5 fd00:c::1 >"$dir/tracepath"
grep -q "Resume: pmtu 1400 hops 2" "$dir/tracepath" || fail "tracepath: $(cat "$dir/tracepath")"
tcp fd00:c::1
ip -n $b link set eth0 mtu 1500
ip -n $r link set port1 mtu 1500
wait_for "the twin's MTU" sh -c "ip -n $r link show r1 | grep -q 'mtu 1500'"

# A trace: hop limit as it leaves, ids. What waits in the kernel for its neighbour is as if we took no part.
index() { printf '0x%04x' "$(at_r cat /sys/class/net/$1/ifindex)"; }
fields() {
	tshark -r "$dir/b.pcap" -T fields -E separator=/s -e ipv6.hlim -e ipv6.opt.ioam.trace.node.hlim \
		-e ipv6.opt.ioam.trace.node.id -e ipv6.opt.ioam.trace.node.iif -e ipv6.opt.ioam.trace.node.eif 2>/dev/null
}
stamped() { # NAME COUNT
	at_b timeout 30 tcpdump -U -i eth0 -w "$dir/b.pcap" -c "$2" 'ip6[6] == 0 and dst host fd00:b::1' \
		2>"$dir/tcpdump.err" &
	local capture=$!
	wait_for "tcpdump" grep -q listening "$dir/tcpdump.err"
	[ "$1" != unknown ] || ip -n $r neigh flush to fd00:b::1 nud all dev r1
	at_a python3 "$here/peer.py" stamp fd00:b::1 "$2"
	wait $capture || fail "no stamped packets"
}
at_a ping -q -c 1 -W 2 fd00:b::1 >/dev/null
stamped known 3
equal "node data" "$(for _ in 1 2 3; do echo "63 63 0x001267 $(index port0) $(index port1)"; done)" "$(fields)"
stamped unknown 1
equal "no node data" 63 "$(fields | xargs)"

# Routes change while packets go: by b's two links in turn. None is lost.
at_b sysctl -qw net.ipv6.conf.all.forwarding=1
at_a ping -q -c 600 -i 0.003 -W 2 fd00:c::1 >"$dir/ping" &
ping=$!
for ((turn = 0; turn < 20; turn++)); do
	ip -n $r -6 route replace fd00:c::/64 via fd00:d::1 || fail "route replace"
	ip -n $r -6 route add fd00:c::1/128 via fd00:b::1
	sleep 0.03
	ip -n $r -6 route replace fd00:c::/64 via fd00:b::1
	ip -n $r -6 route del fd00:c::1/128
	sleep 0.03
done
wait $ping || true
grep -q "600 packets transmitted, 600 received, 0% packet loss" "$dir/ping" || fail "while routes changed: $(cat "$dir/ping")"
[ "$(at_r cat /sys/class/net/r2/statistics/tx_packets)" -lt 200 ] || fail "the kernel forwarded, not we"

# Several next hops: a flow takes one of them, flows take all.
sent_by() { # PORT
	echo /hopspan/counters | dpdk-telemetry.py -f hopspan-dpdk-$pid |
		jq ".[] | .[] | objects | select(.name == \"$1\").tx_packets"
}
ip -n $r -6 route add fd00:e::/64 nexthop via fd00:b::1 nexthop via fd00:d::1
ip -n $b addr add fd00:e::1/128 dev lo
for gateway in b d; do wait_for "a gateway" at_r ping -c 1 -W 1 fd00:$gateway::1; done
wait_for "the way over several next hops" at_a ping -c 1 -W 1 fd00:e::1
kernel=$(telemetry $pid from_kernel) first=$(sent_by port1) second=$(sent_by port2)
for ((label = 1; label <= 32; label++)); do
	at_a ping -q -c 2 -i 0.01 -W 2 -F $label fd00:e::1 >/dev/null || fail "flow $label over several next hops"
done
first=$(($(sent_by port1) - first)) second=$(($(sent_by port2) - second))
[ $first -ge 8 ] && [ $second -ge 8 ] || fail "of 64 packets $first by port1, $second by port2"
[ $(($(telemetry $pid from_kernel) - kernel)) -le 20 ] || fail "the kernel forwarded, not we"

# One to nowhere is the kernel's.
ip -n $r -6 route add unreachable fd00:f::/64
at_a ping -c 1 -W 2 fd00:f::1 >"$dir/ping" && fail "unreachable"
grep -qi "unreachable" "$dir/ping" || fail "no answer for an unreachable route: $(cat "$dir/ping")"

# A neighbour with another address: the kernel finds it, since it is told which are in use.
at_r sysctl -qw net.ipv6.neigh.r1.delay_first_probe_time=1 net.ipv6.neigh.r1.retrans_time_ms=200 \
	net.ipv6.neigh.r1.base_reachable_time_ms=4000 # longer than the delay, or it goes on by itself
ip -n $r neigh flush to fd00:b::1 dev r1
at_a ping -c 1 -W 2 fd00:b::1 >/dev/null || fail "before the neighbour moves"
is_stale() {
	ip -n $r neigh show dev r1 >"$dir/neighbours.err"
	grep -q "^fd00:b::1 .*STALE" "$dir/neighbours.err"
}
wait_for "the kernel to forget that it has used it" is_stale
ip -n $b link set eth0 address 02:00:00:00:73:01
wait_for "the neighbour that moved" at_a ping -c 1 -W 1 fd00:b::1

# Rules and forwarding are the kernel's to say.
rules=$(telemetry $pid kernel_rules)
ip -n $r -6 rule add from fd00:a::1 pref 100 unreachable
wait_for "the rule" sh -c "ip netns exec $a ping -c 1 -W 1 fd00:b::1 | grep -qi unreachable"
[ "$(telemetry $pid kernel_rules)" -gt "$rules" ] || fail "rules are not counted"
ip -n $r -6 rule del pref 100
wait_for "the way without the rule" at_a ping -c 1 -W 1 fd00:b::1
at_r nft add table ip6 t
at_r nft add chain ip6 t f "{ type filter hook forward priority 0; }"
at_r nft add rule ip6 t f ip6 daddr fd00:b::1 drop
blocked() { ! at_a ping -c 1 -W 1 fd00:b::1; }
wait_for "netfilter's rule" blocked
grep -q "netfilter or IPsec has rules" "$dir/router.err" || fail "no word on netfilter's rules"
at_r nft delete table ip6 t
wait_for "the way without netfilter" grep -q "no rules of netfilter" "$dir/router.err"
wait_for "the way without the rule" at_a ping -c 1 -W 1 fd00:b::1
off=$(telemetry $pid kernel_off)
at_r sysctl -qw net.ipv6.conf.all.forwarding=0
sleep 0.2
at_a ping -c 1 -W 1 fd00:b::1 >/dev/null && fail "forwards though the kernel is told not to"
[ "$(telemetry $pid kernel_off)" -gt "$off" ] || fail "forwarding that is off is not counted"
at_r sysctl -qw net.ipv6.conf.all.forwarding=1
wait_for "forwarding" at_a ping -c 1 -W 1 fd00:b::1

# More prefixes than there is room for: the kernel forwards, until they fit again.
seq 1 20000 | awk '{ printf "route add 2001:db8:%x:%x::/64 via fd00:b::1\n", $1 / 256, $1 % 256 }' >"$dir/routes"
ip -n $r -6 -batch "$dir/routes" || fail "20000 routes"
wait_for "the table to be full" grep -q "more than 16384 prefixes" "$dir/router.err"
at_a ping -c 1 -W 1 fd00:b::1 >/dev/null || fail "the kernel does not forward"
sed -i s/add/del/ "$dir/routes"
ip -n $r -6 -batch "$dir/routes" || fail "20000 routes less"
wait_for "the table to have room" grep -q "room for all prefixes again" "$dir/router.err"
forwarded=$(telemetry $pid forwarded) kernel=$(telemetry $pid from_kernel)
at_a ping -q -c 20 -i 0.01 -W 2 fd00:b::1 >/dev/null || fail "after the table was full"
[ $(($(telemetry $pid forwarded) - forwarded - $(telemetry $pid from_kernel) + kernel)) -ge 30 ] || fail "the kernel forwarded, not we"

# A link that fails: the twin has no carrier, and has one again.
ip -n $b link set eth1 down
wait_for "no carrier" sh -c "ip -n $r link show r2 | grep -q NO-CARRIER"
ip -n $b link set eth1 up
wait_for "the carrier" sh -c "ip -n $r link show r2 | grep -q LOWER_UP"

ends_well $pid
at_r ip link show r0 >/dev/null 2>&1 && fail "a twin is left"
for name in drop_queue_full drop_too_long; do
	equal $name 0 "$(counter "$dir/router.err" $name)"
done
