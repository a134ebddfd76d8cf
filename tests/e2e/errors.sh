#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Bad calls say what is wrong, in a line that names it, and exit 1 (failed) or 2 (misuse); help fits a terminal; -j is JSON.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
need jq
need setpriv

# says STATUS TEXT COMMAND...: exits so, and stderr has TEXT.
says() {
	local expected=$1 text=$2 status=0
	shift 2
	timeout 20 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
	[ "$status" = "$expected" ] || fail "$*: exit status $status, expected $expected; it said: $(cat "$tmp/err")"
	[ -z "$text" ] || grep -qF -- "$text" "$tmp/err" || fail "$*: no \"$text\" in: $(cat "$tmp/err")"
}

# misuse and failed: the wrong thing, then hopspan's words. Nothing is printed as a result.
misuse() { says 2 "$1" "$hopspan" "${@:2}" && same "stdout of ${*:2}" "" "$(cat "$tmp/out")"; }
failed() { says 1 "$1" "$hopspan" "${@:2}" && same "stdout of ${*:2}" "" "$(cat "$tmp/out")"; }
nobody() { says 1 "$1" setpriv --reuid=65534 --regid=65534 --clear-groups "$hopspan" "${@:2}"; }

wrong_words() {
	misuse "usage: hopspan"
	misuse 'no object "hots"' hots up
	misuse 'no verb "upp"' host upp dev lo
	misuse "hopspan host down" host
	misuse "which device?" host up
	misuse "which device?" router up
	misuse "dev: a value is missing" host up dev
	misuse 'unknown word "provd"' host up dev lo provd ::/0
	misuse "proved 10.0.0.0/8: not an IPv6 prefix" host up dev lo proved 10.0.0.0/8
	misuse "proved fd00::/129: not an IPv6 prefix" host up dev lo proved fd00::/129
	misuse "proved fd00::/: not an IPv6 prefix" host up dev lo proved fd00::/
	misuse "way slow: it is one of auto" host up dev lo way slow
	misuse "via smoke: it is one of auto, xdp, tc" router up dev lo via smoke
	misuse "via smoke: it is one of auto, xdp, tc" host up dev lo via smoke
	misuse "node-id 0x1000000" router up dev lo node-id 0x1000000
	misuse "which device?" border up
	misuse "in: a value is missing" border up dev lo in
	misuse "in leave: it is one of strip, strip-ioam, drop, allow" border up dev lo in leave
	misuse "out drop 10.0.0.0/8: not an IPv6 prefix" border up dev lo out drop 10.0.0.0/8
	misuse "in drop fd00::/8: it was said to be otherwise" border up dev lo in strip fd00::/8 in drop fd00::/8
	misuse "in drop: it was said to be otherwise" border up dev lo in strip out drop in drop
	misuse 'unknown word "order"' border up dev lo order first
	misuse 'unknown word "x"' status x
	misuse 'unknown word "foo"' collect foo
	misuse "nodes: a value is missing" collect nodes
	misuse "metrics: a value is missing" collect metrics
	misuse "kafka: a value is missing" collect kafka
	misuse "are of kafka BROKERS, which is missing" collect topic spans
	misuse "ID is missing" trace show
	misuse '"xyz" is not hex' trace show xyz
	misuse 'no word "cd"' trace show ab cd
	misuse 'limit "x"' trace list limit x
	misuse "FILE.pcap is missing" decode
	misuse "--color is auto, always or never" --color purple status
}

# things_missing: what is named is not there, or is something else.
things_missing() {
	failed "nope: no such device" host up dev nope
	failed "nope: no such device" router up dev nope
	failed "nope: no such device" border up dev nope
	failed "no store at $tmp/none.db" trace list store "$tmp/none.db"
	failed "no store at $tmp/none.db" trace show ab store "$tmp/none.db"
	[ ! -e "$tmp/none.db" ] || fail "a reading verb made a store"
	failed "$top/Makefile: file is not a database" trace list store "$top/Makefile"
	failed "Makefile: unknown file format" decode "$top/Makefile"
	failed "/dev/null" decode /dev/null
	failed "$tmp/none.pcap: No such file or directory" decode "$tmp/none.pcap"
	failed "$tmp/none.yaml: No such file or directory" collect nodes "$tmp/none.yaml" store "$tmp/x.db"
	failed "/proc/none/store.db" collect store /proc/none/store.db
}

# nodes_broken TEXT YAML: the place in the file is told: line and column.
nodes_broken() {
	printf '%s\n' "$2" >"$tmp/nodes.yaml"
	failed "$tmp/nodes.yaml:$1" collect nodes "$tmp/nodes.yaml" store "$tmp/x.db"
	failed "$tmp/nodes.yaml:$1" decode "$tmp/empty.pcap" nodes "$tmp/nodes.yaml"
}

broken_nodes() {
	printf '\324\303\262\241\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0' >"$tmp/empty.pcap"
	says 0 "" "$hopspan" decode "$tmp/empty.pcap"
	nodes_broken "1:9: node: a number" "- node: x"
	nodes_broken '2:9: role: host | router, not "king"' $'- node: 1\n  role: king'
	nodes_broken '2:3: no such key: "colour"' $'- node: 1\n  colour: red'
	nodes_broken "1:1: a list of nodes is expected" "foo"
	nodes_broken "3:1: " $'- node: 1\n  interfaces: {1: eth0'
}

wrong_kafka() {
	local at=(collect listen 127.0.0.1:0 metrics off store "$tmp/x.db" kafka 127.0.0.1:1)
	if ! ldd "$hopspan" | grep -q librdkafka; then
		failed "built without Kafka" "${at[@]}"
		return
	fi
	failed '"a b" is no name of a topic' "${at[@]}" topic "a b"
	failed 'property foo: No such configuration property' "${at[@]}" property foo=bar
	failed 'property acks: KEY=VALUE is wanted' "${at[@]}" property acks
	failed "must be set to \`all\` when" "${at[@]}" property acks=1
	failed "property transactional.id: spans are sent without" "${at[@]}" property transactional.id=x
	failed "$tmp/none: No such file or directory" "${at[@]}" properties "$tmp/none"
	printf '# ours\n\nclient.id = x\nsasl.password\n' >"$tmp/kafka.properties"
	failed "$tmp/kafka.properties:4: sasl.password: KEY=VALUE is wanted" "${at[@]}" properties "$tmp/kafka.properties"
}

addresses() {
	failed "listen 127.0.0.1:99999: not an address and port" collect listen 127.0.0.1:99999 store "$tmp/x.db"
	failed "listen localhost: not an address and port" collect listen localhost store "$tmp/x.db"
	failed "listen $TOPOLOGY-none/127.0.0.1:4319: No such file" \
		collect listen "$TOPOLOGY-none/127.0.0.1:4319" store "$tmp/x.db"
	failed "metrics localhost: not an address and port" collect listen 127.0.0.1:0 metrics localhost store "$tmp/x.db"
	failed "not a URL like http://127.0.0.1:4318" collect otlp nonsense listen 127.0.0.1:0 store "$tmp/x.db"
	failed "named twice" collect otlp http://127.0.0.1:1 otlp http://127.0.0.1:1 listen 127.0.0.1:0 store "$tmp/x.db"
	failed "listen $(netns client)/127.0.0.1:4319: the port is taken by another process" \
		collect listen "$(netns client)/127.0.0.1:4319" store "$tmp/x.db"
}

not_root() {
	local words
	for words in "host up dev lo" "host down" "host show" "router up dev lo" "router down" "router show" \
		"border up dev lo" "border down" "border show" status; do
		# shellcheck disable=SC2086 # words
		nobody "not root" $words
	done
}

# Another machine: a veth pair, IPv6 switched off, no ids configured.
without_ipv6() {
	echo "interfaces: {}" >"$tmp/node.yaml"
	HOPSPAN_NODE_YAML=$tmp/node.yaml unshare -n bash -eu >"$tmp/out" 2>"$tmp/err" <<-END || fail "no IPv6: $(cat "$tmp/err")"
		sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
		ip link add ve0 type veth peer name ve1
		"$hopspan" host up dev ve0 proved ::/0
		! "$hopspan" router up dev ve1 || exit 1
		"$hopspan" router up dev ve1 node-id 7
		"$hopspan" host down
		"$hopspan" router down
	END
	grep -qx "hopspan host up: ve0: IPv6 is switched off there (.*)" "$tmp/err" || fail "no word of IPv6: $(cat "$tmp/err")"
	grep -qx "hopspan router up: ve1: IPv6 is switched off there (.*)" "$tmp/err" || fail "no word of IPv6: $(cat "$tmp/err")"
	grep -q "which node is this? node-id N, or node.yaml" "$tmp/err" || fail "a router without an id: $(cat "$tmp/err")"
}

# verbs: every command's words, as the overview lists them.
verbs() { "$hopspan" --help | sed -n 's/^  \([a-z]\+\) \+\(up\|down\|show\|list\)\? .*/\1 \2/p'; }

help_fits() {
	local words
	[ "$(verbs | wc -l)" -ge 11 ] || fail "the overview lists only: $(verbs | xargs)"
	while read -r words; do
		# shellcheck disable=SC2086 # words
		says 0 "" "$hopspan" $words --help
		# shellcheck disable=SC2086
		grep -q "^usage: hopspan $words" "$tmp/out" || fail "$words --help: $(cat "$tmp/out")"
		! grep -E '.{81}' "$tmp/out" || fail "$words --help is wider than 80 columns"
	done < <(verbs)
	says 0 "" "$hopspan" --help
	! grep -E '.{81}' "$tmp/out" || fail "--help is wider than 80 columns"
}

# json_of NODE WORDS...: with -j, one JSON value or one per line.
json_of() {
	node_exec "$1" "$hopspan" -j "${@:2}" >"$tmp/json" 2>"$tmp/err" || fail "-j ${*:2}: $(cat "$tmp/err")"
	jq -es 'length > 0' "$tmp/json" >/dev/null || fail "-j ${*:2} is no JSON: $(head -c 300 "$tmp/json")"
}

reading_verbs() {
	json_of client host show
	json_of r1 router show
	json_of client router show
	json_of client status
	json_of client trace list
	json_of client trace show "$1"
	json_of client decode "$tmp/way.pcap"
	json_of client decode "$tmp/way.pcap" nodes "$state/nodes.yaml"
}

wrong_words
things_missing
broken_nodes
not_root
without_ipv6
help_fits

line_up
collect_start
cart_start
addresses
wrong_kafka
capture_start r1 way ip6
shop_run 3 5 --ids "$tmp/ids"
capture_stop way
stop cart
stop collect
failed 'no trace begins with "0123456789abcdef0123456789abcdef"' trace show 0123456789abcdef0123456789abcdef
reading_verbs "$(tail -n 1 "$tmp/ids" | jq -r .trace_id)"
