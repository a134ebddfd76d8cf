#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Ports of DPDK's af_xdp driver do what Linux devices do. Its program outlives a forwarder that was killed: traffic to this
# host passes, and the next one takes the program over and away.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need ip ethtool python3 tcpdump tshark pkg-config
need_driver af_xdp

has_program() { ip -n $middle link show "$1" | grep -q xdp; }

hosts_make 1500
words=(node-id 0x1267 huge no -- --vdev "net_af_xdp0,iface=left" --vdev "net_af_xdp1,iface=right")
forwarder_start "${words[@]}"
hosts_talk
kill -KILL $pid
wait $pid 2>/dev/null
has_program left || fail "the program went with its forwarder; docs/dpdk.md says otherwise"

forwarder_start "${words[@]}"
hosts_talk
stamps_cross
ids=$(printf '0x001267 0x%04x 0x%04x' "$(middle_index left)" "$(middle_index right)")
equal "node id, interfaces" "$ids
$ids
$ids" "$(stamps_read)"
ends_well $pid
equal "written" "3 3" "$(counter "$dir/forwarder.err" appended) $(counter "$dir/forwarder.err" completed)"
has_program left && fail "the program is still there"
exit 0
