#!/usr/bin/env bash
# Requests that cannot carry the header themselves (offloaded, full-size, several in one segment) are spoken for by
# shadows: each context has a stamped packet, none names bytes that it does not carry or precede, none comes through
# the sink, and the stream is the sender's. tshark reads the capture.
. "$(dirname "$0")/lib.sh"

need tshark

pair_up
node_start server reader python3 "$top/tests/e2e/shadow.py" server 7000 "$tmp/sha"
wait_for "the server" grep -q listens "$state/reader.log"
capture_start client sent ip6
sizes=(100 1 1428 20000 300000 10,20,30 1000,1000,1000 40000,5,40000 1,1,1,1 200)
node_exec client python3 "$top/tests/e2e/shadow.py" client $server 7000 "$tmp/plan" "${sizes[@]}" >"$tmp/sent.sha"
wait_for "the server to have it all" test -s "$tmp/sha"
capture_stop sent

same "SHA-256 of the stream" "$(cat "$tmp/sent.sha")" "$(cat "$tmp/sha")"
segments "$tmp/sent.pcap" >"$tmp/segments"
python3 "$top/tests/e2e/shadow_judge.py" "$tmp/plan" "$tmp/segments"
node_exec server "$hopspan" -j host show >"$tmp/show"
same "Active packets ended by the sink" "$(awk -F'\t' '$4 == "True" || $4 == 1' "$tmp/segments" | wc -l)" \
	"$(jq '.[0].sink.active_ended // 0' "$tmp/show")"
