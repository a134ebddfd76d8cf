#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# On the last link of a request and of its reply, tshark reads what every hop wrote: node ids and hop limits in path
# order, nothing invalid, nothing malformed, and in the sender's snapshot exactly the ids that the application printed.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need tshark

requests=20

# A tap sees what arrives before the sink at tc ingress does.
line_up
collect_start
cart_start
capture_start server request -Q in ip6
capture_start client reply -Q in ip6
shop_run $requests 5 --ids "$tmp/ids"

read_by_tshark() { tshark -n -r "$tmp/$1.pcap" "${@:2}" 2>>"$tmp/tshark.log"; }
stamped() { read_by_tshark "$1" -Y ipv6.opt.ioam.trace.ns "${@:2}"; }
stamped_count_is() { [ "$(stamped "$1" | wc -l)" -eq "$2" ]; }

# path DIRECTION ATTRIBUTION NODES LIMITS: the last hop comes first; its snapshot is empty, as is every later node's.
path() {
	local direction=$1 attribution=$2 nodes=$3 limits=$4
	wait_for "$requests stamped packets in the capture" stamped_count_is "$direction" $requests ||
		fail "$(stamped "$direction" | wc -l) of $requests packets stamped, $direction"
	capture_stop "$direction"
	jq -r --arg path "26739 $nodes $limits 0xffffff,0xffffff,0xffffff,0x687370 0,0,0,7" --arg attribution "$attribution" \
		'"\($path) \(.trace_id)\(.span_id)01[fl]\($attribution)00"' "$tmp/ids" >"$tmp/$direction.expected"
	# The flags are the application's: sampled, and since W3C Trace Context level 2 perhaps random.
	stamped "$direction" -T fields -E 'separator=/s' -E aggregator=, -e ipv6.opt.ioam.trace.ns \
		-e ipv6.opt.ioam.trace.node.id -e ipv6.opt.ioam.trace.node.hlim -e ipv6.opt.ioam.trace.node.oss.scid \
		-e ipv6.opt.ioam.trace.node.oss.len -e ipv6.opt.ioam.trace.node.oss.data |
		sed -E 's/^(.*01)0[13](..00)$/\1[fl]\2/' >"$tmp/$direction.seen"
	diff "$tmp/$direction.expected" "$tmp/$direction.seen" || fail "the $direction's hops or ids"
}

path request 00 0x000004,0x000003,0x000002,0x000001 62,63,63,64
path reply 80 0x000002,0x000003,0x000004,0x000005 62,63,63,64

for direction in request reply; do
	read_by_tshark $direction -V >"$tmp/$direction.text"
	same "IOAM options read in full, $direction" $requests "$(grep -c "Pre-allocated Trace$" "$tmp/$direction.text")"
	! grep -iE "invalid|malformed|mismatch|\[Expert Info \((Error|Warning)" "$tmp/$direction.text" ||
		fail "tshark finds fault, $direction"
	same "malformed packets, $direction" 0 "$(read_by_tshark $direction -Y _ws.malformed | wc -l)"
done
head -n 1 "$tmp/request.seen" "$tmp/reply.seen"
