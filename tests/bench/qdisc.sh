#!/usr/bin/env bash
# Do packets stay in order, and TCP as fast, when they are stamped in place, by a clone or beside a shadow, under the
# queue disciplines and congestion controls of this kernel? A table on stdout, the runs in FOLDER/qdisc.jsonl.
#
#   qdisc.sh FOLDER [SETUP...]	ROUNDS (7), MILLISECONDS (300) a run, CONGESTION ("cubic bbr"), RATE (20mbit)
#
# client - server, one veth; the client's end has the queue discipline, with "mq" two transmit queues. Loads: "bulk"
# writes of 64 KiB, a context each; "segments" of 1000 octets, a context each; "mixed", the same with a context for every
# fourth; "requests" of 200 octets, one at a time. Runs of all ways are interleaved, and change is against the run without
# contexts of the same round, "bare again" is the noise. What the kernel lacks is left out, and said.
TOPOLOGY=hs-qdisc-$$
export TOPOLOGY
# shellcheck source-path=SCRIPTDIR source=../../topologies/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../topologies/lib.sh"

folder=${1:?usage: qdisc.sh FOLDER [SETUP...]}
shift
rounds=${ROUNDS:-7} milliseconds=${MILLISECONDS:-300} rate=${RATE:-20mbit}
setups=("$@")
[ ${#setups[@]} -gt 0 ] || setups=(noqueue pfifo_fast fq_codel fq fq-below fq-maxrate fq-maxrate-below tbf htb
	htb-fq_codel htb-fq mq mq-xps)

qdisc() { tc -n "$(netns client)" qdisc "$@"; }
htb() {
	qdisc add dev eth0 root handle 1: htb default 1
	tc -n "$(netns client)" class add dev eth0 parent 1: classid 1:1 htb rate "$rate"
}
xps() {
	node_exec client sh -c "echo $1 >/sys/class/net/eth0/queues/tx-0/xps_cpus"
	node_exec client sh -c "echo $2 >/sys/class/net/eth0/queues/tx-1/xps_cpus"
}

# "below": fq where it is not the device's own, but a child; its root has no other child.
setup() {
	local queues=1
	qdisc del dev eth0 root 2>/dev/null || true
	xps 0 0
	[[ $1 != mq* ]] || queues=2
	node_exec client ethtool -L eth0 tx $queues >/dev/null 2>&1 || true # fails where nothing changes
	case $1 in
	noqueue | pfifo_fast | fq_codel | fq) qdisc replace dev eth0 root "$1" ;;
	fq-maxrate) qdisc add dev eth0 root fq maxrate "$rate" ;;
	fq-below | fq-maxrate-below)
		qdisc add dev eth0 root handle 1: prio bands 2 priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
		if [ "$1" = fq-below ]; then qdisc add dev eth0 parent 1:1 fq; else
			qdisc add dev eth0 parent 1:1 fq maxrate "$rate"
		fi
		;;
	tbf) qdisc add dev eth0 root tbf rate "$rate" burst 5000 limit 300000 ;;
	htb) htb ;;
	htb-fq_codel) htb && qdisc add dev eth0 parent 1:1 fq_codel ;;
	htb-fq) htb && qdisc add dev eth0 parent 1:1 fq ;;
	mq | mq-xps)
		qdisc add dev eth0 root handle 1: mq
		qdisc replace dev eth0 parent 1:1 tbf rate "$rate" burst 5000 limit 300000
		qdisc replace dev eth0 parent 1:2 tbf rate "$rate" burst 5000 limit 300000
		[ "$1" = mq ] || xps 1 2
		;;
	*) die "no setup $1" ;;
	esac
}

table() {
	printf '%-17s %-6s %-9s %-10s %9s %8s %17s %9s %9s %9s %9s %6s %6s %6s\n' qdisc cc load way Mb/s change quartiles \
		p50,us p99,us 'ooo/1000' 'rtx/1000' place clone shadow
	jq -rs 'def quantile(q): sort | .[((length - 1) * q) | floor];
		def at(f): map(f) | quantile(0.5);
		group_by([.setup, .congestion, .load])[] | . as $all |
		(map(select(.way == "bare")) | map({key: "\(.round)", value: .mbit_s}) | from_entries) as $bare |
		group_by(.way)[] | . as $runs |
		(map(100 * (.mbit_s / $bare["\(.round)"] - 1))) as $change | (map(.segments) | add) as $segments |
		[.[0].setup, .[0].congestion, .[0].load, .[0].way, at(.mbit_s), ($change | quantile(0.5)),
		($change | quantile(0.25)), ($change | quantile(0.75)), at(.p50_us), at(.p99_us),
		1000 * (map(.out_of_order) | add) / $segments, 1000 * (map(.retransmitted) | add) / $segments,
		(map(.in_place) | add), (map(.clone) | add), (map(.shadow) | add)] | @tsv' "$1" |
		while IFS=$'\t' read -r name congestion load way mbit change low high p50 p99 ooo rtx place clone shadow; do
			printf '%-17s %-6s %-9s %-10s %9.2f %7.1f%% %7.1f%% %7.1f%% %9.0f %9.0f %9.2f %9.2f %6d %6d %6d\n' \
				"$name" "$congestion" "$load" "$way" "$mbit" "$change" "$low" "$high" "$p50" "$p99" "$ooo" \
				"$rtx" "$place" "$clone" "$shadow"
		done
}

topology_check
topology_begin
trap 'status=$?; trap - EXIT; topology_down; exit $status' EXIT
trap 'exit 1' INT TERM
mkdir -p "$folder"
node_add client server
ip link add eth0 netns "$(netns client)" numtxqueues 2 numrxqueues 2 type veth \
	peer name eth0 netns "$(netns server)" numtxqueues 2 numrxqueues 2
for node in client server; do ip -n "$(netns $node)" link set eth0 up; done
address_add client eth0 fd68:73:3::1/64
address_add server eth0 $server/64
for node in client server; do
	node_exec $node "$hopspan" host up dev eth0 proved ::/0 budget 0 node-id 1
	node_exec $node sysctl -qw net.ipv4.tcp_no_metrics_save=1
done

: >"$folder/qdisc.jsonl"
echo "$BASHPID" >"$(cat "$state/cgroup")/cgroup.procs"
for congestion in ${CONGESTION:-cubic bbr}; do
	for name in "${setups[@]}"; do
		setup "$name" 2>"$state/refused" || { echo "left out: $name: $(tail -n 1 "$state/refused")"; continue; }
		"$top/build/tests/bench/qdisc" "$HOPSPAN_BPFFS" "/run/netns/$(netns client)" \
			"/run/netns/$(netns server)" $server "$congestion" "$rounds" "$milliseconds" 2>"$state/refused" |
			jq -c --arg setup "$name" --arg congestion "$congestion" \
				'{setup: $setup, congestion: $congestion} + .' >>"$folder/qdisc.jsonl" ||
			echo "left out: $name with $congestion: $(tail -n 1 "$state/refused")"
	done
done
echo "$BASHPID" >"$(cgroup2)/cgroup.procs"
uname -srm
table "$folder/qdisc.jsonl"
