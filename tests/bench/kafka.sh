#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# What it costs to send the spans that wait in a store to a Kafka broker on this machine, for each compression: a line each.
#
#   kafka.sh		REQUESTS (1000 of applications, each with SPANS (500)), CODECS ("none lz4 zstd"), TOP (this checkout)
#
# CPU time is the collector's whole, from its start; the broker has the rest of the machine. Octets are the broker's log.
# shellcheck source-path=SCRIPTDIR source=../e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=../e2e/jaeger-lib.sh
. "$top/tests/e2e/jaeger-lib.sh"
# shellcheck source=../e2e/kafka-lib.sh
. "$top/tests/e2e/kafka-lib.sh"
kafka_need

requests=${REQUESTS:-1000} spans=${SPANS:-500}

# collector WORDS...
collector() {
	"$hopspan" collect listen "127.0.0.1:$door" metrics "127.0.0.1:$((door + 1))" "$@" >"$state/collect.log" 2>&1 </dev/null &
	echo $! >"$state/collect.pid"
	wait_for "the collector" grep -q "OTLP in" "$state/collect.log"
}

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

# drain CODEC
drain() {
	local begin end pid seconds
	cp "$tmp/full.db" "$tmp/store.db"
	begin=$(date +%s%N)
	collector kafka "$(kafka_plain)" topic "bench-$1" property "compression.codec=$1" store "$tmp/store.db"
	pid=$(cat "$state/collect.pid")
	until [ "$(delivered)" = $((requests * spans)) ]; do sleep 0.05; done
	end=$(date +%s%N)
	seconds=$(cpu_s "$pid")
	awk -v codec="$1" -v spans=$((requests * spans)) -v ns=$((end - begin)) -v cpu="$seconds" -v kb="$(peak_kb "$pid")" \
		-v octets="$(cat "$tmp/kafka/log/bench-$1"-*/*.log | wc -c)" 'BEGIN {
			printf "%-5s %8.0f spans/s, %8.0f a CPU second, %5.0f octets a span, %4.0f MB resident\n", codec,
				spans / ns * 1e9, spans / cpu, octets / spans, kb / 1024 }'
	stop collect
}

topology_begin
kafka_make
kafka_start
door=$(jaeger_port)
fill
for codec in ${CODECS:-none lz4 zstd}; do drain "$codec"; done
