#!/usr/bin/env bash
# make bench: all rows, as a table on stdout and in FOLDER/bench.txt, as JSON in FOLDER/bench.json.
#
#   bench.sh FOLDER		ROUNDS (41), REPEAT (50000 runs a batch), REQUESTS (1000 a batch),
#			MILLISECONDS (40, of each kind of packets of DPDK a round), WHOLE_MILLISECONDS (50, of each network
#			and load a round), CALLS (5000 of each socket call a round), HTTP_REQUESTS (50 a batch), HOP_PACKETS
#			(20000 of each kind of hop a round), COLLECT_ROUNDS (11) of COLLECT_PACKETS (120000) each,
#			STORE_SPANS (10000000), KAFKA_ROUNDS (5) of KAFKA_REQUESTS (2000) each: less is quicker
#
# Each row is a difference to its base, in ns or percent, taken round by round in one run: quartiles and median. The base
# is in ns. "noise" is one thing measured twice in the same way. Times of other machines, and other hours of this one,
# differ.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."

folder=${1:-build/bench}
rounds=${ROUNDS:-41} repeat=${REPEAT:-50000} requests=${REQUESTS:-1000} milliseconds=${MILLISECONDS:-40}
whole_milliseconds=${WHOLE_MILLISECONDS:-50} calls=${CALLS:-5000} http_requests=${HTTP_REQUESTS:-50}
hop_packets=${HOP_PACKETS:-20000}
collect_rounds=${COLLECT_ROUNDS:-11} collect_packets=${COLLECT_PACKETS:-120000} store_spans=${STORE_SPANS:-10000000}
kafka_rounds=${KAFKA_ROUNDS:-5} kafka_requests=${KAFKA_REQUESTS:-2000}

[ "$(id -u)" -eq 0 ] || { echo "bench.sh: not root: BPF programs and namespaces need it" >&2; exit 1; }
command -v jq >/dev/null || { echo "bench.sh: jq is not installed" >&2; exit 1; }
mkdir -p "$folder"

mitigations() {
	grep -H . /sys/devices/system/cpu/vulnerabilities/* | grep -v 'Not affected' |
		sed 's|^/sys/devices/system/cpu/vulnerabilities/\([^:]*\):|\1: |'
}

machine() {
	jq -n --arg kernel "$(uname -srm)" --arg cpus "$(nproc)" \
		--arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
		--arg mitigations "$(mitigations)" --arg page_size "$(getconf PAGESIZE)" \
		--arg commit "$(git describe --always --dirty 2>/dev/null || true)" --arg date "$(date -u +%FT%TZ)" \
		--arg huge "$(sed -n 's/^HugePages_Free: *//p' /proc/meminfo)" \
		--arg jit "$(cat /proc/sys/net/core/bpf_jit_enable)" --arg load "$(cut -d' ' -f1 /proc/loadavg)" \
		'{kernel: $kernel, cpu: $cpu, cpus: ($cpus | tonumber), mitigations: ($mitigations / "\n"),
		page_size: ($page_size | tonumber), huge_pages_free: ($huge | tonumber), bpf_jit: ($jit | tonumber),
		load: ($load | tonumber), commit: $commit, date: $date}'
}

# Its rows, and how they were made.
measure() {
	local rows
	echo "measuring: $*" >&2
	rows=$("$@")
	jq -c --arg command "$*" '. + {command: $command}' <<<"$rows"
}

table() {
	local digits
	jq -r '"\(.machine.cpu), \(.machine.cpus) CPUs, \(.machine.kernel), pages of \(.machine.page_size), " +
			"\(.machine.huge_pages_free) huge ones free, load \(.machine.load), \(.machine.date), " +
			"\(.machine.commit)", (.machine.mitigations[] | "  " + .)' "$1"
	echo
	printf '%-58s %9s %17s %8s %9s %17s %7s %9s\n' "more than its base, per packet" median quartiles target base \
		"noise (A/A)" rounds packets
	jq -r '.rows[] | [.what, .unit, .more[1], .more[0], .more[2], (.target // "-"), .base_value[1],
		.noise[0], .noise[2], .rounds, .packets] | @tsv' "$1" |
		while IFS=$'\t' read -r what unit median low high target base noise_low noise_high n packets; do
			digits=$([ "$unit" = x ] && echo 2 || echo 1)
			printf "%-58s %6.*f %-2s %8.*f %8.*f %8s %9.1f %8.*f %8.*f %7d %9.0f\n" "$what" "$digits" "$median" \
				"${unit/cycles/cy}" "$digits" "$low" "$digits" "$high" "$target" "$base" "$digits" "$noise_low" \
				"$digits" "$noise_high" "$n" "$packets"
		done
	echo
	rates "$1"
	jq -r '[.rows[].command] | unique[] | "  " + .' "$1"
}

# kafka_is_skipped STATUS FILE: as tests are, for want of Java or a broker; what it says is no row.
kafka_is_skipped() {
	[ "$1" -eq 77 ] || return "$1"
	cat "$2" >&2
	: >"$2"
}

# The collector's rows: CPU time, not differences.
collect_table() {
	echo
	printf '%-74s %12s %-12s %9s %s\n' "the collector" median unit target quartiles
	jq -r '.collect[] | [.what, .median, .unit, (.target // "-"), ((.quartiles // []) | map(tostring) | join(" "))] | @tsv' "$1" |
		while IFS=$'\t' read -r what median unit target quartiles; do
			printf '%-74s %12.5g %-12s %9s %s\n' "$what" "$median" "$unit" "$target" "$quartiles"
		done
}

# Whole programs that forward, by themselves: no difference, but what a processor does.
rates() {
	printf '%-58s %9s %13s\n' "forwarding, a processor" cycles "packets/us"
	jq -r '.rows[] | select(.mpps and .unit != "x") | [.what, .cycles, .mpps] | @tsv' "$1" |
		while IFS=$'\t' read -r what cycles mpps; do printf '%-58s %9.1f %13.3f\n' "$what" "$cycles" "$mpps"; done
	echo
}

{
	measure taskset -c 1 build/tests/bench/run build "$rounds" "$repeat"
	measure tests/bench/live.sh "$rounds" "$requests"
	measure tests/bench/wait.sh "$rounds" "$requests"
	measure tests/bench/hop.sh "$rounds" "$hop_packets"
	measure tests/bench/whole.sh "$rounds" "$whole_milliseconds" "$calls" "$http_requests"
	measure tests/bench/dpdk.py "$rounds" "$milliseconds"
} >"$folder/rows.jsonl"
echo "measuring: tests/bench/collect.sh $collect_rounds $collect_packets $store_spans" >&2
tests/bench/collect.sh "$collect_rounds" "$collect_packets" "$store_spans" >"$folder/collect.jsonl"
echo "measuring: tests/bench/kafka.sh $kafka_rounds $kafka_requests" >&2
tests/bench/kafka.sh "$kafka_rounds" "$kafka_requests" >"$folder/kafka.jsonl" || kafka_is_skipped $? "$folder/kafka.jsonl"
cat "$folder/kafka.jsonl" >>"$folder/collect.jsonl"
jq -s --argjson machine "$(machine)" --slurpfile collect "$folder/collect.jsonl" \
	'{machine: $machine, rows: ., collect: $collect}' "$folder/rows.jsonl" >"$folder/bench.json"
rm "$folder/rows.jsonl" "$folder/collect.jsonl" "$folder/kafka.jsonl"
{
	table "$folder/bench.json"
	collect_table "$folder/bench.json"
} | tee "$folder/bench.txt"
