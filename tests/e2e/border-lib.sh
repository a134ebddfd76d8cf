# shellcheck shell=bash
# outside - border router - server, in every test of a border. outside and server are hosts that stamp and have a sink.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need jq
need ethtool
here=$top/tests/e2e
outside=fd68:73:1::1

border() { node_exec border "$hopspan" border "$@"; }
up() { border up dev eth0 "$@" || fail "border up $*"; }
counts() { border -j show | jq -c ".[0].border_$1"; }
sink() { node_exec "$1" "$hopspan" -j host show | jq -c '.[0].sink'; }
mac() { node_exec "$1" cat "/sys/class/net/$2/address"; }

# What a sink met that was not of others: "" or names of counters.
met() { sink "$1" | jq -r 'del(.pass, .other_options, .xdp_took) | keys | join(" ")'; }

# forge NODE COUNT [ADDRESS]: datagrams with options of every kind to the other side; ADDRESS is outside.
forge() {
	if [ "$1" = outside ]; then
		node_exec outside python3 "$here/border.py" send eth0 "$(mac border eth0)" "${3:-$outside}" $server 7500 "$2"
	else
		node_exec server python3 "$here/border.py" send eth0 "$(mac border eth1)" $server "${3:-$outside}" 7500 "$2"
	fi || fail "sending from $1"
}

topology_check
topology_begin
kernel_log_mark
node_add outside border server
link_add outside eth0 border eth0
link_add border eth1 server eth0
address_add outside eth0 $outside/64
address_add border eth0 fd68:73:1::2/64
address_add border eth1 fd68:73:3::1/64
address_add server eth0 $server/64
route_add outside default fd68:73:1::2
route_add server default fd68:73:3::1
forward border
node_exec outside ping -c 1 -W 5 $server >/dev/null || fail "outside does not reach the server"
node_exec outside "$hopspan" host up dev eth0 proved ::/0 node-id 1
node_exec server "$hopspan" host up dev eth0 proved ::/0 node-id 5
