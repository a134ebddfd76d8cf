#!/usr/bin/env bash
# A bottleneck that is kept full: what leaves r1 by eth1 waits behind what the
# neighbour sends to the server.
#
#   client ------ eth0 r1 (2) eth1 ====== eth0 r2 (3) eth1 ------ eth0 server
#   (1) fd68:73:1::    eth2   fd68:73:2::            fd68:73:3::        (4)
#                       |     $RATE (12mbit)
#                 neighbour eth0, fd68:73:4::2, not traced
#
# htb r1 eth1 RATE makes it another qdisc's.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=words.sh
. "$top/topologies/words.sh"
# shellcheck source=row.sh
. "$top/topologies/row.sh"
# shellcheck source=traffic.sh
. "$top/topologies/traffic.sh"

nodes=(client neighbour r1 r2 server)
place=([r1]=tc [r2]=xdp)
two_ports=(r2)

topology_build() {
	local networks
	networks=$(row_networks fd68:73:1 fd68:73:2 fd68:73:3 r1 r2)
	row client eth0 server eth0 "$networks" r1 r2
	row_ends
	link_add r1 eth2 neighbour eth0
	row_network fd68:73:4 r1 eth2 neighbour eth0
	route_add neighbour default fd68:73:4::1
	[ "${place[r2]}" = dpdk ] || route_add r2 fd68:73:4::/64 fd68:73:2::1
	node_exec neighbour ethtool -K eth0 tso off gso off >/dev/null # htb would send 33 kB at once, and be empty
	bottleneck r1 eth1 "${RATE:-12mbit}"
	host_up client 1
	host_up server 4
	router_up r1 2 eth0 eth1 eth2
	row_up 3 r2
}

topology_run() { background_start r1 eth1 neighbour; }

topology_main "$@"
