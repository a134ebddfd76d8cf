#!/usr/bin/env bash
# Two spines, four leaves, a host on each leaf. A flow's hash says which spine it
# takes (see diamond.sh).
#
#        s1 (6)             s2 (7)         spine: eth0 to l1, eth1 to l2 ...
#      /  |    |  \       /  |    |  \      fd68:73:SL:: between spine S, leaf L
#    l1   l2   l3   l4  l1   l2   l3   l4  (2 to 5) leaf: eth0 to its host, eth1
#    |    |    |    |                      to s1, eth2 to s2; fd68:73:L:: between
#  client h2 server h4  (1, 8, 10, 9)      leaf L (::1) and its host (::2, eth0)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=words.sh
. "$top/topologies/words.sh"

hosts=(client h2 server h4)
nodes=(s1 s2 l1 l2 l3 l4 "${hosts[@]}")
place=([s1]=xdp [s2]=xdp [l1]=tc [l2]=tc [l3]=tc [l4]=tc)
two_ports=()

# leaf_wire L: to its host and to both spines.
leaf_wire() {
	local host=${hosts[$1 - 1]} spine
	link_add "l$1" eth0 "$host" eth0
	address_add "l$1" eth0 "fd68:73:$1::1/64"
	address_add "$host" eth0 "fd68:73:$1::2/64"
	route_add "$host" default "fd68:73:$1::1"
	for spine in 1 2; do
		link_add "l$1" "eth$spine" "s$spine" "eth$(($1 - 1))"
		address_add "l$1" "eth$spine" "fd68:73:$spine$1::1/64"
		address_add "s$spine" "eth$(($1 - 1))" "fd68:73:$spine$1::2/64"
		route_add "s$spine" "fd68:73:$1::/64" "fd68:73:$spine$1::1"
	done
	ip -n "$(netns "l$1")" -6 route add fd68:73::/45 nexthop via "fd68:73:1$1::2" nexthop via "fd68:73:2$1::2"
	node_exec "l$1" sysctl -qw net.ipv6.fib_multipath_hash_policy=1
	forward "l$1"
}

topology_build() {
	local leaf
	for leaf in 1 2 3 4; do leaf_wire $leaf; done
	forward s1
	forward s2
	host_up client 1
	host_up h2 8
	host_up h4 9
	host_up server 10
	for leaf in 1 2 3 4; do router_up l$leaf $((leaf + 1)) eth0 eth1 eth2; done
	router_up s1 6 eth0 eth1 eth2 eth3
	router_up s2 7 eth0 eth1 eth2 eth3
}

topology_main "$@"
