#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# OTLP in from senders of others: the SDKs' exporters of Python, Go and JavaScript, and the OpenTelemetry Collector inside
# Jaeger, in protobuf and JSON, plain and gzip. What is stored is what they say they sent. A span without good ids is left
# out, and its sender says why. Errors are what the specification asks for, by OpenTelemetry's and Google's own protobuf.
#
# Go's and JavaScript's senders are built once and kept in the user's cache; what is missing for one is said, and the
# others go on.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
# shellcheck source=jaeger-lib.sh
. "$top/tests/e2e/jaeger-lib.sh"
# shellcheck source=otlp-lib.sh
. "$top/tests/e2e/otlp-lib.sh"
need jq
need curl

senders=$top/tests/e2e/senders
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hopspan/senders

# built NAME FILE... -- COMMAND...: $built is a folder where COMMAND was run once on copies of these files. Fails when it
# did.
built() {
	local name=$1 files=() sum
	shift
	while [ "$1" != -- ]; do files+=("$senders/$1"); shift; done
	shift
	sum=$(cat "${files[@]}" | sha256sum | cut -c1-16)
	built=$cache/$name-$sum
	mkdir -p "$cache"
	(
		trap - EXIT
		flock 9
		[ ! -e "$built" ] || exit 0
		rm -rf "$built.new"
		mkdir "$built.new"
		cp "${files[@]}" "$built.new"
		cd "$built.new" && "$@" >"$tmp/built.log" 2>&1 && mv "$built.new" "$built"
	) 9>"$cache/lock"
}

# from WHAT VARIABLE=VALUE... COMMAND...: all it sends is stored as it says.
from() {
	local what=$1
	shift
	: >"$tmp/sent"
	send env "$@" || fail "$what: the sender failed: $(cat "$tmp/sent")"
	[ -s "$tmp/sent" ] || fail "$what: nothing was sent"
	wait_for "$what: spans as they were sent" stored_as_sent || fail "$what: $(cat "$tmp/diff")"
	echo "$what: $(wc -l <"$tmp/sent") spans"
}

# bad_from WHAT WHY COMMAND...: each of its 3 batches has one bad span more; it says so, and all others are stored.
bad_from() {
	local what=$1 why=$2
	shift 2
	from "$what, some bad" "$@" bad 2>"$tmp/said"
	same "$what: partial successes that it says" 3 "$(grep -c "1 of 5 spans rejected: .*bad" "$tmp/said")"
	grep -qF "$why" "$tmp/said" || fail "$what: it does not say $why: $(cat "$tmp/said")"
	bad=$((bad + 3))
}

bad=0 gzip=OTEL_EXPORTER_OTLP_COMPRESSION=gzip

sdks() {
	local sender=("$python" "$top/tests/e2e/sender.py" 3 4)
	from "Python, protobuf" "${sender[@]}"
	from "Python, protobuf, gzip" $gzip "${sender[@]}"
	if go_is_new && built go main.go go.mod -- sh -c 'go mod tidy && CGO_ENABLED=0 go build -o sender .'; then
		from "Go, protobuf" "$built/sender" 3 4
		from "Go, protobuf, gzip" $gzip "$built/sender" 3 4
		bad_from "Go, protobuf" "trace_id is all zero" "$built/sender" 3 4
	else
		echo "Go's sender left out: no Go $jaeger_go, or its modules cannot be had"
	fi
	if command -v npm >/dev/null && built node sender.mjs package.json -- npm install --ignore-scripts --no-audit --no-fund; then
		from "JavaScript, protobuf" node "$built/sender.mjs" proto 3 4
		from "JavaScript, JSON" node "$built/sender.mjs" http 3 4
		from "JavaScript, JSON, gzip" $gzip node "$built/sender.mjs" http 3 4
		bad_from "JavaScript, protobuf" "span_id has not 8 octets" node "$built/sender.mjs" proto 3 4
		bad_from "JavaScript, JSON" "span_id has not 8 octets" node "$built/sender.mjs" http 3 4
	else
		echo "JavaScript's sender left out: no npm, or its packages cannot be had"
	fi
}

# relay_config PORT ENCODING COMPRESSION
relay_config() {
	cat <<-END
	service:
	  pipelines: {traces: {receivers: [otlp], exporters: [otlphttp]}}
	  telemetry: {metrics: {level: none}, logs: {level: warn}}
	receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:$1"}}}}
	exporters: {otlphttp: {endpoint: "$door", encoding: $2, compression: $3, sending_queue: {enabled: false}}}
	END
}

relay_answers() { [ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$relay/v1/traces")" = 405 ]; }

# relayed ENCODING COMPRESSION: by Jaeger's OpenTelemetry Collector.
relayed() {
	relay=$(jaeger_port)
	relay_config "$relay" "$1" "$2" >"$tmp/relay.yaml"
	"$JAEGER" --config "$tmp/relay.yaml" >"$state/relay.log" 2>&1 </dev/null &
	echo $! >"$state/relay.pid"
	wait_for "the relay" relay_answers
	from "OpenTelemetry Collector, $1, $2" OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:$relay" "$python" "$top/tests/e2e/sender.py" 3 4
	stop relay
}

# They are counted behind their answers.
refused() { [ "$(metric hopspan_otlp_requests_bad_total)" = "$1" ]; }

# error STATUS TYPE CODE MESSAGE CURL...: an answer with a google.rpc.Status in the type of the request.
error() {
	local status
	status=$(curl -s --max-time 20 -D "$tmp/head" -o "$tmp/body" -w '%{http_code}' "${@:5}")
	same "status of $4" "$1" "$status"
	grep -qi "^content-type: $2" "$tmp/head" || fail "type of $4: $(cat "$tmp/head")"
	"$python" - "$2" "$3" "$4" "$tmp/body" <<-'END' || fail "body of $4"
	import sys
	from google.protobuf import json_format
	from google.rpc import status_pb2
	kind, code, message, path = sys.argv[1:]
	with open(path, "rb") as file:
	    body = file.read()
	status = status_pb2.Status()
	json_format.Parse(body, status) if kind == "application/json" else status.ParseFromString(body)
	assert status.code == int(code) and message in status.message, status
	END
}

errors() {
	local protobuf="Content-Type: application/x-protobuf" json="Content-Type: application/json" url=$door/v1/traces
	head -c 17000000 /dev/zero >"$tmp/large"
	gzip -c "$tmp/large" >"$tmp/bomb"
	error 400 application/x-protobuf 3 "not an ExportTraceServiceRequest" -H "$protobuf" --data-binary garbage "$url"
	error 400 application/json 3 "not OTLP's JSON" -H "$json" --data-binary '{"resourceSpans": 7}' "$url"
	error 400 application/json 3 "not gzip" -H "$json" -H "Content-Encoding: gzip" --data-binary '{}' "$url"
	error 404 application/x-protobuf 5 "/v1/traces" -H "$protobuf" --data-binary x "$door/v1/logs"
	error 405 application/x-protobuf 12 "POST" -X PUT -H "$protobuf" --data-binary x "$url"
	error 415 application/x-protobuf 3 "content type" -H "Content-Type: text/plain" --data-binary x "$url"
	error 415 application/json 3 "content encoding" -H "$json" -H "Content-Encoding: br" --data-binary x "$url"
	error 413 application/x-protobuf 8 "16 MiB" -H "$protobuf" --data-binary "@$tmp/large" "$url"
	error 413 application/x-protobuf 8 "expanded" -H "$protobuf" -H "Content-Encoding: gzip" --data-binary "@$tmp/bomb" "$url"
	wait_for "all nine to be counted" refused 9
}

jaeger_need
otlp_begin
door_start
sdks
relayed proto none
relayed proto gzip
relayed json gzip
errors
same "spans rejected" "$bad" "$(metric hopspan_application_spans_rejected_total)"
door_stop
grep -qF "($bad rejected, 9 bad requests)" "$state/collect.log" || fail "the summary: $(cat "$state/collect.log")"
