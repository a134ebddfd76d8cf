#!/usr/bin/env bash
# A queue counts each packet that hopspan sends with the length that it has on the wire: shadows are no longer than they
# are, so that no shaper waits for what was cut off of them, and no reading of its depth includes it. A shadow that the
# queue refused is not counted as sent. The device's counters against a capture.
. "$(dirname "$0")/lib.sh"

need tshark

queue_octets() { tc -n "$(netns client)" -s -j qdisc show dev eth0 root | jq '.[0].bytes'; }

counter() { node_exec client "$hopspan" -j host show | jq ".[0].stamp.$1 // 0"; }

# stream NAME REQUESTS...: as shadow.py writes them, captured.
stream() {
	local name=$1
	shift
	rm -f "$tmp/sha"
	node_start server reader python3 "$top/tests/e2e/shadow.py" server 7000 "$tmp/sha"
	wait_for "the server" grep -q listens "$state/reader.log"
	capture_start client "$name" ip6
	before=$(queue_octets)
	node_exec client python3 "$top/tests/e2e/shadow.py" client $server 7000 "$tmp/plan" "$@" >"$tmp/sent.sha"
	wait_for "the server to have it all" test -s "$tmp/sha"
	octets=$(($(queue_octets) - before))
	capture_stop "$name"
	same "SHA-256 of the stream" "$(cat "$tmp/sent.sha")" "$(cat "$tmp/sha")"
}

pair_up
node_exec client "$hopspan" host up dev eth0 proved ::/0 node-id 1 way shadow
node_exec client ethtool -K eth0 tso off gso off >/dev/null
tc -n "$(netns client)" qdisc replace dev eth0 root pfifo
for _ in {1..30}; do sizes+=(1000 1400); done
stream roomy "${sizes[@]}"
same "shadows sent" 60 "$(counter stamped_shadow)"
captured=$(tshark -r "$tmp/roomy.pcap" -Y "eth.src == $(node_exec client cat /sys/class/net/eth0/address)" -T fields \
	-e frame.len | awk '{ sum += $1 } END { print sum }')
echo "the queue counted $octets octets, $captured were captured"
# A stray neighbour discovery may be in one of them alone.
difference=$((octets - captured))
[ ${difference#-} -lt 2000 ] || fail "the queue counted $octets octets, $captured were captured"

# 16 requests a segment, and room for less than 16 shadows.
tc -n "$(netns client)" qdisc replace dev eth0 root tbf rate 2mbit burst 3000 limit 3000
mapfile -t sizes < <(yes "$(printf '10%.0s,' {1..15})10" | head -n 40)
sent=$(counter stamped_shadow)
stream narrow "${sizes[@]}"
sent=$(($(counter stamped_shadow) - sent)) refused=$(counter bare_clone_failed)
segments "$tmp/narrow.pcap" >"$tmp/segments"
echo "a queue that is too small: $sent shadows sent, $refused refused"
[ "$sent" -gt 0 ] || fail "no shadow was sent"
[ "$refused" -gt 0 ] || fail "the queue refused none"
same "shadows sent that were captured" "$sent" "$(awk -F'\t' '$4 == "True" || $4 == 1' "$tmp/segments" | wc -l)"
