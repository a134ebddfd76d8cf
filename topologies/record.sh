#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Makes the recorded run that the demo shows where no network can be made: what arrived at both hosts of a line, the
# application's spans of its last requests, and the names of nodes.
#
#   topologies/record.sh FOLDER     writes client.pcap, server.pcap, spans.jsonl, nodes.yaml
# shellcheck source-path=SCRIPTDIR source=lib.sh
TOPOLOGY=hopspan-record-$$
export TOPOLOGY
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "${BASH_SOURCE[0]}")/traffic.sh"

[ $# -eq 1 ] || die "FOLDER is missing"
[ "$(id -u)" -eq 0 ] || die "not root"
folder=$1
mkdir -p "$folder"
# shellcheck disable=SC2154 # it is assigned right there
trap 'status=$?; trap - EXIT; topology_down; exit $status' EXIT
trap 'exit 1' INT TERM

# capture NODE: the headers of stamped packets that come in.
capture() {
	node_start "$1" "capture-$1" tcpdump -Z root -U -n -s 256 --time-stamp-precision=nano -Q in -i eth0 \
		-w "$folder/$1.pcap" 'ip6[6] = 0'
	wait_for "tcpdump" grep -q "listening on" "$state/capture-$1.log"
}

"$top/topologies/line.sh" up
HOPSPAN_CGROUP=$(cat "$state/cgroup")
export HOPSPAN_CGROUP
collect_start file "$state/spans.jsonl"
cart_start
capture client
capture server
shop_run 110 5
background_start r1 eth1
shop_run 8 10 --ids "$state/ids"
background_stop
sleep 2 # captures are written and transfers closed
stop cart
stop capture-client
stop capture-server
stop collect
# Of the application alone, and of the last requests: whole traces, but small files.
jq -c --slurpfile ids "$state/ids" '[$ids[].trace_id] as $wanted |
	.resourceSpans |= map(.scopeSpans |= (map(select(.scope.name != "hopspan") | .spans |= map(select(.traceId | IN($wanted[])))) |
		map(select(.spans | length > 0)))) | .resourceSpans |= map(select(.scopeSpans | length > 0)) |
	select(.resourceSpans | length > 0)' "$state/spans.jsonl" >"$folder/spans.jsonl"
cp "$state/nodes.yaml" "$folder/nodes.yaml"
