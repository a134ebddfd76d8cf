#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# `down` takes everything away: first hopspan's own, command by command, while packets go on flowing; then the topology.
# Other tests may run meanwhile: what is looked for are things of this topology, by its name or by their ids.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need bpftool
need jq

# programs NODE: ids of the BPF programs at its devices, tc and XDP.
programs() {
	local dev
	ip -n "$(netns "$1")" -j -d link show | jq -r '.[].xdp.prog.id // empty'
	for dev in $(ip -n "$(netns "$1")" -j link show | jq -r '.[].ifname'); do
		{ tc -n "$(netns "$1")" -j filter show dev "$dev" ingress; tc -n "$(netns "$1")" -j filter show dev "$dev" egress; } |
			jq -r '.. | objects | .prog.id? // empty'
	done | sort -un
}

# What is held by a link: on tcx, and at the tracepoint.
linked_programs() {
	local link
	for link in "$HOPSPAN_BPFFS"/netns/*/{tc_*,wait_xmit}; do
		[ ! -e "$link" ] || bpftool -j link show pinned "$link" | jq .prog_id
	done
}

cgroup_programs() { bpftool -j cgroup show "$1" | jq -r '.[]?.id'; }

# maps PROGRAM...: ids of the maps that these programs use.
maps() {
	local id
	for id; do bpftool -j prog show id "$id" | jq -r '.map_ids[]?'; done | sort -un
}

# none_of prog|map ID...: the kernel has none of them any more.
none_of() {
	local kind=$1 id
	shift
	for id; do ! bpftool "$kind" show id "$id" || return 1; done
}

# clean NODE: neither programs nor the qdisc that tc programs hang on.
clean() {
	[ -z "$(programs "$1")" ] || fail "programs are left on $1: $(programs "$1" | xargs)"
	same "clsact on $1" 0 "$(tc -n "$(netns "$1")" -j qdisc show | jq '[.[] | select(.kind == "clsact")] | length')"
}

# Huge pages in use that no process has mapped: what a forwarder would leave if it did not give them back.
pages_unowned() {
	local used owned
	used=$(awk '/^HugePages_Total/ { used += $2 } /^HugePages_Free/ { used -= $2 } END { print used }' /proc/meminfo)
	owned=$(cat /proc/[0-9]*/smaps_rollup 2>/dev/null | awk '/_Hugetlb/ { kb += $2 } END { print kb / 2048 }')
	echo $((used - owned))
}
pages_as_before() { [ "$(pages_unowned)" -le "$pages_before" ]; }

# Places that are shared between topologies: there afterwards only if they were before, or others use them.
unused() { [ -d "$1" ] && [ -z "$(ls -A "$1")" ]; }
shared_as_before() {
	[ "$run_before" = 1 ] || ! unused /run/hopspan || return 1
	[ "$bpffs_before" = 1 ] || ! grep -q ' /sys/fs/bpf bpf ' /proc/mounts || [ -n "$(ls -d /sys/fs/bpf/hopspan-*)" ]
}

reaches() {
	local answer
	answer=$(node_exec client timeout 5 bash -c "exec 3<>/dev/tcp/$server/$app_port" 2>&1) || [[ $answer == *refused* ]]
}

same "things of this name before" "" "$(named_here)"
pages_before=$(pages_unowned)
run_before=0 bpffs_before=0
[ ! -e /run/hopspan ] || run_before=1
! grep -q ' /sys/fs/bpf bpf ' /proc/mounts || bpffs_before=1

line_up
node_exec r1 "$hopspan" router up dev eth0 dev eth1 via xdp node-id 2 wait measured
collect_start
cart_start
background_start r1 eth1
node_exec server "$hopspan" border up dev eth0 in allow out allow
shop_run 20 5
[ "$(named_here | wc -l)" -ge 8 ] || fail "this test does not see what it looks for: $(named_here)"
mapfile -t programs < <(for node in client r1 server; do programs "$node"; done
	linked_programs; cgroup_programs "$HOPSPAN_CGROUP")
mapfile -t maps < <(maps "${programs[@]}")
mapfile -t processes < <(cat "$HOPSPAN_CGROUP/cgroup.procs" "$state/collect.pid")
[ ${#programs[@]} -ge 8 ] || fail "only ${#programs[@]} programs are seen: ${programs[*]}"
[ ${#maps[@]} -ge 8 ] || fail "only ${#maps[@]} maps are seen: ${maps[*]}"
[ ${#processes[@]} -ge 5 ] || fail "only ${#processes[@]} processes are seen: ${processes[*]}"
for id in "${programs[@]}"; do bpftool prog show id "$id" >/dev/null || fail "program $id is not seen"; done

# hopspan's own, with the collector still there
root_before=$(tc -n "$(netns r1)" -j qdisc show dev eth1 root | jq -c '.[0] | {kind, options}')
node_exec client "$hopspan" host down
node_exec server "$hopspan" host down
node_exec server "$hopspan" border down
node_exec r1 "$hopspan" router down
for node in client r1 server; do clean "$node"; done
same "programs on the cgroup" "" "$(cgroup_programs "$HOPSPAN_CGROUP" | xargs)"
same "root qdisc of r1 eth1" "$root_before" "$(tc -n "$(netns r1)" -j qdisc show dev eth1 root | jq -c '.[0] | {kind, options}')"
wait_for "programs to be gone" none_of prog "${programs[@]}" || fail "programs are left: ${programs[*]}"
reaches || fail "without hopspan packets do not reach the server"
shop_run 5 5

topology_down
same "things of this name afterwards" "" "$(named_here)"
for pid in "${processes[@]}"; do
	gone "$pid" || fail "process $pid is left: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
done
wait_for "maps to be gone" none_of map "${maps[@]}" || fail "maps are left: ${maps[*]}"
wait_for "huge pages to be given back" pages_as_before || fail "huge pages are left: $(pages_unowned), before $pages_before"
wait_for "shared places to be as before" shared_as_before ||
	fail "left and empty: $(ls -ld /run/hopspan /sys/fs/bpf; grep ' /sys/fs/bpf ' /proc/mounts)"
