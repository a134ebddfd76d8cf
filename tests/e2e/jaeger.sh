#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A real Jaeger shows application and network spans as one trace: the spans that the store has, each once, every parent
# there, and nothing that Jaeger warns of.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=jaeger-lib.sh
. "$top/tests/e2e/jaeger-lib.sh"
need curl
need jq
jaeger_need

# What of a span must be the same in Jaeger and in the store: a line per span. Not by jq's arithmetic: before version 1.7
# it has no 64-bit integers.
jaeger_lines() {
	jaeger_spans | jq -r '[.spanId, .parentSpanId // "", .service, .name, .startTimeUnixNano, .endTimeUnixNano] |
		join("|")' | sort
}
store_lines() {
	"$python" -c 'import json, sys
for s in json.load(sys.stdin)["spans"]:
    start = s["start_unix_ns"]
    print(s["span_id"], s.get("parent_span_id", ""), s["service"], s["name"], start, start + s["duration_ns"], sep="|")' |
		sort
}

names_expected() {
	printf '%s\n' GET "GET /cart/{id}" "GET /checkout" "SELECT cart" "client -> r1" "r1 -> client" "r1 -> r2" \
		"r1 eth0" "r1 eth1" "r2 -> r1" "r2 -> r3" "r2 port0" "r2 port1" "r3 -> r2" "r3 -> server" reply request \
		"server -> r3" | LC_ALL=C sort
}

# whole TRACE_ID SPAN_ID: in Jaeger as in the store, under the CLIENT span SPAN_ID.
whole() {
	local trace=$1 client=$2 spans="$tmp/spans"
	"$hopspan" trace show "$trace" -j >"$tmp/stored"
	jaeger_wait "$trace" "$(jq '.spans | length' "$tmp/stored")" >"$tmp/answer"
	jaeger_spans <"$tmp/answer" >"$spans"

	diff <(store_lines <"$tmp/stored") <(jaeger_lines <"$tmp/answer") || fail "Jaeger's spans are not the store's"
	same "span ids that occur twice" "" "$(jq -r .spanId "$spans" | sort | uniq -d)"
	same "trace ids" "$trace" "$(jq -r .traceId "$spans" | sort -u)"
	same "services" "cart network shop" "$(jq -r .service "$spans" | sort -u | xargs)"
	same "spans without a parent" "GET /checkout" "$(jq -r 'select(.parentSpanId // "" | . == "") | .name' "$spans")"
	same "parents of request and reply" "$client" \
		"$(jq -r 'select(.name == "request" or .name == "reply") | .parentSpanId' "$spans" | sort -u)"
	same "spans whose parent is missing" "" \
		"$(jq -sr 'map(.spanId) as $ids | .[] | select(.parentSpanId // "" | . != "" and (IN($ids[]) | not)) | .name' "$spans")"
	same "hops that are not below a transfer" "" "$(jq -sr 'map(select(.name == "request" or .name == "reply").spanId) as $ids |
		.[] | select(.service == "network" and .parentSpanId != $ids[0] and .parentSpanId != $ids[1]) |
		select(.name != "request" and .name != "reply") | .name' "$spans")"
	! grep -F '@jaeger@warnings' "$spans" || fail "Jaeger warns"
}

line_up
jaeger_start
collect_start otlp "$(jaeger_otlp)"
cart_start
shop_run 10 5 --ids "$tmp/idle"
background_start r1 eth1
shop_run 5 5 --ids "$tmp/loaded"
background_stop
stop cart
stop collect

while read -r trace client; do
	whole "$trace" "$client"
done < <(jq -r '"\(.trace_id) \(.span_id)"' "$tmp/idle" "$tmp/loaded")
diff <(names_expected) <(jq -r .name "$tmp/spans" | LC_ALL=C sort) || fail "rows are not those of the path"
queue_bytes=$(jq -r 'select(.name == "r1 eth1").attributes[] | select(.key == "hopspan.queue_bytes").value.intValue' \
	"$tmp/spans")
[ "${queue_bytes:-0}" -gt 10000 ] || fail "Jaeger has ${queue_bytes:-nothing} as the queue of r1 eth1"
