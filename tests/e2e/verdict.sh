#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The verdict names the congested queue while it is congested, and no longer when it has drained.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

# requests NAME COUNT: their traces as JSON, one per line, in $tmp/NAME.
requests() {
	local trace
	shop_run "$2" 5 --ids "$tmp/$1.ids"
	wait_for "the last request's spans" whole "$(tail -n 1 "$tmp/$1.ids" | jq -r .trace_id)"
	jq -r .trace_id "$tmp/$1.ids" | while read -r trace; do
		"$hopspan" trace show "$trace" -j | jq -c .
	done >"$tmp/$1"
	same "traces of $1 requests" "$2" "$(wc -l <"$tmp/$1")"
}

whole() {
	"$hopspan" trace show "$1" -j | jq -e '[.spans[].name] | contains(["request", "reply", "GET /cart/{id}"])'
}

usual_counted() { "$hopspan" trace show "$1" -j | jq -e '.verdict.usual_packets >= 100'; }

# stays NAME: a line per trace: time in and queue of r1 eth1 on the way to the server, no line where it is not known.
stays() {
	jq -r '.spans as $all | $all[] | select(.name == "r1 eth1") |
		select(.parent_span_id as $id | any($all[]; .span_id == $id and .name == "request")) |
		"\(.duration_ns) \(.queue_bytes)"' "$tmp/$1"
}

median() { cut -d' ' -f1 | sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }

blames_r1_queue='.verdict | .reason == "queue" and .node == "r1" and .egress_if == "eth1"'

line_up
collect_start
cart_start

requests idle 200
idle_ns=$(stays idle | median)
[ "$(stays idle | wc -l)" -ge 100 ] || fail "a stay in r1 is known of less than half of the idle requests"

background_start r1 eth1
requests congested 20
# The slowest of the network: on a busy machine a process may be held up for longer than a queue.
jq -sc 'max_by(.spans[] | select(.name == "request") | .duration_ns)' "$tmp/congested" >"$tmp/slowest"
LC_ALL=C "$hopspan" trace show "$(jq -r .trace_id "$tmp/slowest")" | tee "$tmp/waterfall"
jq -c .verdict "$tmp/slowest"
read -r stay_ns queue_bytes < <(stays slowest)
[ "$stay_ns" -gt $((10 * idle_ns)) ] || fail "congested, r1 eth1 took $stay_ns ns; idle $idle_ns"
[ "$queue_bytes" -ge 10000 ] || fail "congested, $queue_bytes octets queued in r1 eth1"
grep -q '^ *r1 eth1 .* kB .*#' "$tmp/waterfall" || fail "the waterfall draws no queue at r1 eth1"
jq -e "$blames_r1_queue" "$tmp/slowest" >/dev/null || fail "the verdict does not name the queue of r1 eth1"
grep -q 'in r1, waiting in the queue of eth1 (.* kB)' "$tmp/waterfall" || fail "the sentence does not name the queue"
jq -e '.verdict | .times_usual > 10 and .queue_bytes >= 10000' "$tmp/slowest" >/dev/null ||
	fail "the verdict's numbers do not fit the stay"
wait_for "the usual stay's count of packets to be stored" usual_counted "$(jq -r .trace_id "$tmp/slowest")"
blaming=$(jq -c "select($blames_r1_queue)" "$tmp/congested" | wc -l)
[ "$blaming" -ge 15 ] || fail "the verdict of only $blaming of 20 congested requests is r1 eth1"

background_stop
wait_for "the queue to drain" bash -c "[ \"\$(tc -n $(netns r1) -s -j qdisc show dev eth1 root | jq .[0].backlog)\" = 0 ]"
requests drained 20
jq -c "select($blames_r1_queue)" "$tmp/drained" >"$tmp/blamed"
[ ! -s "$tmp/blamed" ] || { jq -c .verdict "$tmp/blamed"; fail "the drained queue of r1 eth1 is still named"; }
[ "$(stays drained | wc -l)" -ge 10 ] || fail "drained, a stay in r1 is known of less than half of the requests"
stays drained | awk '$2 > 3000 { exit 1 }' || fail "octets are queued in r1 eth1 after it drained: $(stays drained)"
drained_ns=$(stays drained | median)
[ "$stay_ns" -gt $((10 * drained_ns)) ] || fail "drained, r1 eth1 took $drained_ns ns; congested $stay_ns"
