#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Wrong words end with 2, what cannot be done with 1, each with one line that names it; the help fits 80 columns.
. "$(dirname "$0")/lib.sh"
need
export RUNTIME_DIRECTORY=$dir # what others have left is not to be spoken of here

refuses() { # STATUS TEXT WORD...
	local status=$1 text=$2
	shift 2
	timeout 20 "$forwarder" "$@" >"$dir/out" 2>"$dir/refused.err" </dev/null
	equal "status of: $*" "$status" $?
	grep -qF -- "$text" "$dir/refused.err" || fail "$*: no \"$text\""
	equal "lines of: $*" 1 "$(wc -l <"$dir/refused.err")"
}
refuses 2 "node-id is missing" veth0 veth1
refuses 2 "node-id: a number from 0 to 16777214 is missing" node-id
refuses 2 'node-id: a number from 0 to 16777214, not "16777215"' node-id 16777215 veth0 veth1
refuses 2 'not "-1"' node-id -1 veth0 veth1
refuses 2 'not "12x"' node-id 12x veth0 veth1
refuses 2 'namespace: a number from 0 to 65535, not "65536"' node-id 1 namespace 65536 veth0 veth1
refuses 2 'clock-offset: ns between -10^18 and 10^18, not "1s"' node-id 1 clock-offset 1s veth0 veth1
refuses 2 'queue-bytes: a number from 1 to 4294967295, not "0"' node-id 1 queue-bytes 0 veth0 veth1
refuses 2 'queue-packets: a number from 1 to' node-id 1 veth0 queue-packets 0 veth1
refuses 2 'queues: a number from 1 to 32, not "33"' node-id 1 veth0 queues 33 veth1
refuses 2 'huge: auto | no, not "yes"' node-id 1 huge yes veth0 veth1
refuses 2 'cores: numbers as 0,2-3, not "0-"' node-id 1 cores 0- veth0 veth1
refuses 2 'cores 1,0-1: a core is given twice' node-id 1 cores 1,0-1 veth0 veth1
refuses 2 "cores: numbers as 0,2-3 is missing" node-id 1 cores
refuses 2 "pair: veth2 is not among the ports" node-id 1 veth0 veth1 pair veth0 veth2
refuses 2 "pair: veth0 is in two pairs" node-id 1 veth0 veth1 veth2 pair veth0 veth1 pair veth2 veth0
refuses 2 "pair: a port cannot be joined with itself" node-id 1 veth0 veth1 pair veth0 veth0
refuses 2 "none may be left" node-id 1 veth0 veth1 veth2 veth3 pair veth0 veth1
refuses 2 "no devices" node-id 1
refuses 2 "joined in pairs" node-id 1 veth0
refuses 2 "veth0 is given twice" node-id 1 veth0 veth0
refuses 2 '"--loud" is no device' node-id 1 --loud
refuses 2 '"a,b" is no device' node-id 1 a,b c
refuses 1 "hsno0: no such device" node-id 1 hsno0 hsno1

# What only the start shows; these ports need no privileges.
refuses 1 "core 4095 is not there or not allowed" node-id 1 cores 4095 huge no -- --vdev net_null0 --vdev net_null1
refuses 1 "no memory: packet buffers need" node-id 1 huge no buffers 16777216 -- --vdev net_null0 --vdev net_null1
refuses 2 "1 port, but they are joined in pairs" node-id 1 huge no -- --vdev net_null0
refuses 2 'rate: a rate as 100mbit (bit, kbit, mbit, gbit), not "fast"' node-id 1 a b rate fast
refuses 2 'burst: a number from 1 to 4294967295, not "0"' node-id 1 a b burst 0
refuses 2 'times: auto | burst | packet | hardware, not "now"' node-id 1 a b times now
refuses 1 "receive queues, not 2" node-id 1 huge no dev net_ring0 queues 2 dev net_ring1 \
	-- --vdev net_ring0 --vdev net_ring1

file_refuses() { # STATUS TEXT: the file is the input
	cat >"$dir/node.yaml"
	HOPSPAN_NODE_YAML=$dir/node.yaml refuses "$1" "$2"
}
file_refuses 1 "node.yaml:1:24: time: ptp | ntp | posix" <<<$'namespaces: {1: {time: utc}}\ndpdk: {ports: [a, b]}'
file_refuses 1 "hsno0: no such device" <<<"{node_id: 7, dpdk: {ports: [hsno0, {device: hsno1, queues: 2}]}}"
file_refuses 1 'node.yaml:1:8: no such key: "port"' <<<"dpdk: {port: [a, b]}"
file_refuses 1 "node.yaml:2:10: ports: [{device: DEV" <<'END'
dpdk:
  ports: eth0
END
file_refuses 1 'node.yaml:3:32: queue_packets: a number from 1 to' <<'END'
dpdk:
  ports:
  - {device: a, queue_packets: 0}
END
file_refuses 1 "node.yaml:1:45: ports: a is given twice" <<<"dpdk: {ports: [{queue_bytes: 7, device: a}, a]}"

# DPDK has its own lines beside ours.
refused() { # STATUS TEXT WORD...
	local status=$1 text=$2
	shift 2
	"$forwarder" "$@" >"$dir/out" 2>"$dir/refused.err" </dev/null &
	local pid=$!
	wait $pid
	equal "status of: $*" "$status" $?
	grep -qF -- "$text" "$dir/refused.err" || fail "$*: no \"$text\""
	[ ! -e "$dir/dpdk/hopspan-dpdk-$pid" ] || fail "$*: left its runtime directory"
}
refused 2 "DPDK has no ports" node-id 1 huge no -- --vdev "net_pcap0,rx_pcap=$dir/none"
refused 1 "DPDK did not start" node-id 1 huge no -- --no-such-word
refused 1 "DPDK did not start" node-id 1 huge no -- --vdev net_nothing0 --vdev net_nothing1
printf '\324\303\262\241\002\000\004\000\000\000\000\000\000\000\000\000\377\377\000\000\001\000\000\000' >"$dir/no.pcap"
refused 2 "1 port, but they are joined in pairs" node-id 1 huge no -- --vdev "net_pcap0,rx_pcap=$dir/no.pcap"
refused 1 "no memory for 100000 packet buffers" node-id 1 huge no buffers 100000 -- -m 64 \
	--vdev "net_pcap0,rx_pcap=$dir/no.pcap" --vdev "net_pcap1,rx_pcap=$dir/no.pcap"

refuses 2 "twin r0: of which device?" node-id 1 twin r0 mode router veth0
refuses 2 "a twin is a router's" node-id 1 veth0 twin r0 veth1
refuses 2 "a router has none" node-id 1 mode router veth0 veth1 pair veth0 veth1
refuses 2 "routes: a number from" node-id 1 mode router veth0 routes 0

"$forwarder" --help >"$dir/help" || fail "--help"
grep -q 'node-id N' "$dir/help" || fail "no node-id in the help"
equal "help lines beyond 80 columns" "" "$(grep -E '.{81}' "$dir/help")"
"$forwarder" --version | grep -q '^hopspan-dpdk [0-9]' || fail "--version"
