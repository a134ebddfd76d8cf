#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Every node has another clock, up to 400 ms and whole seconds away, and the applications those of their hosts: still all
# is drawn where it happened by the client's clock, in order, within the client's span, and marked. That the clocks are in
# truth one tells by how much the collector was wrong.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

here=$top/tests/e2e
requests=${REQUESTS:-300}
declare -A ahead=([client]=3100000000 [r1]=400000000 [r2]=-1000000 [r3]=50000000 [server]=-1850000000)

# app NODE SCRIPT ARGUMENTS...: within the node's time.
app() { echo env $(app_env) "$python" "$here/shifted.py" "${ahead[$1]}" "$top/topologies/app/$2" "${@:3}"; }

words=()
for node in "${!ahead[@]}"; do words+=(clock "$node" "${ahead[$node]}"); done
line_up xdp tc dpdk "${words[@]}" tbf r1 eth1 12mbit
collect_start
# shellcheck disable=SC2046 # words
node_start server cart $(app server server.py :: $app_port)
wait_for "the service cart" grep -q listens "$state/cart.log"

# The spans of a process come when it ends, and with the first of them the seconds.
# shellcheck disable=SC2046
run() { node_exec client $(app client client.py "$server" $app_port "$1" 5 --ids "$tmp/$2.ids"); }
run 200 first
run "$requests" empty
background_start r1 eth1
run "$requests" filled
background_stop
stop cart
stop collect
for node in "${!ahead[@]}"; do echo "$node ${ahead[$node]}"; done >"$tmp/clocks"
"$python" "$here/skew.py" "$HOPSPAN_STORE" "$tmp/clocks" "$tmp/empty.ids" "$tmp/filled.ids" || fail "skewed clocks"
