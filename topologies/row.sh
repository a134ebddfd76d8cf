# shellcheck shell=bash disable=SC2034,SC2154
# Places in a row between two devices. Sourced by the topologies that have such, after words.sh.

# row NEAR DEV FAR DEV "NETWORK..." NODE...: a chain of places between two devices. The networks (a /64 without its
# "::") lie between those that route, ::1 on the side of NEAR. Between client and server each place knows both ways.
row() {
	local end=("$1" "$2") router=("$1" "$2") far=("$3" "$4") network=0 node networks
	read -ra networks <<<"$5"
	for node in "${@:6}"; do
		if [ "${place[$node]}" = dpdk ]; then
			row_link "${end[@]}" "$node" port0
			end=("$node" port1)
			continue
		fi
		row_link "${end[@]}" "$node" eth0
		row_network "${networks[network]}" "${router[@]}" "$node" eth0
		network=$((network + 1))
		forward "$node"
		end=("$node" eth1) router=("$node" eth1)
	done
	row_link "${end[@]}" "${far[@]}"
	row_network "${networks[network]}" "${router[@]}" "${far[@]}"
	row_routes "${networks[*]}" "${@:6}"
}

# row_routes "NETWORK..." NODE...: the neighbours on both sides are there by now.
row_routes() {
	local network=0 node networks
	read -ra networks <<<"$1"
	for node in "${@:2}"; do
		[ "${place[$node]}" != dpdk ] || continue
		row_route "$node" fd68:73:1 "${networks[network]}" 1
		network=$((network + 1))
		row_route "$node" fd68:73:3 "${networks[network]}" 2
	done
}

row_link() {
	link_add "$@"
	[ "${place[$1]:-}" != dpdk ] || dpdk_facing "$3" "$4"
	[ "${place[$3]:-}" != dpdk ] || dpdk_facing "$1" "$2"
}

row_network() {
	address_add "$2" "$3" "$1::1/64"
	address_add "$4" "$5" "$1::2/64"
}

# row_route NODE TO NETWORK SIDE: to the network TO by the neighbour in NETWORK, unless NODE is in it.
row_route() { [ "$2" = "$3" ] || route_add "$1" "$2::/64" "$3::$4"; }

# row_networks FIRST MIDDLE LAST NODE...: as many as the row needs; a single one is LAST.
row_networks() {
	local first=$1 middle=$2 last=$3 node count=0
	for node in "${@:4}"; do
		[ "${place[$node]}" != dpdk ] || continue
		case $count in
		0) printf '%s ' "$first" ;;
		1) printf '%s ' "$middle" ;;
		*) printf '%s:%x ' "$middle" $((count - 1)) ;;
		esac
		count=$((count + 1))
	done
	echo "$last"
}

# row_up FIRST_ID NODE...: what runs on a row's places, ids in their order.
row_up() {
	local id=$1 node
	for node in "${@:2}"; do
		case ${place[$node]} in
		dpdk) router_up "$node" "$id" port0 port1 ;;
		*) router_up "$node" "$id" eth0 eth1 ;;
		esac
		id=$((id + 1))
	done
}

# A topology that is one row from client to server: KIND words, or else those of row_kinds, say how long it is.
row_main() {
	local verb=${1:-} given=() i
	[ $# -eq 0 ] || shift
	while [ "$verb" = up ] && is_kind "${1:-none}"; do
		given+=("$1")
		shift
	done
	[ ${#given[@]} -eq 0 ] || row_kinds=("${given[@]}")
	[ ${#row_kinds[@]} -le 8 ] || misuse "${#row_kinds[@]} places: 8 at most"
	row_nodes=()
	for ((i = 1; i <= ${#row_kinds[@]}; i++)); do
		row_nodes+=("r$i")
		place["r$i"]=${row_kinds[i - 1]}
	done
	nodes=(client "${row_nodes[@]}" server)
	two_ports=("${row_nodes[@]}")
	topology_main ${verb:+"$verb"} "$@"
}

# One row: the next hops of its ends are known from its networks. Packets have room for 4 nodes if nobody says more.
topology_build() {
	local networks room=()
	networks=$(row_networks fd68:73:1 fd68:73:2 fd68:73:3 "${row_nodes[@]}")
	row client eth0 server eth0 "$networks" "${row_nodes[@]}"
	[ "$networks" = "${networks% *}" ] || row_ends
	[ ${#row_nodes[@]} -le 5 ] || room=(hops ${#row_nodes[@]})
	host_up client 1 "${room[@]}"
	host_up server $((${#row_nodes[@]} + 2)) "${room[@]}"
	row_up 2 "${row_nodes[@]}"
}

row_ends() {
	route_add client default fd68:73:1::2
	route_add server default fd68:73:3::1
}
