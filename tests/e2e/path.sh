#!/usr/bin/env bash
# A path proves itself before any packet of a connection carries the option, and loses trust with the first one that
# has to be sent again: on a good path, and through middles that drop options, all of them, half of them, from some
# time on, or those of TCP alone, or that have a smaller MTU. One destination each:
#
#   client ---- middle ---- server    fd68:73:3::2 good, fd68:73:a::2 drops all, :b: half, :c: later,
#                                      :d: TCP's, :e: MTU, :f: half of TCP's later, :10: echoes, :11: UDP
#
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

need nft
need tshark

paths_up() {
	local net
	topology_check
	topology_begin
	node_add client middle server
	link_add client eth0 middle eth0
	link_add middle eth1 server eth0
	address_add client eth0 fd68:73:1::1/64
	address_add middle eth0 fd68:73:1::2/64
	address_add middle eth1 fd68:73:3::1/64
	address_add server eth0 "$server/64"
	for net in a b c d e f 10 11; do
		address_add server eth0 fd68:73:$net::2/64
		ip -n "$(netns middle)" -6 route add fd68:73:$net::/64 dev eth1
	done
	ip -n "$(netns middle)" -6 route change fd68:73:e::/64 dev eth1 mtu 1400
	route_add client default fd68:73:1::2
	route_add server default fd68:73:3::1
	forward middle
	node_exec client "$hopspan" host up dev eth0 node-id 1
	node_exec server "$hopspan" host up dev eth0 proved ::/0 node-id 5 replies off
	node_describe 1 client host other ptp before-queue eth0
	node_describe 5 server host other ptp before-queue eth0
	node_exec middle nft -f - <<-END
		table ip6 hostile {
			chain forward { type filter hook forward priority 0; }
		}
	END
}

# drop NET RULE: the middle drops what the rule says of what goes to fd68:73:NET::/64.
drop() { node_exec middle nft add rule ip6 hostile forward ip6 daddr "fd68:73:$1::/64" "${@:2}" counter drop; }
drop_nothing() { node_exec middle nft flush chain ip6 hostile forward; }

# The path as host show has it: path NET KEY
path() { node_exec client "$hopspan" -j host show | jq -r ".[0].paths[]? | select(.destination == \"fd68:73:$1::2\").$2"; }
path_is() { [ "$(path "$1" state)" = "$2" ]; }

# requests_start NET [CONNECTIONS]: until requests_stop NET.
requests_start() {
	capture_start client "path-$1" host "fd68:73:$1::2"
	node_start client "requests-$1" python3 "$top/tests/e2e/path.py" client "fd68:73:$1::2" 7000 "${2:-1}"
}

requests_stop() {
	stop "requests-$1"
	capture_stop "path-$1"
}

answers() { wc -l <"$state/requests-$1.log"; }
answers_above() { [ "$(answers "$1")" -gt "$2" ]; }

# so_many_more NET COUNT: until so many more requests have been answered.
so_many_more() {
	local seen
	seen=$(answers "$1")
	wait_for "$2 more answers from $1" answers_above "$1" $((seen + $2))
}

# path_packets CAPTURE: those of the connection, as path.py reads them
path_packets() {
	tshark -r "$1" -o tcp.relative_sequence_numbers:false -o tcp.analyze_sequence_numbers:false \
		-Y "tcp.dstport == 7000" -T fields -e frame.time_epoch -e tcp.stream -e tcp.seq -e tcp.len \
		-e ipv6.opt.ioam.trace.ns -e ipv6.opt.ioam.trace.flag.a
}

# judge NET LIMIT...: of the packets to it.
judge() { path_packets "$tmp/path-$1.pcap" 2>/dev/null | python3 "$top/tests/e2e/path.py" judge "${@:2}"; }

said() { grep -q "$1" "$state/collect.log" || fail "the collector has not said \"$1\""; }

# echoes NET: requests of the probe that went out: option's length in octets or nothing, length, flow label
echoes() {
	tshark 2>/dev/null -r "$tmp/path-$1.pcap" -Y "icmpv6.type == 128 and ipv6.dst == fd68:73:$1::2" -T fields \
		-e ipv6.hopopts.len_oct -e ipv6.plen -e ipv6.flow
}

good() {
	requests_start 3
	wait_for "the path to be proved" path_is 3 proved
	so_many_more 3 20
	requests_stop 3
	judge 3 stamped_before_shadow=0 "shadows>=1" "stamped>=20" repeats=0 shadows_after_stamped=0
	said "path fd68:73:3::2: proved: 20 of 20 echoes came back with the option, 20 of 20 without"
	good_probe
}

# The probe's packets are the connection's: header, lengths, flow label; the sink has left all of them alone.
good_probe() {
	local stamped label
	echoes 3 >"$tmp/echoes"
	stamped=$(tshark 2>/dev/null -r "$tmp/path-3.pcap" -Y "tcp and ipv6.opt.ioam.trace.flag.a == 0" -T fields \
		-e ipv6.hopopts.len_oct | sort -u)
	label=$(tshark 2>/dev/null -r "$tmp/path-3.pcap" -Y "tcp and ipv6.opt.ioam.trace.flag.a == 0" -T fields -e ipv6.flow | sort -u)
	awk -F'\t' '{ print ($1 == "" ? "bare" : "option " $1), $2 }' "$tmp/echoes" | sort | uniq -c | awk '{$1=$1}1' \
		>"$tmp/kinds"
	awk -F'\t' -v len="$stamped" '{ sizes[$2] } END { for (size in sizes) printf "10 bare %d\n10 option %d %d\n", \
		size, len, size }' "$tmp/echoes" | sort >"$tmp/kinds.expected"
	diff "$tmp/kinds.expected" "$tmp/kinds" || fail "the probe's packets"
	same "sizes of the probe's packets" 2 "$(cut -f 2 "$tmp/echoes" | sort -u | wc -l)"
	same "the largest of them" 1460 "$(cut -f 2 "$tmp/echoes" | sort -nu | tail -n 1)"
	same "flow label of the probe" "$label" "$(cut -f 3 "$tmp/echoes" | sort -u)"
	same "probe's packets that the sink left alone" 20 \
		"$(node_exec server "$hopspan" -j host show | jq '.[0].sink.no_context // 0')"
}

# never NET RULE...: a middle that drops options from the beginning; no packet of the connection is ever stamped.
never() {
	drop "$1" "${@:2}"
	requests_start "$1"
	wait_for "the path to be refused" path_is "$1" refused
	so_many_more "$1" 20
	requests_stop "$1"
	judge "$1" stamped=0 stamped_before_shadow=0 "shadows>=20" repeats=0
	said "path fd68:73:$1::2: refused: the option does not come through"
}

# One request is delayed, and after it not one more is stamped; when the middle lets options through again, all are.
later() {
	requests_start c
	wait_for "the path to be proved" path_is c proved
	so_many_more c 20
	drop c exthdr hbh exists
	wait_for "the path to be refused" path_is c refused
	so_many_more c 20
	capture_stop path-c
	judge c stamped_before_shadow=0 "stamped>=20" stamped_repeated=1 stamped_after_repeat=0 "shadows_after_stamped>=20"
	drop_nothing
	wait_for "the path to be proved again" path_is c proved || wait_for "it once more" path_is c proved
	so_many_more c 20
	stop requests-c
	same "stamped segments sent again" 1 "$(path c stamped_repeated)"
	said "path fd68:73:c::2: a stamped segment had to be sent again"
	said "path fd68:73:c::2: refused"
	said "path fd68:73:c::2: proved again"
}

# Echoes come through and TCP does not: the one packet that tries it is all that is lost.
only_tcp() {
	drop d meta l4proto tcp exthdr hbh exists
	requests_start d
	wait_for "the path to be doubted" path_is d doubted
	so_many_more d 20
	requests_stop d
	judge d stamped_before_shadow=0 stamped=1 stamped_repeated=1 "shadows_after_stamped>=20"
}

# Half of the stamped segments of many connections, after many bare ones came through: the comparison finds it.
half_of_tcp() {
	PIECES=500 node_start client requests-f python3 "$top/tests/e2e/path.py" client fd68:73:f::2 7000 1
	wait_for "the path to be proved" path_is f proved
	so_many_more f 20
	stop requests-f
	requests_start f 16
	so_many_more f 100
	drop f meta l4proto tcp exthdr hbh exists numgen random mod 2 lt 1
	wait_for "the comparison" grep "paths to fd68:73:f::/64: stamped segments fare clearly worse" "$state/collect.log"
	requests_stop f
	judge f "stamped_repeated>=1"
}

small_mtu() {
	requests_start e
	wait_for "the path to be proved" path_is e proved
	so_many_more e 20
	requests_stop e
	judge e stamped_before_shadow=0 "stamped>=20" repeats=0
	same "full-size echoes as large as the path takes" 20 "$(echoes e | awk -F'\t' '$2 == 1360' | wc -l)"
}

# Echo requests are not answered: nothing is known, and nothing is stamped.
silent() {
	drop 10 icmpv6 type echo-request
	requests_start 10
	wait_for "the probe to end" grep "path fd68:73:10::2: no answer to echo requests" "$state/collect.log"
	so_many_more 10 20
	requests_stop 10
	same "state" unknown "$(path 10 state)"
	judge 10 stamped=0 stamped_before_shadow=0 "shadows>=20" repeats=0
}

# Datagrams have no shadows: they go as they are until a probe has come back, then with the option; none is lost.
datagrams() {
	capture_start client path-11 host fd68:73:11::2
	node_start client requests-11 python3 "$top/tests/e2e/path.py" datagrams fd68:73:11::2 7000
	wait_for "the path to be tried" path_is 11 trying
	so_many_more 11 20
	requests_stop 11
	same "state" trying "$(path 11 state)"
	tshark 2>/dev/null -r "$tmp/path-11.pcap" -Y "udp.dstport == 7000 or icmpv6.type == 129" -T fields \
		-e ipv6.opt.ioam.trace.ns -e icmpv6.type | uniq -c | tee "$tmp/datagrams"
	awk -F'\t' '{ split($1, word, " "); kind = $2 ? "echoes" : word[2] ? "option" : "bare" }
		kind == "option" { stamped += word[1] }
		kind == "echoes" { echoes += word[1] }
		kind == "option" && echoes < 40 || kind == "bare" && stamped { wrong = 1 }
		END { exit wrong || stamped < 20 }' "$tmp/datagrams" || fail "the order of datagrams"
}

shadows_above() { [ "$(node_exec client "$hopspan" -j host show | jq '.[0].stamp.stamped_shadow')" -gt "$1" ]; }

# The collector dies: shadows go to a proved destination as well. The next collector proves it anew.
unwatched() {
	local shadows
	requests_start 3
	wait_for "the path to be proved" path_is 3 proved
	so_many_more 3 20
	grep path "$state/collect.log"
	kill -KILL "$(cat "$state/collect.pid")"
	shadows=$(node_exec client "$hopspan" -j host show | jq '.[0].stamp.stamped_shadow')
	wait_for "shadows" shadows_above $((shadows + 20))
	same "state" proved "$(path 3 state)"
	same "watched" false "$(node_exec client "$hopspan" -j host show | jq '.[0].paths_watched')"
	node_exec client "$hopspan" host show | grep -q "no collector watches the paths" || fail "nothing says so"
	rm "$state/collect.pid" "$state/collect.log"
	collect_start
	wait_for "the path to be proved anew" grep "path fd68:73:3::2: proved" "$state/collect.log"
	shadows=$(node_exec client "$hopspan" -j host show | jq '.[0].stamp.stamped_shadow')
	so_many_more 3 20
	same "shadows on the proved path" "$shadows" "$(node_exec client "$hopspan" -j host show |
		jq '.[0].stamp.stamped_shadow')"
	requests_stop 3
	judge 3 repeats=0
}

paths_up
collect_start
node_start server answers python3 "$top/tests/e2e/path.py" server 7000
wait_for "the server" grep -q listens "$state/answers.log"
for scenario in "good" "never a exthdr hbh exists" "never b exthdr hbh exists numgen random mod 2 lt 1" small_mtu \
	only_tcp later half_of_tcp silent datagrams unwatched; do
	echo "== $scenario"
	$scenario
done
stop collect
