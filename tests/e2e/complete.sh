#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# 1,000 requests (or REQUESTS), idle and behind a full queue: each has its network spans, both ways, in its own trace, under
# its own CLIENT span, and none is orphaned, doubled or in a wrong place; in the store, and in a real Jaeger, which warns of
# nothing. Jaeger is left out where there is none and none can be built.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
# shellcheck source=jaeger-lib.sh
. "$top/tests/e2e/jaeger-lib.sh"
need jq
need curl

REQUESTS=${REQUESTS:-1000}

# What became of all packets but those that were none of ours, both hosts and the routers together.
outcomes() {
	"$hopspan" status -j | jq -r '[.namespaces[] | {stamp, sink, transit, depart} | to_entries[] |
		.key as $role | (.value // {}) | to_entries[] | {key: "\($role) \(.key)", value}] |
		group_by(.key)[] | "\(.[0].key) \(map(.value) | add)"'
}

all_sent() { [ "$(node_exec client curl -s --max-time 10 http://127.0.0.1:9419/metrics | awk '/^hopspan_export_queue_batches/ { print $2 }')" = 0 ]; }

peak_mb() { awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$(cat "$state/$1.pid")/status"; }

jaeger_have=
if (trap - EXIT; jaeger_need); then
	jaeger_need
	jaeger_have=1
fi

line_up
[ -z "$jaeger_have" ] || jaeger_start
collect_start ${jaeger_have:+otlp "$(jaeger_otlp)"}
cart_start
shop_run $((REQUESTS * 7 / 10)) 1 --ids "$tmp/idle.ids"
background_start r1 eth1
shop_run $((REQUESTS - REQUESTS * 7 / 10)) 1 --ids "$tmp/loaded.ids"
background_stop
outcomes >"$tmp/outcomes"
stop cart
[ -z "$jaeger_have" ] || wait_for "all that is stored to be sent" all_sent
echo "the collector needed $(peak_mb collect) MB${jaeger_have:+, Jaeger $(peak_mb jaeger)}"
stop collect

if ! "$python" "$top/tests/e2e/complete.py" ${jaeger_have:+--jaeger "http://127.0.0.1:$((jaeger_ports + 2))"} "$HOPSPAN_STORE" \
	"$tmp/idle.ids" "$tmp/loaded.ids"; then
	cat "$tmp/outcomes" "$state/collect.log"
	fail "not all traces are whole"
fi
