#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# hopspan decode on every kind of capture that it reads, and its errors: one vector in frames of each link.
set -eu
cd "$(dirname "$0")/../.."
hopspan=${HOPSPAN:-build/hopspan}

command -v python3 >/dev/null || { echo "no python3"; exit 77; }
[ -x "$hopspan" ] || { echo "no $hopspan: make first"; exit 1; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Writes $dir/NAME.pcap and what is to be printed, $dir/NAME.json.
PYTHONDONTWRITEBYTECODE=1 python3 tests/vectors/captures.py "$dir"

failed=0
fail() {
	echo "$*"
	failed=1
}

# same NAME WHAT WANTED SAW
same() {
	[ "$3" = "$4" ] || fail "$1: $2: wanted \"$3\", saw \"$4\""
}

for wanted in "$dir"/*.json; do
	name=$(basename "$wanted" .json)
	saw=$("$hopspan" decode "$dir/$name.pcap" 2>"$dir/errors") || fail "$name: status $?"
	same "$name" output "$(cat "$wanted")" "$saw"
	same "$name" errors "" "$(cat "$dir/errors")"
done
same stdin output "$(cat "$dir/ethernet.json")" "$("$hopspan" decode - <"$dir/ethernet.pcap")"

# error NAME STATUS OUTPUT ERRORS WORD...: the command with these words
error() {
	local name=$1 status=0 saw
	saw=$("$hopspan" decode "${@:5}" 2>"$dir/errors") || status=$?
	same "$name" status "$2" "$status"
	same "$name" output "$3" "$saw"
	same "$name" errors "$4" "$(sed "s|$dir/||g" "$dir/errors")"
}

printf 'this is no capture, whatever its name says, and long enough' >"$dir/text.pcap"
: >"$dir/empty.pcap"
printf -- '- {node: 1, name: a}\n- {node: 2, nmae: b}\n' >"$dir/typo.yaml"
head -c -7 "$dir/two.pcap" >"$dir/cut.pcap"
see="(see hopspan decode --help)"
error "no word" 2 "" "hopspan decode: FILE.pcap is missing $see"
error "bad word" 2 "" "hopspan decode: no word \"node\" $see" "$dir/two.pcap" node x
error "no nodes" 2 "" "hopspan decode: nodes: FILE is missing $see" "$dir/two.pcap" nodes
error "no file" 1 "" "none.pcap: No such file or directory" "$dir/none.pcap"
error "no capture" 1 "" "text.pcap: unknown file format" "$dir/text.pcap"
error "empty" 1 "" "empty.pcap: truncated dump file; tried to read 4 file header bytes, only got 0" "$dir/empty.pcap"
error "no node list" 1 "" "none.yaml: No such file or directory" "$dir/two.pcap" nodes "$dir/none.yaml"
error "bad node list" 1 "" 'typo.yaml:2:13: no such key: "nmae"' "$dir/two.pcap" nodes "$dir/typo.yaml"
error "link" 1 "" "usb.pcap: no way to read packets of link type 189 (USB_LINUX)" "$dir/usb.pcap"
error "cut" 1 "$(head -n 1 "$dir/two.json")" \
	"cut.pcap: truncated dump file; tried to read 246 captured bytes, only got 239" "$dir/cut.pcap"
error "malformed" 0 "$(cat "$dir/ethernet.json")" "bad.pcap: malformed packets: 2 bad_padding, 1 bad_node_len" \
	"$dir/bad.pcap"
if [ -c /dev/full ]; then
	status=0
	"$hopspan" decode "$dir/two.pcap" >/dev/full 2>"$dir/errors" || status=$?
	same "full disk" status 1 "$status"
	same "full disk" errors "standard output: No space left on device" "$(cat "$dir/errors")"
fi
exit $failed
