#!/usr/bin/env bash
# The programs at work: client - router (XDP) - server, live traffic, the kernel's own account of each program's time.
#
#   live.sh ROUNDS REQUESTS		prints one JSON object per row
TOPOLOGY=hs-bench-$$
export TOPOLOGY HOPSPAN_TC=clsact # where filters before and behind ours can be put
# shellcheck source-path=SCRIPTDIR source=../../topologies/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../topologies/lib.sh"

rounds=$1 requests=$2 bench=$top/build/tests/bench

topology_check
topology_begin
trap 'status=$?; trap - EXIT; topology_down; exit $status' EXIT
trap 'exit 1' INT TERM
node_add client router server
link_add client eth0 router eth0
link_add router eth1 server eth0
address_add client eth0 fd68:73:1::1/64
address_add router eth0 fd68:73:1::2/64
address_add router eth1 fd68:73:2::1/64
address_add server eth0 fd68:73:2::2/64
route_add client default fd68:73:1::2
route_add server default fd68:73:2::1
forward router
node_exec client "$hopspan" host up dev eth0 proved ::/0 budget 0 node-id 1
node_exec router "$hopspan" router up dev eth0 dev eth1 via xdp node-id 2 >&2
node_exec server "$hopspan" host up dev eth0 proved ::/0 budget 0 node-id 3

# The cgroup's socket option answers to this process and those it starts.
echo "$BASHPID" >"$(cat "$state/cgroup")/cgroup.procs"
status=0
taskset -c 1 "$bench/live" "$bench/bench.bpf.o" "$rounds" "$requests" "/run/netns/$(netns client)" \
	"/run/netns/$(netns router)" "/run/netns/$(netns server)" fd68:73:2::2 || status=1
echo "$BASHPID" >"$(cgroup2)/cgroup.procs"
exit $status
