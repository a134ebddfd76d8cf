#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Whichever is up first on a device, on tcx and on clsact, whatever order is asked for: the border is the first program at
# ingress and the last at egress, and XDP programs of ours that would be before it are refused, or it is. So what outside
# forges for the border router itself is no record there, and what that stamps itself does not leave.
# shellcheck source-path=SCRIPTDIR source=border-lib.sh
. "$(dirname "$0")/border-lib.sh"
counter=$top/build/tests/e2e/counter
router=fd68:73:1::2

host() { node_exec border "$hopspan" host up dev eth0 proved ::/0 node-id 2 way clone "$@"; }
router() { node_exec border "$hopspan" router up dev eth0 node-id 2 "$@"; }
all_down() { for object in host router border; do node_exec border "$hopspan" $object down; done; }
tcx() { nsenter --net="/run/netns/$(netns border)" "$counter" tcx-order eth0 "$1"; }
clsact() { tc -n "$(netns border)" -j filter show dev eth0 "$1" | jq -r '.[].options.prog.name // empty' | xargs; }
xdp() { ip -n "$(netns border)" -d -j link show dev eth0 | jq -r '.[0].xdp.prog.name // "none"'; }
received() { node_exec border cat /sys/class/net/eth0/statistics/rx_packets; }

stamped() { sink_of stamp stamped_clone; }
sink_of() { node_exec border "$hopspan" -j host show | jq ".[0].$1.$2 // 0"; }

# order_expected HOOK WHEN INGRESS EGRESS
order_expected() {
	same "ingress, $2" "$3" "$("$1" ingress)"
	same "egress, $2" "$4" "$("$1" egress)"
}

# tight WHEN: a request of the router's own, and what outside forges for it, stay on their sides.
tight() {
	local before stamped
	before=$(received)
	node_exec outside python3 "$here/border.py" send eth0 "$(mac border eth0)" $outside $router 7500 30
	wait_for "30 datagrams" test "$(received)" -ge $((before + 30))
	same "what the router's sink met, $1" "" "$(met border)"
	stamped=$(stamped)
	rm -f "$tmp/sha"
	node_start outside reader python3 "$here/shadow.py" server 7000 "$tmp/sha"
	wait_for "the server" grep -q listens "$state/reader.log"
	node_exec border python3 "$here/shadow.py" client $outside 7000 "$tmp/plan" 10 20 30 >"$tmp/sent"
	wait_for "the server to have it all" test -s "$tmp/sha"
	stop reader
	same "SHA-256 of the stream, $1" "$(cat "$tmp/sent")" "$(cat "$tmp/sha")"
	same "requests stamped, $1" 3 $(($(stamped) - stamped))
	same "what the sink outside met, $1" "" "$(met outside)"
}

# refused MESSAGE COMMAND...
refused() {
	local message=$1
	shift
	! "$@" 2>"$tmp/refused" || fail "not refused: $*"
	same "what \"$*\" says" "$message" "$(cat "$tmp/refused")"
}

# all_orders HOOK
all_orders() {
	local order
	for order in "order first" "order last"; do
		up
		# shellcheck disable=SC2086 # words
		{ host $order && router $order; } || fail "up behind the border, $order"
		same "$1 ingress is led by, $order" tc_border_in "$("$1" ingress | cut -d' ' -f1)"
		same "$1 egress ends with, $order" tc_border_out "$("$1" egress | awk '{ print $NF }')"
		same "programs on $1, $order" "3 3" "$("$1" ingress | wc -w) $("$1" egress | wc -w)"
		tight "border first, $order"
		all_down
		# shellcheck disable=SC2086
		{ router $order && host $order; } || fail "up, $order"
		up
		same "$1 ingress is led by, border later, $order" tc_border_in "$("$1" ingress | cut -d' ' -f1)"
		same "$1 egress ends with, border later, $order" tc_border_out "$("$1" egress | awk '{ print $NF }')"
		tight "border later, $order"
		all_down
	done
	order_expected "$1" "after down" "" ""
}

export HOPSPAN_TC=clsact
all_orders clsact
unset HOPSPAN_TC
up
if [ "$(border -j show | jq -r '.[0].hook')" = tcx ]; then
	border down
	all_orders tcx
	# On one hook they have an order: the border's, whatever is asked for later.
	up
	HOPSPAN_TC=clsact host || fail "up"
	same "hook behind a border on tcx" tcx "$(node_exec border "$hopspan" -j host show | jq -r '.[0].hook')"
	tight "clsact asked for behind a border on tcx"
	all_down
	HOPSPAN_TC=clsact host || fail "up"
	up
	same "hook of a border before clsact" clsact "$(border -j show | jq -r '.[0].hook')"
	router || fail "up"
	tight "a border before clsact"
fi
all_down

# XDP
for via in tc xdp; do
	up via $via
	refused "hopspan host up: eth0: there is a border, and XDP would be before it: via tc" host via xdp
	refused "hopspan router up: eth0: there is a border, and XDP would be before it: via tc" router via xdp
	{ host && router; } || fail "up behind a border via $via"
	same "via, behind a border via $via" "tc tc" \
		"$(node_exec border "$hopspan" -j host show | jq -r '.[0].via') $(node_exec border "$hopspan" -j router show | jq -r '.[0].via')"
	tight "behind a border via $via"
	all_down
	same "XDP program after down" none "$(xdp)"
done
for object in host router; do
	$object via xdp || fail "$object up via xdp"
	program=$(xdp)
	refused "hopspan border up: eth0: the $object's XDP program would be before the border: first hopspan $object up ... via tc" border up dev eth0
	same "borders" "[]" "$(border -j show)"
	same "XDP program" "$program" "$(xdp)"
	$object via tc || fail "$object up via tc"
	up via xdp
	same "XDP program" xdp_border "$(xdp)"
	host || fail "host up"
	tight "$object first, border via xdp"
	all_down
done
kernel_is_silent "after all orders"
for node in outside server; do node_exec $node "$hopspan" host down; done
[ ! -e "$HOPSPAN_BPFFS" ] || fail "left: $(find "$HOPSPAN_BPFFS")"
