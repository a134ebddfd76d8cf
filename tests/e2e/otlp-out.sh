#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# OTLP out against a receiver that decodes with OpenTelemetry's own protobuf: each encoding, TLS with client
# certificates, headers, what is sent again and what is not, and when; batches as the variables of OpenTelemetry say;
# files of JSON lines.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=jaeger-lib.sh
. "$top/tests/e2e/jaeger-lib.sh"
# shellcheck source=otlp-lib.sh
. "$top/tests/e2e/otlp-lib.sh"
need jq
need curl
need openssl

sender=("$python" "$top/tests/e2e/sender.py")

# run NAME BATCHES SPANS [VARIABLE=VALUE...] -- ANSWERS...: a new store, a receiver that answers so, and a collector
# with these variables.
run() {
	local name=$1 batches=$2 spans=$3 variables=()
	shift 3
	while [ "$1" != -- ]; do variables+=("$1"); shift; done
	shift
	: >"$tmp/sent"
	rm -f "$tmp"/store.db*
	receiver_start "$@"
	door_start_with "${variables[@]}"
	send "${sender[@]}" "$batches" "$spans"
}

door_start_with() {
	local variable
	for variable; do export "${variable?}"; done
	door_start otlp "$receiver"
	for variable; do unset "${variable%%=*}"; done
}

end() {
	door_stop
	stop receiver
}

said() { grep -qF "$1" "$state/collect.log" || fail "not said: $1: $(cat "$state/collect.log")"; }
of_all() { jq -r ".$1" "$tmp/requests" | sort -u | xargs; }

encodings() {
	run plain 3 4 --
	each_once plain
	same "types" application/x-protobuf "$(of_all type)"
	same "encodings" "" "$(of_all encoding)"
	same "paths" /v1/traces "$(of_all path)"
	[[ $(of_all agent) == OTel-OTLP-Exporter-C/* ]] || fail "user agent $(of_all agent)"
	end
	run gzip 3 4 OTEL_EXPORTER_OTLP_COMPRESSION=gzip OTEL_EXPORTER_OTLP_HEADERS="x-token=a%20b" --
	each_once gzip
	same "encodings" gzip "$(of_all encoding)"
	same "a header of the environment" "a b" "$(of_all token)"
	end
	run json 3 4 OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json \
		OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=gzip -- partial:1
	each_once JSON
	same "types" application/json "$(of_all type)"
	wait_for "the partial success" grep -qF "1 spans rejected: some are too old" "$state/collect.log"
	end
}

# What may do better later is sent again, what was refused is not; nothing that was answered is sent twice.
again() {
	run again 4 3 OTEL_BSP_MAX_EXPORT_BATCH_SIZE=3 -- 429:1 502 200 503:date:2 504 200 half 200 text:503 cut
	each_once "sent again"
	same "attempts" 11 "$(wc -l <"$tmp/requests")"
	said "HTTP 429, trying again"
	# libcurl itself sends once more on a connection that was closed under it
	[ "$(metric hopspan_export_retries_total)" -ge 6 ] || fail "$(metric hopspan_export_retries_total) retries counted"
	# not before it was asked for
	jq -se '.[1].time - .[0].time >= 1 and .[4].time - .[3].time >= 1' "$tmp/requests" >/dev/null ||
		fail "Retry-After is not waited for: $(jq -c '[.time, .answer]' "$tmp/requests")"
	end
	run refused 8 2 OTEL_BSP_MAX_EXPORT_BATCH_SIZE=2 -- 200 400 401 404 500 501 text:400 200
	wait_for "all requests" lines_are "$tmp/requests" 8
	wait_for "the last answer" metric_is hopspan_export_spans_total 4
	same "spans refused" 12 "$(metric hopspan_export_spans_rejected_total)"
	same "spans sent again" "" "$(jq -r '.spans[]' "$tmp/requests" | sort | uniq -d)"
	said "HTTP 400: <html>go away</html>; 2 spans are not sent again"
	end
	run "too large" 1 4 -- 413
	each_once "what is too large, in pieces"
	end
}

lines_are() { [ "$(wc -l <"$1")" -eq "$2" ]; }
received_are() { [ "$(received | wc -l)" -eq "$1" ]; }
metric_is() { [ "$(metric "$1")" -eq "$2" ]; }

# Nobody listens at first.
late() {
	run late 3 2 -- --wait "$tmp/now"
	wait_for "an attempt" grep -q "trying again" "$state/collect.log"
	touch "$tmp/now"
	each_once "a backend that comes late"
	end
}

certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$2" \
		-addext "subjectAltName=IP:127.0.0.1" -keyout "$tmp/$1.key" -out "$tmp/$1.pem" 2>/dev/null
}

tls() {
	certificate server 127.0.0.1
	certificate client hopspan
	: >"$tmp/sent"
	rm -f "$tmp"/store.db*
	receiver_start --tls "$tmp/server.pem" "$tmp/server.key" "$tmp/client.pem"
	receiver=https://127.0.0.1:$receiver_port
	door_start_with OTEL_EXPORTER_OTLP_CERTIFICATE="$tmp/client.pem" OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE="$tmp/server.pem" \
		OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE="$tmp/client.pem" OTEL_EXPORTER_OTLP_CLIENT_KEY="$tmp/client.key"
	send "${sender[@]}" 2 3
	each_once TLS
	door_stop
	# a server that is not known is not sent to
	rm -f "$tmp"/store.db*
	: >"$tmp/requests"
	door_start_with OTEL_EXPORTER_OTLP_CERTIFICATE="$tmp/client.pem"
	send "${sender[@]}" 1 1
	wait_for "a complaint of the certificate" grep -qi "certificate" "$state/collect.log"
	same "requests to an unknown server" 0 "$(wc -l <"$tmp/requests")"
	end
	local error
	error=$(OTEL_EXPORTER_OTLP_CERTIFICATE=$tmp/none.pem "$hopspan" collect otlp "$receiver" metrics off 2>&1) &&
		fail "a certificate that is not there is taken"
	grep -qF "OTEL_EXPORTER_OTLP_CERTIFICATE $tmp/none.pem: No such file" <<<"$error" || fail "it says: $error"
}

# The batch processor's variables: joined up to so many spans, and cut to so many.
batches() {
	run joined 12 5 OTEL_BSP_MAX_EXPORT_BATCH_SIZE=20 OTEL_BSP_SCHEDULE_DELAY=300 -- --wait "$tmp/batches"
	touch "$tmp/batches"
	each_once joined
	jq -se 'map(.spans | length) | max <= 20 and length < 12' "$tmp/requests" >/dev/null ||
		fail "batches of $(jq -c '.spans | length' "$tmp/requests" | xargs)"
	end
	run cut 2 45 OTEL_BSP_MAX_EXPORT_BATCH_SIZE=20 --
	each_once cut
	jq -se 'map(.spans | length) | max == 20' "$tmp/requests" >/dev/null || fail "a batch is not cut"
	end
}

# Where spans go by the environment: the more particular wins, a word wins over both, several get all.
endpoints() {
	: >"$tmp/sent"
	rm -f "$tmp"/store.db*
	receiver_start
	OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=$receiver/own/way door_start
	send "${sender[@]}" 1 2
	each_once "an endpoint of the environment"
	same "path" /own/way "$(of_all path)"
	door_stop
	OTEL_SDK_DISABLED=true OTEL_EXPORTER_OTLP_ENDPOINT=$receiver door_start
	said "OTEL_SDK_DISABLED"
	door_stop
	: >"$tmp/requests"
	rm -f "$tmp"/store.db* # an endpoint that is new gets all
	: >"$tmp/sent"
	OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 door_start otlp "$receiver/a/" otlp "$receiver/b/" file "$tmp/lines"
	send "${sender[@]}" 2 2
	wait_for "both endpoints" received_are 8
	same "paths" "/a/ /b/" "$(of_all path)"
	wait_for "the file" lines_are "$tmp/lines" 2 # one for each batch
	same "ids in the file" "$(ids_sent | xargs)" "$(jq -r '.. | .spanId? // empty' "$tmp/lines" | sort | xargs)"
	# moved away, as logrotate does
	mv "$tmp/lines" "$tmp/lines.1"
	send "${sender[@]}" 1 2
	wait_for "the new file" test -s "$tmp/lines"
	end
	# and read again
	stored >"$tmp/before"
	rm -f "$tmp"/store.db*
	"$hopspan" collect read "$tmp/lines" read "$tmp/lines.1" 2>"$tmp/read.log" || fail "the lines are not read: $(cat "$tmp/read.log")"
	stored_as_sent || fail "spans read are not those written: $(cat "$tmp/diff")"
	diff "$tmp/before" <(stored) || fail "spans read are not those that were stored"
}

# The OpenTelemetry Collector in Jaeger as the receiver, by TLS with client certificates; what it took it hands on.
collector_config() {
	cat <<-END
	service:
	  pipelines: {traces: {receivers: [otlp], exporters: [otlphttp]}}
	  telemetry: {metrics: {level: none}, logs: {level: warn}}
	receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:$1", tls: {cert_file: $tmp/server.pem, key_file: $tmp/server.key,
	  client_ca_file: $tmp/client.pem}}}}}
	exporters: {otlphttp: {endpoint: "$receiver", sending_queue: {enabled: false}}}
	END
}

collector_answers() { [ "$(curl -sk --cert "$tmp/client.pem" --key "$tmp/client.key" -o /dev/null -w '%{http_code}' "$1/v1/traces")" = 405 ]; }

to_collector() {
	local port variable
	port=$(jaeger_port)
	receiver_start
	collector_config "$port" >"$tmp/collector.yaml"
	"$JAEGER" --config "$tmp/collector.yaml" >"$state/collector.log" 2>&1 </dev/null &
	echo $! >"$state/collector.pid"
	wait_for "the OpenTelemetry Collector" collector_answers "https://127.0.0.1:$port"
	for variable in PROTOCOL=http/protobuf COMPRESSION=gzip PROTOCOL=http/json; do
		: >"$tmp/sent"
		: >"$tmp/requests"
		rm -f "$tmp"/store.db*
		receiver=https://127.0.0.1:$port door_start_with OTEL_EXPORTER_OTLP_CERTIFICATE="$tmp/server.pem" \
			OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE="$tmp/client.pem" OTEL_EXPORTER_OTLP_CLIENT_KEY="$tmp/client.key" \
			OTEL_EXPORTER_OTLP_TRACES_"$variable"
		send "${sender[@]}" 2 3
		each_once "the OpenTelemetry Collector, $variable"
		door_stop
	done
	stop collector
	stop receiver
}

jaeger_need
otlp_begin
encodings
again
late
tls
to_collector
batches
endpoints
