# shellcheck shell=bash
# Networks in namespaces: nodes, links, what runs on them, and taking all of it down. Sourced by each topology, whose
# verbs and words are in words.sh.
#
# A topology has a name ($TOPOLOGY, default "hopspan"), so that several can be up at once. Its namespaces are
# NAME-NODE; its state (pids, nodes.yaml, logs) is in $state; its BPF files, cgroup and store are its own.
set -euo pipefail

TOPOLOGY=${TOPOLOGY:-hopspan}
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
state=${HOPSPAN_RUN:-/run/hopspan}/topologies/$TOPOLOGY
hopspan=$top/build/hopspan
hopspan_dpdk=$top/build/hopspan-dpdk
server=fd68:73:3::2 # the node of that name, in every topology

export HOPSPAN_BPFFS=/sys/fs/bpf/hopspan-$TOPOLOGY
export HOPSPAN_STORE=$state/store.db

die() { echo "${0##*/}: $*" >&2; exit 1; }

cgroup2() { awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts; }

# What this machine must allow: said precisely, before anything is made.
topology_check() {
	local missing=()
	[ "$(id -u)" -eq 0 ] || die "not root: namespaces and BPF programs need it"
	[ -e /proc/net/if_inet6 ] || missing+=("IPv6 in the kernel")
	[ -e /sys/kernel/btf/vmlinux ] || missing+=("kernel type information (CONFIG_DEBUG_INFO_BTF)")
	[ -n "$(cgroup2)" ] || missing+=("a cgroup2 mount")
	unshare -n true 2>/dev/null || missing+=("network namespaces (unshare -n is refused)")
	grep -q bpf /proc/filesystems || missing+=("the BPF file system")
	[ ${#missing[@]} -eq 0 ] || { printf '%s: this machine lacks %s\n' "${0##*/}" "${missing[@]}" >&2; exit 1; }
	[ -x "$hopspan" ] || die "build/hopspan is not there: run make"
}

netns() { echo "$TOPOLOGY-$1"; }

# Runs a command in a node's namespace and in the topology's cgroup.
node_exec() {
	local node=$1
	shift
	(echo "$BASHPID" >"$(cat "$state/cgroup")/cgroup.procs" && exec ip netns exec "$(netns "$node")" "$@")
}

# node_start NODE NAME COMMAND...: in the background, pid in $state/NAME.pid, output in $state/NAME.log
node_start() {
	local node=$1 name=$2
	shift 2
	: >"$state/$name.log" # what an earlier one of this name said is not to be waited for
	(
		echo "$BASHPID" >"$(cat "$state/cgroup")/cgroup.procs"
		exec ip netns exec "$(netns "$node")" "$@"
	) >"$state/$name.log" 2>&1 </dev/null &
	echo $! >"$state/$name.pid"
}

# stop NAME: ends it by its pid and waits until it is gone.
stop() {
	local pid
	[ -e "$state/$1.pid" ] || return 0
	pid=$(cat "$state/$1.pid")
	rm -f "$state/$1.pid"
	kill "$pid" 2>/dev/null || return 0
	wait_for "$1 to end" gone "$pid"
}

gone() { ! kill -0 "$1" 2>/dev/null || [ "$(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null)" = Z ]; }

# wait_for WHAT COMMAND...: until it succeeds, 30 seconds at most.
wait_for() {
	local what=$1 end=$((SECONDS + 30))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { echo "waited 30 s for $what" >&2; return 1; }
		sleep 0.05
	done
}

declare -A place=() # what is at a node on the way: kernel, xdp, tc, dpdk, dpdk-router or silent
declare -A clock=() # by how many ns a node's clock is off

topology_begin() {
	[ ! -e "$state" ] || die "$TOPOLOGY is up already: ${0##*/} down"
	mkdir -p "$state"
	echo "$(cgroup2)/$TOPOLOGY" >"$state/cgroup"
	mkdir -p "$(cat "$state/cgroup")"
	export HOPSPAN_CGROUP
	HOPSPAN_CGROUP=$(cat "$state/cgroup")
}

node_add() {
	local node
	for node; do
		ip netns add "$(netns "$node")"
		echo "$node" >>"$state/nodes"
		node_exec "$node" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.all.accept_ra=0
		ip -n "$(netns "$node")" link set lo up
	done
}

# link_add NODE DEV NODE DEV: a veth pair, both ends up. A DPDK router's end is a port, its DEV the twin that has the
# addresses: port0 and eth0.
link_add() {
	ip link add "$(end_of "$1" "$2")" netns "$(netns "$1")" type veth peer name "$(end_of "$3" "$4")" netns "$(netns "$3")"
	end_up "$1" "$2" "$3" "$4"
	end_up "$3" "$4" "$1" "$2"
}

end_of() { [ "${place[$1]:-}" = dpdk-router ] && echo "${2/#eth/port}" || echo "$2"; }

# end_up NODE DEV NODE DEV: the first one's.
end_up() {
	local at end
	at=$(netns "$1") end=$(end_of "$1" "$2")
	ip -n "$at" link set "$end" up
	[ "${place[$1]:-}" = dpdk-router ] || return 0
	node_exec "$1" sysctl -qw "net.ipv6.conf.$end.disable_ipv6=1"
	ip -n "$at" tuntap add dev "$2" mode tap
	ip -n "$at" link set "$2" up
	dpdk_facing "$3" "$(end_of "$3" "$4")"
}

address_add() { ip -n "$(netns "$1")" addr add "$3" dev "$2" nodad; }
route_add() { ip -n "$(netns "$1")" -6 route add "$2" via "$3"; }
forward() { node_exec "$1" sysctl -qw net.ipv6.conf.all.forwarding=1; }

# dpdk_facing NODE DEV: AF_PACKET hands over unfinished checksums, so they are finished before.
dpdk_facing() { node_exec "$1" ethtool -K "$2" tx off >/dev/null; }

ifindex() { node_exec "$1" cat "/sys/class/net/$2/ifindex"; }

# linux_ioam NODE ID DEV...: the stock kernel takes part by itself.
linux_ioam() {
	local node=$1 id=$2 dev
	shift 2
	node_exec "$node" sysctl -qw "net.ipv6.ioam6_id=$id"
	for dev; do
		node_exec "$node" sysctl -qw "net.ipv6.conf.$dev.ioam6_enabled=1" \
			"net.ipv6.conf.$dev.ioam6_id=$(ifindex "$node" "$dev")"
	done
	ip -n "$(netns "$node")" ioam namespace add 0x6873
}

# node_describe ID NAME ROLE DATAPLANE TIME DELAY DEV...: an entry of nodes.yaml. A DPDK router's interfaces have the
# numbers of its ports.
node_describe() {
	local id=$1 name=$2 dev list=
	printf -- '- node: %d\n  name: %s\n  role: %s\n  dataplane: %s\n  time: %s\n  delay: %s\n  queue: bytes\n' \
		"$id" "$name" "$3" "$4" "$5" "$6" >>"$state/nodes.yaml"
	shift 6
	for dev; do list+="${list:+, }$(ifindex "$name" "$(end_of "$name" "$dev")"): $dev"; done
	printf '  interfaces: {%s}\n' "$list" >>"$state/nodes.yaml"
}

# host_up NODE ID [WORDS...]: sends and receives traced requests by eth0.
host_up() {
	local node=$1 id=$2
	shift 2
	# shellcheck disable=SC2046 # words
	node_exec "$node" "$hopspan" host up dev eth0 proved ::/0 node-id "$id" $(clock_words "$node") "$@"
	node_describe "$id" "$node" host other ptp before-queue eth0
}

# router_up NODE ID DEV...: what its place says. A silent one is a stock router that takes no part, so it has no entry
# in nodes.yaml.
router_up() {
	local node=$1 id=$2 kind=${place[$1]}
	shift 2
	case $kind in
	xdp | tc)
		# shellcheck disable=SC2046 # words
		node_exec "$node" "$hopspan" router up $(printf "dev %s " "$@") via "$kind" node-id "$id" $(clock_words "$node")
		node_describe "$id" "$node" router "$kind" ptp before-queue "$@"
		;;
	kernel)
		linux_ioam "$node" "$id" "$@"
		node_describe "$id" "$node" router linux posix none "$@"
		;;
	dpdk)
		# shellcheck disable=SC2046 # words
		node_start "$node" "dpdk-$node" "$hopspan_dpdk" node-id "$id" $(clock_words "$node") "$@"
		node_describe "$id" "$node" router dpdk ptp after-queue "$@"
		;;
	dpdk-router)
		# shellcheck disable=SC2046 # words
		node_start "$node" "dpdk-$node" "$hopspan_dpdk" node-id "$id" $(clock_words "$node") mode router \
			$(for dev; do echo "dev $(end_of "$node" "$dev") twin $dev"; done)
		node_describe "$id" "$node" router dpdk ptp after-queue "$@"
		;;
	esac
}

# clock_words NODE: how far its clock is off, as `up` of hopspan takes it.
clock_words() { [ -z "${clock[$1]:-}" ] || echo "clock-offset ${clock[$1]}"; }

# bottleneck NODE DEV RATE [htb]: a shaper whose queue can be filled.
bottleneck() {
	local at=(-n "$(netns "$1")") dev=$2 rate=$3
	if [ "${4:-tbf}" = tbf ]; then
		tc "${at[@]}" qdisc replace dev "$dev" root tbf rate "$rate" burst 3000 limit 1000000
		return
	fi
	tc "${at[@]}" qdisc replace dev "$dev" root handle 1: htb default 1
	tc "${at[@]}" class replace dev "$dev" parent 1: classid 1:1 htb rate "$rate" burst 3000 cburst 3000 quantum 1514
	tc "${at[@]}" qdisc replace dev "$dev" parent 1:1 bfifo limit 1000000
}

# loss NODE DEV PERCENT [options]: of what leaves by DEV, or only of IPv6 with a hop-by-hop header.
loss() {
	local share
	share=$(awk -v percent="$3" -v only="${4:-}" 'BEGIN { printf "%x", percent * 100 + 0.5 + (only ? 32768 : 0) }')
	[ -n "$(tc -n "$(netns "$1")" qdisc show dev "$2" clsact)" ] || tc -n "$(netns "$1")" qdisc add dev "$2" clsact
	tc -n "$(netns "$1")" filter replace dev "$2" egress pref 60000 handle 1 bpf direct-action \
		object-file "$top/build/topologies/loss.bpf.o" section tc flowid "1:$share"
}

# Everything of this topology, however far it came.
topology_down() {
	local file node cgroup
	[ -e "$state" ] || return 0
	for file in "$state"/*.pid; do
		[ ! -e "$file" ] || stop "$(basename "$file" .pid)" || true
	done
	cgroup=$(cat "$state/cgroup")
	for node in $(cat "$state/nodes" 2>/dev/null); do
		HOPSPAN_CGROUP=$cgroup node_exec "$node" "$hopspan" host down || true
		HOPSPAN_CGROUP=$cgroup node_exec "$node" "$hopspan" router down || true
		HOPSPAN_CGROUP=$cgroup node_exec "$node" "$hopspan" border down || true
		ip netns del "$(netns "$node")" || true
	done
	wait_for "its cgroup to be empty" rmdir "$cgroup" || true
	rm -rf "$state"
	rmdir -p --ignore-fail-on-non-empty "$(dirname "$state")" 2>/dev/null || true
}
