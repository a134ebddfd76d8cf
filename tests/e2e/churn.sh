#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Programs come, go and are exchanged on hosts and on a router while packets pass: not one is lost, repeated or spoilt,
# of datagrams with numbers and of TCP streams, and in the end nothing is left, in memory neither.
#
#   client eth0 ---- eth0 r1 eth1 ---- eth0 server        TBF of 100 Mbit/s at client eth0, so that TCP fills no ring
#
# A step is one command, of r1 or of one of the hosts, picked at random: so each state meets each change. TIMES says how
# many; without it there are as many as begin within 30 seconds.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need bpftool
need jq
here=$top/build/tests/e2e

TIMES=${TIMES:-} SEED=${SEED:-$RANDOM}
RANDOM=$SEED
router_steps=(
	"router up dev eth0 dev eth1 via tc node-id 2"
	"router up dev eth0 dev eth1 via xdp node-id 2"
	"router up dev eth0 via tc node-id 3"
	"router up dev eth1 via xdp node-id 4"
	"router up dev eth0 dev eth1 via tc order first node-id 2"
	"router down dev eth0"
	"router down dev eth1"
	"router down"
)
host_steps=(
	"host up dev eth0 proved ::/0 node-id 1"
	"host up dev eth0 proved ::/0 node-id 1 way shadow"
	"host up dev eth0 proved ::/0 node-id 1 way clone carrier generic"
	"host up dev eth0 off ::/0 node-id 9"
	"host up dev eth0 proved fd68:73::/32 node-id 1 via xdp"
	"host up dev eth0 proved ::/0 node-id 1 replies off budget 1000"
	"host down dev eth0"
)

# Memory of the kernel that commands took for maps and programs is charged to a group of theirs, where there is one.
memory_begin() {
	local mount
	mount=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/mounts)
	memory=${mount:-$(cgroup2)}/$TOPOLOGY-memory
	mkdir "$memory"
	trap 'memory_end $?' EXIT
}

memory_end() {
	set +e
	[ -z "${bulk_pid:-}" ] || kill "$bulk_pid" 2>/dev/null
	(test_end "$1")
	rmdir "$memory"
	exit "$1"
}

memory_used() {
	if [ -e "$memory/memory.kmem.usage_in_bytes" ]; then
		cat "$memory/memory.kmem.usage_in_bytes"
	elif [ -e "$memory/memory.stat" ]; then
		awk '$1 == "kernel" { print $2 }' "$memory/memory.stat"
	fi
}

# With all taken down; while something is up it is more.
memory_is_back() { [ "$(memory_used)" -le 262144 ]; }

# hopspan_at NODE WORDS...: charged so.
hopspan_at() {
	(
		echo "$BASHPID" >"$memory/cgroup.procs"
		node_exec "$1" "$hopspan" "${@:2}"
	)
}

# A command of a device on which there is nothing may say so.
step() {
	local node=$1 words=$2 begin=${EPOCHREALTIME/./}
	# shellcheck disable=SC2086 # words
	hopspan_at "$node" $words >"$tmp/said" 2>&1 || grep -q "no such device" "$tmp/said" ||
		fail "$node: $words: $(cat "$tmp/said")"
	echo "$begin $((${EPOCHREALTIME/./} - begin)) $node $words" >>"$tmp/steps"
}

step_random() {
	case $((RANDOM % 20)) in
	0) step client "${host_steps[RANDOM % ${#host_steps[@]}]}" ;;
	1) step server "${host_steps[RANDOM % ${#host_steps[@]}]}" ;;
	*) step r1 "${router_steps[RANDOM % ${#router_steps[@]}]}" ;;
	esac
}

all_down() {
	step client "host down"
	step server "host down"
	step r1 "router down"
}

# Each kind of step once, from nothing to nothing.
each_once() {
	local words
	for words in "${router_steps[@]}"; do step r1 "$words"; done
	for words in "${host_steps[@]}"; do
		step client "$words"
		step server "$words"
	done
	all_down
}

churn() {
	local begin=$SECONDS steps=0
	while if [ -n "$TIMES" ]; then [ $steps -lt "$TIMES" ]; else [ $((SECONDS - begin)) -lt 30 ]; fi; do
		step_random
		steps=$((steps + 1))
		[ $((steps % 20)) -ne 0 ] || note
		! gone "$(cat "$state/datagrams.pid")" || fail "the sender of datagrams has ended"
		[ ! -e "$tmp/bulk-failed" ] || fail "$(cat "$tmp/bulk-failed")"
	done
	all_down
	echo "$steps steps in $((SECONDS - begin)) s, seed $SEED"
}

# One stream after the other, each octet compared.
bulk() {
	while [ ! -e "$tmp/enough" ]; do
		node_start server receive "$here/veth" receive 7413
		wait_for "the receiver" grep -q listens "$state/receive.log"
		node_exec client "$here/veth" send $server 7413 25000000 1000000 >"$tmp/sent" 2>&1 || break
		wait_for "the receiver to end" gone "$(cat "$state/receive.pid")"
		[ "$(sed 's/, [^,]*$//' "$tmp/sent")" = "$(tail -n 1 "$state/receive.log")" ] || break
		cat "$tmp/sent" >>"$tmp/bulk"
	done
	[ -e "$tmp/enough" ] || cat "$tmp/sent" "$state/receive.log" >"$tmp/bulk-failed"
}

# counter NODE FILE PREFIX NAME: of /proc/net/snmp and netstat, which name columns in one line and fill them in the next.
counter() {
	node_exec "$1" cat "/proc/net/$2" | awk -v prefix="$3:" -v name="$4" '$1 == prefix && !n { for (i = 2; i <= NF; i++)
		if ($i == name) n = i; next } $1 == prefix { print $n; exit }'
}

# What was sent again because it had not come: of what had come, the receiver says so (D-SACK).
segments_lost() {
	echo $(($(counter "$1" snmp Tcp RetransSegs) - $(counter "$1" netstat TcpExt TCPDSACKRecvSegs)))
}

device_drops() {
	local at
	for at in client:eth0 r1:eth0 r1:eth1 server:eth0; do
		node_exec "${at%:*}" cat "/sys/class/net/${at#*:}/statistics/tx_dropped"
	done | xargs
}

# What there is of ours now: maps that are pinned, programs that use one of them, and whatever else these use.
ours_note() {
	bpftool -j -f map show >"$tmp/maps"
	bpftool -j prog show >"$tmp/programs"
	jq -nr --slurpfile maps "$tmp/maps" --slurpfile programs "$tmp/programs" --arg folder "$HOPSPAN_BPFFS/" '
		[$maps[0][] | select(any(.pinned[]?; startswith($folder))) | .id] as $pinned |
		[$programs[0][] | select(any(.map_ids[]?; IN($pinned[])))] as $using |
		($using[] | "prog \(.id)"), ([$pinned[], $using[].map_ids[]] | unique[] | "map \(.)")' >>"$tmp/ours"
}

memory_most=0
note() {
	local now
	ours_note
	now=$(memory_used)
	[ "${now:-0}" -le "$memory_most" ] || memory_most=$now
}

# Of all that were ever noted, those that are still there.
left() {
	{
		bpftool -j prog show | jq -r '.[] | "prog \(.id)"'
		bpftool -j map show | jq -r '.[] | "map \(.id)"'
	} | sort >"$tmp/there"
	sort -u "$tmp/ours" | comm -12 - "$tmp/there"
}
nothing_left() { [ -z "$(left)" ]; }

descriptors() { find "/proc/$(cat "$state/collect.pid")/fd" -type l | wc -l; }
descriptors_back() { [ "$(descriptors)" -le "$descriptors_before" ]; }

slab_kb() { awk '/^SUnreclaim/ { print $2 }' /proc/meminfo; }

# datagrams_start EVERY: 2000 a second, each EVERY-th with a context of its own.
datagrams_start() {
	node_start server datagrams-server "$here/churn" receive 7000
	wait_for "the receiver" grep -q listens "$state/datagrams-server.log"
	node_start client datagrams "$here/churn" send $server 7000 2000 "$1"
}

# datagrams_stop: all that were sent are there, each once, as they were.
datagrams_stop() {
	local sent
	stop datagrams
	sent=$(awk '/^sent/ { print $2 }' "$state/datagrams.log")
	[ "${sent:-0}" -gt 0 ] || fail "nothing was sent"
	sleep 0.5 # what is not there now never comes
	stop datagrams-server
	same "datagrams of $sent (gaps: $(grep gap "$state/datagrams-server.log" | xargs))" \
		"received $sent repeated 0 spoilt 0" "$(sed -n 's/ late.*//p' "$state/datagrams-server.log")"
	echo "$sent datagrams, all there$(sed -n 's/.*\( late\)/,\1/p' "$state/datagrams-server.log")"
}

traffic_start() {
	datagrams_start 20
	bulk &
	bulk_pid=$!
}

traffic_stop() {
	touch "$tmp/enough"
	wait "$bulk_pid" || fail "bulk: $(cat "$tmp/bulk-failed")"
	[ ! -e "$tmp/bulk-failed" ] || fail "bulk: $(cat "$tmp/bulk-failed")"
	datagrams_stop
	echo "$(wc -l <"$tmp/bulk") streams of 25 MB, all there"
}

# XDP takes tc's place and tc XDP's: in between both see a packet, and one of them writes. Every datagram has the option.
exchange() {
	local turn
	step client "host up dev eth0 proved ::/0 node-id 1"
	step r1 "router up dev eth0 dev eth1 via tc node-id 2"
	capture_start server way 'ip6[6] = 0'
	datagrams_start 1
	for turn in xdp tc xdp tc xdp tc xdp tc; do step r1 "router up dev eth0 dev eth1 via $turn node-id 2"; done
	datagrams_stop
	capture_stop way
	"$hopspan" decode "$tmp/way.pcap" | jq -rc '[.hops[].node] | join(" ")' | sort | uniq -c >"$tmp/paths"
	same "paths of packets while r1 changes: $(cat "$tmp/paths")" "1 2" "$(awk '{ print $2, $3 $4 }' "$tmp/paths")"
	echo "exchange: $(xargs <"$tmp/paths"), $(node_exec r1 "$hopspan" -j router show |
		jq -c '.[0].transit.xdp_arrived // 0') of them seen by both"
	all_down
}

line_up silent tbf client eth0 100mbit
node_exec client "$hopspan" host down
node_exec server "$hopspan" host down
node_exec client sysctl -qw net.ipv4.tcp_wmem="4096 65536 262144"
memory_begin
collect_start
each_once
descriptors_before=$(descriptors) slab_before=$(slab_kb)
traffic_start
churn
traffic_stop

same "segments of TCP lost, client and server" "0 0" "$(segments_lost client) $(segments_lost server)"
same "packets dropped by devices" "0 0 0 0" "$(device_drops)"
exchange
wait_for "programs and maps to be gone" nothing_left || fail "left: $(left)"
echo "$(sort -u "$tmp/ours" | cut -d' ' -f1 | uniq -c | xargs) were noted, none is left"
[ ! -e "$HOPSPAN_BPFFS" ] || fail "left: $(find "$HOPSPAN_BPFFS")"
wait_for "the collector's descriptors to be closed" descriptors_back ||
	fail "descriptors of the collector: $descriptors_before before, $(descriptors) now"
if [ -n "$(memory_used)" ]; then
	[ "$memory_most" -gt 1000000 ] || fail "only $memory_most octets are charged to $memory: nothing is seen there"
	wait_for "the kernel's memory" memory_is_back || fail "the kernel's memory: $(memory_used) octets, at most $memory_most"
fi
echo "the kernel's memory: at most $memory_most octets, $(memory_used) now; the machine's slab: $slab_before, $(slab_kb) kB"
awk '{ n[$4 " " $5]++; sum[$4 " " $5] += $2 } END { for (verb in n)
	printf "%s: %d times, %.0f ms each\n", verb, n[verb], sum[verb] / n[verb] / 1000 }' "$tmp/steps"
