#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The collector's own metrics by OTLP, decoded with OpenTelemetry's protobuf: all that /metrics has, and from the histograms
# of nodes' delays and queues a way to traces.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=jaeger-lib.sh
. "$top/tests/e2e/jaeger-lib.sh"
# shellcheck source=otlp-lib.sh
. "$top/tests/e2e/otlp-lib.sh"
need jq
need curl

store=$HOPSPAN_STORE
hop_up tc
export HOPSPAN_STORE=$store
for name in ${!OTEL_@}; do unset "$name"; done
export HOPSPAN_DPDK_RUNTIME=$tmp/none # forwarders of others move meanwhile
receiver_start 503
export OTEL_METRIC_EXPORT_INTERVAL=500
collect_start push "$receiver"
unset OTEL_METRIC_EXPORT_INTERVAL
cart_start
shop_run 30 10 --ids "$tmp/ids"
stop cart
page() { node_exec client curl -sf --max-time 20 http://127.0.0.1:9419/metrics >"$tmp/page"; }
value() { awk -v name="$1" '$1 ~ "^" name "({|$)" { sum += $2 } END { print sum + 0 }' "$tmp/page"; }
all_spans() { page && [ "$(value hopspan_network_spans_total)" -eq 240 ]; }
agree() { page && sleep 1 && "$python" "$top/tests/e2e/push.py" "$tmp/requests" "$tmp/page" "$tmp/ids" >"$tmp/push" 2>&1; }
wait_for "all network spans" all_spans
wait_for "metrics by OTLP that are those of the page" agree || fail "$(cat "$tmp/push")"
cat "$tmp/push"
same "paths" /v1/metrics "$(jq -r .path "$tmp/requests" | sort -u)"
grep -qF "metrics to $receiver/v1/metrics: not taken" "$state/collect.log" || fail "what was not taken is not said"
grep -qF "metrics to $receiver/v1/metrics: taken again" "$state/collect.log" || fail "what is taken again is not said"
same "delays of r1 counted" 60 "$(awk '/^hopspan_node_delay_seconds_count.*r1/ { sum += $2 } END { print sum }' "$tmp/page")"
same "queues of the client counted" 30 "$(awk '/^hopspan_node_queue_bytes_count.*client/ { sum += $2 } END { print sum }' "$tmp/page")"
