#!/usr/bin/env bash
# The demo: a request over three routers, one of them congested, shown as a waterfall with a verdict. Run by
# `sudo make demo`, which is all it needs on a fresh Debian 12.
#
# Where no network can be made (no root, no namespaces, no BPF), a recorded run goes through the same collector instead,
# and is named as recorded: topologies/recorded, made by record.sh.
#
#   RECORDED=1                      that in any case
#   KEEP=1                          leaves everything up and says how to explore
#   OTEL_EXPORTER_OTLP_ENDPOINT=... sends all spans there too, to a Jaeger for example
#   REQUESTS (200)                  with the network idle; half as many then meet the full queue, so that what is
#                                   usual stays the idle network's
# shellcheck source-path=SCRIPTDIR source=lib.sh
TOPOLOGY=${TOPOLOGY:-hopspan}
export TOPOLOGY
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "${BASH_SOURCE[0]}")/traffic.sh"

REQUESTS=${REQUESTS:-200}
CONGESTED=$((REQUESTS / 2))
log_folder=${TMPDIR:-/tmp}/hopspan-demo-$$
mkdir -p "$log_folder"
step=0
line_is_up=

# step_run NAME TEXT COMMAND...: a line that counts while it runs; a failure prints the end of its log. COMMAND's last
# line of output, if it begins with "= ", replaces TEXT.
step_run() {
	local name=$1 text=$2 start=$SECONDS pid status=0
	local log=$log_folder/$name.log
	shift 2
	step=$((step + 1))
	("$@") >"$log" 2>&1 </dev/null &
	pid=$!
	while [ -t 1 ] && kill -0 $pid 2>/dev/null; do
		printf '\r%d/6 %-12s %-54s ... %2d s' $step "$name" "$text" $((SECONDS - start))
		sleep 0.2
	done
	[ -t 1 ] || printf '%d/6 %-12s ' $step "$name"
	wait $pid || status=$?
	! tail -n 1 "$log" | grep -q '^= ' || text=$(tail -n 1 "$log" | cut -c3-)
	[ ! -t 1 ] || printf '\r%d/6 %-12s ' $step "$name"
	[ ${#text} -le 58 ] || text="${text:0:54} ..."
	printf '%-58s %3d s\n' "$text" $((SECONDS - start))
	[ $status -eq 0 ] || step_failed "$name" "$log"
}

step_failed() {
	echo "$1 failed. The end of $2:"
	tail -n 20 "$2" | sed 's/^/  | /'
	log_folder=
	exit 1
}

packages() {
	"$top/packaging/deps" build demo | tee /dev/stderr | tail -n 1 | sed 's/^/= /'
}

build() {
	make -C "$top" -j"$(nproc)" all build/venv/.done
	echo "= build/hopspan, $(find "$top"/build/tc "$top"/build/xdp -name '*.bpf.o' | wc -l) BPF programs, hopspan-dpdk"
}

network() {
	"$top/topologies/line.sh" up
	collect_start ${OTEL_EXPORTER_OTLP_ENDPOINT:+otlp "$OTEL_EXPORTER_OTLP_ENDPOINT"}
	cart_start
}

# "200 requests, median 3.123 ms, ..." -> "3.1"
median() { sed -n 's/.* median \([0-9.]*\) ms.*/\1/p' <<<"$1" | awk '{ printf "%.1f", $1 }'; }

usual() {
	local line
	line=$(shop_run "$REQUESTS" 10 --ids "$log_folder/usual.ids")
	echo "= $REQUESTS requests, network idle: $(median "$line") ms each"
}

congestion() {
	local line
	background_start r1 eth1
	line=$(shop_run $CONGESTED 10 --ids "$log_folder/congestion.ids")
	echo "= r1 eth1 kept full (12 Mbit/s): $CONGESTED requests, $(median "$line") ms each"
}

# Requests of both runs whose trace has both ways of the network.
traces_complete() {
	"$hopspan" trace list -j limit $((2 * REQUESTS)) |
		jq --slurpfile ids <(cat "$log_folder"/*.ids) \
			'[.[] | select(.network_ns > 0) | .trace_id] as $seen | [$ids[].trace_id | select(IN($seen[]))] | length'
}

all_traces() { [ "$(traces_complete)" -eq $((REQUESTS + CONGESTED)) ]; }

traces() {
	local complete
	stop cart # hands over the last of its spans
	wait_for "the last spans" all_traces || true
	complete=$(traces_complete)
	echo "= $complete of $((REQUESTS + CONGESTED)) complete; the slowest:"
}

slowest() { jq -rs 'max_by(.ms).trace_id' "$log_folder/congestion.ids"; }

take_down() {
	local status=$?
	trap - EXIT
	if [ -n "$line_is_up" ] && [ -n "${KEEP:-}" ] && [ $status -eq 0 ]; then
		keep_up
	elif [ -n "$line_is_up" ] || [ -e "$state" ]; then
		topology_down
		[ $status -ne 0 ] || cat <<-END
			Taken down: 5 namespaces, 1 DPDK process$pages. Nothing left behind.
			Stay and explore: sudo KEEP=1 make demo    See it in Jaeger: docs/jaeger.md
		END
	fi
	[ -z "$log_folder" ] || rm -rf "$log_folder"
	exit $status
}

keep_up() {
	cart_start
	cat <<-END
		Still up: client, r1, r2, r3, server, their queue kept full. To explore:
		  eval \$(sudo topologies/line.sh env)              where its state is
		  sudo -E build/hopspan trace list                 sudo -E build/hopspan status
		  sudo topologies/line.sh exec r1 tcpdump -i eth1  any command in any node
		  sudo topologies/line.sh down                     takes it down
	END
}

# Why there can be no network here; fails when there can.
no_network() {
	[ -z "${RECORDED:-}" ] || { echo "as you asked"; return 0; }
	[ "$(id -u)" -eq 0 ] || { echo "not root, sudo make demo makes one"; return 0; }
	local lacks
	lacks=$( (topology_check) 2>&1 | sed -n 's/^.*this machine lacks //p' | paste -sd, || true)
	[ -n "$lacks" ] && echo "it lacks $lacks"
}

# Everything but packages and build is as on a network: captures and spans, collector, store, waterfall.
recorded() {
	local folder=$top/topologies/recorded store
	echo "hopspan demo: no network here ($1), so a RECORDED run: a request over three routers, one of"
	echo "them congested, as it was captured at both hosts. All else happens now."
	if [ ! -x "$hopspan" ] && [ "$(id -u)" -eq 0 ]; then "$top/packaging/deps" build >/dev/null || exit 1; fi
	[ -x "$hopspan" ] || make -C "$top" build/hopspan >"$log_folder/build.log" 2>&1 || step_failed build "$log_folder/build.log"
	store=$log_folder/store.db
	"$hopspan" collect nodes "$folder/nodes.yaml" read "$folder/client.pcap" read "$folder/server.pcap" \
		read "$folder/spans.jsonl" store "$store" 2>"$log_folder/collect.log" || step_failed collect "$log_folder/collect.log"
	sed -n 's/^hopspan collect: \(.* records\) .*, \(.* network spans\) .*, \(.* application spans\) .*/\1, \2, \3; the slowest:/p' \
		"$log_folder/collect.log"
	echo
	"$hopspan" trace show "$("$hopspan" -j trace list limit 1000 store "$store" | python3 -c 'import json, sys
print(max(json.load(sys.stdin), key=lambda trace: trace["duration_ns"])["trace_id"])')" store "$store"
	rm -rf "$log_folder"
}

huge_pages_free() { awk '/^HugePages_Free/ { print $2 }' /proc/meminfo; }

if why=$(no_network); then
	recorded "$why"
	exit 0
fi
echo "hopspan demo: a request over three routers, one of them congested. 4 minutes."
trap take_down EXIT
trap 'exit 130' INT TERM
step_run packages "" packages
step_run build "" build
topology_check
[ ! -e "$state" ] || die "a line is up already: topologies/line.sh down"
pages=$(huge_pages_free)
line_is_up=1
step_run network "client - r1 XDP - r2 DPDK - r3 Linux - server" network
pages=$((pages - $(huge_pages_free)))
[ $pages -gt 0 ] && pages=", $pages huge pages" || pages=
HOPSPAN_CGROUP=$(cat "$state/cgroup")
export HOPSPAN_CGROUP
step_run usual "$REQUESTS requests, network idle" usual
step_run congestion "r1 eth1 kept full (12 Mbit/s): $CONGESTED requests" congestion
step_run traces "" traces
echo
"$hopspan" trace show "$(slowest)"
echo
