#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# hopspan status shows every forwarder, whatever happens to one of them: telemetry clients that hang, one that stands
# still, one that was killed, whose leftovers the next one removes.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need text2pcap python3 jq
hopspan=$here/../../build/hopspan
[ -x "$hopspan" ] || skip "no build/hopspan"
[ "$(id -u)" = 0 ] || skip "needs root"

# DPDK makes its runtime directories in there, and status looks there.
export RUNTIME_DIRECTORY=$dir HOPSPAN_DPDK_RUNTIME=$dir/dpdk
text2pcap -q -F pcap "$here/traces.txt" "$dir/in.pcap" 2>/dev/null
head -c 24 "$dir/in.pcap" >"$dir/nothing.pcap"
traces=$(grep -c '^0000 ' "$here/traces.txt")

# forwarder_start NAME SOURCE: in $pid; SOURCE is what its first port is told.
forwarder_start() {
	"$forwarder" node-id 4711 -- --no-huge -m 64 --vdev "net_pcap0,rx_pcap=$2" \
		--vdev "net_pcap1,rx_pcap=$dir/nothing.pcap" 2>"$dir/$1.err" &
	pid=$!
	undo+=("kill -KILL $pid 2>/dev/null; wait $pid 2>/dev/null")
	wait_for "forwarder $1" grep -q joined "$dir/$1.err"
}

# shown PID FILTER: jq's reading of what status says of it.
shown() { timeout 20 "$hopspan" -j status | jq -r ".forwarders[] | select(.name == \"hopspan-dpdk-$1\") | $2"; }
is_shown() { [ "$(shown "$1" "$2")" = "$3" ]; }

# Clients that never read what they asked for.
clients_hang() { # PID COUNT
	python3 - "$dir/dpdk/hopspan-dpdk-$1/dpdk_telemetry.v2" "$2" <<-'END' >"$dir/clients" &
		import signal, socket, sys
		clients = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(int(sys.argv[2]))]
		for client in clients:
		    client.connect(sys.argv[1])
		    client.recv(1024)  # the greeting: it has a thread for this one
		clients[0].setblocking(False)
		try:
		    while True:
		        clients[0].send(b"/hopspan/counters")
		except BlockingIOError:
		    print("hang", flush=True)
		signal.pause()
	END
	clients=$!
	undo+=("kill $clients 2>/dev/null; wait $clients 2>/dev/null")
	wait_for "clients" grep -q hang "$dir/clients"
}

forwarder_start one "$dir/in.pcap,infinite_rx=1"
one=$pid
forwarder_start other "$dir/in.pcap"
other=$pid
wait_for "all packets" is_shown $other .counters.forwarded "$traces"
equal "what status knows" "$traces $traces net_pcap0 $traces 0 $other" \
	"$(shown $other '"\(.counters.appended) \(.counters.completed) \(.ports[0].name) \(.ports[0].rx_packets) \(.ports[0].tx_packets) \(.pid)"')"
"$hopspan" status >"$dir/table"
grep -q "^forwarder hopspan-dpdk-$other, pid $other, DPDK " "$dir/table" || fail "not in the table: $(cat "$dir/table")"
grep -Eq '^  net_pcap1 +[a-z-]+ +0 +'"$traces " "$dir/table" || fail "no port in the table: $(cat "$dir/table")"

# Nine clients that hang are as many as may be beside one that asks.
clients_hang $one 9
before=$(shown $one .counters.forwarded)
forwards() { [ "$(shown $one .counters.forwarded)" -gt "$before" ]; }
wait_for "packets to go on" forwards
kill $clients
wait $clients 2>/dev/null
clients_hang $one 10
shown $one .error | grep -q 'telemetry clients that hang' || fail "too many clients: $(shown $one .error)"
is_shown $other .counters.forwarded "$traces" || fail "the other one is not shown beside it"
kill -TERM $one # with the clients
wait $one
equal "exit status with clients that hang" 0 $?
[ ! -e "$dir/dpdk/hopspan-dpdk-$one" ] || fail "leftovers of one with clients that hang"

# One that stands still, then is killed.
kill -STOP $other
equal "one that stands still" "does not answer" "$(shown $other .error)"
timeout 20 "$hopspan" status | grep -q "^forwarder hopspan-dpdk-$other does not answer" || fail "not in the table"
kill -KILL $other
wait $other 2>/dev/null
shown $other .error | grep -q "does not run" || fail "one that was killed: $(shown $other .error)"

forwarder_start next "$dir/in.pcap"
grep -q "hopspan-dpdk-$other, left by one that was killed, is removed" "$dir/next.err" || fail "nothing was removed"
equal "runtime directories" "hopspan-dpdk-$pid" "$(ls "$dir/dpdk")"
kill -TERM $pid
wait $pid
equal "exit status after SIGTERM" 0 $?
equal "leftovers" "" "$(ls "$dir/dpdk")"
equal "forwarders without one" "[]" "$("$hopspan" -j status | jq -c .forwarders)"
