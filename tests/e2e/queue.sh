#!/usr/bin/env bash
# A queue counts each packet that hopspan sends with the length that it has on the wire: shadows are no longer than they
# are, so that no shaper waits for what was cut off of them, and no reading of its depth includes it. The device's
# counters against a capture.
. "$(dirname "$0")/lib.sh"

need tshark

queue_octets() { tc -n "$(netns client)" -s -j qdisc show dev eth0 root | jq '.[0].bytes'; }

pair_up
node_exec client "$hopspan" host up dev eth0 proved ::/0 node-id 1 way shadow
node_exec client ethtool -K eth0 tso off gso off >/dev/null
node_start server reader python3 "$top/tests/e2e/shadow.py" server 7000 "$tmp/sha"
wait_for "the server" grep -q listens "$state/reader.log"
tc -n "$(netns client)" qdisc replace dev eth0 root pfifo
capture_start client sent ip6
before=$(queue_octets)
for _ in {1..30}; do sizes+=(1000 1400); done
node_exec client python3 "$top/tests/e2e/shadow.py" client $server 7000 "$tmp/plan" "${sizes[@]}" >"$tmp/sent.sha"
wait_for "the server to have it all" test -s "$tmp/sha"
octets=$(($(queue_octets) - before))
capture_stop sent

same "SHA-256 of the stream" "$(cat "$tmp/sent.sha")" "$(cat "$tmp/sha")"
same "shadows sent" 60 "$(node_exec client "$hopspan" -j host show | jq '.[0].stamp.stamped_shadow // 0')"
captured=$(tshark -r "$tmp/sent.pcap" -Y "eth.src == $(node_exec client cat /sys/class/net/eth0/address)" -T fields \
	-e frame.len | awk '{ sum += $1 } END { print sum }')
echo "the queue counted $octets octets, $captured were captured"
# A stray neighbour discovery may be in one of them alone.
difference=$((octets - captured))
[ ${difference#-} -lt 2000 ] || fail "the queue counted $octets octets, $captured were captured"
