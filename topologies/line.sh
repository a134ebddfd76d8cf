#!/usr/bin/env bash
# client - r1 XDP - r2 DPDK - r3 stock Linux - server, with a bottleneck at r1.
#
#   client            r1                 r2                  r3              server
#   eth0 ---------- eth0  eth1 ------ port0  port1 ------ eth0  eth1 ------- eth0
#   fd68:73:1::1    ::2   fd68:73:2::1   (bump)           ::2   fd68:73:3::1  ::2
#   node 1          node 2, TBF at eth1  node 3           node 4              node 5
#
# line.sh up | down | exec NODE COMMAND... | env        TOPOLOGY names it, RATE is the bottleneck's (12mbit)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

RATE=${RATE:-12mbit}

line_wire() {
	node_add client r1 r2 r3 server
	link_add client eth0 r1 eth0
	link_add r1 eth1 r2 port0
	link_add r2 port1 r3 eth0
	link_add r3 eth1 server eth0
	address_add client eth0 fd68:73:1::1/64
	address_add r1 eth0 fd68:73:1::2/64
	address_add r1 eth1 fd68:73:2::1/64
	address_add r3 eth0 fd68:73:2::2/64
	address_add r3 eth1 fd68:73:3::1/64
	address_add server eth0 $server/64
	route_add client default fd68:73:1::2
	route_add r1 fd68:73:3::/64 fd68:73:2::2
	route_add r3 fd68:73:1::/64 fd68:73:2::1
	route_add server default fd68:73:3::1
	forward r1
	forward r3
}

line_nodes() {
	node_exec client "$hopspan" host up dev eth0 proved ::/0 node-id 1
	node_exec server "$hopspan" host up dev eth0 proved ::/0 node-id 5
	node_exec r1 "$hopspan" router up dev eth0 dev eth1 via xdp node-id 2
	linux_ioam r3 4 eth0 eth1
	dpdk_facing r1 eth1
	dpdk_facing r3 eth0
	node_start r2 dpdk "$hopspan_dpdk" node-id 3 port0 port1
	bottleneck r1 eth1 "$RATE"
	node_describe 1 client host other ptp before-queue eth0
	node_describe 2 r1 router xdp ptp before-queue eth0 eth1
	node_describe 3 r2 router dpdk ptp after-queue port0 port1
	node_describe 4 r3 router linux posix none eth0 eth1
	node_describe 5 server host other ptp before-queue eth0
}

# A refused connection came back from the server: every node passes packets.
reaches() {
	local answer
	answer=$(node_exec client timeout 1 bash -c "exec 3<>/dev/tcp/$server/9" 2>&1) || [[ $answer == *refused* ]]
}

line_up() {
	topology_check
	topology_begin
	trap 'status=$?; [ $status -eq 0 ] || { topology_down; exit $status; }' EXIT
	line_wire
	line_nodes
	wait_for "packets to reach the server" reaches
}

case "${1:-}" in
up) line_up ;;
down) topology_down ;;
exec)
	shift
	node_exec "$@"
	;;
env) echo "export TOPOLOGY=$TOPOLOGY HOPSPAN_BPFFS=$HOPSPAN_BPFFS HOPSPAN_STORE=$HOPSPAN_STORE" \
	"HOPSPAN_CGROUP=$(cat "$state/cgroup")" ;;
*) sed -n '2,/^# line.sh/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
