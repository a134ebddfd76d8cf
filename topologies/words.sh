# shellcheck shell=bash disable=SC2154
# The verbs and words that all topologies have. Sourced by each after lib.sh; it says
#
#   nodes=(...)           all of them; client and server are among them
#   place=([NODE]=KIND)   what is on the way
#   two_ports=(NODE...)   the places where the DPDK forwarder can join two ports, beside those where it routes
#   topology_build        makes it
#   topology_run          runs more on it once packets get through (if it is there)

kinds="kernel xdp tc dpdk dpdk-router silent"
ways=() # what is to be made worse once packets get through

# topology_help: the head of the topology's file, and the words of all.
topology_help() {
	local all
	all=$(places)
	sed -n '2,/^[^#]/{/^# shellcheck/d; s/^# \{0,1\}//p}' "$0"
	cat <<-END

		${0##*/} up [WORDS] | down | exec NODE COMMAND... | env | --help

		\$TOPOLOGY is its name (hopspan), so that several can be up. WORDS:
		  place NODE KIND        what is at NODE (${all// /, }):
		                         ${kinds// /, }
		  tbf NODE DEV RATE      a bottleneck where packets leave by DEV: 12mbit
		  htb NODE DEV RATE      the same, made with another qdisc
		  loss NODE DEV PERCENT  lose some of the packets that leave by DEV
		  loss-options NODE DEV PERCENT
		                         lose only those with IPv6 hop-by-hop options
		  clock NODE NS          its clock is so many ns ahead (less than 0: behind)
		Nodes: ${nodes[*]}
	END
}

# The nodes that are places, in order.
places() {
	local node
	for node in "${nodes[@]}"; do [ -z "${place[$node]:-}" ] || echo "$node"; done | xargs
}

misuse() {
	echo "${0##*/}: $* (${0##*/} --help)" >&2
	exit 2
}

is_one_of() {
	local one
	for one in "${@:2}"; do [ "$one" != "$1" ] || return 0; done
	return 1
}

is_kind() { [[ " $kinds " == *" $1 "* ]]; }

# want COUNT WORD VALUE...: there are so many values, the first one a node.
want() {
	[ $# -ge $(($1 + 2)) ] || misuse "$2: ${1} values are wanted"
	is_one_of "$3" "${nodes[@]}" || misuse "$2 $3: no such node: ${nodes[*]}"
}

word_place() {
	[ -n "${place[$1]:-}" ] || misuse "place $1: it is none: $(places)"
	is_kind "$2" || misuse "place $1 $2: it is one of ${kinds// /, }"
	[ "$2" != dpdk ] || is_one_of "$1" "${two_ports[@]}" ||
		misuse "place $1 dpdk: the forwarder joins two ports, $1 has to route (dpdk-router)${two_ports:+; it can be at ${two_ports[*]}}"
	place[$1]=$2
}

word_shaper() {
	[[ $4 =~ ^[0-9]+(\.[0-9]+)?[kmg]?bit$ ]] || misuse "$1 $2 $3 $4: a rate like 12mbit is wanted"
	ways+=("bottleneck $2 $3 $4 $1")
}

word_loss() {
	[[ $4 =~ ^(100|[0-9]{1,2}(\.[0-9]{1,2})?)$ ]] || misuse "$1 $2 $3 $4: percent, 0.01 to 100"
	[ "$1" = loss ] && ways+=("loss $2 $3 $4") || ways+=("loss $2 $3 $4 options")
}

word_clock() {
	[[ $2 =~ ^-?[0-9]+$ ]] || misuse "clock $1 $2: a number of ns is wanted"
	clock[$1]=$2
}

words_parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		place) want 2 "$@" && word_place "$2" "$3" && shift 3 ;;
		clock) want 2 "$@" && word_clock "$2" "$3" && shift 3 ;;
		tbf | htb) want 3 "$@" && word_shaper "${@:1:4}" && shift 4 ;;
		loss | loss-options) want 3 "$@" && word_loss "${@:1:4}" && shift 4 ;;
		*) misuse "unknown word \"$1\"" ;;
		esac
	done
	clocks_check
}

# Stock kernels have the machine's clock.
clocks_check() {
	local node
	for node in "${!clock[@]}"; do
		[[ ! ${place[$node]:-} =~ ^(kernel|silent)$ ]] ||
			misuse "clock $node: of ${place[$node]} it is the machine's; hosts, xdp, tc and dpdk, dpdk-router can have their own"
	done
}

# What is to be made worse names devices that are there.
ways_check() {
	local words
	for words in "${ways[@]}"; do
		# shellcheck disable=SC2086 # words
		set -- $words
		ip -n "$(netns "$2")" link show "$3" >/dev/null 2>&1 ||
			die "$1 $2 $3: no such device: $(node_exec "$2" ls /sys/class/net | grep -v lo | xargs)"
	done
}

# A refused connection came back from the server: every node passes packets.
reaches() {
	local answer
	answer=$(node_exec client timeout 1 bash -c "exec 3<>/dev/tcp/$server/9" 2>&1) || [[ $answer == *refused* ]]
}

# What could not be made whole is taken down.
topology_up_end() {
	[ "$1" -eq 0 ] || topology_down
	exit "$1"
}

topology_up() {
	local words
	topology_check
	topology_begin
	trap 'topology_up_end $?' EXIT
	trap 'exit 1' INT TERM
	node_add "${nodes[@]}"
	topology_build
	ways_check
	wait_for "packets to reach the server" reaches
	# shellcheck disable=SC2086 # words
	for words in "${ways[@]}"; do $words; done
	! declare -F topology_run >/dev/null || topology_run
}

topology_must_be_up() { [ -e "$state/cgroup" ] || die "$TOPOLOGY is not up: ${0##*/} up"; }

topology_exec() {
	topology_must_be_up
	[ $# -ge 2 ] || misuse "exec NODE COMMAND...: the nodes are $(xargs <"$state/nodes")"
	grep -qx -- "$1" "$state/nodes" || misuse "exec $1: no such node: $(xargs <"$state/nodes")"
	node_exec "$@"
}

topology_env() {
	topology_must_be_up
	echo "export TOPOLOGY=$TOPOLOGY HOPSPAN_BPFFS=$HOPSPAN_BPFFS HOPSPAN_STORE=$HOPSPAN_STORE" \
		"HOPSPAN_CGROUP=$(cat "$state/cgroup")"
}

topology_main() {
	local verb=${1:-}
	[ $# -eq 0 ] || shift
	case $verb in
	up)
		words_parse "$@"
		topology_up
		;;
	down | env)
		[ $# -eq 0 ] || misuse "$verb: unknown word \"$1\""
		"topology_$verb"
		;;
	exec) topology_exec "$@" ;;
	--help | -h) topology_help ;;
	"") misuse "up, down, exec or env?" ;;
	*) misuse "no verb \"$verb\"" ;;
	esac
}
