#!/usr/bin/env bash
# The budget of stamped packets: what is over it goes bare, counted, and the stream is whole; without a limit every
# request has its packet.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

# As many as one segment and its shadows speak for are in flight, so that none is forgotten where it gets crowded.
requests=304 at_once=16
for ((i = 0; i < requests; i += at_once)); do
	for ((j = 0; j < at_once; j++)); do sizes+=(100); done
	sizes+=(acked)
done

# counter PATTERN: the sum of those counters of the client's stamp program.
counter() {
	node_exec client "$hopspan" -j host show |
		jq "[.[0].stamp | to_entries[] | select(.key | test(\"^$1\")) | .value] | add // 0"
}

stream() {
	rm -f "$tmp/sha"
	node_start server reader python3 "$top/tests/e2e/shadow.py" server 7000 "$tmp/sha"
	wait_for "the server" grep -q listens "$state/reader.log"
	node_exec client python3 "$top/tests/e2e/shadow.py" client "$server" 7000 "$tmp/plan" "${sizes[@]}" >"$tmp/sent"
	wait_for "the server to have it all" test -s "$tmp/sha"
	same "SHA-256 of the stream" "$(cat "$tmp/sent")" "$(cat "$tmp/sha")"
}

pair_up
node_exec client "$hopspan" host up dev eth0 node-id 1 budget 10
stream
bare=$(counter bare_budget) stamped=$(counter stamped_)
echo "budget 10: $stamped of $requests stamped, $bare packets over it"
[ "$bare" -gt 0 ] || fail "no packet was over the budget"
if [ "$stamped" -eq 0 ] || [ "$stamped" -ge $requests ]; then fail "$stamped requests stamped"; fi

node_exec client "$hopspan" host up dev eth0 node-id 1 budget 0
stream
same "packets over no budget" "$bare" "$(counter bare_budget)"
same "requests stamped without a budget" $requests $(($(counter stamped_) - stamped))

# Bulk data has a budget of its own. Where it is used up, small requests take no notice, and of a large one the last
# segment, which is a packet by itself, is stamped.
sizes=()
for ((i = 0; i < 20; i++)); do sizes+=(20000 acked); done
for ((i = 0; i < 20; i++)); do sizes+=(100 acked); done
node_exec client "$hopspan" host up dev eth0 node-id 1 proved ::/0 bulk-budget 10
shadows=$(counter stamped_shadow) alone=$(($(counter stamped_in_place) + $(counter stamped_clone)))
stream
bulk=$(counter bare_bulk_budget) shadows=$(($(counter stamped_shadow) - shadows))
alone=$(($(counter stamped_in_place) + $(counter stamped_clone) - alone))
echo "bulk budget 10: $shadows shadows for 20 large requests, $alone other packets stamped, $bulk packets over it"
[ "$bulk" -gt 0 ] || fail "no packet was over the bulk budget"
if [ "$shadows" -eq 0 ] || [ "$shadows" -ge 20 ]; then fail "$shadows shadows"; fi
same "requests stamped" 40 $((shadows + alone))
