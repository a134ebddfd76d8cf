#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Behind a sink no trace of hopspan is left: netfilter, the first that sees packets after tc ingress, gets every packet
# that arrived, each one, where it had a hop-by-hop header, equal octet for octet to what arrived without that header.
# From the IPv6 header on, checksums included: on this line they are whole at the sinks, as both of r2's neighbours
# finish them for the DPDK box (on a veth alone they could be unfinished). The sums are also calculated anew.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need nft

requests=20

line_up
collect_start
cart_start
for node in client server; do
	capture_start $node $node-before -Q in ip6
	behind_start $node $node-behind
done
shop_run $requests 5 --ids "$tmp/ids"
shop_run 5 5 20000 --ids "$tmp/ids-large"

compare() { python3 "$top/tests/e2e/sink.py" "$tmp/$1-before.pcap" "$tmp/$1-behind.pcap"; }
compare_is_whole() { compare "$1" >"$tmp/$1.result" 2>&1; }

for node in client server; do
	wait_for "both captures at $node" compare_is_whole $node || fail "$(cat "$tmp/$node.result")"
	echo "$node: $(cat "$tmp/$node.result")"
	stamped=$(sed -n 's/.* \([0-9]*\) stamped.*/\1/p' "$tmp/$node.result")
	[ "$stamped" -ge $requests ] || fail "$stamped packets stamped at $node, $requests requests"
done
