#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Wrong words end with 2, what cannot be done with 1, each with one line that names it; the help fits 80 columns.
. "$(dirname "$0")/lib.sh"
need

refuses() { # STATUS TEXT WORD...
	local status=$1 text=$2
	shift 2
	"$forwarder" "$@" >"$dir/out" 2>"$dir/refused.err" </dev/null
	equal "status of: $*" "$status" $?
	grep -qF -- "$text" "$dir/refused.err" || fail "$*: no \"$text\""
	equal "lines of: $*" 1 "$(wc -l <"$dir/refused.err")"
}
refuses 2 "node-id is missing" veth0 veth1
refuses 2 "node-id needs a number" node-id
refuses 2 '"16777215" is not a number' node-id 16777215 veth0 veth1
refuses 2 '"-1" is not a number' node-id -1 veth0 veth1
refuses 2 '"12x" is not a number' node-id 12x veth0 veth1
refuses 2 '"65536" is not a number' node-id 1 namespace 65536 veth0 veth1
refuses 2 '"0" is not a number' node-id 1 queue 0 veth0 veth1
refuses 2 'clock-offset "1s" is not a number' node-id 1 clock-offset 1s veth0 veth1
echo "namespaces: {1: {time: utc}}" >"$dir/node.yaml"
HOPSPAN_NODE_YAML=$dir/node.yaml refuses 1 "node.yaml:1:24: time: ptp | ntp | posix" node-id 1 hsno0 hsno1
echo "node_id: 7" >"$dir/node.yaml"
HOPSPAN_NODE_YAML=$dir/node.yaml refuses 1 "hsno0: no such device" hsno0 hsno1
refuses 2 "no devices" node-id 1
refuses 2 "joined in pairs" node-id 1 veth0
refuses 2 "veth0 is given twice" node-id 1 veth0 veth0
refuses 2 '"--loud" is no device' node-id 1 --loud
refuses 2 '"a,b" is no device' node-id 1 a,b c
refuses 1 "hsno0: no such device" node-id 1 hsno0 hsno1

"$forwarder" --help >"$dir/help" || fail "--help"
grep -q 'node-id N' "$dir/help" || fail "no node-id in the help"
equal "help lines beyond 80 columns" "" "$(grep -E '.{81}' "$dir/help")"
"$forwarder" --version | grep -q '^hopspan-dpdk [0-9]' || fail "--version"
