#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Each destination has its policy: way, carrier, trace type and room. They change while traffic flows: each request has
# its stamped packet, of the old kind or of the new. What `host show` says is what was said, words go before node.yaml,
# and what does not go together is refused with its place in the file. tshark and decode read the capture.
#
#   client -------------------- server    two prefixes: fd68:73:3::/64 and fd68:73:4::/64
. "$(dirname "$0")/lib.sh"

need tshark
far=fd68:73:4::2

# node_yaml TEXT: the client's.
node_yaml() {
	printf 'node_id: 1\ndestinations:\n%s\n' "$1" >"$tmp/node.yaml.new"
	mv "$tmp/node.yaml.new" "$tmp/node.yaml"
}

host_up() { HOPSPAN_NODE_YAML=$tmp/node.yaml node_exec client "$hopspan" host up dev eth0 "$@"; }

# shown FILTER: of the client's `host show`.
shown() { node_exec client "$hopspan" -j host show | jq -rc ".[0] | $1"; }

# refused TEXT MESSAGE WORD...: what `host up` says of a node.yaml with these destinations.
refused() {
	node_yaml "$1"
	! host_up "${@:3}" 2>"$tmp/refused" || fail "taken: $1"
	same "what host up says" "$tmp/node.yaml$2" "$(cat "$tmp/refused")"
}

clone='  fd68:73:3::/64: {path: proved, way: clone, hops: 3}'
shadow='  fd68:73:4::/64: {path: proved, way: shadow, carrier: generic, hops: 5}'
alone='  fd68:73:3::/64: {path: proved, way: clone, carrier: generic, trace: none}'
wide='  fd68:73:4::/64: {path: proved, way: clone, trace: 0x908000, hops: 1}'
all='  ::/0: {path: "off"}'

pair_up
address_add client eth0 fd68:73:4::1/64
address_add server eth0 $far/64

node_yaml "$clone
$shadow
$all"
host_up first 1
same "destinations shown" "$(jq -c . <<'END'
[{"prefix":"fd68:73:3::/64","path":"proved","way":"clone","carrier":"snapshot","trace":"0xda0000","hops":3,
  "first":1,"every":0,"replies":"on"},
 {"prefix":"fd68:73:4::/64","path":"proved","way":"shadow","carrier":"generic","trace":"0xda0000","hops":5,
  "first":1,"every":0,"replies":"on"},
 {"prefix":"::/0","path":"off","way":"auto","carrier":"snapshot","trace":"0xda0000","hops":4,
  "first":1,"every":0,"replies":"on"}]
END
)" "$(shown .destinations)"

# Words go before the file, which they leave otherwise as it is.
host_up proved fd68:73:3::/64 hops 2 way shadow
same "destination named in both" '["proved","shadow",2]' "$(shown '.destinations[0] | [.path, .way, .hops]')"
same "destination of the file" '["proved","shadow","generic",5]' \
	"$(shown '.destinations[1] | [.path, .way, .carrier, .hops]')"
host_up

for port in 7000 7001; do
	node_start server "reader-$port" python3 "$top/tests/e2e/shadow.py" server $port "$tmp/sha-$port"
	wait_for "the server" grep -q listens "$state/reader-$port.log"
done
capture_start client sent ip6
node_start client sender python3 "$top/tests/e2e/policy.py" "$tmp/stop" "$tmp/spans" "$server,7000" "$far,7001"
sent_more() { # until the capture has grown by some packets
	local size
	size=$(stat -c %s "$tmp/sent.pcap")
	wait_for "packets" eval "[ \$(stat -c %s '$tmp/sent.pcap') -gt $((size + 20000)) ]"
}
for _ in 1 2 3; do
	sent_more
	node_yaml "$alone
$wide"
	host_up
	sent_more
	node_yaml "$clone
$shadow
$all"
	host_up
done
sent_more
touch "$tmp/stop"
for port in 7000 7001; do wait_for "the server to have it all" test -s "$tmp/sha-$port"; done
wait_for "the sender" test -s "$tmp/spans"
capture_stop sent

# seen ADDRESS: the span ids of its stamped packets, each once.
node_exec client "$hopspan" decode "$tmp/sent.pcap" >"$tmp/decoded"
for address in $server $far; do
	jq -r ".\"$address\"[]" "$tmp/spans" >"$tmp/wanted"
	jq -r "select(.destination == \"$address\") | .span_id" "$tmp/decoded" | sort >"$tmp/seen"
	diff "$tmp/wanted" "$tmp/seen" >"$tmp/diff" || fail "requests without a stamped packet to $address, or with two:
		$(head -n 5 "$tmp/diff")"
	echo "$address: $(wc -l <"$tmp/wanted") requests, each stamped once"
done

# Their kinds, each with its room, and nothing else.
jq -r '[.destination, .carrier, .room_left // "-", .shadow // false] | join(" ")' "$tmp/decoded" | sort -u >"$tmp/kinds"
diff - "$tmp/kinds" <<END || fail "kinds of packets"
$server generic-context - false
$server snapshot 3 false
$far generic-context 5 true
$far snapshot 1 false
END
tshark -r "$tmp/sent.pcap" -Y 'ipv6.opt.ioam.trace.type' -T fields -e ipv6.dst -e ipv6.opt.ioam.trace.type \
	-e ipv6.opt.ioam.trace.remlen -e ipv6.opt.ioam.trace.flag.a | sed 's/False/0/; s/True/1/' | sort -u >"$tmp/types"
diff - "$tmp/types" <<END || fail "traces as tshark sees them"
$(printf '%s\t%s\t%s\t%s\n' $server 0xda0002 18 0 $far 0x908002 5 0 $far 0xda0000 25 1)
END
tshark -r "$tmp/sent.pcap" -Y 'ipv6.opt.ioam.trace.invalid_nodelen or
	ipv6.opt.ioam.trace.invalid_remlen or ipv6.opt.invalid_len' >"$tmp/bad"
[ ! -s "$tmp/bad" ] || fail "tshark finds fault: $(head -n 5 "$tmp/bad")"

# The identifier option without a context type is read where it is in use, and only there.
# Nobody reads the ring buffer, so it may be full.
taken() { node_exec server "$hopspan" -j host show | jq '.[0].sink | (.recorded // 0) + (.ring_full // 0)'; }
left() { node_exec server "$hopspan" -j host show | jq '.[0].sink.no_context // 0'; }
send() {
	rm -f "$tmp/sha" "$state/reader.log"
	node_start server reader python3 "$top/tests/e2e/shadow.py" server 7002 "$tmp/sha"
	wait_for "the server" grep -q listens "$state/reader.log"
	node_exec client python3 "$top/tests/e2e/shadow.py" client $server 7002 "$tmp/plan" 10 20 30 >"$tmp/sent.sha"
	wait_for "the server to have it all" test -s "$tmp/sha"
	same "SHA-256 of the stream" "$(cat "$tmp/sent.sha")" "$(cat "$tmp/sha")"
}
node_yaml ""
host_up proved ::/0 carrier generic-id
taken=$(taken) left=$(left)
send
same "packets taken for ours" "$taken" "$(taken)"
same "packets left alone" $((left + 3)) "$(left)"
node_exec server "$hopspan" host up dev eth0 node-id 5 carrier generic-id
send
same "packets taken for ours" $((taken + 3)) "$(taken)"

# Ports whose answers carry nothing back.
printf 'node_id: 1\nreplies: {off_ports: [8080, 80]}\n' >"$tmp/node.yaml"
host_up
same "ports without replies" "[80,8080]" "$(shown .reply_off_ports)"
printf 'node_id: 1\nreplies: {off_ports: [80, 443]}\n' >"$tmp/node.yaml"
host_up
same "ports without replies" "[80,443]" "$(shown .reply_off_ports)"

refused "  fd00::/8: {trace: none}" ":3:3: trace none: a snapshot is part of the trace: carrier generic, generic-id"
refused "  fd00::/8: {hops: 8}" ":3:3: hops 8: a header of this carrier and trace has room for 5" trace 0x9e8000
refused "  fd00::/8: {way: fast}" ":3:19: way: it is one of auto, in-place, clone, shadow, not \"fast\""
same "destinations after what was refused" '["::/0"]' "$(shown '[.destinations[].prefix]')"
