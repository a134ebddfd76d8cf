#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# FRR over the forwarder. As router: its own OSPFv3 and BGP speak over the twins, and what they learn is what it
# forwards by; a link that fails moves the traffic. As bump: it is not there for those on both sides.
#
#	      (1) k1 eth0 --- port0 (r0)  r  port1 (r1) --- eth0 k2 (2)
#	          eth1 ------------------ cost 100 ------------- eth1
#	lo fd00:1::1                fd00:3::1                  fd00:2::1
. "$(dirname "$0")/lib.sh"
need ip ethtool ping jq vtysh dpdk-telemetry.py
[ "$(id -u)" = 0 ] || skip "needs root"
[ -x /usr/lib/frr/ospf6d ] || skip "no FRR here"
[ -e /dev/net/tun ] || skip "no /dev/net/tun here"
id=hs$$

chmod 755 "$dir"
for name in k1 k2 r; do
	ip netns add $id-$name 2>/dev/null || skip "no network namespaces here"
	undo+=("ip netns del $id-$name")
	ip netns exec $id-$name sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.all.forwarding=1
	ip -n $id-$name link set lo up
done
at() { ip netns exec "$id-$1" "${@:2}"; }
for host in k1:0 k2:1; do
	ip -n $id-${host%:*} link add eth0 type veth peer name port${host#*:} netns $id-r || skip "no veth here"
	at ${host%:*} ethtool -K eth0 tx off >/dev/null
	at r sysctl -qw net.ipv6.conf.port${host#*:}.disable_ipv6=1
	ip -n $id-${host%:*} link set eth0 up
	ip -n $id-r link set port${host#*:} up
done
ip -n $id-k1 link add eth1 type veth peer name eth1 netns $id-k2
for host in k1:1 k2:2 r:3; do ip -n $id-${host%:*} addr add fd00:${host#*:}::1/128 dev lo; done
for host in k1 k2; do ip -n $id-$host link set eth1 up; done

# daemon NODE NAME: one of FRR's, with the configuration in $dir/NODE/NAME.conf
daemon() {
	ip netns exec "$id-$1" "/usr/lib/frr/$2" -P 0 --log "file:$dir/$1/$2.log" --vty_socket "$dir/$1" \
		-z "$dir/$1/zserv" -i "$dir/$1/$2.pid" -f "$dir/$1/$2.conf" >"$dir/$1-$2.err" 2>&1 &
	undo+=("kill $! 2>/dev/null; wait $! 2>/dev/null")
	eval "$2_$1=$!"
	wait_for "$2 at $1" test -S "$dir/$1/$2.vty"
}

# frr NODE NUMBER DEV[:COST]...: zebra and ospf6d
frr() {
	local node=$1 number=$2 dev
	shift 2
	mkdir "$dir/$node"
	echo "hostname $node" >"$dir/$node/zebra.conf"
	{
		for dev in "$@"; do
			printf 'interface %s\n ipv6 ospf6 area 0.0.0.0\n' "${dev%:*}"
			printf ' ipv6 ospf6 %s\n' "hello-interval 1" "dead-interval 4" "network point-to-point" "cost ${dev#*:}"
		done
		printf 'interface lo\n ipv6 ospf6 area 0.0.0.0\nrouter ospf6\n ospf6 router-id 10.0.0.%s\n' "$number"
	} >"$dir/$node/ospf6d.conf"
	chown -R frr:frr "$dir/$node" # they give up being root
	daemon "$node" zebra
	daemon "$node" ospf6d
}
ask() { vtysh --vty_socket "$dir/$1" -c "$2"; }
# full NODE COUNT: so many neighbours have all that it has
full() { [ "$(ask "$1" "show ipv6 ospf6 neighbor json" | jq '[.neighbors[] | select(.state == "Full")] | length')" = "$2" ]; }
by() { ip -n "$id-$1" -6 route get "$2" | grep -q "dev $3"; }
router_start() { # WORDS...
	ip netns exec $id-r "$forwarder" node-id 3 "$@" 2>"$dir/forwarder.err" &
	pid=$!
	undo+=("kill $pid 2>/dev/null; wait $pid 2>/dev/null")
	wait_for "the forwarder" grep -q "routes by its twin r1\|are joined" "$dir/forwarder.err"
}

router_start mode router dev port0 twin r0 dev port1 twin r1
for twin in r0 r1; do ip -n $id-r link set $twin up; done
frr k1 1 eth0:10 eth1:100
frr k2 2 eth0:10 eth1:100
frr r 3 r0:10 r1:10
wait_for "OSPF at r" full r 2
wait_for "OSPF at k1" full k1 2
wait_for "the way over r" by k1 fd00:2::1 eth0
wait_for "the way back" by k2 fd00:1::1 eth0
wait_for "r's routes" by r fd00:2::1 r1

echo_over() { at k1 ping -q -c 100 -i 0.01 -W 2 -I fd00:1::1 fd00:2::1; }
wait_for "an echo" at k1 ping -c 1 -W 1 -I fd00:1::1 fd00:2::1
forwarded=$(telemetry $pid forwarded) kernel=$(telemetry $pid from_kernel)
echo_over >"$dir/ping" || fail "echo over r: $(cat "$dir/ping")"
grep -q " 0% packet loss" "$dir/ping" || fail "echo over r: $(cat "$dir/ping")"
[ $(($(telemetry $pid forwarded) - forwarded)) -ge 200 ] || fail "r forwarded $forwarded, then $(telemetry $pid forwarded)"
[ $(($(telemetry $pid from_kernel) - kernel)) -le 50 ] || fail "r's kernel sent $kernel, then $(telemetry $pid from_kernel)"

# BGP: TCP that ends in the router itself, and routes that come by it.
for name in k1 r; do
	own=${name/k1/1} && own=${own/r/3} && other=$((4 - own))
	cat >"$dir/$name/bgpd.conf" <<-END
		router bgp 6500$own
		 bgp router-id 10.0.0.$own
		 no bgp ebgp-requires-policy
		 no bgp network import-check
		 neighbor fd00:$other::1 remote-as 6500$other
		 neighbor fd00:$other::1 ebgp-multihop 3
		 neighbor fd00:$other::1 update-source fd00:$own::1
		 address-family ipv6 unicast
		  neighbor fd00:$other::1 activate
		  $([ $name = k1 ] && echo "network fd00:9::/64")
	END
	daemon $name bgpd
done
wait_for "BGP's route at r" sh -c "ip -n $id-r -6 route show fd00:9::/64 | grep -q 'proto bgp'"

# The link to k2 fails: over the other one, and back.
ip -n $id-r link set port1 down
wait_for "the other way" by k1 fd00:2::1 eth1
wait_for "an echo the other way" at k1 ping -c 1 -W 1 -I fd00:1::1 fd00:2::1
ip -n $id-r link set port1 up
wait_for "OSPF again" full r 2
wait_for "the way over r again" by k1 fd00:2::1 eth0
wait_for "an echo over r again" at k1 ping -c 1 -W 1 -I fd00:1::1 fd00:2::1
echo_over >"$dir/ping" || fail "echo over r again: $(cat "$dir/ping")"
ends_well $pid

# The bump: k1 and k2 are neighbours by both links now.
for name in bgpd ospf6d zebra; do
	eval "daemon_pid=\$${name}_r"
	kill "$daemon_pid"
	wait "$daemon_pid"
done
router_start port0 port1
wait_for "OSPF over the bump" full k1 2
wait_for "the way over the bump" by k1 fd00:2::1 eth0
echo_over >"$dir/ping" || fail "echo over the bump: $(cat "$dir/ping")"
ends_well $pid
for name in drop_queue_full drop_too_long; do equal $name 0 "$(counter "$dir/forwarder.err" $name)"; done
