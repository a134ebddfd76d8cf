#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Each time another hop is made slow: a queue in a router, or a delay in one that takes no part. The transfer names it,
# each time. TRIES (30) says how often.
#
#   client --- r1 (tc) --- r2 (xdp) --- r3 (silent) --- r4 (tc) --- server
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

here=$top/tests/e2e
tries=${TRIES:-30}

line_up tc xdp silent tc
collect_start
node_start server swallow python3 "$here/stay.py" serve 7000
wait_for "the server" grep -q listens "$state/swallow.log"
node_exec client python3 "$here/stay.py" send $server 7000 200
node_exec client python3 "$here/worst.py" inject $server 7000 "$tries" "$TOPOLOGY" >"$tmp/tries"
stop collect
"$python" "$here/worst.py" judge "$HOPSPAN_STORE" "$tmp/tries" "$tries" || fail "what was slow is not named"
