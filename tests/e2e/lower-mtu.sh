#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# With lower-mtu, routes to proved prefixes keep room for the header: full-size segments are stamped in place. The routes
# of others are not touched, a second `up` adds nothing, and `down` leaves what was there, also when `up` was killed.
#
#   client -------------------- server    fd68:73:3::/64, and fd68:73:5::/48 behind the server
. "$(dirname "$0")/lib.sh"

# Routes as `ip` shows them, without what the kernel counts.
routes() { ip -n "$(netns client)" -6 -d route show | grep -v '^unicast fe80' | sed 's/ *$//' | sort; }
up() { node_exec client "$hopspan" host up dev eth0 node-id 1 "$@"; }
counter() { node_exec client "$hopspan" -j host show | jq ".[0].stamp.$1 // 0"; }

# full SIZE: 8 requests of that size, each a segment of its own, as the first window has room for all.
full() {
	local sizes
	mapfile -t sizes < <(yes "$1" | head -n 8)
	rm -f "$tmp/sha" "$state/reader.log"
	node_start server reader python3 "$top/tests/e2e/shadow.py" server 7000 "$tmp/sha"
	wait_for "the server" grep -q listens "$state/reader.log"
	node_exec client python3 "$top/tests/e2e/shadow.py" client $server 7000 "$tmp/plan" "${sizes[@]}" >"$tmp/sent"
	wait_for "the server to have it all" test -s "$tmp/sha"
	same "SHA-256 of the stream" "$(cat "$tmp/sent")" "$(cat "$tmp/sha")"
}

# What TCP puts into a segment to the server.
mss() {
	rm -f "$state/listener.log"
	node_start server listener python3 -c 'import socket
listener = socket.create_server(("::", 7001), family=socket.AF_INET6)
print("listens", flush=True)
listener.accept()[0].recv(1)'
	wait_for "the server" grep -q listens "$state/listener.log"
	node_exec client python3 -c 'import socket, sys
connection = socket.create_connection((sys.argv[1], 7001))
print(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))' $server
}

pair_up
ip -n "$(netns client)" -6 route add fd68:73:5::/48 via $server mtu 1400 proto static
ip -n "$(netns client)" -6 route add fd68:73:6::/48 dev eth0 metric 1
routes >"$tmp/before"

up proved ::/0 way in-place
same "octets in a full-size segment" 1428 "$(mss)"
full 1428
same "full-size segments in place, MTU not lowered" 0 "$(counter stamped_in_place)"
same "full-size segments too long" 8 "$(counter bare_mtu)"

# 72 octets and 2 hops of 24: 120.
up proved fd68:73:3::/64 proved fd68:73:5:1::/64 off fd68:73:5:2::/64 way in-place hops 2 lower-mtu on
routes >"$tmp/lowered"
diff "$tmp/before" "$tmp/lowered" >"$tmp/diff" || true
grep -v '^[0-9]' "$tmp/diff" >"$tmp/added" || true
diff - "$tmp/added" <<END || fail "routes added"
> unicast fd68:73:3::/64 dev eth0 proto 104 scope global metric 255 mtu 1380 pref medium
> unicast fd68:73:5:1::/64 via $server dev eth0 proto 104 scope global metric 1024 mtu 1280 pref medium
END
same "octets in a full-size segment" 1308 "$(mss)"
full 1308
same "full-size segments in place" 8 "$(counter stamped_in_place)"
same "segments too long" 8 "$(counter bare_mtu)"

up proved fd68:73:3::/64 proved fd68:73:5:1::/64 off fd68:73:5:2::/64 way in-place hops 2 lower-mtu on
routes >"$tmp/again"
diff "$tmp/lowered" "$tmp/again" || fail "a second up changes routes"

# What cannot be copied is said, and stays.
up proved fd68:73:6::/48 lower-mtu on 2>"$tmp/said"
same "what up says" "hopspan host up: eth0: the MTU of route fd68:73:6::/48 stays: no metric is left before it" \
	"$(cat "$tmp/said")"
routes | diff "$tmp/before" - || fail "routes not wanted any more"

up proved fd68:73:3::/64 lower-mtu on
up
routes | diff "$tmp/before" - || fail "routes after up without lower-mtu"

# Killed at any point of `up`.
for pause in 0.01 0.02 0.03 0.05 0.08 0.12 0.2 0.4; do
	timeout -s KILL $pause ip netns exec "$(netns client)" "$hopspan" host up dev eth0 node-id 1 \
		proved fd68:73:3::/64 lower-mtu on || true
	node_exec client "$hopspan" host down
	routes | diff "$tmp/before" - || fail "routes after up killed and down"
done
