#!/usr/bin/env bash
# A whole hop: router eth0, eth1, eth2 - o1, o2 far. Who forwards and who writes node data is the program's business.
#
#   hop.sh ROUNDS PACKETS	prints one JSON object per row
TOPOLOGY=hs-hop-$$
export TOPOLOGY HOPSPAN_TC=clsact
# shellcheck source-path=SCRIPTDIR source=../../topologies/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../topologies/lib.sh"

rounds=$1 packets=$2 node_id=7

topology_check
topology_begin
trap 'status=$?; trap - EXIT; topology_down; exit $status' EXIT
trap 'exit 1' INT TERM
node_add in router far
link_add in eth0 router eth0
for i in 1 2; do
	link_add router eth$i far o$i
	address_add router eth$i fd68:73:1$i::1/64
	ip -n "$(netns router)" neigh add fd68:73:1$i::2 nud permanent dev eth$i \
		lladdr "$(node_exec far cat /sys/class/net/o$i/address)"
	for ((n = 0; n < 256; n++)); do
		printf 'route add fd68:7301:0:%x::/64 via fd68:73:1%d::2 dev eth%d\n' $((i * 256 + n)) $i $i
	done | ip -n "$(netns router)" -6 -batch -
done
address_add router eth0 fd68:73:10::1/64
forward router
linux_ioam router $node_id eth0
# What leaves by eth2 is completed.
node_exec router "$hopspan" router up dev eth2 via tc node-id $node_id >&2
status=0
node_exec router chrt -f 20 taskset -c 1 "$top/build/tests/bench/hop" "$top/build" "$rounds" "$packets" \
	"/run/netns/$(netns router)" "/run/netns/$(netns far)" || status=1
exit $status
