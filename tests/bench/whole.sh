#!/usr/bin/env bash
# What an application feels: two networks client - r1 - r2 - server, hopspan is up on all nodes of the second. And what
# the socket option's hook costs other calls.
#
#   whole.sh ROUNDS MILLISECONDS CALLS REQUESTS	prints one JSON object per row
TOPOLOGY=hs-whole-$$
export TOPOLOGY
# shellcheck source-path=SCRIPTDIR source=../../topologies/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../topologies/lib.sh"

rounds=$1 milliseconds=$2 calls=$3 requests=$4 bench=$top/build/tests/bench

# line NAME: a network, its nodes NAME-client and so on.
line() {
	local left=$1-client right id=1
	node_add "$1-client" "$1-r1" "$1-r2" "$1-server"
	for right in "$1-r1" "$1-r2" "$1-server"; do
		link_add "$left" eth1 "$right" eth0
		address_add "$left" eth1 "fd68:73:$id::1/64"
		address_add "$right" eth0 "fd68:73:$id::2/64"
		left=$right id=$((id + 1))
	done
	route_add "$1-client" default fd68:73:1::2
	route_add "$1-r1" fd68:73:3::/64 fd68:73:2::2
	route_add "$1-r2" fd68:73:1::/64 fd68:73:2::1
	route_add "$1-server" default fd68:73:3::1
	forward "$1-r1"
	forward "$1-r2"
}

topology_check
topology_begin
trap 'status=$?; trap - EXIT; topology_down; exit $status' EXIT
trap 'exit 1' INT TERM
line a
line b
node_exec b-client "$hopspan" host up dev eth1 proved ::/0 node-id 1
node_exec b-r1 "$hopspan" router up dev eth0 dev eth1 node-id 2 >&2
node_exec b-r2 "$hopspan" router up dev eth0 dev eth1 node-id 3 >&2
node_exec b-server "$hopspan" host up dev eth0 proved ::/0 node-id 4

cgroup=$(cat "$state/cgroup")
taskset -c 1 "$bench/option" "$(cgroup2)" "$cgroup" "$rounds" "$calls"
echo "$BASHPID" >"$cgroup/cgroup.procs"
status=0
taskset -c 1 "$bench/whole" "$rounds" "$milliseconds" \
	"/run/netns/$(netns a-client)" "/run/netns/$(netns a-server)" $server \
	"/run/netns/$(netns b-client)" "/run/netns/$(netns b-server)" $server || status=1
"$top/tests/bench/request.py" "$rounds" "$requests" "$(netns a-client)" "$(netns a-server)" $server \
	"$(netns b-client)" "$(netns b-server)" $server || status=1
echo "$BASHPID" >"$(cgroup2)/cgroup.procs"
exit $status
