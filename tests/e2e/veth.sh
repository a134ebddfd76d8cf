#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Two hosts on a plain veth pair, and at the receiver nothing of ours: it gets stamped packets as its kernel's TCP finds
# them. A packet that grew beyond its headroom while it belonged to a socket would spoil the receiver's accounts of its
# memory there, and with them the machine. Each way, each amount of room, both carriers; segments that the device is to
# cut, full-size ones, and such that have room for the header and are stamped each. Every octet is compared, the counters
# say what was stamped how, as many stamped packets arrive as were sent, and the kernel has nothing to say about it.
#
# VETH_GB=N moves N GB per way instead, in five transfers, in turns with streams without contexts, and prints how fast;
# with VETH_SEGMENTS=1 in single segments.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need nft
need ethtool
here=$top/build/tests/e2e

port=7413 octets=100000000 range=65536 ways=(auto in-place clone shadow) carriers=(snapshot generic)

limits=(budget 0)
[ -z "${VETH_GB:-}" ] || limits=() # as fast as hosts are by default

host_up() { node_exec client "$hopspan" host up dev eth0 node-id 1 "${limits[@]}" proved ::/0 "$@"; }

# What the client's program has counted, and what of it has arrived.
counters_now() {
	arrived=$(node_exec server nft -j list counter ip6 veth stamped | jq '.nftables[1].counter.packets')
	dropped=$(node_exec client cat /sys/class/net/eth0/statistics/tx_dropped)
	read -r in_place clone shadow < <(node_exec client "$hopspan" -j host show | jq -r '.[0].stamp |
		[.stamped_in_place, .stamped_clone, .stamped_shadow] | map(. // 0) | join(" ")')
}

# transfer OCTETS RANGE: all of it compared, into $rate and $answers.
transfer() {
	node_start server receive "$here/veth" receive $port
	wait_for "the receiver" grep -q listens "$state/receive.log"
	node_exec client "$here/veth" send $server $port "$1" "$2" >"$tmp/sent" 2>&1 || fail "$what: $(cat "$tmp/sent")"
	wait_for "the receiver to end" gone "$(cat "$state/receive.pid")"
	rm "$state/receive.pid"
	same "$what: octets and answers" "$(sed 's/, [^,]*$//' "$tmp/sent")" "$(tail -n 1 "$state/receive.log")"
	read -r _ _ answers _ rate _ <"$tmp/sent"
}

# stamped WAY: in this transfer as the way has it, and all that left arrived. Where a packet has a second context a shadow
# speaks for that one, whatever the way.
stamped() {
	local before=("$in_place" "$clone" "$shadow" "$arrived" "$dropped") sum
	counters_now
	local placed=$((in_place - before[0])) cloned=$((clone - before[1])) shadowed=$((shadow - before[2]))
	sum=$((placed + cloned + shadowed))
	echo "$what: $rate Mbit/s, $answers answers, stamped $placed in place, $cloned clones, $shadowed shadows"
	case $1 in
	auto) [ $((placed + cloned)) -gt 0 ] && { [ -n "${roomy:-}" ] || [ $shadowed -gt 0 ]; } ;;
	in-place) [ $placed -gt $shadowed ] && [ $cloned -eq 0 ] ;;
	clone) [ $cloned -gt $shadowed ] && [ $placed -eq 0 ] ;;
	shadow) [ $shadowed -gt 0 ] && [ $shadowed -eq $sum ] ;;
	esac || fail "$what: that is another way"
	local lost=$((sum - (arrived - before[3])))
	if [ $lost -lt 0 ] || [ $lost -gt $((dropped - before[4])) ]; then
		fail "$what: $sum stamped, $((sum - lost)) arrived, $((dropped - before[4])) dropped by the device"
	fi
}

# combination LOAD WAY HOPS CARRIER WORDS...
combination() {
	what="$1, way $2, hops $3, carrier $4"
	host_up way "$2" hops "$3" carrier "$4" "${@:5}"
	transfer $octets $range
	stamped "$2"
}

# combinations LOAD WORDS...: each way and amount of room, with either carrier; but for offloaded segments only those
# whose numbers add up to $parity (even, odd).
combinations() {
	local way hops both
	for way in 0 1 2 3; do
		for hops in 0 1 2 3 4 5 6 7 8; do
			both=$((way + hops))
			if [ -z "$parity" ]; then
				combination "$1" "${ways[way]}" $hops "${carriers[both % 2]}" "${@:2}"
			elif [ $((both % 2)) -eq "$parity" ]; then
				combination "$1" "${ways[way]}" $hops "${carriers[both / 2 % 2]}" "${@:2}"
			fi
		done
		kernel_is_silent "after $1, way ${ways[way]}"
	done
}

# pair OCTETS WAY: a stream without contexts, then one that is stamped; "bare" is the first against itself.
pair() {
	local bare with=$range
	what="way $2"
	if [ "$2" = bare ]; then with=0; else host_up way "$2"; fi
	transfer "$1" 0
	bare=$rate
	transfer "$1" $with
	[ "$2" = bare ] || stamped "$2"
	echo "$bare $rate" >>"$tmp/pairs-$2"
}

# compare GB: the ways take turns, so that what else the machine does meets all of them.
compare() {
	local way
	for _ in 1 2 3 4 5; do
		for way in bare "${ways[@]}"; do pair $(($1 * 1000000000 / 5)) "$way"; done
	done
	kernel_is_silent "after $1 GB each way"
	for way in bare "${ways[@]}"; do
		python3 -c 'import statistics, sys
pairs = [list(map(float, line.split())) for line in sys.stdin]
bare, rate = (statistics.median(column) for column in zip(*pairs))
percent = sorted(100 * (rate / bare - 1) for bare, rate in pairs)
print("%s: median %.0f Mbit/s, bare %.0f, difference of pairs %+.1f %% (%+.1f to %+.1f)" % (sys.argv[1], rate, bare,
      statistics.median(percent), percent[0], percent[-1]))' "way $way" <"$tmp/pairs-$way"
	done
}

kernel_log_mark
topology_check
topology_begin
node_add client server
link_add client eth0 server eth0
address_add client eth0 fd68:73:3::1/64
address_add server eth0 $server/64
node_exec server nft -f - <<-END || skip "nft cannot count extension headers here"
	table ip6 veth {
		counter stamped { }
		chain arrived {
			type filter hook prerouting priority raw;
			meta l4proto tcp exthdr hbh exists counter name stamped
		}
	}
END
host_up
counters_now
if [ -n "${VETH_GB:-}" ]; then
	[ -z "${VETH_SEGMENTS:-}" ] || ip -n "$(netns client)" link set eth0 gso_max_segs 1
	compare "$VETH_GB"
	exit
fi
parity="" combinations offload
ip -n "$(netns client)" link set eth0 gso_max_segs 1
octets=40000000
parity=0 combinations "single segments"
for node in client server; do ip -n "$(netns $node)" link set eth0 mtu 1600; done # routes keep 1280 then
roomy=1 parity=1 combinations "single segments with room" lower-mtu on every 1
