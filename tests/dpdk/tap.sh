#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Ports of DPDK's tap driver do what Linux devices do. The TAP devices are the hosts' own.
#
#	a eth0 (tap)  forwarder  (tap) eth0 b
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need ip ethtool python3 tcpdump tshark pkg-config
need_driver tap
[ -c /dev/net/tun ] || skip "no /dev/net/tun here"

hosts_part
forwarder_start node-id 0x1267 huge no -- --vdev net_tap0,iface=tap0 --vdev net_tap1,iface=tap1
ids=$(printf '0x001267 0x%04x 0x%04x' "$(middle_index tap0)" "$(middle_index tap1)")
ip -n $middle link set tap0 netns $a name eth0
ip -n $middle link set tap1 netns $b name eth0
host_address $a 1
host_address $b 2
hosts_talk
stamps_cross
equal "node id, interfaces" "$ids
$ids
$ids" "$(stamps_read)"
ends_well $pid
equal "written" "3 3" "$(counter "$dir/forwarder.err" appended) $(counter "$dir/forwarder.err" completed)"
