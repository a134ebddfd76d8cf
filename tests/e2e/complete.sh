#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# 1,000 requests, idle and behind a full queue: each has its network spans, both ways, in its own trace, under its own
# CLIENT span, and none is orphaned, doubled or in a wrong place.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

# What became of all packets but those that were none of ours, both hosts and the routers together.
outcomes() {
	"$hopspan" status -j | jq -r '[.namespaces[] | {stamp, sink, transit, depart} | to_entries[] |
		.key as $role | (.value // {}) | to_entries[] | {key: "\($role) \(.key)", value}] |
		group_by(.key)[] | "\(.[0].key) \(map(.value) | add)"'
}

line_up
collect_start
cart_start
shop_run 700 1 --ids "$tmp/idle.ids"
background_start r1 eth1
shop_run 300 1 --ids "$tmp/loaded.ids"
background_stop
outcomes >"$tmp/outcomes"
stop cart
stop collect

if ! "$python" "$top/tests/e2e/complete.py" "$HOPSPAN_STORE" "$tmp/idle.ids" "$tmp/loaded.ids"; then
	cat "$tmp/outcomes" "$state/collect.log"
	fail "not all traces are whole"
fi
