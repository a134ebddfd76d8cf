#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The collector: what its steps cost, end to end into a backend that takes everything, beside the OpenTelemetry Collector
# (in the Jaeger binary) that relays the same spans on the same processor, and its store when it is large.
#
#   collect.sh ROUNDS PACKETS SPANS    prints a JSON object per row; PACKETS of the capture, SPANS in the store
#
# All is CPU time, so that what else the machine does has little part in it. Without the Jaeger binary ($JAEGER, or the one
# that tests keep) its row is left out.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
rounds=$1 packets=$2 spans=$3 bench=$top/build/tests/bench
jaeger=${JAEGER:-${XDG_CACHE_HOME:-$HOME/.cache}/hopspan/jaeger/jaeger}
tmp=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
for name in ${!OTEL_@}; do unset "$name"; done
export HOPSPAN_BPFFS=$tmp/none no_proxy=127.0.0.1

wait_for() {
	local end=$((SECONDS + 30))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { echo "waited 30 s for $*" >&2; exit 1; }
		sleep 0.05
	done
}

drain_start() {
	taskset -c 0 "$bench/drain" >"$tmp/drain" &
	drain=$!
	pids+=("$drain")
	wait_for grep -q listens "$tmp/drain"
	drain_url=http://127.0.0.1:$(awk '{ print $2 }' "$tmp/drain")
}

# CPU seconds of a process so far.
cpu_of() { awk -v tick="$(getconf CLK_TCK)" '{ print ($14 + $15) / tick }' "/proc/$1/stat"; }
memory_of() { awk '/^VmHWM/ { print $2 / 1024 }' "/proc/$1/status"; }

# collect_run URL CPU: the whole capture; "SPANS CPU_SECONDS MAX_MB" on stdout.
collect_run() {
	rm -f "$tmp"/store.db*
	python3 -c 'import os, resource, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
os.waitpid(pid, 0)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)' \
		"$(command -v taskset)" -c "$2" "$top/build/hopspan" collect read "$tmp/capture.pcap" store "$tmp/store.db" otlp "$1" \
		2>"$tmp/log" >"$tmp/used"
	made=$(sed -n 's/.* \([0-9]*\) network spans.*/\1/p' "$tmp/log")
	echo "$made $(cat "$tmp/used")"
}

# quartiles WHAT UNIT [TARGET] < values
quartiles() {
	sort -g | jq -s --arg what "$1" --arg unit "$2" --arg target "${3:-}" '{what: $what, unit: $unit,
		median: .[length / 2 | floor], quartiles: [.[length / 4 | floor], .[3 * length / 4 | floor]], rounds: length} +
		if $target == "" then {} else {target: $target} end'
}

ours() {
	local i
	for ((i = 0; i < rounds; i++)); do collect_run "$drain_url" 1; done >"$tmp/ours"
	awk '{ print $1 / $2 }' "$tmp/ours" | quartiles "records to spans to a draining OTLP/HTTP backend, store kept" "spans/CPU s" ">=500000"
	awk '{ print $3 }' "$tmp/ours" | quartiles "memory meanwhile" MB "<=64"
}

relay_config() {
	cat <<-END
	service:
	  pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [otlphttp]}}
	  telemetry: {metrics: {level: none}, logs: {level: warn}}
	receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:$1"}}}}
	processors: {batch: {}}
	exporters: {otlphttp: {endpoint: "$drain_url", compression: none}}
	END
}

answers() { [ "$(curl -s -o /dev/null -w '%{http_code}' "$1/v1/traces")" = 405 ]; }

# The same spans through the OpenTelemetry Collector on processor 1: its CPU time alone.
others() {
	local port=$((20000 + RANDOM % 12000)) i before relay made
	[ -x "$jaeger" ] || { echo "collect.sh: no Jaeger binary: its row is left out" >&2; return; }
	relay_config "$port" >"$tmp/relay.yaml"
	taskset -c 1 "$jaeger" --config "$tmp/relay.yaml" >"$tmp/relay.log" 2>&1 &
	relay=$!
	pids+=("$relay")
	wait_for answers "http://127.0.0.1:$port"
	for ((i = 0; i < rounds; i++)); do
		before=$(cpu_of "$relay")
		read -r made _ < <(collect_run "http://127.0.0.1:$port" 0)
		sleep 0.5 # its batches
		echo "$made $before $(cpu_of "$relay")"
	done >"$tmp/others"
	awk '{ print $1 / ($3 - $2) }' "$tmp/others" | quartiles "the OpenTelemetry Collector relaying them" "spans/CPU s"
	memory_of "$relay" | quartiles "memory meanwhile" MB
}

python3 "$top/tests/bench/capture.py" "$tmp/capture.pcap" "$packets"
taskset -c 1 "$bench/collect" spans "$tmp/capture.pcap" "$rounds"
drain_start
ours
others
taskset -c 1 "$bench/collect" store "$tmp/large.db" "$spans"
