#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The socket option is what sdk/hopspan.h says, for a program without any privilege: every call and every error, in the
# option's cgroup, outside of it and after it is gone; contexts set before, while and after connecting reach the server
# with the first data, as tshark sees it. All other options are the kernel's: 200,000 random calls give the same with
# the hook as without.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need tshark
need setpriv

port=7413
calls=${CALLS:-200000}
seed=${SEED:-68}
trace=7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c

# The programs, where a user without rights may run them.
chmod 755 "$tmp"
for program in api api_fuzz; do
	[ -x "$top/build/tests/e2e/$program" ] || fail "build/tests/e2e/$program is not there: run make test-build"
	install -m 755 "$top/build/tests/e2e/$program" "$tmp/"
done

nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs)
outside() { ip netns exec "$(netns client)" "$@"; }

# contract WHERE HOW COMMAND...: prints what was wrong; # begins what the machine lacks and the kernel's own answers.
contract() {
	local where=$1 how=$2
	shift 2
	"$@" "$tmp/api" "$how" >"$tmp/contract" 2>&1 || fail "$where: $(cat "$tmp/contract")"
	sed "s/^/$where: /" "$tmp/contract"
}

# What the server must have been told, a line per connection.
received_expected() {
	local span
	for span in none 01 02 03 04; do
		if [ $span = none ]; then
			echo "received ENODATA ENODATA ENODATA"
		else
			span=1/1/$trace/b1b1b1b1b1b1b1$span
			echo "received ENODATA $span $span"
		fi
	done
}

requests() {
	node_exec client "${nobody[@]}" "$tmp/api" request "$1" $port >"$tmp/request" ||
		fail "requests to $1: $(cat "$tmp/request")"
}

# The stamps in the capture: connection, sequence number of the stamped segment, span id.
stamps() {
	tshark -r "$tmp/sent.pcap" -o tcp.relative_sequence_numbers:true -T fields \
		-Y "tcp.dstport == $port && ipv6.opt.ioam.trace.type" \
		-e tcp.stream -e tcp.seq -e tcp.len -e ipv6.opt.ioam.trace.node.oss.data 2>/dev/null |
		sed -E "s/[^\t]*$trace(.{16})[^\t]*$/\1/"
}

# fuzz NAME COMMAND...: the sequence's results in $tmp/NAME
fuzz() {
	local name=$1
	shift
	"$@" "${nobody[@]}" "$tmp/api_fuzz" run "$seed" "$calls" >"$tmp/$name" 2>"$tmp/fuzz.log" ||
		fail "fuzz $name: exit $?, $(cat "$tmp/fuzz.log"), after $(wc -l <"$tmp/$name") calls"
	same "results of $name" "$calls" "$(wc -l <"$tmp/$name")"
}

kernel_log_mark
pair_up

contract "nobody inside" inside node_exec client "${nobody[@]}"
contract "root inside" inside node_exec client
contract "nobody outside" outside outside "${nobody[@]}"
contract "root outside" outside outside

# The limit is a namespace's own since Linux 6.8.
if node_exec client test -e /proc/sys/net/core/optmem_max; then
	optmem=$(node_exec client sysctl -n net.core.optmem_max)
	node_exec client sysctl -qw net.core.optmem_max=256
	contract "no memory" full node_exec client "${nobody[@]}"
	node_exec client sysctl -qw "net.core.optmem_max=$optmem"
else
	echo "# ENOMEM is not tried: net.core.optmem_max is not a namespace's own"
fi

node_start server serve "${nobody[@]}" "$tmp/api" serve $port
wait_for "the server" grep -q listens "$state/serve.log"
capture_start client sent ip6
requests $server
served() { [ "$(grep -c '^received' "$state/serve.log")" -eq "$1" ]; }
wait_for "five connections to be served" served 5
capture_stop sent
diff <(received_expected) <(grep '^received' "$state/serve.log") || fail "what the server was told"
diff - <(stamps) <<'END' || fail "stamps: stream, sequence number, octets, span id"
1	1	1	b1b1b1b1b1b1b101
2	1	1	b1b1b1b1b1b1b102
3	1	1	b1b1b1b1b1b1b103
4	1	1	b1b1b1b1b1b1b104
END
# IPv4 has no option to carry a context in: the same connections, and nothing but their bytes.
ip -n "$(netns client)" addr add 10.73.3.1/24 dev eth0
ip -n "$(netns server)" addr add 10.73.3.2/24 dev eth0
requests 10.73.3.2
requests ::ffff:10.73.3.2
wait_for "ten connections over IPv4 to be served" served 15
stop serve
same "connections over IPv4 without a context" 10 \
	"$(grep '^received' "$state/serve.log" | tail -n 10 | grep -c '^received ENODATA ENODATA ENODATA$')"
same "requests at the sink" 4 "$(node_exec server "$hopspan" -j host show | jq '.[0].sink.recorded')"

fuzz outside-1 outside
fuzz inside-1 node_exec client
fuzz outside-2 outside
fuzz inside-2 node_exec client
"$tmp/api_fuzz" compare "$tmp/outside-1" "$tmp/outside-2" "$tmp/inside-1" "$tmp/inside-2" || fail "calls differ with the hook"
kernel_is_silent "after $calls random calls"

for node in client server; do node_exec $node "$hopspan" host down; done
contract "nobody after down" outside node_exec client "${nobody[@]}"
