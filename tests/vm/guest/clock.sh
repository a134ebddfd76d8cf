#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The system's clock is stepped and slewed, and the kernel told of leap seconds: the programs' clock against the kernel's
# TAI in one run of a program, then a host's and a router's stamps against the time read before a packet is sent and
# after it came. Only a guest's clock may be touched.
#
#   client eth0 ---- eth0 r1 eth1 ---- eth0 server
# shellcheck source-path=SCRIPTDIR source=../../e2e/lib.sh disable=SC2119
. "$(dirname "$0")/../../e2e/lib.sh"
[ -n "${HOPSPAN_GUEST:-}" ] || skip "not a guest: this machine's clock is not ours to set"

folder=$top/build/tests/vm/guest
"$folder/clock" "$folder/clock.bpf.o"

hop_wire
# with seconds
node_exec client "$hopspan" host up dev eth0 proved ::/0 node-id 1 hops 2 trace 0xf80002
node_exec r1 "$hopspan" router up dev eth0 dev eth1 node-id 2
node_describe 1 client host other ptp before-queue eth0
node_describe 2 r1 router tc ptp before-queue eth0 eth1
node_exec client ping -c 1 -W 10 "$server" >/dev/null
capture_start server stamped ip6
node_exec client python3 "$top/tests/vm/guest/clock.py" send "$server" "$(netns server)" "$tmp/sent"
capture_stop stamped
node_exec server "$hopspan" decode "$tmp/stamped.pcap" nodes "$state/nodes.yaml" >"$tmp/decoded"
python3 "$top/tests/vm/guest/clock.py" judge "$tmp/sent" "$tmp/decoded" || fail "stamps"
