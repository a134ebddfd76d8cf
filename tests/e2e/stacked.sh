#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Devices that stand on others: each packet passes tc egress on both. hopspan is up on the upper one, on both, on the
# lower one, and there once more with checksums finished above it. A request is stamped once, where the table says, with
# that device's interface and what can be known of its queue, never longer than any MTU on its way; where it is not, the
# counter named moves. No packet is lost, and behind the sinks no header is left. tshark reads the capture of all
# devices of the server.
#
#   client  UPPER - eth0..3 ------ eth0..3 - UPPER  server      fd68:73:1N::1, ::2, N counts the kinds
#
# Kinds whose devices this kernel lacks are named and left out; STACKED="vlan sit" picks some.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need tshark
need nft
here=$top/tests/e2e

# kind        device  stamped below, or bare for      stamped above, or bare for
table="
vlan          vlan0   eth0             vlan0
vlan-of-vlan  qinq0   bare_protocol    qinq0
tag-in-frame  tag0    bare_protocol    bare_protocol
macvlan       mac0    eth0             mac0
ipvlan        ipvl0   eth3             ipvl0
bridge        br0     eth1             br0
bond          bond0   eth2             bond0
vxlan         vxlan0  bare_protocol    vxlan0
vxlan-alone   vxlan1  bare_protocol    vxlan1
ip6tnl        tnl1    bare_extension   tnl1
ip6tnl-plain  tnl2    bare_protocol    tnl2
sit           sit1    bare_protocol    sit1
ip6gre        gre1    bare_extension   gre1
ip6gretap     tap1    bare_extension   tap1
wireguard     wg1     pass             wg1
xfrm          xfrm1   bare_protocol    xfrm1
esp           -       bare_protocol    -
esp-tunnel    -       bare_protocol    -
tun           tun0    -                tun0
"

at() { ip -n "$(netns "$node")" "$@"; }
up() { at link set "$1" up; }

# make KIND: at $node, number $me of 1 and 2, with the other one's number $other. False: this kernel lacks it.
make() {
	local outside=fd68:73:3::$other inside=fd68:73:3::$me
	case $1 in
	vlan) at link add link eth0 name vlan0 type vlan id 5 && at link set vlan0 mtu 1400 ;;
	vlan-of-vlan) at link add link eth0 name out0 type vlan proto 802.1ad id 6 && up out0 &&
		at link add link out0 name qinq0 type vlan id 7 ;;
	tag-in-frame) at link add link eth0 name tag0 type vlan id 8 reorder_hdr off ;;
	macvlan) at link add link eth0 name mac0 type macvlan mode bridge && at link set mac0 mtu 1400 ;;
	ipvlan) at link add link eth3 name ipvl0 type ipvlan mode l2 ;;
	bridge) at link add br0 type bridge && at link set eth1 master br0 && up br0 ;;
	bond) at link add bond0 type bond mode active-backup miimon 100 && at link set eth2 down &&
		at link set eth2 master bond0 ;;
	vxlan) at link add vxlan0 type vxlan id 7 dev eth0 remote "$outside" dstport 4789 ;;
	vxlan-alone) at link add vxlan1 type vxlan id 8 local "$inside" remote "$outside" dstport 4789 &&
		at link set vxlan1 mtu 1430 ;;
	ip6tnl) at link add tnl1 type ip6tnl mode ip6ip6 local "$inside" remote "$outside" dev eth0 ;;
	ip6tnl-plain) at link add tnl2 type ip6tnl mode ip6ip6 local "${inside}2" remote "${outside}2" dev eth0 \
		encaplimit none ;;
	sit) at link add sit1 type sit local 10.73.3.$me remote 10.73.3.$other ;;
	ip6gre) at link add gre1 type ip6gre local "$inside" remote "$outside" ;;
	ip6gretap) at link add tap1 type ip6gretap local "$inside" remote "$outside" key 3 ;;
	wireguard) wireguard ;;
	xfrm) at link add xfrm1 type xfrm dev eth0 if_id 42 && at link set xfrm1 mtu 1400 &&
		esp tunnel "$inside" "$outside" ::/0 ::/0 42 ;;
	esp) address=fd68:73:3::23 && at route add "${outside}3/128" dev eth0 src "${inside}3" &&
		esp transport "${inside}3" "${outside}3" "${inside}3/128" "${outside}3/128" ;;
	esp-tunnel) esp tunnel "${inside}4" "${outside}4" "$prefix::$me/128" "$prefix::$other/128" ;;
	tun) [ $me = 2 ] || tun ;;
	esac 2>>"$tmp/lacks"
}

tun() {
	[ -e /dev/net/tun ] || modprobe tun || return 1
	node_start client tun python3 "$here/tun.py" "$(netns client)" "$(netns server)"
	wait_for "the tunnel" grep -q carries "$state/tun.log"
}

# The keys are each side's number, as they would be known to both.
wireguard() {
	command -v wg >/dev/null && at link add wg1 type wireguard || return 1
	key() { printf "%032d" "$1" | base64; }
	key $me >"$tmp/key"
	node_exec $node wg set wg1 listen-port 51820 private-key "$tmp/key" peer "$(key $other | wg pubkey)" \
		allowed-ips ::/0 endpoint "[fd68:73:3::$other]:51820"
}

# esp MODE LOCAL REMOTE FROM TO [IF_ID]: both directions with the same keys.
esp() {
	local mode=$1 local=$2 remote=$3 from=$4 to=$5 id=()
	[ -z "${6:-}" ] || id=(if_id "$6")
	esp_state "$local" "$remote" "0x${me}00${6:-1}" && esp_state "$remote" "$local" "0x${other}00${6:-1}" &&
		esp_policy "$from" "$to" out "$local" "$remote" && esp_policy "$to" "$from" in "$remote" "$local"
}

esp_state() {
	at xfrm state add src "$1" dst "$2" proto esp spi "$3" mode "$mode" "${id[@]}" \
		enc "cbc(aes)" 0x00112233445566778899aabbccddeeff \
		auth-trunc "hmac(sha1)" 0x000102030405060708090a0b0c0d0e0f10111213 96
}

esp_policy() {
	at xfrm policy add src "$1" dst "$2" dir "$3" "${id[@]}" tmpl src "$4" dst "$5" proto esp mode "$mode"
}

# The kinds that there are, with the server's addresses, into $tmp/kinds.
kinds_make() {
	local kind device below above prefix address number=0 node me other
	while read -r kind device below above; do
		number=$((number + 1)) prefix=fd68:73:1$number address=$prefix::2
		[[ -z ${STACKED:-} || " $STACKED " == *" $kind "* ]] || continue
		: >"$tmp/lacks"
		for node in client server; do
			[ $node = client ] && me=1 other=2 || me=2 other=1
			make "$kind" || { echo "#     $kind is not tried: $(tail -n 1 "$tmp/lacks")"; continue 2; }
			[ "$device" = - ] || up "$device"
			at addr add "$prefix::$me/64" dev "${device/#-/eth0}" nodad
		done
		echo "$kind $device $below $above $address" >>"$tmp/kinds"
	done < <(grep . <<<"$table")
}

# table_of PHASE: a line for stacked.py per kind that has programs somewhere then.
table_of() {
	local kind device below above address which
	while read -r kind device below above address; do
		case $1 in
		above) which=$above ;;
		both) which=${above/#-/$below} ;;
		*) which=$below ;;
		esac
		case $which in
		-) continue ;;
		bare_* | pass) which="- $which" ;;
		*) which="$which -" ;;
		esac
		echo "$kind $address $which $(node_exec client cat "/sys/class/net/${device/#-/eth0}/mtu")"
	done <"$tmp/kinds"
}

# phase NAME SUMS: traffic; SUMS is off if devices are to leave no checksum to the one below. Some leave none anyway.
phases=0
phase() {
	local device
	for device in eth0 eth1 eth2 eth3 $(awk '$2 != "-" { print $2 }' "$tmp/kinds"); do
		node_exec client ethtool -K "$device" tx "$2" >/dev/null 2>&1 || true
	done
	table_of "$1" >"$tmp/table"
	echo "== $1, checksums of the devices $2: $(wc -l <"$tmp/table") kinds"
	phases=$((phases + 1))
	node_exec client python3 "$here/stacked.py" client "$hopspan" $phases "$2" "$tmp/$phases-$1.plan" <"$tmp/table" ||
		fail "$1"
}

# both_nodes WORDS...: at client and server at the same time.
both_nodes() {
	local pids=() pid
	node_exec client "$hopspan" "$@" & pids+=($!)
	node_exec server "$hopspan" "$@" node-id 5 & pids+=($!)
	for pid in "${pids[@]}"; do wait "$pid" || fail "hopspan $*"; done
}

topology_check
topology_begin
node_add client server
for eth in eth0 eth1 eth2 eth3; do link_add client $eth server $eth; done
for node in client server; do
	[ $node = client ] && me=1 || me=2
	at addr add "10.73.3.$me/24" dev eth0
	for number in "" 2 3 4; do at addr add "fd68:73:3::$me$number/64" dev eth0 nodad; done
done
kinds_make
for node in client server; do at -j link >"$tmp/$node.links"; done
# A bridge would show netfilter what comes in below it, before the sink on it.
node_exec server sysctl -qw net.bridge.bridge-nf-call-ip6tables=0 2>/dev/null || true
node_exec server nft -f - <<-'END'
	table ip6 behind {
		counter left { }
		chain arrived {
			type filter hook prerouting priority raw;
			meta l4proto { tcp, udp } exthdr hbh exists counter name left
		}
	}
END
node_start server streams python3 "$here/writes.py" server
node_start server datagrams python3 "$here/stacked.py" server
for log in streams datagrams; do wait_for "the server" grep -q listens "$state/$log.log"; done
DEV=any capture_start server all -y LINUX_SLL2

mapfile -t above < <(awk '$2 != "-" { print "dev\n" $2 }' "$tmp/kinds")
mapfile -t below < <(awk '{ print "eth0"; if ($3 ~ /^eth/) print $3 }' "$tmp/kinds" | sort -u | sed 's/^/dev\n/')
both_nodes host up "${above[@]}" proved ::/0 via tc # the capture is to see what came
phase above on
both_nodes host up "${below[@]}" proved ::/0 via tc
phase both off
for node in client server; do node_exec $node "$hopspan" host down "${above[@]}"; done
phase below off
phase below on
capture_stop all

tshark -r "$tmp/all.pcap" -o tcp.relative_sequence_numbers:false -o tcp.analyze_sequence_numbers:false \
	-o tcp.desegment_tcp_streams:false -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE \
	-Y 'tcp.dstport == 7000 || udp.dstport == 7100' -T fields -e sll.ifindex -e frame.len -e ipv6.plen \
	-e ipv6.opt.ioam.trace.node.oss.data -e ipv6.opt.ioam.trace.flag.a \
	-e ipv6.opt.ioam.trace.node.eif -e ipv6.opt.ioam.trace.node.qdepth -e tcp.srcport -e tcp.dstport -e tcp.seq \
	-e tcp.len -e tcp.flags.syn -e tcp.checksum.status -e udp.checksum.status -e udp.payload >"$tmp/frames"
python3 "$here/stacked.py" judge "$tmp/frames" "$tmp/client.links" "$tmp/server.links" "$tmp"/*.plan || fail "see above"
same "headers left behind the sinks" 0 \
	"$(node_exec server nft -j list counter ip6 behind left | jq '.nftables[1].counter.packets')"
same "segments sent again" 0 "$(node_exec client nstat -az TcpRetransSegs | awk '/^TcpRetransSegs/ { print $2 }')"
