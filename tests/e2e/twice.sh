#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Up twice is up once: one program per hook, counters go on. Down twice is down once: nothing of ours is left, and what
# others have put on the same devices stays. Traffic flows in every state.
#
#   client eth0 ------- eth0 r1 eth1 ------- eth0 server        a filter of others' at client eth0's egress and
#   fd68:73:1::1        ::2     fd68:73:3::1       ::2          r1 eth1's ingress; the latter's clsact is others', too
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need bpftool
export HOPSPAN_TC=clsact # tcx.sh is about the other hook

wire() {
	hop_wire
	node_describe 1 client host other ptp before-queue eth0
	node_describe 2 r1 router xdp ptp before-queue eth0 eth1
	node_describe 5 server host other ptp before-queue eth0
}

tc_of() { tc -n "$(netns "$1")" "${@:2}"; }

# The filters on a hook: ours by program, others' as the bytecode that they are.
filters() { tc_of "$1" filter show dev "$2" "$3" | grep -oE 'tc_[a-z]+:|bytecode' | sort | tr -d '\n'; }
has_clsact() { tc_of "$1" qdisc show dev "$2" | grep -q "^qdisc clsact "; }
xdp() { ip -n "$(netns "$1")" -d -j link show dev "$2" | jq -r '.[0].xdp.prog.name // "none"'; }
cgroup_programs() { bpftool -j cgroup show "$HOPSPAN_CGROUP" | jq -r '.[].name' | sort | xargs; }

# What every hook of every device carries, as "NODE DEV HOOK: PROGRAMS".
hooks() {
	local at hook
	for at in client:eth0 server:eth0 r1:eth0 r1:eth1; do
		for hook in ingress egress; do
			echo "${at/:/ } $hook ($(filters "${at%:*}" "${at#*:}" $hook))"
		done
		echo "${at/:/ } clsact: $(has_clsact "${at%:*}" "${at#*:}" && echo yes || echo no)"
		echo "${at/:/ } xdp: $(xdp "${at%:*}" "${at#*:}")"
	done
	echo "cgroup: $(cgroup_programs)"
}

# Classic bytecode that matches nothing: the one classifier that a kernel with BPF surely has.
filter_add() { tc_of "$1" filter add dev "$2" "$3" pref 7 bpf bytecode '1,6 0 0 0,' flowid 1:1; }

others() {
	tc_of r1 qdisc add dev eth1 clsact
	filter_add r1 eth1 ingress
}

# Joins our clsact, so it must outlive our down.
others_join() { filter_add client eth0 egress; }

up() {
	node_exec client "$hopspan" host up dev eth0 proved ::/0 node-id 1
	node_exec server "$hopspan" host up dev eth0 proved ::/0 node-id 5
	node_exec r1 "$hopspan" router up dev eth0 dev eth1 via xdp node-id 2
}

# down: exit 0 and not a word.
down() {
	local node
	for node in client r1 server; do
		node_exec $node "$hopspan" host down >>"$tmp/down" 2>&1 || fail "host down at $node"
		node_exec $node "$hopspan" router down >>"$tmp/down" 2>&1 || fail "router down at $node"
	done
	[ ! -s "$tmp/down" ] || fail "down says: $(cat "$tmp/down")"
}

traffic_flows() { shop_run 5 5 --ids "$tmp/ids" >"$tmp/shop" || fail "no traffic $1: $(cat "$tmp/shop")"; }

# The sum of all packets that our programs have counted at the node.
counted() {
	node_exec "$1" "$hopspan" -j "$2" show | jq '[.[] | (.stamp, .sink, .transit, .depart) // {} | .[]] | add // 0'
}
all_counted() { echo "client $(counted client host) server $(counted server host) r1 $(counted r1 router)"; }

# Every counter at least what it was.
counters_kept() {
	awk '{ for (i = 2; i <= 6; i += 2) if (NR == 1) had[i] = $i; else if ($i < had[i] || !had[i]) exit 1 }' \
		<(echo "$1") <(echo "$2")
}

wire
collect_start
cart_start
others
traffic_flows "before up"
hooks >"$tmp/bare"

up
hooks >"$tmp/up-once"
diff - "$tmp/up-once" <<'END' || fail "hooks after up"
client eth0 ingress (tc_sink:)
client eth0 egress (tc_stamp:)
client eth0 clsact: yes
client eth0 xdp: none
server eth0 ingress (tc_sink:)
server eth0 egress (tc_stamp:)
server eth0 clsact: yes
server eth0 xdp: none
r1 eth0 ingress ()
r1 eth0 egress (tc_depart:)
r1 eth0 clsact: yes
r1 eth0 xdp: xdp_transit
r1 eth1 ingress (bytecode)
r1 eth1 egress (tc_depart:)
r1 eth1 clsact: yes
r1 eth1 xdp: xdp_transit
cgroup: sockopt_get sockopt_set
END
traffic_flows "after up"
before=$(all_counted)

up
hooks >"$tmp/up-twice"
diff "$tmp/up-once" "$tmp/up-twice" || fail "up is not the same the second time"
after=$(all_counted)
counters_kept "$before" "$after" || fail "counters before the second up: $before; after: $after"
traffic_flows "after the second up"
wait_for "hops in the trace" bash -c "'$hopspan' trace show $(tail -n 1 "$tmp/ids" | jq -r .trace_id) -j |
	jq -e 'any(.spans[]; .name == \"r1 eth1\")'" || fail "no hops after the second up"
others_join

down
traffic_flows "after down"
sed 's/^client eth0 egress.*/client eth0 egress (bytecode)/; s/^client eth0 clsact:.*/client eth0 clsact: yes/' \
	"$tmp/bare" >"$tmp/expected"
hooks >"$tmp/down-once"
diff "$tmp/expected" "$tmp/down-once" || fail "hooks after down"
[ ! -e "$HOPSPAN_BPFFS" ] || fail "left in the BPF filesystem: $(find "$HOPSPAN_BPFFS")"

down
hooks >"$tmp/down-twice"
diff "$tmp/expected" "$tmp/down-twice" || fail "hooks after the second down"
traffic_flows "after the second down"
echo "$after"
