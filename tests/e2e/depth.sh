#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The depth of the queue that packets report is what tc says: a shaper filled to 10 to 500 kB and kept there, so slow that
# a look at it before and one after a packet differ by little. Both ways of a packet into r1.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need jq

depth() { python3 "$top/tests/e2e/depth.py" "$@"; }

decoded() { "$hopspan" decode "$tmp/$1.pcap"; }
all_arrived() { [ "$(decoded "$1" | wc -l)" -ge "$(wc -l <"$tmp/$1.sent")" ]; }

# through KIND: r1's packets are met there.
through() {
	echo "via $1"
	node_exec r1 "$hopspan" router up dev eth0 dev eth1 via "$1" node-id 2
	DEV=eth1 capture_start r1 "$1" 'ip6[6] = 0'
	node_exec client python3 "$top/tests/e2e/depth.py" run "$(netns r1)" eth1 $server 7000 >"$tmp/$1.sent"
	wait_for "all packets" all_arrived "$1"
	capture_stop "$1"
	decoded "$1" >"$tmp/$1.arrived"
	depth judge "$tmp/$1.sent" "$tmp/$1.arrived" || fail "depth, via $1"
}

hop_up tc
node_start server swallow python3 "$top/tests/e2e/stay.py" serve 7000
wait_for "the server" grep -q listens "$state/swallow.log"
node_exec client python3 "$top/tests/e2e/stay.py" send $server 7000 1
through tc
through xdp
