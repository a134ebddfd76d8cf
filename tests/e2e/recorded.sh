#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# One run, three ways in: the sinks, taps by libpcap, and the captures of it read afterwards. All give the same spans, with
# the same ids, parents and stamps; only the time of arrival is each one's own. The same packets read again, in another
# format, give the same to the last digit.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need tcpdump
need jq

# spans STORE: each network span with all its attributes, a line each.
spans() {
	local trace
	"$hopspan" -j trace list limit 1000 store "$1" | jq -r '.[].trace_id' | sort | while read -r trace; do
		"$hopspan" -j trace show "$trace" store "$1" | jq -cS --arg trace "$trace" \
			'.spans[] | select(.service == "network") | . + {trace: $trace}'
	done | sort
}
same_in_all() {
	jq -c '[.trace, .span_id, .parent_span_id, .name, .direction, .kind, .node, .node_id, .hop, .hop_limit, .ingress_if,
		.egress_if, .dataplane, .time_unix_ns, .delay_ns, .queue_bytes, .packets, .path, .from, .to]' | sort
}

stored() { [ "$("$hopspan" -j trace list limit 1000 store "$1" | jq 'map(select(.network_ns > 0)) | length')" -eq 40 ]; }

hop_up tc
collect_start
HOPSPAN_BPFFS=$HOPSPAN_BPFFS-none "$hopspan" collect nodes "$state/nodes.yaml" metrics off listen "127.0.0.1:0" \
	tap "$(netns client)/eth0" tap "$(netns server)/eth0" store "$tmp/tapped.db" >"$state/tap.log" 2>&1 </dev/null &
echo $! >"$state/tap.pid"
wait_for "the tapping collector" grep -q "OTLP in" "$state/tap.log"
capture_start client client -Q in 'ip6[6] = 0'
capture_start server server -Q in 'ip6[6] = 0'
node_start server decode "$hopspan" decode -i eth0
cart_start
shop_run 40 20
wait_for "all transfers by the sinks" stored "$HOPSPAN_STORE"
wait_for "all transfers by the taps" stored "$tmp/tapped.db"
stop cart
capture_stop client
capture_stop server
stop tap
stop collect
stop decode
same "packets decoded live" 40 "$(jq -c 'select(.hops | length == 2)' "$state/decode.log" | wc -l)"

"$hopspan" collect nodes "$state/nodes.yaml" read "$tmp/server.pcap" read "$tmp/client.pcap" store "$tmp/read.db" 2>"$tmp/read.log" ||
	fail "captures are not read: $(cat "$tmp/read.log")"
spans "$HOPSPAN_STORE" >"$tmp/sinks"
spans "$tmp/tapped.db" >"$tmp/tapped"
spans "$tmp/read.db" >"$tmp/read"
[ "$(wc -l <"$tmp/read")" -ge 320 ] || fail "only $(wc -l <"$tmp/read") spans were read"
for way in sinks tapped; do
	diff <(same_in_all <"$tmp/$way") <(same_in_all <"$tmp/read") >"$tmp/diff" ||
		fail "captures give other spans than $way: $(head -n 6 "$tmp/diff")"
done

# the same from standard input, in another format
if command -v editcap >/dev/null; then
	editcap -F pcapng "$tmp/server.pcap" "$tmp/server.pcapng"
	"$hopspan" collect nodes "$state/nodes.yaml" read - read "$tmp/client.pcap" store "$tmp/again.db" <"$tmp/server.pcapng" \
		2>"$tmp/read.log" || fail "pcapng is not read: $(cat "$tmp/read.log")"
	diff "$tmp/read" <(spans "$tmp/again.db") >"$tmp/diff" ||
		fail "pcapng gives other spans than pcap: $(head -n 6 "$tmp/diff")"
fi

# what is not there
! "$hopspan" collect tap "$(netns server)/none" metrics off 2>"$tmp/errors" || fail "a device that is not there is tapped"
grep -qF "none: no such device" "$tmp/errors" || fail "it says: $(cat "$tmp/errors")"
! "$hopspan" collect tap nowhere/eth0 metrics off 2>"$tmp/errors" || fail "a namespace that is not there is tapped"
grep -qF "network namespace" "$tmp/errors" || fail "it says: $(cat "$tmp/errors")"
! "$hopspan" collect read "$tmp/none.pcap" 2>"$tmp/errors" || fail "a file that is not there is read"
grep -qF "none.pcap: No such file" "$tmp/errors" || fail "it says: $(cat "$tmp/errors")"
