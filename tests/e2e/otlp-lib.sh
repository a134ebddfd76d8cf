# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A collector alone on this machine's loopback, for tests of OTLP. Sourced after lib.sh and jaeger-lib.sh:
#
#   otlp_begin                    the topology, without nodes
#   door_start [WORDS...]         a collector that takes OTLP at $door (URL), store $tmp/store.db; no sinks of others
#                                 port is $door_port, if that is set
#   door_stop
#   send COMMAND...               runs a sender against $door; its spans, a line each, are added to $tmp/sent
#   receiver_start [WORDS...]     receiver.py: $receiver is its URL, $tmp/requests its log
#   received                      ids of spans whose request was answered with success, a line each
#   stored                        the store's spans, as $tmp/sent has them

# shellcheck disable=SC2154 # lib.sh sets what is not set here
otlp_begin() {
	[ -x "$python" ] || skip "no build/venv: make build/venv/.done"
	topology_begin
	: >"$tmp/sent"
	# what the caller's environment says of OpenTelemetry is not the test's
	local name
	for name in ${!OTEL_@}; do unset "$name"; done
	export no_proxy=127.0.0.1 HOPSPAN_STORE=$tmp/store.db
}

door_start() {
	local port=${door_port:-}
	[ -n "$port" ] || port=$(jaeger_port)
	door=http://127.0.0.1:$port
	: >"$state/collect.log"
	"$hopspan" collect listen "127.0.0.1:$port" metrics "127.0.0.1:$((port + 1))" "$@" >"$tmp/collect.out" 2>"$state/collect.log" </dev/null &
	echo $! >"$state/collect.pid"
	metrics_url=http://127.0.0.1:$((port + 1))
	wait_for "the collector" grep -q "OTLP in" "$state/collect.log"
}

door_stop() { stop collect; }

send() { env OTEL_EXPORTER_OTLP_ENDPOINT="$door" "$@" >>"$tmp/sent"; }

receiver_start() {
	: >"$tmp/requests"
	: >"$state/receiver.log" # what an earlier one said is not to be waited for
	"$python" "$top/tests/e2e/receiver.py" "$tmp/requests" "$@" >"$state/receiver.log" 2>&1 </dev/null &
	echo $! >"$state/receiver.pid"
	wait_for "the receiver" grep -q listens "$state/receiver.log"
	receiver_port=$(awk '/listens/ { print $2 }' "$state/receiver.log")
	receiver=http://127.0.0.1:$receiver_port
}

received() { jq -r 'select(.answer | test("^(2|partial)")) | .spans[]' "$tmp/requests"; }

ids_sent() { cut -d'|' -f2 "$tmp/sent" | sort; }

all_received() { [ "$(received | wc -l)" -ge "$(wc -l <"$tmp/sent")" ]; }

# each_once WHAT: all that was sent was received, and nothing twice.
each_once() {
	wait_for "all spans, $1" all_received
	diff <(ids_sent) <(received | sort) || fail "$1: spans received are not those sent"
}

stored() {
	local trace
	cut -d'|' -f1 "$tmp/sent" | sort -u | while read -r trace; do
		"$hopspan" -j trace show "$trace" | "$python" -c 'import json, sys
trace = json.load(sys.stdin)
for s in trace["spans"]:
    start = s["start_unix_ns"]
    print(trace["trace_id"], s["span_id"], s.get("parent_span_id", ""), s["name"], start, start + s["duration_ns"], sep="|")'
	done | sort
}

stored_as_sent() { diff <(sort "$tmp/sent") <(stored) >"$tmp/diff"; }

metric() { curl -s --max-time 10 "$metrics_url/metrics" | awk -v name="$1" '$1 ~ "^" name "({|$)" { sum += $2 } END { print sum + 0 }'; }
