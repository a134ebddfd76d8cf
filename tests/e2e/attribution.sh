#!/usr/bin/env bash
# Every stamped packet names a context that one of its bytes belongs to: thousands of requests of random sizes on one
# connection, alone and pipelined, corked and not, with losses, and where sequence numbers pass 2^32 and 2^31.
# REQUESTS (20000) is the number on the largest connection. tshark reads the capture; an independent judge compares.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

need tshark
need nft
here=$top/tests/e2e

# The client's counters of contexts and packets.
counters() {
	node_exec client "$hopspan" -j host show >"$tmp/show"
	"$hopspan" -j status | jq --slurpfile show "$tmp/show" '.cgroups[0].sockopt + $show[0][0].stamp'
}

# What leaves the client, headers alone; nothing may be dropped.
headers_start() {
	node_start client capture tcpdump -Z root -U -n -s 300 -B 131072 --immediate-mode -Q out -i eth0 \
		-w "$tmp/sent.pcap" ip6
	wait_for "tcpdump" grep -q "listening on" "$state/capture.log"
}

capture_ended() { tail -c 4096 "$tmp/sent.pcap" | grep -aq "the end of it"; }

headers_end() {
	node_exec client bash -c "echo -n the end of it >/dev/udp/$server/9"
	wait_for "all of the capture" capture_ended
	stop capture
	grep -q "^0 packets dropped by kernel" "$state/capture.log" || fail "tcpdump: $(cat "$state/capture.log")"
}

# exchange NAME REQUESTS [ISN]
exchange() {
	local name=$1 plan=$tmp/$1.plan
	python3 "$here/attribution.py" plan "$plan" "$2" "${SEED:-1}"
	rm -f "$tmp/sha"
	node_start server reader python3 "$here/attribution.py" server 7000 "$plan" "$tmp/sha"
	wait_for "the server" grep -q listens "$state/reader.log"
	headers_start
	counters >"$tmp/before"
	node_exec client python3 "$here/attribution.py" client "$server" 7000 "$plan" "${@:3}" >"$tmp/sent.sha"
	wait_for "the server to have it all" test -s "$tmp/sha"
	counters >"$tmp/after"
	headers_end
	same "SHA-256 of the stream" "$(cat "$tmp/sent.sha")" "$(cat "$tmp/sha")"
	segments "$tmp/sent.pcap" >"$tmp/$name.segments"
	[ $# -lt 3 ] || same "initial sequence number" "$3" "$(awk -F'\t' '$5 == "True" || $5 == 1 { print $2 }' "$tmp/$name.segments")"
	echo "$name:"
	python3 "$here/shadow_judge.py" "$plan" "$tmp/$name.segments" "$tmp/before" "$tmp/after"
	stop reader
}

pair_up
node_exec client "$hopspan" host up dev eth0 node-id 1 budget 0
exchange plain "${REQUESTS:-20000}"
exchange wrap 2000 $((0xffffffff - 5000000))
exchange half 2000 $((0x7fffffff - 5000000))
node_exec server nft 'add table ip6 lossy; add chain ip6 lossy in { type filter hook prerouting priority 0; };
	add rule ip6 lossy in tcp dport 7000 ip6 length > 80 numgen random mod 200 < 1 drop'
exchange lossy 2000
python3 "$here/attribution_wrong.py" "$tmp/plain.plan" "$tmp/plain.segments"
python3 "$here/attribution_wrong.py" "$tmp/lossy.plan" "$tmp/lossy.segments"
