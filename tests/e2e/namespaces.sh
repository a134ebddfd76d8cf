#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Three IOAM namespaces with three time formats, data and schemas on a router, changed again and again under traffic: no
# datagram is lost, and every one has what one node.yaml says, the old or the new, as tshark reads it; show prints back
# what was taken. By tc alone, by XDP, and by the DPDK forwarder. A clock offset moves what is written; a bad file changes nothing.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need tshark
need jq

port=7430 type=fff002 rate=500 wide=0x11223344556677
first=26739:ptp:161:-:-:-,1:ntp:-:18446744073709551614:-:-,2:posix:-:-:7:0a0b0c0d
second=26739:ntp:177:178:-:-,1:posix:179:-:8:01020304050607080000aabb,2:ptp:-:180:9:-

# node_yaml CONFIGURATION: as namespaces_judge.py takes it.
node_yaml() {
	local entry id time data data_wide schema_id schema
	printf 'node_id: 2\nnode_id_wide: %s\ninterfaces: {eth0: {id: 20, id_wide: 70020}}\nnamespaces:\n' $wide
	for entry in ${1//,/ }; do
		IFS=: read -r id time data data_wide schema_id schema <<<"$entry"
		printf '  %s: {time: %s' "$id" "$time"
		[ "$data" = - ] || printf ', data: %s' "$data"
		[ "$data_wide" = - ] || printf ', data_wide: %s' "$data_wide"
		[ "$schema_id" = - ] || printf ', schema_id: %s' "$schema_id"
		[ "$schema" = - ] || printf ', schema: %s' "$schema"
		echo '}'
	done
}

# configured CONFIGURATION WORDS...
configured() {
	node_yaml "$1" >"$tmp/node.yaml"
	HOPSPAN_NODE_YAML=$tmp/node.yaml node_exec r1 "$hopspan" router up dev eth0 dev eth1 "${@:2}"
}

show() { node_exec r1 "$hopspan" -j router show dev eth0 | jq -c ".[0] | $1"; }

judge() { python3 "$top/tests/e2e/namespaces_judge.py" "$tmp/$1.pcap" $wide "${@:2}" || fail "what tshark reads in $1"; }
invalid() { tshark -r "$1" -Y "ipv6.opt.ioam.trace.invalid_nodelen || ipv6.opt.ioam.trace.invalid_remlen || \
	ipv6.opt.ioam.trace.invalid_type" 2>/dev/null | wc -l; }

traffic_begin() {
	capture_start server "$1" ip6 proto 0 # hop-by-hop
	node_start server receive python3 "$top/tests/e2e/traces.py" receive $port
	wait_for "the receiver" grep -q listens "$state/receive.log"
	node_start client send python3 "$top/tests/e2e/traces.py" send $server $port $type 20 $rate 26739 1 2
	wait_for "the sender" grep -q sends "$state/send.log"
}

captured() { [ "$(tcpdump -r "$tmp/$1.pcap" 2>/dev/null | wc -l)" -ge "$2" ]; }

traffic_end() {
	local sent
	stop send
	sent=$(sed -n 's/ datagrams$//p' "$state/send.log")
	wait_for "the last datagram in the capture" captured "$1" "$sent"
	capture_stop "$1"
	stop receive
	same "datagrams that arrived, $1" "$sent datagrams, $sent different, last $((sent - 1))" \
		"$(tail -n 1 "$state/receive.log")"
	same "packets that tshark calls invalid, $1" 0 "$(invalid "$tmp/$1.pcap")"
}

# changes VIA META: in the end packets of both configurations have been seen.
changes() {
	configured $first via "$1"
	traffic_begin "$1"
	for _ in 1 2; do
		sleep 0.2 # so that packets meet each configuration
		configured $second via "$1"
		sleep 0.2
		configured $first via "$1"
	done
	sleep 1.5 # delays must be there again
	traffic_end "$1"
	judge "$1" "$2" $first $second
	echo "via $1: $(node_exec r1 "$hopspan" -j router show dev eth0 | jq -c '.[0] | {transit, depart}')"
}

# The forwarder is a bump in the wire; SIGHUP has it read its file again.
dpdk_network() {
	topology_down
	topology_begin
	node_add client r1 server
	link_add client eth0 r1 eth0
	link_add r1 eth1 server eth0
	address_add client eth0 fd68:73:3::1/64
	address_add server eth0 $server/64
	dpdk_facing client eth0
	dpdk_facing server eth0
}

reads() { grep -c 'read again' "$state/dpdk.log" || true; }
has_read() { [ "$(reads)" -gt "$1" ]; }

dpdk_configured() {
	local before
	before=$(reads)
	node_yaml "$1" >"$tmp/node.yaml"
	kill -HUP "$(cat "$state/dpdk.pid")"
	wait_for "the forwarder to read its file" has_read "$before"
}

changes_dpdk() {
	node_yaml $first >"$tmp/node.yaml"
	node_start r1 dpdk env HOPSPAN_NODE_YAML="$tmp/node.yaml" "$hopspan_dpdk" eth0 eth1
	wait_for "the forwarder" grep -q joined "$state/dpdk.log"
	traffic_begin dpdk
	for _ in 1 2; do
		sleep 0.2 # so that packets meet each configuration
		dpdk_configured $second
		sleep 0.2
		dpdk_configured $first
	done
	traffic_end dpdk
	judge dpdk 1 $first $second
	echo 'namespaces: {5: {time: utc}}' >"$tmp/node.yaml"
	kill -HUP "$(cat "$state/dpdk.pid")"
	wait_for "the forwarder to complain" grep -q 'not "utc"' "$state/dpdk.log"
	stop dpdk
}

prints_back() {
	configured $second
	same "namespaces that show prints" '[{"namespace":26739,"time":"ntp","data":177,"data_wide":"178"},'`
		`'{"namespace":1,"time":"posix","data":179,"schema_id":8,"schema":"01020304050607080000aabb"},'`
		`'{"namespace":2,"time":"ptp","data_wide":"180","schema_id":9}]' "$(show .namespaces)"
	same "ids that show prints" '[2,"4822678189205111",20,70020]' "$(show '[.node, .node_wide, .interface, .interface_wide]')"
	same "why tc" '"veth, XDP would turn the peer'"'"'s segmentation off"' "$(show .why)"
	node_exec r1 "$hopspan" router show >"$tmp/text"
	grep -Eq '^ +26739 +time ntp data 177 data_wide 178$' "$tmp/text" || fail "show: $(cat "$tmp/text")"
}

# The file has an error: what was there stays.
bad_file() {
	echo 'namespaces: {5: {time: utc}}' >"$tmp/node.yaml"
	! HOPSPAN_NODE_YAML=$tmp/node.yaml node_exec r1 "$hopspan" router up dev eth0 2>"$tmp/bad" || fail "a bad file is taken"
	grep -q "node.yaml:1:24: time: ptp | ntp | posix, not \"utc\"" "$tmp/bad" || fail "$(cat "$tmp/bad")"
	same "namespaces after a bad file" 26739 "$(show '.namespaces[0].namespace')"
}

# offset WORDS...: of what is written now to the capture's time, in whole seconds.
offset_seen() {
	traffic_begin offset
	sleep 0.3
	traffic_end offset
	tshark -r "$tmp/offset.pcap" -Y 'ipv6.opt.ioam.trace.ns == 1' -T fields -e frame.time_epoch \
		-e ipv6.opt.ioam.trace.node.tss 2>/dev/null | tail -n 1 | awk '{ printf "%.0f\n", $2 - $1 + 0.5 }'
}

clock_moves() {
	configured $second clock-offset -3600000000000
	same "clock offset that show prints" -3600000000000 "$(show .clock_offset)"
	seen=$(offset_seen)
	if [ "$seen" -lt -3601 ] || [ "$seen" -gt -3599 ]; then
		fail "with an offset of an hour times differ by $seen s"
	fi
	configured $second
	same "clock offset without the word" 0 "$(show .clock_offset)"
}

hop_wire
changes tc 0
changes xdp 1
prints_back
bad_file
clock_moves
dpdk_network
changes_dpdk
