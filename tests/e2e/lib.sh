# shellcheck shell=bash
# Ground under every end-to-end test: a topology of its own, taken down however the test ends.
#
#   . "$(dirname "$0")/lib.sh"
#   line_up [WORDS]    client - r1 XDP - r2 DPDK - r3 Linux - server, collector and cart not yet running; WORDS: of line.sh
#   pair_up            client - server, nothing between
#
# TOPOLOGY is unique to the test, so tests may run side by side. $tmp is a folder that goes with the test.
set -euo pipefail

TOPOLOGY=hs-$(basename "$0" .sh)-$$
export TOPOLOGY
# shellcheck source-path=SCRIPTDIR source=../../topologies/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../topologies/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../../topologies/traffic.sh
. "$top/topologies/traffic.sh"

tmp=$(mktemp -d)
trap 'test_end $?' EXIT
trap 'exit 1' INT TERM

# Also when nobody reads what it prints.
test_end() {
	local status=$1
	trap - EXIT
	trap "" PIPE
	set +e
	case $status in 0 | 77) ;; *) test_report ;; esac
	topology_down
	rm -rf "$tmp"
	exit "$status"
}

# What a failed test shows: the logs of all that ran.
test_report() {
	local log node
	for log in "$state"/*.log; do
		[ ! -s "$log" ] || { echo "--- ${log##*/}"; tail -n 20 "$log"; }
	done
	[ ! -d "$state" ] || { echo "--- status"; "$hopspan" status || true; }
	for node in $(cat "$state/nodes" 2>/dev/null); do node_report "$node"; done
}

# What the kernel itself has to say of a node: where packets were left, and what was sent again.
node_report() {
	echo "--- kernel of $1: $(ip -n "$(netns "$1")" -6 -br address show up scope global | awk '{ print $1, $3 }' | xargs)"
	node_exec "$1" nstat -as 2>/dev/null | awk '$1 ~ /Drop|Discard|Err|Csum|PAWS|Prune|NoRoute|Retrans|Timeouts/ && $2 { print "  " $1, $2 }'
	tc -n "$(netns "$1")" -s qdisc show 2>/dev/null | grep -v -e noqueue -e "Sent 0 bytes" | grep -e ^qdisc -e "dropped [1-9]" -e "backlog [1-9]"
}

skip() { echo "$*"; exit 77; }
fail() { echo "FAILED: $*"; exit 1; }
need() { command -v "$1" >/dev/null || skip "$1 is not installed"; }

[ "$(id -u)" -eq 0 ] || skip "needs root"

line_up() {
	"$top/topologies/line.sh" up "$@"
	HOPSPAN_CGROUP=$(cat "$state/cgroup")
	export HOPSPAN_CGROUP
}

# client - server: two hosts on one veth, so that segmentation offload stays on.
pair_up() {
	topology_check
	topology_begin
	node_add client server
	link_add client eth0 server eth0
	address_add client eth0 fd68:73:3::1/64
	address_add server eth0 $server/64
	node_exec client "$hopspan" host up dev eth0 proved ::/0 node-id 1
	node_exec server "$hopspan" host up dev eth0 proved ::/0 node-id 5
}

# All that bears the topology's name, in every place where it makes something.
named() {
	ls /run/netns 2>/dev/null || true
	grep -F /netns/ /proc/mounts || true
	find /sys/fs/bpf /run/hopspan "$(cgroup2)" /var/run/dpdk /dev/hugepages -name "*$TOPOLOGY*" 2>/dev/null || true
}
named_here() { named | grep -F "$TOPOLOGY" || true; }

# hop_wire: client - r1 - server, nothing of ours on them.
hop_wire() {
	topology_check
	topology_begin
	node_add client r1 server
	link_add client eth0 r1 eth0
	link_add r1 eth1 server eth0
	address_add client eth0 fd68:73:1::1/64
	address_add r1 eth0 fd68:73:1::2/64
	address_add r1 eth1 fd68:73:3::1/64
	address_add server eth0 $server/64
	route_add client default fd68:73:1::2
	route_add server default fd68:73:3::1
	forward r1
}

# hop_up KIND [WORDS...]: the same, all up; r1's packets are met at KIND (xdp, tc), WORDS are of its `up`.
hop_up() {
	local kind=$1
	shift
	hop_wire
	node_exec client "$hopspan" host up dev eth0 proved ::/0 node-id 1
	node_exec server "$hopspan" host up dev eth0 proved ::/0 node-id 5
	node_exec r1 "$hopspan" router up dev eth0 dev eth1 via "$kind" node-id 2 "$@"
	node_describe 1 client host other ptp before-queue eth0
	node_describe 2 r1 router "$kind" ptp before-queue eth0 eth1
	node_describe 5 server host other ptp before-queue eth0
}

# What the kernel says from here on is kept apart by a mark.
kernel_log_mark() {
	kernel_mark="hopspan $TOPOLOGY"
	echo "$kernel_mark" >/dev/kmsg || skip "the kernel log cannot be written"
	kernel_log | grep -q "$kernel_mark" || skip "the kernel log cannot be read"
}

kernel_log() { dmesg | sed -n "/$kernel_mark/,\$p"; }

# kernel_is_silent WHEN
kernel_is_silent() {
	! kernel_log | grep -E "WARNING:|BUG:|Oops|divide error|skb_try_coalesce|refcount|hung task|Call Trace|bad gso" ||
		fail "the kernel complains, $1"
}

# same WHAT EXPECTED SEEN
same() { [ "$2" = "$3" ] || fail "$1: expected $2, saw $3"; }

# capture_start NODE NAME FILTER...: tcpdump on NODE's device $DEV (eth0) into $tmp/NAME.pcap, ns timestamps. It is woken
# for each packet, or with PROMPT='' for many together.
capture_start() {
	local node=$1 name=$2
	shift 2
	node_start "$node" "capture-$name" tcpdump -Z root -U -n -s 0 -B 32768 ${PROMPT---immediate-mode} \
		--time-stamp-precision=nano -i "${DEV:-eth0}" -w "$tmp/$name.pcap" "$@"
	wait_for "tcpdump" grep -q "listening on" "$state/capture-$name.log"
}

capture_stop() { stop "capture-$1"; }

# behind_start NODE NAME: what NODE's netfilter gets of TCP and UDP, the first behind tc ingress, into $tmp/NAME.pcap.
behind_start() {
	node_exec "$1" nft -f - <<-END || skip "nft cannot log to a group here"
	table ip6 behind {
		chain arrived {
			type filter hook prerouting priority raw;
			meta l4proto { tcp, udp } log group 68 queue-threshold 1
		}
	}
	END
	node_start "$1" "capture-$2" tcpdump -Z root -U -n -s 0 -B 32768 -i nflog:68 -w "$tmp/$2.pcap"
	wait_for "tcpdump on the log group" grep -q "listening on" "$state/capture-$2.log"
}

behind_stop() {
	capture_stop "$2"
	node_exec "$1" nft delete table ip6 behind
}

# segments CAPTURE: the TCP segments to port 7000 as shadow_judge.py reads them.
segments() {
	tshark -r "$1" -o tcp.relative_sequence_numbers:false -o tcp.analyze_sequence_numbers:false \
		-o tcp.desegment_tcp_streams:false -Y 'tcp.dstport == 7000' -T fields \
		-e ipv6.opt.ioam.trace.node.oss.data -e tcp.seq -e tcp.len -e ipv6.opt.ioam.trace.flag.a -e tcp.flags.syn
}
