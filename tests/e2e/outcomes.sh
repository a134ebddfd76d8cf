#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Each outcome that a sending host can have (wire/outcome.h) is brought about by a program's own packets, and the counters
# add up: every packet that the device sends is counted once, as stamped or bare for a named reason. At the end: is there
# an outcome that no case brought about?
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
here=$top/tests/e2e
declare -A produced lacking

# What client's programs have counted, what its $devices sent at the same time, what server's sink says of replies.
counters_now() {
	node_exec server "$hopspan" -j host show >"$tmp/server"
	# shellcheck disable=SC2016 # that shell expands
	node_exec client bash -c '
		sent() { local sum=0 device; for device; do sum=$((sum + $(</sys/class/net/$device/statistics/tx_packets))); done; echo $sum; }
		hopspan=$1 && shift
		until sent=$(sent "$@") && show=$("$hopspan" -j host show) && [ "$sent" = "$(sent "$@")" ]; do :; done
		echo "$show" "{\"sent\": $sent}" "$("$hopspan" -j status)"' - "$hopspan" "${devices[@]}" |
		jq -s --slurpfile server "$tmp/server" \
			'.[0][0].stamp + .[1] + .[2].cgroups[0].sockopt + ($server[0][0].sink | {replies_ambiguous})'
}

# moved NAME: by how much, in this case. stamped_alone: no shadow, but a packet of its own, in place or by clone as the
# kernel's headroom has it.
moved() {
	if [ "$1" = stamped_alone ]; then
		echo $(($(moved stamped_in_place) + $(moved stamped_clone)))
	else
		jq -n --slurpfile a "$tmp/before" --slurpfile b "$tmp/after" "(\$b[0].$1 // 0) - (\$a[0].$1 // 0)"
	fi
}

# All that the client counted as a packet; a shadow that may not go is none.
packets_counted() {
	jq -n --slurpfile a "$tmp/before" --slurpfile b "$tmp/after" \
		'[$b[0] | to_entries[] | select(.key | test("^(pass|stamped_|bare_|bad_)") and . != "bare_shadow_limit") | .value - ($a[0][.key] // 0)] | add'
}

# expect NAME "COUNTER MOVED ..." WORDS [ADDRESS]: one connection that does WORDS (writes.py). MOVED+ is at least so many.
# $beside: packets for which only shadows speak, so that they are not counted themselves ("each": as many as there were
# shadows); $lost: some do not leave.
expect() {
	local name=$1 words=$3 address=${4:-$server} counter number by
	read -ra wanted <<<"$2"
	counters_now >"$tmp/before"
	if [ -n "$words" ]; then
		node_exec client python3 "$here/writes.py" one "$address" 7000 "$words" || fail "$name: \"$words\""
	else
		node_exec client python3 -c "$another_process" $server || fail "$name"
	fi
	counters_now >"$tmp/after"
	for ((i = 0; i < ${#wanted[@]}; i += 2)); do
		counter=${wanted[i]} number=${wanted[i + 1]} by=$(moved "${wanted[i]}")
		if [ "${number%+}" = "$number" ]; then
			same "$name: $counter" "$number" "$by"
		else
			[ "$by" -ge "${number%+}" ] || fail "$name: $counter moved by $by, not $number"
		fi
		[ "${number%+}" -eq 0 ] || produced[$counter]=1
	done
	[ "${beside:-}" != each ] || beside=$(moved stamped_shadow)
	[ -n "${lost:-}" ] || same "$name: packets sent" "$(moved sent)" $(($(packets_counted) + ${beside:-0}))
	echo "ok    $(printf %-44s "$name") $2"
}

# A datagram of another process than the one that set the context.
another_process='
import os, socket, struct, sys
sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sender.setsockopt(0x6873, 1, struct.pack("!BB6x16sQ", 1, 1, bytes(range(16)), 1))
child = os.fork()
if not child:
    sender.sendto(b"late", (sys.argv[1], 9))
elif os.wait()[1]:
    sys.exit("the other process failed")'

policy() { node_exec client "$hopspan" host up dev eth0 node-id 1 budget 0 "$@"; }

cannot() {
	lacking[$1]=1
	echo "#     $1 is not brought about: $2"
}

kernel_log_mark
pair_up
devices=(eth0)
ip -n "$(netns client)" addr add 10.73.3.1/24 dev eth0
ip -n "$(netns server)" addr add 10.73.3.2/24 dev eth0
node_start server server python3 "$here/writes.py" server
wait_for "the server" grep -q listens "$state/server.log"
policy
node_exec client ping -c 1 -W 5 $server >/dev/null

# contexts
expect "a program without contexts" "bare_no_context 2+ range_opened 0" "connect 100"
expect "a request" "range_opened 1 stamped_alone 1 bare_range_done 1+" "connect A 100"
expect "acknowledgements while a context waits" "bare_no_data 1+" "A connect acked 100"
expect "replaced" "range_replaced 1 stamped_alone 1" "connect A B 100"
expect "forgotten" "range_forgotten 36" "connect cork many:100 uncork"
expect "waited in vain" "bare_retransmission 1+ range_unstamped 1 stamped_alone 1" \
	"connect forget A 100 remember acked B 9"
expect "a wrong call" "option_refused 1" "connect refused:EINVAL 100"
if node_exec client test -e /proc/sys/net/core/optmem_max; then
	optmem=$(node_exec client sysctl -n net.core.optmem_max)
	node_exec client sysctl -qw net.core.optmem_max=256
	expect "no memory for a context" "option_no_memory 1" "connect refused:ENOMEM 100"
	node_exec client sysctl -qw "net.core.optmem_max=$optmem"
else
	cannot option_no_memory "net.core.optmem_max is not a namespace's own"
fi
expect "two requests, no answer yet" "replies_ambiguous 1" "connect A 100 B 100"

# packets that are left alone
expect "a datagram of another process" "bare_late 1 stamped_alone 0" ""
expect "IPv4" "bare_protocol 1+" "connect A 100" ::ffff:10.73.3.2
expect "hop-by-hop options of its own" "bare_extension 1+ stamped_alone 0" "connect options A 100"
expect "destination options of its own" "bare_extension 1+ stamped_alone 0" "connect destination A 100"
expect "a routing header of its own" "bare_extension 1+ stamped_alone 0" "connect acked routing A 100 plain acked"
for node in client server; do
	ip -n "$(netns $node)" link set eth0 gso_max_size 200000 gro_max_size 200000
done
beside=each expect "BIG TCP" "bare_big_tcp 1+" "connect 9000000 A 9000000"
for node in client server; do
	ip -n "$(netns $node)" link set eth0 gso_max_size 65536 gro_max_size 65536
done

# packets that cannot carry it themselves, by way
beside=each expect "a full-size packet" "stamped_shadow 1" "connect A 1428"
beside=each expect "segmentation offload" "stamped_shadow 1" "connect A 14280"
expect "several in one packet" "stamped_alone 1 stamped_shadow 2" "connect cork A 10 B 10 C 10 uncork"
policy way in-place
expect "way in-place" "stamped_in_place 1" "connect A 100"
expect "way in-place, full-size" "bare_mtu 1 stamped_shadow 0" "connect A 1428"
expect "way in-place, segmentation offload" "stamped_in_place 1 stamped_shadow 0" "connect A 14280"
policy way clone
expect "way clone" "stamped_clone 1" "connect A 100"
expect "way clone, full-size" "bare_mtu 1 stamped_shadow 0" "connect A 1428"
expect "way clone, segmentation offload" "bare_gso 1+ stamped_shadow 0" "connect A 14280"
bottleneck client eth0 100mbit
expect "way clone, where a clone may overtake" "bare_headroom 1 stamped_alone 0" "connect A 100"
tc -n "$(netns client)" qdisc del dev eth0 root
policy way auto
node_exec client sysctl -qw net.ipv4.tcp_sack=0
expect "a peer without SACK" "stamped_alone 1 stamped_shadow 2 bare_shadow_limit 13" "connect cork many:16 uncork"
node_exec client sysctl -qw net.ipv4.tcp_sack=1

policy way clone
lost=1 expect "the queue is full" "bare_clone_failed 1 stamped_alone 0" "connect acked full A 100 empty acked"
policy way auto
policy off ::/0
expect "a destination switched off" "bare_off 1+ stamped_alone 0" "connect A 100"
policy way in-place probe ::/0
expect "a path not known yet" "bare_prefix 1+ stamped_in_place 0" "connect A 100"
policy way auto proved ::/0

policy bulk-budget 10
beside=each expect "the budget of bulk data is used up" "bare_bulk_budget 1+ stamped_shadow 1+" "connect$(for ((i = 0; i < 30; i++)); do echo -n " A 20000"; done)"
policy budget 10
expect "the budget is used up" "bare_budget 1+ stamped_alone 1+" "connect$(for ((i = 0; i < 30; i++)); do echo -n " A 10"; done)"
policy

# other devices
for node in client server; do
	[ $node = client ] && remote=$server || remote=fd68:73:3::1
	ip -n "$(netns $node)" link add vxlan0 type vxlan id 7 dev eth0 remote "$remote" dstport 4789
	ip -n "$(netns $node)" link set vxlan0 up
done
address_add client vxlan0 fd68:73:7::1/64
address_add server vxlan0 fd68:73:7::2/64
node_exec client ping -c 1 -W 5 fd68:73:7::2 >/dev/null
expect "through VXLAN, stamped below: not at all" "bare_protocol 1+ stamped_alone 0" "connect A 100 B 100" fd68:73:7::2
for node in client server; do node_exec $node "$hopspan" host up dev vxlan0 node-id 1 budget 0; done
devices=(eth0 vxlan0)
expect "through VXLAN, stamped above: once" "stamped_alone 2" "connect A 100 B 100" fd68:73:7::2
beside=each expect "through VXLAN, segmentation offload" "stamped_shadow 1" "connect A 14280" fd68:73:7::2

for node in client server; do ip -n "$(netns $node)" link del vxlan0; done
devices=(eth0)

# An address behind the server, reached by IPv6 in IPv6.
node_exec server sysctl -qw net.ipv6.conf.all.seg6_enabled=1 net.ipv6.conf.eth0.seg6_enabled=1
ip -n "$(netns server)" addr add fd68:73:8::2/128 dev lo nodad
if ip -n "$(netns client)" -6 route add fd68:73:8::2 encap seg6 mode encap segs $server dev eth0 2>/dev/null; then
	expect "IPv6 in IPv6" "bare_extension 1+ stamped_alone 0" "connect A 100" fd68:73:8::2
else
	echo "#     IPv6 in IPv6 is not tried: no segment routing in this kernel"
fi

ip -n "$(netns client)" link add link eth0 name mac0 type macvlan mode bridge
ip -n "$(netns client)" link set mac0 up
ip -n "$(netns client)" addr add fd68:73:9::1/64 dev mac0 nodad
ip -n "$(netns server)" addr add fd68:73:9::2/64 dev eth0 nodad
expect "macvlan, stamped below: once" "stamped_alone 1" "connect A 100" fd68:73:9::2
expect "sequence numbers moved on the host" "bare_sequence 1+ stamped_alone 0 repeat_recorded 1+" \
	"connect moved:$top/build/tests/e2e/other.bpf.o A 100 unmoved acked" fd68:73:9::2
node_exec client "$hopspan" host up dev mac0 node-id 1 budget 0
devices=(eth0 mac0)
expect "macvlan, stamped twice: once" "stamped_alone 1" "connect A 100" fd68:73:9::2
policy way in-place dev mac0
expect "macvlan, in place: once" "stamped_in_place 1" "connect A 100" fd68:73:9::2
policy way auto dev mac0
ip -n "$(netns client)" link del mac0
devices=(eth0)

node_start client tun python3 "$here/tun.py" "$(netns client)" "$(netns server)"
wait_for "the tunnel" grep -q carries "$state/tun.log"
for node in client server; do
	ip -n "$(netns $node)" link set tun0 up
	node_exec $node "$hopspan" host up dev tun0 node-id 1 budget 0
done
address_add client tun0 fd68:73:a::1/64
address_add server tun0 fd68:73:a::2/64
devices=(eth0 tun0)
DEV=tun0 capture_start server tun ip6
expect "a device without Ethernet" "stamped_alone 2" "connect A 100 B 1000" fd68:73:a::2
beside=each expect "a device without Ethernet, full-size" "stamped_shadow 1" "connect A 1428" fd68:73:a::2
# The kernel cuts it up behind ours: more are sent than counted.
lost=1 expect "a device without Ethernet, offload" "stamped_shadow 1" "connect A 14280" fd68:73:a::2
capture_stop tun
same "stamps that tshark finds" 4 "$(tshark -r "$tmp/tun.pcap" -Y 'ipv6.opt.ioam.trace.type && tcp.dstport == 7000 &&
	tcp.checksum.status == "Good"' -o tcp.check_checksum:TRUE 2>/dev/null | wc -l)"

# The list's part of the sending host, name by name.
names=$(sed -n '/sending host \*\//,/ router \*\//s/^\tOUTCOME(\([a-z_]*\),.*/\1/p' "$top/wire/outcome.h")
[ "$(wc -w <<<"$names")" -ge 25 ] || fail "wire/outcome.h is not read: $names"
unseen=()
for name in $names; do
	[ -n "${produced[$name]:-}${lacking[$name]:-}" ] || unseen+=("$name")
done
[ ${#unseen[@]} -eq 0 ] || fail "no case brings about: ${unseen[*]}"
echo "${#produced[@]} outcomes brought about, not here: ${!lacking[*]}"
kernel_is_silent "after all of it"
