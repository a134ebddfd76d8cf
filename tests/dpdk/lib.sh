# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Sourced by the tests of the forwarder: a directory that goes with the test, waiting for conditions, counters.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
forwarder=$here/../../build/hopspan-dpdk
dir=$(mktemp -d)
undo=() # commands for the end, the last one first

at_exit() {
	local status=$?
	for ((i = ${#undo[@]} - 1; i >= 0; i--)); do eval "${undo[i]}"; done
	rm -rf "$dir"
	exit $status
}
trap at_exit EXIT
trap 'exit 1' INT TERM

skip() {
	echo "$*"
	exit 77
}

fail() {
	echo "FAILED: $*"
	for file in "$dir"/*.err; do [ -s "$file" ] && sed "s|^|$(basename "$file"): |" "$file"; done
	exit 1
}

need() {
	[ -x "$forwarder" ] || skip "no build/hopspan-dpdk"
	local program
	for program; do command -v "$program" >/dev/null || skip "no $program here"; done
}

# The namespaces alone.
hosts_part() {
	local name
	[ "$(id -u)" = 0 ] || skip "needs root"
	a=hs$$-a b=hs$$-b middle=hs$$-m
	for name in $a $b $middle; do
		ip netns add $name 2>/dev/null || skip "no network namespaces here"
		undo+=("ip netns del $name")
	done
}

# Two hosts and what is between them, each in a namespace, named in $a, $b and $middle.
#	a eth0 --- left  middle  right --- eth0 b
hosts_make() { # [MTU]
	hosts_part
	host_join $a 1 left "${1:-1500}"
	host_join $b 2 right "${1:-1500}"
}

host_join() { # HOST NUMBER DEV [MTU]
	ip -n "$1" link add eth0 mtu "${4:-1500}" type veth peer name "$3" mtu "${4:-1500}" netns $middle || skip "no veth here"
	ip netns exec $middle sysctl -qw "net.ipv6.conf.$3.disable_ipv6=1"
	ip -n $middle link set "$3" up
	host_address "$1" "$2"
}

host_address() { # HOST NUMBER
	ip netns exec "$1" ethtool -K eth0 tx off >/dev/null
	ip -n "$1" link set eth0 up
	ip -n "$1" addr add "fd00::$2/64" dev eth0 nodad
}

middle_index() { ip netns exec $middle cat "/sys/class/net/$1/ifindex"; }

# forwarder_start WORD...: in the middle, its number is $pid.
forwarder_start() {
	ip netns exec $middle "$forwarder" "$@" 2>"$dir/forwarder.err" &
	pid=$!
	undo+=("kill $pid 2>/dev/null; wait $pid")
	wait_for "the forwarder" grep -q joined "$dir/forwarder.err"
}

# The hosts through the forwarder: echo, TCP; tagged, link-local, broadcast and full-size frames come as they went.
hosts_talk() {
	local server capture
	ip netns exec $a python3 "$here/peer.py" echo fd00::2 20 >"$dir/echo.err" 2>&1 || fail "no echo"

	head -c 20000000 /dev/urandom >"$dir/sent"
	ip netns exec $b timeout 60 python3 "$here/peer.py" serve "$dir/received" &
	server=$!
	wait_for "the listener" sh -c "ip netns exec $b ss -ltn | grep -q :7411"
	ip netns exec $a timeout 60 python3 "$here/peer.py" send fd00::2 "$dir/sent" || fail "TCP did not end"
	wait $server || fail "TCP: the receiver failed"
	cmp "$dir/sent" "$dir/received" || fail "TCP: other octets came"

	ip netns exec $b timeout 30 python3 "$here/peer.py" capture eth0 7 >"$dir/frames.seen" 2>"$dir/capture.err" &
	capture=$!
	wait_for "the capture" grep -q ready "$dir/capture.err"
	ip netns exec $a python3 "$here/peer.py" frames eth0 >"$dir/frames.sent"
	wait $capture || fail "frames were lost"
	cmp "$dir/frames.sent" "$dir/frames.seen" || fail "a frame was changed"
}

# stamps_cross [COUNT]: packets that a stock host stamps, three; stamps_read says which node and interfaces they have.
stamps_cross() {
	local count=${1:-3} capture
	ip netns exec $b timeout 30 tcpdump -U -i eth0 -w "$dir/b.pcap" -c "$count" 'ip6[6] == 0 and dst host fd00::2' \
		2>"$dir/tcpdump.err" &
	capture=$!
	wait_for "tcpdump" grep -q listening "$dir/tcpdump.err"
	ip netns exec $a python3 "$here/peer.py" stamp fd00::2 "$count"
	wait $capture || fail "no stamped packets"
}

stamps_read() {
	tshark -r "$dir/b.pcap" -T fields -E separator=/s -e ipv6.opt.ioam.trace.node.id \
		-e ipv6.opt.ioam.trace.node.iif -e ipv6.opt.ioam.trace.node.eif 2>/dev/null
}

# DPDK's driver of that name is a file of its own.
need_driver() {
	compgen -G "$(pkg-config --variable=libdir libdpdk)/dpdk/pmds-*/librte_net_$1.so" >/dev/null ||
		skip "DPDK has no driver $1 here"
}

# wait_for WHAT COMMAND...: until it succeeds, at most half a minute.
wait_for() {
	local what=$1 try
	shift
	for ((try = 0; try < 300; try++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	fail "waited in vain for $what"
}

equal() { # WHAT WANTED SEEN
	[ "$2" = "$3" ] || fail "$1: wanted
$2
seen
$3"
}

# The counter NAME in the table that the forwarder printed to FILE.
counter() { awk -v name="$2" '$1 == name { print $2; found = 1 } END { if (!found) print 0 }' "$1"; }

# The counter NAME of the running forwarder PID, from DPDK's telemetry.
telemetry() {
	echo /hopspan/counters | dpdk-telemetry.py -f "hopspan-dpdk-$1" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["/hopspan/counters"][sys.argv[1]])' "$2"
}

# What the running forwarder PID says of port N: KEY.
telemetry_port() { # PID N KEY
	echo /hopspan/counters | dpdk-telemetry.py -f "hopspan-dpdk-$1" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["/hopspan/counters"]["port" + sys.argv[1]][sys.argv[2]])' "$2" "$3"
}

is_in_state() { [ "$(telemetry_port "$1" "$2" state)" = "$3" ]; }

has_counted() { [ "$(telemetry "$1" "$2")" = "$3" ]; }

ends_well() { # PID
	kill -TERM "$1"
	wait "$1"
	equal "exit status after SIGTERM" 0 $?
	[ ! -e "/var/run/dpdk/hopspan-dpdk-$1" ] || fail "/var/run/dpdk/hopspan-dpdk-$1 is left"
}
