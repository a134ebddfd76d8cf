#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# No span is lost and none comes twice: the backend is away for a while under load, a proxy throws answers away, and the
# collector is killed again and again. The backend is a real Jaeger.
#
#   RATE=10000 DOWN=60 tests/run outage     spans a second (2000), seconds that the backend is away (4)
#   KILLS (20)                              of the collector
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=jaeger-lib.sh
. "$top/tests/e2e/jaeger-lib.sh"
# shellcheck source=otlp-lib.sh
. "$top/tests/e2e/otlp-lib.sh"
need jq
need curl
jaeger_need

rate=${RATE:-2000} down=${DOWN:-4} kills=${KILLS:-20}

load_start() {
	"$python" "$top/tests/e2e/load.py" "$door/v1/traces" "$rate" "$1" "$tmp/load" >"$state/load.log" 2>&1 &
	echo $! >"$state/load.pid"
}

load_end() {
	wait "$(cat "$state/load.pid")" || fail "the load: $(cat "$state/load.log")"
	rm "$state/load.pid"
	echo "$1: $(cat "$state/load.log")"
}

nothing_waits() { [ "$(metric hopspan_export_queue_batches)" -eq 0 ]; }

# The queue is long after a long outage.
drained() {
	local end=$((SECONDS + 300))
	until nothing_waits; do
		[ $SECONDS -lt $end ] || fail "$1: $(metric hopspan_export_queue_batches) batches still wait"
		sleep 0.2
	done
}

each_in_jaeger_once() {
	"$python" "$top/tests/e2e/load.py" check "http://127.0.0.1:$((jaeger_ports + 2))" "$tmp/load" >"$tmp/check" ||
		fail "$1: $(head "$tmp/check")"
	echo "$1: $(tail -n 1 "$tmp/check")"
}

# Its port is the one that the collector sends to. Of EVERY answers one is lost.
proxy_start() {
	"$python" "$top/tests/e2e/dropper.py" "$hole" 127.0.0.1 "$jaeger_ports" "$1" >"$state/proxy.log" 2>&1 </dev/null &
	echo $! >"$state/proxy.pid"
	wait_for "the proxy" grep -q listens "$state/proxy.log"
}

away() {
	door_start otlp "http://127.0.0.1:$hole"
	load_start "$down"
	load_end "backend away"
	same "spans sent to nobody" 0 "$(metric hopspan_export_spans_total)"
	nothing_waits && fail "nothing waits"
	proxy_start 3
	load_start 2
	load_end "backend back, and answers lost"
	drained "backend back"
	grep -q dropped "$state/proxy.log" || fail "no answer was lost"
	[ "$(metric hopspan_export_retries_total)" -gt 1 ] || fail "nothing was sent again"
	each_in_jaeger_once "backend away, then $(grep -c dropped "$state/proxy.log") answers lost"
	door_stop
	stop proxy
}

kill_hard() {
	local pid
	pid=$(cat "$state/collect.pid")
	kill -9 "$pid"
	wait "$pid" 2>/dev/null || true
}

# A span that was answered is in the store, and goes out, whenever the collector dies.
killed() {
	local i
	rm -f "$tmp/load" "$tmp"/store.db*
	proxy_start 1000000
	door_start otlp "http://127.0.0.1:$hole"
	load_start $((kills / 2 + 1))
	for ((i = 0; i < kills; i++)); do
		sleep "0.$((RANDOM % 5 + 1))"
		kill_hard
		door_start otlp "http://127.0.0.1:$hole"
	done
	load_end "collector killed $kills times"
	drained "killed"
	each_in_jaeger_once "killed $kills times"
	same "files set aside" "" "$(find "$tmp" -name '*.damaged-*')"
	door_stop
	stop proxy
}

otlp_begin
jaeger_start
hole=$(jaeger_port)
away
door_port=$(jaeger_port)
killed
