#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# What systemd hears of the collector: ready, alive, stopping; nothing from one that hangs. And its unit, in which systemd
# finds no fault.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=jaeger-lib.sh
. "$top/tests/e2e/jaeger-lib.sh"
# shellcheck source=otlp-lib.sh
. "$top/tests/e2e/otlp-lib.sh"

# A line per datagram that comes to the socket.
listener() {
	exec python3 -c 'import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listens", flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)' "$1"
}

heard() { [ "$(grep -c "^$1\$" "$state/listener.log")" -ge "$2" ]; }
silent_since() { [ "$(wc -l <"$state/listener.log")" -eq "$1" ]; }

otlp_begin
listener "$tmp/notify" >"$state/listener.log" 2>&1 &
echo $! >"$state/listener.pid"
wait_for "the listener" heard listens 1
NOTIFY_SOCKET=$tmp/notify WATCHDOG_USEC=400000 door_start
wait_for "ready" heard READY=1 1
wait_for "signs of life" heard WATCHDOG=1 4
kill -STOP "$(cat "$state/collect.pid")"
sleep 0.5 # what was under way has come by then
count=$(wc -l <"$state/listener.log")
sleep 0.6
silent_since "$count" || fail "one that hangs gives signs of life"
kill -CONT "$(cat "$state/collect.pid")"
wait_for "signs of life again" heard WATCHDOG=1 $((count + 1))
door_stop
wait_for "stopping" heard STOPPING=1 1
same "order" "listens READY=1 STOPPING=1" "$(grep -v WATCHDOG "$state/listener.log" | xargs)"

# of an abstract socket, and of none
NOTIFY_SOCKET=@$TOPOLOGY door_start
door_stop
if command -v systemd-analyze >/dev/null; then
	sed "s|/usr/local/bin/hopspan|$hopspan|" "$top/packaging/hopspan-collect.service" >"$tmp/hopspan-collect.service"
	systemd-analyze verify "$tmp/hopspan-collect.service" >"$tmp/verify" 2>&1 || fail "systemd says of the unit: $(cat "$tmp/verify")"
	! grep hopspan "$tmp/verify" || fail "systemd finds fault with the unit"
fi
