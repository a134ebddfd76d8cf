#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Capture in, capture out: exactly one node is written where there is room, by tshark's reading; all else is untouched.
. "$(dirname "$0")/lib.sh"
need tshark text2pcap dpdk-telemetry.py python3

cat "$here"/{traces,full,others}.txt >"$dir/in.txt"
text2pcap -q -F pcap "$dir/in.txt" "$dir/in.pcap" 2>/dev/null
text2pcap -q -F pcap "$here/others.txt" "$dir/back.pcap" 2>/dev/null
traces=$(grep -c '^0000 ' "$here/traces.txt") others=$(grep -c '^0000 ' "$here/others.txt")
all=$((traces + 1 + others))

before_s=$(date +%s)
"$forwarder" node-id 4711 -- --no-huge -m 64 \
	--vdev "net_pcap0,rx_pcap=$dir/in.pcap,tx_pcap=$dir/back-out.pcap" \
	--vdev "net_pcap1,rx_pcap=$dir/back.pcap,tx_pcap=$dir/out.pcap" 2>"$dir/forwarder.err" &
pid=$!
undo+=("kill $pid 2>/dev/null; wait $pid")
wait_for "all packets" has_counted $pid forwarded $((all + others))
ends_well $pid
after_s=$(date +%s)

frames() { tshark -r "$1" -Y "$2" -x 2>/dev/null | cut -c 1-53; } # hexadecimal, without the text column
fields() { # FILE FILTER FIELD...
	local file=$1 filter=$2 words=()
	shift 2
	for field; do words+=(-e "ipv6.opt.ioam.trace.$field"); done
	tshark -r "$file" -Y "$filter" -T fields -E occurrence=f -E separator=/s "${words[@]}" 2>/dev/null
}

# The first node in memory is the last on the way: this one. Each frame met those before it, of one burst, in the queue.
equal "hop limit, node id, interfaces, queue depth" "64 0x001267 0x0001 0x0002 0x00000000
64 0x001267 0x0001 0x0002 0x00000086
64 0x001267 0x0001 0x0002 0x00000144
64 0x001267 0x0001 0x0002 0x00000280
64 0x001267 0x0001 0x0002 0x000002f6
64 0x001267 0x0001 0x0002 0x000003d0
64 0x001267 0x0001 0x0002 0x00000442" \
	"$(fields "$dir/out.pcap" "frame.number in {1,2,3,5,6,8,9}" node.hlim node.id node.iif node.eif node.qdepth)"
equal "wide hop limit, node id and interfaces" "64 0x0000000000001267 0x00000001 0x00000002" \
	"$(fields "$dir/out.pcap" "frame.number == 4" node.hlim node.id_wide node.iif_wide node.eif_wide)"
equal "words left" "6 6 0 0 0 0 2 0 0" \
	"$(fields "$dir/out.pcap" "frame.number <= $traces" remlen | tr '\n' ' ' | sed 's/ $//')"
equal "nodes in the second trace: this one, then the sender" "0x001267,0x000001" \
	"$(tshark -r "$dir/out.pcap" -Y 'frame.number == 2' -T fields -e ipv6.opt.ioam.trace.node.id 2>/dev/null)"
equal "the sender's snapshot" "0x687370" \
	"$(tshark -r "$dir/out.pcap" -Y 'frame.number == 2' -T fields -E occurrence=l \
		-e ipv6.opt.ioam.trace.node.oss.scid 2>/dev/null)"
equal "frames that tshark finds invalid" "" "$(frames "$dir/out.pcap" "frame.number <= $traces &&
	(ipv6.opt.ioam.trace.invalid_nodelen || ipv6.opt.ioam.trace.invalid_remlen || ipv6.opt.ioam.trace.invalid_type)")"

# Arrival in TAI, 37 s and by some day perhaps some more ahead of Unix time; a delay that is one.
while read -r seconds fraction delay; do
	((seconds >= before_s + 37 && seconds <= after_s + 40 && fraction < 1000000000)) ||
		fail "arrival $seconds $fraction is not between $before_s and $after_s"
	((delay < 0x80000000)) || fail "delay $delay"
done < <(fields "$dir/out.pcap" "frame.number in {1,3,5,6,8,9}" node.tss node.tsf node.trdelay)

# Outside the node data and the header's remaining length nothing has changed: same lengths, same ends.
equal "lengths" "$(tshark -r "$dir/in.pcap" -T fields -e frame.len 2>/dev/null)" \
	"$(tshark -r "$dir/out.pcap" -T fields -e frame.len 2>/dev/null)"
equal "UDP checksums that are right" "$((traces + 1))" "$(tshark -r "$dir/out.pcap" -o udp.check_checksum:TRUE \
	-Y "frame.number <= $((traces + 1)) && udp.checksum.status == 1" 2>/dev/null | wc -l)"

full=$((traces + 1))
equal "a full trace: overflow flag, words left" "1 5" "$(fields "$dir/out.pcap" "frame.number == $full" flag.o remlen)"
frames "$dir/in.pcap" "frame.number == $full" | sed 's/30 05 fa 00/34 05 fa 00/' >"$dir/full.wanted"
frames "$dir/out.pcap" "frame.number == $full" >"$dir/full.seen"
cmp "$dir/full.wanted" "$dir/full.seen" || fail "a full trace changed by more than the flag"

frames "$dir/in.pcap" "frame.number > $full" >"$dir/others.wanted"
frames "$dir/out.pcap" "frame.number > $full" >"$dir/others.seen"
[ -s "$dir/others.wanted" ] || fail "no frames to compare"
cmp "$dir/others.wanted" "$dir/others.seen" || fail "a frame that is not ours was changed"
frames "$dir/back.pcap" frame >"$dir/back.wanted"
frames "$dir/back-out.pcap" frame >"$dir/back.seen"
cmp "$dir/back.wanted" "$dir/back.seen" || fail "a frame on the way back was changed"

# `others` went both ways.
for wanted in appended=$traces completed=$traces no_room=1 forwarded=$((all + others)) drop_queue_full=0 pass=24 \
	other_options=2 overflowed=2 bad_alignment=2 bad_node_len=2 bad_remaining_len=2 bad_trace_len=2 \
	bad_option_len=2 bad_padding=4 bad_option_count=2 bad_truncated=6; do
	equal "${wanted%=*}" "${wanted#*=}" "$(counter "$dir/forwarder.err" "${wanted%=*}")"
done

# A capture has no clock.
"$forwarder" node-id 1 times hardware -- --no-huge -m 64 --vdev "net_pcap0,rx_pcap=$dir/in.pcap,tx_pcap=$dir/not.pcap" \
	--vdev "net_pcap1,rx_pcap=$dir/back.pcap,tx_pcap=$dir/not.pcap" 2>"$dir/hardware.err"
equal "status without hardware times" 1 $?
grep -q 'net_pcap0: its driver gives no hardware times' "$dir/hardware.err" || fail "nothing said of hardware times"
