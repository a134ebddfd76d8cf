# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A real Jaeger v2 for a test, in memory, on free loopback ports. Sourced, not run:
#
#   jaeger_start DIR [PREFIX...]  starts it with its files in DIR; PREFIX is put before it: ip netns exec NAME
#   jaeger_otlp                   where OTLP/HTTP goes in: http://127.0.0.1:PORT
#   jaeger_wait TRACE_ID COUNT    waits until it has COUNT spans of the trace, prints it as OTLP JSON; 1: they never came
#   jaeger_spans                  that JSON on stdin -> one JSON object per span, with "service" and "scope"
#   jaeger_warned                 that JSON on stdin; 0: Jaeger has a warning on a span, which it prints
#   jaeger_stop
#
# The binary is $HOPSPAN_JAEGER, else jaeger in PATH, else ~/.cache/hopspan/jaeger/jaeger; without one the test is
# skipped.

jaeger_pid=
jaeger_prefix=()

jaeger_binary() {
	local binary
	for binary in "${HOPSPAN_JAEGER:-}" "$(command -v jaeger)" ~/.cache/hopspan/jaeger/jaeger; do
		[ -n "$binary" ] && [ -x "$binary" ] && echo "$binary" && return
	done
	echo "no Jaeger v2 binary: set HOPSPAN_JAEGER" >&2
	exit 77
}

# Four ports in a row that nobody listens on, below those that the kernel hands out.
jaeger_port() {
	local port i
	while :; do
		port=$((20000 + RANDOM % 12000))
		for i in 0 1 2 3; do
			! "${jaeger_prefix[@]}" bash -c "exec 3<>/dev/tcp/127.0.0.1/$((port + i))" 2>/dev/null || continue 2
		done
		echo "$port"
		return
	done
}

# No batching: a trace can be read as soon as its export was answered.
jaeger_config() {
	cat <<-END
	service:
	  extensions: [jaeger_storage, jaeger_query]
	  pipelines: {traces: {receivers: [otlp], exporters: [jaeger_storage_exporter]}}
	  telemetry: {metrics: {level: none}, logs: {level: warn}}
	receivers:
	  otlp:
	    protocols:
	      http: {endpoint: "127.0.0.1:$1"}
	      grpc: {endpoint: "127.0.0.1:$(($1 + 1))"}
	exporters:
	  jaeger_storage_exporter: {trace_storage: memory}
	extensions:
	  jaeger_storage: {backends: {memory: {memory: {max_traces: 100000}}}}
	  jaeger_query:
	    storage: {traces: memory}
	    http: {endpoint: "127.0.0.1:$(($1 + 2))"}
	    grpc: {endpoint: "127.0.0.1:$(($1 + 3))"}
	    enable_tracing: false
	END
}

jaeger_curl() {
	"${jaeger_prefix[@]}" curl -gsS --max-time 10 "$@"
}

jaeger_start() {
	local dir=$1 binary i
	shift
	jaeger_prefix=("$@")
	binary=$(jaeger_binary) || exit $?
	jaeger_ports=$(jaeger_port)
	jaeger_config "$jaeger_ports" >"$dir/jaeger.yaml"
	"${jaeger_prefix[@]}" "$binary" --config "$dir/jaeger.yaml" >"$dir/jaeger.log" 2>&1 &
	jaeger_pid=$!
	for ((i = 0; i < 300; i++)); do
		# both doors: the query API, and OTLP, which answers 405 to a GET
		if jaeger_curl -f -o /dev/null "http://127.0.0.1:$((jaeger_ports + 2))/api/v3/services" 2>/dev/null &&
			jaeger_curl -o /dev/null "$(jaeger_otlp)/v1/traces" 2>/dev/null; then
			return 0
		fi
		kill -0 "$jaeger_pid" 2>/dev/null || break
		sleep 0.1
	done
	echo "Jaeger does not start:" >&2
	tail -n 20 "$dir/jaeger.log" >&2
	return 1
}

jaeger_otlp() {
	echo "http://127.0.0.1:$jaeger_ports"
}

jaeger_trace() {
	jaeger_curl "http://127.0.0.1:$((jaeger_ports + 2))/api/v3/traces/$1"
}

jaeger_spans() {
	jq -c '.result.resourceSpans[]? | ([(.resource.attributes // [])[] | select(.key == "service.name") |
		.value.stringValue][0] // "") as $service | .scopeSpans[] | (.scope.name // "") as $scope | (.spans // [])[] |
		. + {service: $service, scope: $scope}'
}

jaeger_wait() {
	local json i count=0
	for ((i = 0; i < 200; i++)); do
		json=$(jaeger_trace "$1")
		count=$(jaeger_spans <<<"$json" 2>/dev/null | wc -l)
		[ "$count" -lt "$2" ] || { printf '%s\n' "$json"; return 0; }
		sleep 0.1
	done
	echo "Jaeger has $count of $2 spans of trace $1" >&2
	return 1
}

jaeger_warned() {
	jaeger_spans | jq -e 'select(any((.attributes // [])[]; .key == "@jaeger@warnings"))'
}

jaeger_stop() {
	[ -n "$jaeger_pid" ] || return 0
	kill "$jaeger_pid" 2>/dev/null
	wait "$jaeger_pid" 2>/dev/null
	jaeger_pid=
}
