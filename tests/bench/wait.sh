#!/usr/bin/env bash
# The measurement of waits: what a packet costs that a router's device begins to send, stamped or not, and all others.
#
#   wait.sh ROUNDS PACKETS		prints one JSON object per row
TOPOLOGY=hs-bench-$$
export TOPOLOGY
# shellcheck source-path=SCRIPTDIR source=../../topologies/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../topologies/lib.sh"

rounds=$1 packets=$2 bench=$top/build/tests/bench

topology_check
topology_begin
# shellcheck disable=SC2154
trap 'status=$?; trap - EXIT; topology_down; exit $status' EXIT
trap 'exit 1' INT TERM
node_add router other
link_add router eth1 other eth1
link_add router eth2 other eth2
node_exec router "$hopspan" router up dev eth1 via tc node-id 2 wait measured >&2
node_exec router "$hopspan" router up dev eth2 via tc node-id 2 >&2
taskset -c 1 "$bench/wait" "$bench/wait.bpf.o" "$rounds" "$packets" "$(find "$HOPSPAN_BPFFS" -name wait_xmit)" \
	"/run/netns/$(netns router)" "/run/netns/$(netns other)"
