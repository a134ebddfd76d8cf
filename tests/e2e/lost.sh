#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Segments get lost, and what their sender sent again is what a capture at it shows, in the trace that waited for it.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need tshark

here=$top/tests/e2e
requests=250

# sent NODE: its data segments as they left: time, source port, sequence number, octets.
sent() {
	tshark -r "$tmp/$1.pcap" -o tcp.relative_sequence_numbers:false -o tcp.analyze_sequence_numbers:false \
		-Y "tcp.len > 0 && tcp.${2}port == $app_port" -T fields -e frame.time_epoch -e tcp.srcport -e tcp.dstport \
		-e tcp.seq -e tcp.len 2>/dev/null
}

hop_up tc
collect_start
cart_start
shop_run 20 2
for node in client server; do capture_start $node $node ip6; done
loss r1 eth1 4
loss r1 eth0 4
shop_run $requests 2 --ids "$tmp/ids"
stop cart
for node in client server; do capture_stop $node; done
stop collect
sent client dst >"$tmp/requests"
sent server src >"$tmp/replies"
"$python" "$here/lost.py" "$HOPSPAN_STORE" "$tmp/ids" "$tmp/requests" "$tmp/replies" || fail "retransmissions"
trace=$(jq -rs 'max_by(.ms).trace_id' "$tmp/ids")
"$hopspan" trace show "$trace" -j | jq -c .verdict | tee "$tmp/verdict"
jq -e '.reason == "lost"' "$tmp/verdict" >/dev/null || fail "the slowest request's verdict is not that a packet was lost"
