#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The topologies do what their words say: requests are traced over the places that are there, a silent one as a gap, of
# two ways the one that captures show; what is to be lost is lost, and no more; a full queue is seen, and
# clocks that are off. Down leaves nothing, and the next one may have the name.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need jq
need tshark
peer() { node_exec client python3 "$top/tests/e2e/topologies.py" "$@"; }

# up TOPOLOGY [WORDS...]: with a collector, and a server that answers.
up() {
	what=$*
	"$top/topologies/$1.sh" up "${@:2}"
	HOPSPAN_CGROUP=$(cat "$state/cgroup")
	export HOPSPAN_CGROUP
	collect_start
	node_start server answers python3 "$top/tests/e2e/topologies.py" server 7000
	wait_for "the server" grep -q listens "$state/answers.log"
}

down() {
	"$top/topologies/${what%% *}.sh" down
	same "$what: what down leaves" "" "$(named_here)"
	echo "ok: $what"
}

# transfer TRACE: a line for each direction: which, and the path.
transfers() {
	"$hopspan" trace show "$1" -j 2>/dev/null |
		jq -r '.spans[] | select(.kind == "transfer") | "\(.direction) \(.path | join(" "))"' | sort
}

has_both() { [ "$(transfers "$1" | wc -l)" = 2 ]; }

# traced COUNT: so many flows, from port 40000 on, into $tmp/requests: PORT TRACE
traced() {
	peer requests $server 7000 40000 "$1" >"$tmp/requests"
	for trace in $(awk '{ print $2 }' "$tmp/requests"); do
		wait_for "both ways of a request" has_both "$trace" || fail "$what: $(transfers "$trace")"
	done
}

# path REQUEST REPLY: of each flow.
path() {
	for trace in $(awk '{ print $2 }' "$tmp/requests"); do
		same "$what: path" "reply $2"$'\n'"request $1" "$(transfers "$trace")"
	done
}

# wrote NODE DATAPLANE: a span of every request says so, both ways.
wrote() {
	for trace in $(awk '{ print $2 }' "$tmp/requests"); do
		same "$what: what $1 is" "$2 $2" "$("$hopspan" trace show "$trace" -j | jq -r --arg node "$1" \
			'[.spans[] | select(.node == $node) | .dataplane] | join(" ")')"
	done
}

# Each place alone.
places() {
	local kind
	for kind in xdp tc dpdk dpdk-router kernel silent; do
		up line $kind
		traced 2
		case $kind in
		silent) path "client ? server" "server ? client" ;;
		*) path "client r1 server" "server r1 client" ;;
		esac
		case $kind in
		kernel) wrote r1 linux ;;
		silent) ;;
		*) wrote r1 "${kind%-router}" ;;
		esac
		down
	done
}

# All of them in a row; each says by which device a packet left.
mixed() {
	local node
	up mixed
	capture_start server way 'ip6[6] = 0'
	traced 3
	capture_stop way
	path "client r1 ? r3 r4 r5 server" "server r5 r4 r3 ? r1 client"
	for node in "r1 linux" "r3 xdp" "r4 tc" "r5 dpdk"; do
		# shellcheck disable=SC2086 # words
		wrote $node
	done
	same "$what: by which devices they left" "[1,2,4,5,6] 0" "$("$hopspan" decode "$tmp/way.pcap" nodes "$state/nodes.yaml" |
		jq -rc 'select(.direction == "request") | "\([.hops[].node]) \([.hops[] | select(.egress_if == null)] | length)"' | sort -u)"
	down
}

# seen_start NODE...: which flows go over which of two ways.
seen_start() { for node; do capture_start "$node" "$node" ip6; done; }

# seen NODE: "DIRECTION PORT NODE" for each flow that went over it.
seen() {
	tshark -r "$tmp/$1.pcap" -Y "tcp.port == 7000" -T fields -e tcp.srcport -e tcp.dstport 2>/dev/null |
		awk -v node="$1" '{ print $2 == 7000 ? "request " $1 : "reply " $2, node }' | sort -u
}

# flows FIRST LAST WAY WAY: 16 flows from router FIRST to LAST and back, each by the way where it was captured.
flows() {
	local port trace go back
	seen_start "$3" "$4"
	traced 16
	for node in "$3" "$4"; do
		capture_stop "$node"
		seen "$node"
	done >"$tmp/seen"
	same "$what: flows that went one way" 32 "$(cut -d' ' -f1,2 "$tmp/seen" | sort | uniq -u | wc -l)"
	same "$what: ways taken" 4 "$(awk '{ print $1, $3 }' "$tmp/seen" | sort -u | wc -l)"
	while read -r port trace; do
		go=$(awk -v port="$port" '$1 == "request" && $2 == port { print $3 }' "$tmp/seen")
		back=$(awk -v port="$port" '$1 == "reply" && $2 == port { print $3 }' "$tmp/seen")
		same "$what: the path of port $port" "reply server $2 $back $1 client"$'\n'"request client $1 $go $2 server" \
			"$(transfers "$trace")"
	done <"$tmp/requests"
	awk '{ print $1, $3 }' "$tmp/seen" | sort | uniq -c
}

diamond() {
	up diamond
	flows r1 r4 r2 r3
	down
}

fabric() {
	up fabric place l1 dpdk-router place l3 dpdk-router
	flows l1 l3 s1 s2
	down
}

queues() {
	"$hopspan" trace show "$1" -j | jq '.spans[] | select(.direction == "request" and .node == "r1") | .queue_bytes'
}

# full KIND: r1 eth1 hardly ever runs empty, not even on a busy machine; most requests say what was before them.
full() {
	local trace
	up congested "$1" r1 eth1 5mbit
	same "$what: qdisc" "$1" "$(tc -n "$(netns r1)" -j qdisc show dev eth1 root | jq -r '.[0].kind')"
	traced 10
	path "client r1 r2 server" "server r2 r1 client"
	for trace in $(awk '{ print $2 }' "$tmp/requests"); do queues "$trace"; done >"$tmp/queues"
	echo "queued: $(xargs <"$tmp/queues"), now: $(backlog r1 eth1 | head -n 1)"
	awk '$1 > 8000 && $1 < 100000 { n++ } END { exit NR != 10 || n <= NR / 2 }' "$tmp/queues" ||
		fail "$what: queue_bytes of r1 eth1"
	down
}

# came ODD: how many, of those with options (0) or of those without (1).
came() { awk -v odd="$1" '/^[0-9]+$/ && $1 % 2 == odd' "$state/answers.log" | sort -u | wc -l; }

# 20 % of all are lost at r1 and, of those with options, half of the rest at r2.
lossy() {
	up line tc tc loss r1 eth1 20 loss-options r2 eth1 50
	peer datagrams $server 7000 4000 2
	sleep 0.2 # the last ones may be lost: nothing says that it is over
	peer within 2000 20 $((2000 - $(came 1))) || fail "$what: datagrams without options"
	peer within 2000 60 $((2000 - $(came 0))) || fail "$what: datagrams with options"
	down
}

# Each hop's time, less the sender's, in ms.
skews() {
	"$hopspan" decode "$tmp/way.pcap" nodes "$state/nodes.yaml" | jq -rc 'select(.direction == "request") |
		[.hops[1:][].time_unix_ns - .hops[0].time_unix_ns | . / 1e6 | round] | join(" ")'
}

clocks() {
	up line tc xdp dpdk clock client -40000000 clock r1 150000000 clock r2 -60000000 clock r3 80000000
	capture_start server way 'ip6[6] = 0'
	traced 3
	capture_stop way
	skews | tee "$tmp/skews"
	awk 'function off(seen, set) { return seen < set - 15 || seen > set + 15 }
		off($1, 190) || off($2, -20) || off($3, 120) { wrong = 1 } END { exit wrong || NR != 3 }' "$tmp/skews" ||
		fail "$what: ahead of the client are r1 by 190 ms, r2 by -20, r3 by 120"
	down
}

# says TEXT TOPOLOGY WORDS...: misuse, and nothing is made.
says() {
	local status=0
	"$top/topologies/$2.sh" "${@:3}" >"$tmp/out" 2>"$tmp/err" || status=$?
	same "exit status of ${*:2}" 2 "$status"
	grep -qF -- "$1" "$tmp/err" || fail "${*:2}: no \"$1\" in: $(cat "$tmp/err")"
	same "what ${*:2} left" "" "$(named_here)"
}

wrong_words() {
	local name
	says 'no verb "upp"' line upp
	says 'up, down, exec or env?' line
	says 'unknown word "lost"' line up lost
	says "place r2 dpkd: it is one of kernel, xdp, tc, dpdk, dpdk-router, silent" diamond up place r2 dpkd
	says "place client: it is none" diamond up place client tc
	says "place r1 dpdk: the forwarder joins two ports" diamond up place r1 dpdk
	says "place r9: no such node" line up place r9 tc
	says "loss r1 eth1 120: percent" line up loss r1 eth1 120
	says "tbf r1 eth1 fast: a rate" congested up tbf r1 eth1 fast
	says "tbf: 3 values are wanted" line up tbf r1
	says "clock r3: of kernel it is the machine's" line up clock r3 100
	says "9 places: 8 at most" line up tc tc tc tc tc tc tc tc tc
	! "$top/topologies/line.sh" up tc tbf r1 eth7 1mbit 2>"$tmp/err" || fail "a bottleneck at no device"
	grep -q "bottleneck r1 eth7: no such device: eth0 eth1" "$tmp/err" || fail "$(cat "$tmp/err")"
	same "what a failed up left" "" "$(named_here)"
	! "$top/topologies/fabric.sh" exec l1 true 2>"$tmp/err" || fail "exec in what is not up"
	grep -q "is not up: fabric.sh up" "$tmp/err" || fail "$(cat "$tmp/err")"
	for name in line mixed diamond fabric congested; do
		"$top/topologies/$name.sh" --help >"$tmp/out" || fail "$name.sh --help"
		grep -q "loss-options NODE DEV PERCENT" "$tmp/out" || fail "$name.sh --help: $(cat "$tmp/out")"
		! grep -E '.{81}' "$tmp/out" || fail "$name.sh --help is wider than 80 columns"
	done
}

topology_check
for scenario in wrong_words places mixed diamond fabric "full tbf" "full htb" lossy clocks; do
	[ -z "${SCENARIO:-}" ] || [ "$SCENARIO" = "${scenario%% *}" ] || continue
	echo "== $scenario"
	$scenario
done
