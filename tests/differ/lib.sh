# shellcheck shell=bash
# Ground under the tests against the kernel's IOAM: routers that are told the same, between two ends of a lab without
# addresses, which sends and takes frames raw.
#
#   . "$(dirname "$0")/lib.sh"
#   self=(NODE WIDE IN IN_WIDE OUT OUT_WIDE)   ids of the node, of `in` and `out`
#   namespaces=("NUMBER TIME DATA DATA_WIDE [SCHEMA_ID SCHEMA]" ...)   its IOAM namespaces; a schema is text, in words
#   lab_up
#
#                 +-- in   router kernel  out --+     ioam6_enabled
#                 +-- off  (the same)         --+     not enabled there: what Linux does and drops by itself
#   lab, raw -----+-- in   router xdp     out --+---- lab, raw
#                 +-- off  (the same)         --+     hopspan listens at `out` alone
#                 +-- in   router tc      out --+
#                 +-- off  (the same)         --+
# shellcheck source-path=SCRIPTDIR source=../e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

near=02:68:00:00:00:01 far=02:68:00:00:00:03 mtu=3000
# shellcheck disable=SC2034 # the includer's
cpu=$(taskset -cp $$ | sed 's/.*[ ,-]//') # one processor keeps all in order

# wire ROUTER DEV NUMBER: the lab's end is ROUTER-DEV.
wire() {
	link_add lab "$1-$2" "$1" "$2"
	ip -n "$(netns lab)" link set "$1-$2" mtu $mtu addrgenmode none
	ip -n "$(netns "$1")" link set "$2" mtu $mtu address "$3"
}

# One that forwards all to the lab, whoever it is from.
router_add() {
	local router=$1
	node_add "$router"
	forward "$router"
	wire "$router" in $near
	wire "$router" off $near
	wire "$router" out 02:68:00:00:00:04
	ip -n "$(netns "$router")" -6 route add fd68:7465::/32 via fe80::1 dev out
	ip -n "$(netns "$router")" neigh replace fe80::1 lladdr $far dev out nud permanent
}

# shellcheck disable=SC2154 # self and namespaces are the includer's
kernel_up() {
	local ns namespace number data wide schema text
	ns=$(netns kernel)
	node_exec kernel sysctl -qw net.ipv6.ioam6_id=$((self[0])) net.ipv6.ioam6_id_wide=$((self[1])) \
		net.ipv6.conf.in.ioam6_enabled=1 \
		net.ipv6.conf.in.ioam6_id=$((self[2])) net.ipv6.conf.in.ioam6_id_wide=$((self[3])) \
		net.ipv6.conf.out.ioam6_id=$((self[4])) net.ipv6.conf.out.ioam6_id_wide=$((self[5])) ||
		skip "this kernel has no IOAM"
	for namespace in "${namespaces[@]}"; do
		read -r number _ data wide schema text <<<"$namespace"
		ip -n "$ns" ioam namespace add "$number" data "$data" wide "$wide" || skip "no namespaces of IOAM here"
		[ -n "$schema" ] || continue
		ip -n "$ns" ioam schema add $((schema)) "$text"
		ip -n "$ns" ioam namespace set "$number" schema $((schema))
	done
}

# shellcheck disable=SC2154 # here, too
hopspan_up() {
	local namespace number time data wide schema text
	cat >"$tmp/node.yaml" <<-END
		node_id: ${self[0]}
		node_id_wide: ${self[1]}
		interfaces:
		  in: {id: ${self[2]}, id_wide: ${self[3]}}
		  out: {id: ${self[4]}, id_wide: ${self[5]}}
		  net_pcap0: {id: ${self[2]}, id_wide: ${self[3]}}
		  net_pcap1: {id: ${self[4]}, id_wide: ${self[5]}}
		namespaces:
	END
	for namespace in "${namespaces[@]}"; do
		read -r number time data wide schema text <<<"$namespace"
		printf '  %s: {time: %s, data: %s, data_wide: %s' "$number" "$time" "$data" "$wide"
		[ -z "$schema" ] || printf ', schema_id: %s, schema: "%s"' "$schema" "$(printf %s "$text" | od -An -v -tx1 | tr -d ' \n')"
		echo "}"
	done >>"$tmp/node.yaml"
	HOPSPAN_NODE_YAML=$tmp/node.yaml node_exec "$1" "$hopspan" router up dev in dev out via "$1"
}

lab_up() {
	local router
	topology_check
	topology_begin
	node_add lab
	node_exec lab sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	for router in kernel xdp tc; do router_add $router; done
	kernel_up
	hopspan_up xdp
	hopspan_up tc
}
