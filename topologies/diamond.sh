#!/usr/bin/env bash
# Two ways of equal cost; a flow's hash says which, in each direction for itself.
#
#                                  eth0 r2 eth1 (3)
#                         eth1 ---- fd68:73:a:: ---- eth0
#   client ------ eth0 r1 (2)                       (5) r4 eth2 ------ server
#   (1)   fd68:73:1::     eth2 ---- fd68:73:b:: ---- eth1   fd68:73:3::   (6)
#                                  eth0 r3 eth1 (4)
#
# In brackets: node ids. r2 and r3 may be dpdk, with port0 and port1. The hash is
# of addresses and ports; of TCP over veth, the one that the sender's socket has.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=words.sh
. "$top/topologies/words.sh"
# shellcheck source=row.sh
. "$top/topologies/row.sh"

nodes=(client r1 r2 r3 r4 server)
place=([r1]=tc [r2]=xdp [r3]=kernel [r4]=tc)
two_ports=(r2 r3)

# either NODE TO NETWORK NEXT...: to TO by both ways, as the hash has it.
either() {
	node_exec "$1" sysctl -qw net.ipv6.fib_multipath_hash_policy=1
	ip -n "$(netns "$1")" -6 route add "$2" nexthop via "$3" nexthop via "$4"
}

topology_build() {
	local a b
	a=$(row_networks fd68:73:a "" fd68:73:a:1 r2)
	b=$(row_networks fd68:73:b "" fd68:73:b:1 r3)
	row client eth0 r1 eth0 fd68:73:1
	row r1 eth1 r4 eth0 "$a" r2
	row r1 eth2 r4 eth1 "$b" r3
	row r4 eth2 server eth0 fd68:73:3
	route_add client default fd68:73:1::2
	route_add server default fd68:73:3::1
	forward r1
	forward r4
	either r1 fd68:73:3::/64 "${a%% *}::2" "${b%% *}::2"
	either r4 fd68:73:1::/64 "${a##* }::1" "${b##* }::1"
	host_up client 1
	host_up server 6
	router_up r1 2 eth0 eth1 eth2
	row_up 3 r2 r3
	router_up r4 5 eth0 eth1 eth2
}

topology_main "$@"
