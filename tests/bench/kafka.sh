#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# What it costs to send the spans that wait in a store to a Kafka broker on this machine, for each compression.
#
#   kafka.sh ROUNDS REQUESTS    prints a JSON object per row; REQUESTS of applications with 500 spans each are in the store
#
# CPU time is the collector's whole, from its start; the broker has the rest of the machine. Octets are of the broker's log;
# spans that a test makes are more alike than those of a network. Without Java there are no rows.
# shellcheck source-path=SCRIPTDIR source=../e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=../e2e/jaeger-lib.sh
. "$top/tests/e2e/jaeger-lib.sh"
# shellcheck source=../e2e/kafka-lib.sh
. "$top/tests/e2e/kafka-lib.sh"
kafka_need

rounds=$1 requests=$2 spans=500

delivered() {
	curl -sf --max-time 10 "http://127.0.0.1:$((door + 1))/metrics" |
		awk '/^hopspan_export_spans_total/ { print $NF }'
}

fill() {
	collector store "$tmp/full.db"
	"$python" "$top/tests/e2e/kafka.py" send "http://127.0.0.1:$door/v1/traces" 0 "$requests" "$spans" 1000000 >/dev/null
	stop collect
}

cpu_s() { awk -v tick="$(getconf CLK_TCK)" '{ print ($14 + $15) / tick }' "/proc/$1/stat"; }
peak_kb() { awk '/^VmHWM/ { print $2 }' "/proc/$1/status"; }

# drain CODEC ROUND: spans a second, spans a CPU second, octets a span, MB
drain() {
	local begin end pid seconds topic=bench-$1-$2
	cp "$tmp/full.db" "$tmp/store.db"
	begin=$(date +%s%N)
	collector kafka "$(kafka_plain)" topic "$topic" property "compression.codec=$1" store "$tmp/store.db"
	pid=$(cat "$state/collect.pid")
	until [ "$(delivered)" = $((requests * spans)) ]; do sleep 0.05; done
	end=$(date +%s%N)
	seconds=$(cpu_s "$pid")
	awk -v spans=$((requests * spans)) -v ns=$((end - begin)) -v cpu="$seconds" -v kb="$(peak_kb "$pid")" \
		-v octets="$(cat "$tmp/kafka/log/$topic"-*/*.log | wc -c)" \
		'BEGIN { print spans / ns * 1e9, spans / cpu, octets / spans, kb / 1024 }'
	stop collect
	rm "$tmp"/store.db*
}

# row COLUMN WHAT UNIT
row() {
	awk -v column="$1" '{ print $column }' "$tmp/rows" | sort -g | jq -cs --arg what "$2" --arg unit "$3" \
		'{what: $what, unit: $unit, median: .[length / 2 | floor],
		quartiles: [.[length / 4 | floor], .[3 * length / 4 | floor]], rounds: length}'
}

rows() {
	local i
	for ((i = 0; i < rounds; i++)); do drain "$1" "$i"; done >"$tmp/rows"
	row 1 "waiting spans to a Kafka broker on the same machine, $1" "spans/s"
	row 2 "the same, the collector's own time" "spans/CPU s"
	row 3 "the same, in the broker's log" "octets/span"
	row 4 "memory meanwhile" MB
}

topology_begin
kafka_make
kafka_start
door=$(jaeger_port)
fill
for codec in none lz4 zstd; do rows "$codec"; done
