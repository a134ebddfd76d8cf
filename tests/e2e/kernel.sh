#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# router up kernel: the stock kernel writes what node.yaml says, as tshark reads it; a second up changes that, and down
# leaves sysctls, namespaces and schemas exactly as they were, with what others have set there. On a device where either
# of the two is at work, the other is refused.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need tshark
need jq

port=7431 wide=0x11223344556677

# All that the kernel knows about IOAM in r1.
kernel_state() {
	node_exec r1 sysctl -a 2>/dev/null | grep ioam6
	ip -n "$(netns r1)" ioam namespace show | sort
	ip -n "$(netns r1)" ioam schema show
}

up() { HOPSPAN_NODE_YAML=$tmp/node.yaml node_exec r1 "$hopspan" router up "$@"; }
show() { node_exec r1 "$hopspan" -j router show | jq -c "$1"; }

# refused WORDS... MESSAGE
refused() {
	! up "${@:1:$#-1}" >"$tmp/refused" 2>&1 || fail "router up ${*:1:$#-1} is not refused"
	grep -q "${*: -1}" "$tmp/refused" || fail "router up ${*:1:$#-1}: $(cat "$tmp/refused")"
}

# written NAMESPACE: what the kernel wrote there into one datagram: id, wide id, interface, wide interface, data, wide
# data, schema id and data.
written() {
	capture_start server "written$1" ip6 proto 0
	node_start server receive python3 "$top/tests/e2e/traces.py" receive $port
	wait_for "the receiver" grep -q listens "$state/receive.log"
	node_start client send python3 "$top/tests/e2e/traces.py" send $server $port ffe002 22 20 "$1"
	wait_for "a packet" test -s "$tmp/written$1.pcap"
	wait_for "a trace" sh -c "tshark -r '$tmp/written$1.pcap' -Y ipv6.opt.ioam.trace.ns 2>/dev/null | grep -q ."
	stop send
	stop receive
	capture_stop "written$1"
	tshark -r "$tmp/written$1.pcap" -Y ipv6.opt.ioam.trace.ns -T fields -e ipv6.opt.ioam.trace.node.id \
		-e ipv6.opt.ioam.trace.node.id_wide -e ipv6.opt.ioam.trace.node.iif -e ipv6.opt.ioam.trace.node.iif_wide \
		-e ipv6.opt.ioam.trace.node.nsdata -e ipv6.opt.ioam.trace.node.nsdata_wide \
		-e ipv6.opt.ioam.trace.node.oss.scid -e ipv6.opt.ioam.trace.node.oss.data 2>/dev/null | head -n 1 | tr '\t' ' '
}

first() {
	cat >"$tmp/node.yaml" <<-END
		node_id: 4
		node_id_wide: $wide
		interfaces: {eth0: {id: 40, id_wide: 70040}, eth1: {id: 41}}
		namespaces: {1: {data: 7, data_wide: 8}, 2: {schema_id: 9, schema: 0a0b0c0d0e}, 77: {}}
	END
}

second() {
	cat >"$tmp/node.yaml" <<-END
		node_id: 5
		interfaces: {eth0: {id: 42}}
		namespaces: {2: {data: 1}, 3: {}, 77: {}}
	END
}

# What it was before is not empty, and a namespace of somebody else has the number of one of ours, with the same data.
others_prepare() {
	node_exec r1 sysctl -qw net.ipv6.ioam6_id=99 net.ipv6.conf.eth0.ioam6_id=98
	ip -n "$(netns r1)" ioam namespace add 77
	ip -n "$(netns r1)" ioam namespace add 78 data 5 wide 6
	ip -n "$(netns r1)" ioam schema add 8 abcd
	ip -n "$(netns r1)" ioam namespace set 78 schema 8
}

hop_wire
others_prepare
kernel_state >"$tmp/before"
first
up kernel # on the interfaces of node.yaml
same "devices, show" '[["eth0","kernel",40,70040,true,"none"],["eth1","kernel",41,3,true,"none"]]' \
	"$(show '[.[] | [.dev, .via, .interface, .interface_wide, .transit_attached, .delay]] | sort')"
same "namespaces, show" '[[1,"posix",7,"8"],[2,"posix",null,null],[77,"posix",null,null],[78,"posix",5,"6"]]' \
	"$(show '[.[0].namespaces[] | [.namespace, .time, .data, .data_wide]] | sort')"
same "what is written in 1" "0x000004 0x0011223344556677 0x0028 0x00011198 0x00000007 0x0000000000000008 0xffffff " \
	"$(written 1)"
same "what is written in 2" "0x000004 0x0011223344556677 0x0028 0x00011198 0xffffffff 0xffffffffffffffff 0x000009 "`
	`"0a0b0c0d0e000000" "$(written 2)"
refused dev eth0 "eth0: the kernel's IOAM is at work there, both would write into each packet: router down dev eth0"

second
up kernel dev eth0 dev eth1
same "what is written after the change" \
	"0x000005 0x00ffffffffffffff 0x002a 0x00000002 0x00000001 0xffffffffffffffff 0xffffff " "$(written 2)"
same "namespaces after the change" "2 3 77 78" "$(ip -n "$(netns r1)" ioam namespace show |
	awk '{ print $2 + 0 }' | sort -n | tr '\n' ' ' | sed 's/ $//')"

echo 'namespaces: {78: {data: 1}}' >"$tmp/node.yaml"
refused kernel dev eth0 node-id 5 "namespace 78: the kernel has it with other data"
second
up kernel dev eth0 dev eth1
node_exec r1 "$hopspan" router down dev eth0
same "sysctls with one device left" "1 0 5" "$(node_exec r1 sysctl -n net.ipv6.conf.eth1.ioam6_enabled \
	net.ipv6.conf.eth0.ioam6_enabled net.ipv6.ioam6_id | tr '\n' ' ' | sed 's/ $//')"
node_exec r1 "$hopspan" router down
kernel_state >"$tmp/after"
diff "$tmp/before" "$tmp/after" || fail "down leaves another state than there was"
[ ! -e "$HOPSPAN_BPFFS" ] || fail "left in the BPF file system: $(find "$HOPSPAN_BPFFS")"

# Ours where the kernel is at work by somebody's hand, and the other way round.
node_exec r1 sysctl -qw net.ipv6.conf.eth0.ioam6_enabled=1
refused dev eth0 "eth0: the kernel itself writes there in namespace 77"
up dev eth1
node_exec r1 "$hopspan" router down
node_exec r1 sysctl -qw net.ipv6.conf.eth0.ioam6_enabled=0
up dev eth0
refused kernel dev eth0 "eth0: hopspan's transit is at work there, both would write into each packet"
refused kernel dev eth0 via tc "via: the kernel it is"
refused kernel dev eth0 clock-offset 5 "clock-offset: the kernel writes its own time"
node_exec r1 "$hopspan" router down
kernel_state >"$tmp/after"
diff "$tmp/before" "$tmp/after" || fail "left after all"
