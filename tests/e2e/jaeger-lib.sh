# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A real Jaeger v2 for a test, in memory, on free loopback ports. Sourced after lib.sh:
#
#   jaeger_need                   finds or builds the binary, else skips: to be called before anything is up
#   jaeger_start                  starts it as part of the topology, with which it ends; it reads the topic jaeger-spans
#                                 of the Kafka brokers $jaeger_kafka, too, if that is set, and stores in the folder
#                                 $jaeger_kept, else in memory
#   jaeger_kill                   ends it at once, and starts it again with the same ports
#   jaeger_otlp                   where OTLP/HTTP goes in: http://127.0.0.1:PORT
#   jaeger_wait TRACE_ID COUNT    waits until it has COUNT spans of the trace, prints it as OTLP JSON
#   jaeger_spans                  that JSON on stdin -> one JSON object per span, with "service" and "scope"
#
# The binary is $JAEGER, else one built once from Jaeger's Go module and kept in the user's cache. Without Go, or the
# module, the test is skipped.

# shellcheck disable=SC2154 # lib.sh sets what is not set here
jaeger_module=github.com/jaegertracing/jaeger
jaeger_version=v1.76.0 # this module is Jaeger 2.13
jaeger_go=1.24.6       # what its go.mod asks for
jaeger_cache=${XDG_CACHE_HOME:-$HOME/.cache}/hopspan/jaeger

go_is_new() {
	local version
	version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || return 1
	printf '%s\n' "$jaeger_go" "${version#go}" | sort -VC
}

# jaeger_build FOLDER: a copy, as Go's module cache is read-only, and built inside it, so that its own go.sum applies.
jaeger_build() {
	local source
	source=$(cd "$1" && go mod download -json "$jaeger_module@$jaeger_version" | jq -er .Dir) ||
		skip "Jaeger's Go module $jaeger_module@$jaeger_version cannot be had"
	cp -r "$source" "$1/source"
	chmod -R u+w "$1/source"
	(cd "$1/source" && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$1/jaeger" ./cmd/jaeger) ||
		fail "Jaeger does not build"
	mv "$1/jaeger" "$jaeger_cache/jaeger"
}

# Tests that run side by side wait here for the one that builds. A subshell: what ends it ends the caller.
jaeger_need() {
	[ -z "${JAEGER:-}" ] || { [ -x "$JAEGER" ] || fail "JAEGER=$JAEGER is no program"; return 0; }
	JAEGER=$jaeger_cache/jaeger
	[ ! -x "$JAEGER" ] || return 0
	go_is_new || skip "needs Go $jaeger_go or newer to build Jaeger, or JAEGER=PATH"
	mkdir -p "$jaeger_cache" "$tmp/jaeger"
	(
		trap - EXIT
		flock 9
		[ -x "$JAEGER" ] || jaeger_build "$tmp/jaeger"
	) 9>"$jaeger_cache/lock" || exit $?
}

# Four ports in a row that nobody listens on, below those that the kernel hands out.
jaeger_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12000))
		[ -n "$(ss -Htln "sport >= $port and sport <= $((port + 3))")" ] || break
	done
	echo "$port"
}

# As docs/scale.md has it: an offset is committed behind what is stored.
jaeger_ingests() {
	cat <<-END
	  kafka:
	    brokers: [$jaeger_kafka]
	    group_id: jaeger
	    initial_offset: earliest
	    traces: {topic: jaeger-spans, encoding: otlp_proto}
	    autocommit: {enable: true, interval: 1s}
	    message_marking: {after: true, on_error: false}
	    error_backoff: {enabled: true, max_elapsed_time: 0s}
	END
}

jaeger_stores() {
	local at=${jaeger_kept:-}
	if [ -z "$at" ]; then
		echo "memory: {max_traces: 100000}"
	else
		echo "badger: {ephemeral: false, directories: {keys: \"$at/keys\", values: \"$at/values\"}}"
	fi
}

# No batching: a trace can be read as soon as its export was answered.
jaeger_config() {
	cat <<-END
	service:
	  extensions: [jaeger_storage, jaeger_query]
	  pipelines: {traces: {receivers: [otlp${jaeger_kafka:+, kafka}], exporters: [jaeger_storage_exporter]}}
	  telemetry: {metrics: {level: none}, logs: {level: warn}}
	receivers:
	  otlp:
	    protocols:
	      http: {endpoint: "127.0.0.1:$1"}
	      grpc: {endpoint: "127.0.0.1:$(($1 + 1))"}
	${jaeger_kafka:+$(jaeger_ingests)}
	exporters:
	  jaeger_storage_exporter: {trace_storage: spans}
	extensions:
	  jaeger_storage: {backends: {spans: {$(jaeger_stores)}}}
	  jaeger_query:
	    storage: {traces: spans}
	    http: {endpoint: "127.0.0.1:$(($1 + 2))"}
	    grpc: {endpoint: "127.0.0.1:$(($1 + 3))"}
	    enable_tracing: false
	END
}

jaeger_otlp() { echo "http://127.0.0.1:$jaeger_ports"; }

jaeger_curl() { curl -gsS --max-time 10 "$@"; }

# Both doors: the query API, and OTLP, which answers 405 to a GET.
jaeger_answers() {
	jaeger_curl -f -o /dev/null "http://127.0.0.1:$((jaeger_ports + 2))/api/v3/services" &&
		jaeger_curl -o /dev/null "$(jaeger_otlp)/v1/traces"
}

jaeger_answers_or_ended() { jaeger_answers || gone "$(cat "$state/jaeger.pid")"; }

jaeger_run() {
	"$JAEGER" --config "$state/jaeger.yaml" >>"$state/jaeger.log" 2>&1 </dev/null &
	echo $! >"$state/jaeger.pid"
	disown # not to be told of when it is killed
	wait_for "Jaeger" jaeger_answers_or_ended
	! gone "$(cat "$state/jaeger.pid")"
}

# Again with other ports, should another program take one of them in between.
jaeger_start() {
	local try
	for try in 1 2 3; do
		jaeger_ports=$(jaeger_port)
		jaeger_config "$jaeger_ports" >"$state/jaeger.yaml"
		! jaeger_run || return 0
	done
	fail "Jaeger does not start ($try times)"
}

jaeger_kill() {
	local pid
	pid=$(cat "$state/jaeger.pid")
	rm "$state/jaeger.pid"
	kill -KILL "$pid"
	wait_for "Jaeger to be gone" gone "$pid"
	jaeger_run || fail "Jaeger does not start again"
}

jaeger_trace() { jaeger_curl "http://127.0.0.1:$((jaeger_ports + 2))/api/v3/traces/$1"; }

jaeger_spans() {
	jq -c '.result.resourceSpans[]? | ([(.resource.attributes // [])[] | select(.key == "service.name") |
		.value.stringValue][0] // "") as $service | .scopeSpans[] | (.scope.name // "") as $scope | (.spans // [])[] |
		. + {service: $service, scope: $scope}'
}

jaeger_has() { [ "$(jaeger_trace "$1" | jaeger_spans | wc -l)" -ge "$2" ]; }

jaeger_wait() {
	wait_for "Jaeger to have $2 spans of trace $1" jaeger_has "$1" "$2"
	jaeger_trace "$1"
}
