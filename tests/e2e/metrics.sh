#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The collector's /metrics says what status says, in a format that a parser of the test's own takes, and is all that
# docs/metrics.md names; in OpenMetrics it says the same, with exemplars, to Prometheus' own parsers. /health tells a store that cannot be written. Without the page all goes on.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need curl
need jq
[ -x "$python" ] || skip "no build/venv: make build/venv/.done"

url=http://127.0.0.1:9419
ask() { node_exec client curl -s --max-time 20 "$@"; }
code() { ask -o "$tmp/answer" -w '%{http_code}' "$@"; }
page() { ask -f "$url/metrics" >"$tmp/page"; }
metrics() { python3 "$top/tests/e2e/metrics.py" "$@"; }
value() { page && metrics value "$tmp/page" "$@"; }

# value_above NUMBER NAME [LABEL=VALUE...]
value_above() { [ "$(value "${@:2}")" -gt "$1" ]; }

# A destination that proves itself, one that refuses the option, and a device whose name needs escaping.
hosts() {
	local odd='q"\x'
	node_exec client "$hopspan" host up dev eth0 probe ::/0 node-id 1
	ip -n "$(netns server)" addr add fd68:73:3::a/64 dev eth0 nodad
	node_exec server nft -f - <<-END
		table ip6 hostile {
			chain arrived {
				type filter hook prerouting priority raw;
				ip6 daddr fd68:73:3::a exthdr hbh exists drop
			}
		}
	END
	ip -n "$(netns r1)" link add "$odd" type veth peer name other
	ip -n "$(netns r1)" link set "$odd" up
	node_exec r1 "$hopspan" router up dev "$odd" via tc node-id 2
	node_exec r1 "$hopspan" router up dev eth1 via xdp node-id 2 wait measured
}

# requests ADDRESS NAME
requests() { node_start client "requests-$2" python3 "$top/tests/e2e/path.py" client "$1" 7000 1; }

# The counters between two equal answers of status: nothing has moved in between.
still_page() {
	local changes='del(.forwarders[].clock, .namespaces[].paths[]?[("segments", "stamped", "asked_unix_ns", "since_unix_ns")])'
	"$hopspan" -j status | jq -S "$changes" >"$tmp/before"
	page
	"$hopspan" -j status | jq -S "$changes" >"$tmp/after"
	cmp "$tmp/before" "$tmp/after"
}

numbers() {
	wait_for "a proved path" value_above 0 hopspan_paths state=proved
	wait_for "a refused path" value_above 0 hopspan_paths state=refused
	value_above 0 hopspan_path_changes_total to=proved || fail "no path was proved"
	value_above 0 hopspan_path_changes_total to=refused || fail "no path was refused"
	value_above 0 hopspan_path_probes_total result=passes || fail "no probe passed"
	value_above 0 hopspan_path_probes_total result=blocked || fail "no probe was blocked"
	same "paths that fared worse" 0 "$(value hopspan_paths_worse_total)"
	stop requests-good
	stop requests-bad
	shop_run 20 5 --ids "$tmp/ids"
	stop cart
	wait_for "network spans" value_above 39 hopspan_network_spans_total
	wait_for "the last spans of the application" value_above 39 hopspan_application_spans_total
	same "records not used" 0 "$(value hopspan_records_undecoded_total)"
	same "sinks" "$(find "$HOPSPAN_BPFFS/netns" -name records | wc -l)" "$(value hopspan_sinks)"
	wait_for "counters that stand still" still_page
	metrics compare "$tmp/page" "$tmp/before"
	same "waits at r1 eth1" "$(node_exec r1 "$hopspan" -j router show dev eth1 | jq '[.[0].queues[].packets] | add')" \
		"$(value hopspan_wait_seconds dev=eth1)"
	value_above 19 hopspan_wait_seconds dev=eth1 || fail "no wait was measured"
	value_above 19 hopspan_packets_total role=sink outcome=recorded || fail "no record counted"
	value_above 19 hopspan_contexts_total outcome=range_opened || fail "no context counted"
	same "forwarders" 1 "$(value hopspan_forwarder_up)"
	value_above 39 hopspan_forwarder_packets_total outcome=completed || fail "the DPDK forwarder wrote nothing"
	value_above 0 hopspan_store_bytes || fail "the store has no size"
}

# What Prometheus sends.
openmetrics='application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'

# In both formats, between two pages that are the same but for what moves by itself.
both_pages() {
	page
	grep -v '_retries_\|_clock_' "$tmp/page" >"$tmp/first"
	ask -f -H "Accept: $openmetrics" "$url/metrics" >"$tmp/openmetrics"
	page
	grep -v '_retries_\|_clock_' "$tmp/page" | cmp "$tmp/first" -
}

formats() {
	wait_for "a page that stands still" both_pages
	"$python" "$top/tests/e2e/openmetrics.py" "$tmp/page" "$tmp/openmetrics" "$tmp/ids" || fail "the page in two formats"
	answers 'content-type: application/openmetrics-text; version=1.0.0; charset=utf-8' -H "Accept: $openmetrics" $url/metrics ||
		fail "the type of OpenMetrics: $(cat "$tmp/head")"
	answers 'content-type: text/plain; version=0.0.4' -H 'Accept: text/html, */*' $url/metrics || fail "the type for a browser"
}

# Nothing listens where the spans are to go.
backend_away() {
	wait_for "an attempt to send" value_above 0 hopspan_export_retries_total
	same "failing" 1 "$(value hopspan_export_failing)"
	value_above 0 hopspan_export_queue_batches || fail "no batch waits"
	same "batches sent" 0 "$(value hopspan_export_batches_total)"
	same "health" 200 "$(code $url/health)"
	jq -e '.store.ok and (.export.ok | not) and (.export.error | length > 0)' "$tmp/answer" || fail "$(cat "$tmp/answer")"
	same "version" "$(value hopspan_build_info version="$(jq -r .version "$tmp/answer")")" 1
	page
	metrics table "$tmp/page" "$top/docs/metrics.md"
}

# answers HEADER WORDS...: the answer has it.
answers() {
	ask -D "$tmp/head" -o "$tmp/answer" "${@:2}"
	grep -qi "^$1" "$tmp/head"
}

methods() {
	same "GET /" 404 "$(code $url/)"
	same "GET /metrics/x" 404 "$(code $url/metrics/x)"
	same "POST /metrics" 405 "$(code -d x=y $url/metrics)"
	same "DELETE /health" 405 "$(code -X DELETE $url/health)"
	same "HEAD /metrics" 200 "$(code -I $url/metrics)"
	same "HEAD /health" 200 "$(code -I $url/health)"
	same "HEAD's body" 0 "$(ask -I -o /dev/null -w '%{size_download}' $url/metrics)"
	answers 'allow: GET, HEAD' -d x=y $url/metrics || fail "405 does not say what is allowed"
	answers 'content-type: text/plain; version=0.0.4' $url/metrics || fail "the type of the page"
	answers 'content-type: application/json' $url/health || fail "the type of health"
	same "with a query" 200 "$(code "$url/metrics?name=x")"
}

# A second collector: the port is taken, or none; it works all the same.
without() {
	: >"$tmp/second" # what the one before said is not to be waited for
	"$hopspan" collect listen "$(netns server)/127.0.0.1:4320" store "$tmp/second.db" metrics "$1" 2>"$tmp/second" &
	echo $! >"$state/second.pid"
	wait_for "the second collector" grep -q "OTLP in" "$tmp/second"
	grep -qF "$2" "$tmp/second" || fail "metrics $1: $(cat "$tmp/second")"
	! grep -q "metrics at" "$tmp/second" || fail "metrics $1 are served: $(cat "$tmp/second")"
	stop second
}

health_is() { [ "$(code $url/health)" = "$1" ]; }

# A file system that gets full, and has room again.
full_disk() {
	mkdir "$tmp/small"
	mount -t tmpfs -o size=1m tmpfs "$tmp/small"
	trap 'status=$?; umount -l "$tmp/small"; test_end $status' EXIT
	collect_start store "$tmp/small/store.db"
	wait_for "health" health_is 200
	jq -e '.store == {"ok": true} and (has("export") | not)' "$tmp/answer" || fail "$(cat "$tmp/answer")"
	! dd if=/dev/zero of="$tmp/small/filler" bs=4k 2>/dev/null || fail "the file system has no end"
	wait_for "no health" health_is 503
	jq -e '(.store.ok | not) and (.store.error | test("full"))' "$tmp/answer" || fail "$(cat "$tmp/answer")"
	same "the page meanwhile" 200 "$(code $url/metrics)"
	rm "$tmp/small/filler"
	wait_for "health again" health_is 200
	stop collect
}

# The line's own forwarder alone.
export RUNTIME_DIRECTORY=$tmp HOPSPAN_DPDK_RUNTIME=$tmp/dpdk
line_up
hosts
collect_start otlp http://127.0.0.1:1
cart_start
node_start server answers python3 "$top/tests/e2e/path.py" server 7000
wait_for "the server" grep -q listens "$state/answers.log"
requests $server good
requests fd68:73:3::a bad
numbers
formats
backend_away
methods
without "$(netns client)/127.0.0.1:9419" "the port is taken by another process"
without 127.0.0.1:0 "port 0 is none that anybody could ask"
without off "OTLP in"
stop collect
same "the port behind the collector" 000 "$(code $url/metrics || true)"
full_disk

# Nobody asks, nobody collects: requests and counters go on.
seen=$("$hopspan" -j status | jq '[.cgroups[].sockopt.range_opened] | add')
cart_start
shop_run 3 5
[ "$("$hopspan" -j status | jq '[.cgroups[].sockopt.range_opened] | add')" -ge $((seen + 3)) ] || fail "nothing is counted"
