#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Mixed traffic both ways through two workers with two queues a port: nothing is lost, out of order or changed, traces
# have this node's data and no other, and the counters say so. So it is while node.yaml is read again, and then both
# workers write what is new in it. PACKETS each way; tests/dpdk/mixed.c has the flows.
. "$(dirname "$0")/lib.sh"
need ip ethtool dpdk-telemetry.py python3
mixed=$here/../../build/tests/dpdk/mixed
[ -x "$mixed" ] || skip "no build/tests/dpdk/mixed"
mapfile -t cores < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)), sep="\n")')
[ ${#cores[@]} -ge 2 ] || skip "one core only"
packets=${PACKETS:-100000}

hosts_make 9000
for host in $a $b; do ip netns exec $host sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1; done
export HOPSPAN_NODE_YAML=$dir/node.yaml
node_is() { # NODE_ID
	cat >"$HOPSPAN_NODE_YAML" <<-END
		node_id: $1
		dpdk:
		  ports: [{device: left, queues: 2}, {device: right, queues: 2}]
		  cores: [${cores[0]}, ${cores[1]}]
	END
}
node_is 0x1267
forwarder_start
grep -q 'of 2 workers' "$dir/forwarder.err" && fail "not two workers"

judge() { # COUNT NODE_ID
	timeout 3000 "$mixed" $a $b eth0 "$1" "$2" "$(middle_index left)" "$(middle_index right)" >"$dir/judged" ||
		fail "$(cat "$dir/judged")"
}
has_read() { [ "$(grep -c 'read again' "$dir/forwarder.err")" -ge "$1" ]; }
hangups() { for ((i = 1; i <= 10; i++)); do kill -HUP $pid && wait_for "node.yaml to be read" has_read $i; done; }
hangups &
hangups=$!
judge "$packets" 0x1267
read -r _ all _ _ _ room _ full _ rate <"$dir/judged"
equal "packets judged" $((2 * packets)) "$all"
wait $hangups || fail "node.yaml was not read again"
node_is 0x1268
kill -HUP $pid
wait_for "the new node id" has_read 11
judge 5000 0x1268
read -r _ more _ _ _ more_room _ more_full _ <"$dir/judged"
all=$((all + more)) room=$((room + more_room)) full=$((full + more_full)) packets=$((packets + 5000))

wait_for "all to be counted" has_counted $pid forwarded $all
echo /hopspan/workers | dpdk-telemetry.py -f "hopspan-dpdk-$pid" >"$dir/workers"
ends_well $pid

count() { counter "$dir/forwarder.err" "$1"; }
for wanted in forwarded=$all appended=$room completed=$room no_room=$full pass=$((all - room - full)) \
	drop_queue_full=0 drop_port_down=0 drop_too_long=0; do
	equal "${wanted%=*}" "${wanted#*=}" "$(count "${wanted%=*}")"
done
equal "packets of left and right: in, out, missed and refused" "$packets $packets 0 0
$packets $packets 0 0" "$(awk '$1 == "left" || $1 == "right" { print $2, $4, $6, $7 }' "$dir/forwarder.err")"
equal "the workers' packets add up, and each had some of each port's" "$all $all True" "$(python3 -c '
import json, sys
workers = list(json.loads(open(sys.argv[1]).read())["/hopspan/workers"].values())
print(sum(w["rx_packets"] for w in workers), sum(w["tx_packets"] for w in workers),
      len(workers) == 2 and all(w["rx_packets"] and w["rx_queues"] == 2 for w in workers))' "$dir/workers")"
echo "$all packets, $rate per second with generator and judge on the same cores"
