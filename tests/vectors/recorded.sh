#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The demo where no network can be made: the recorded run, named as that, through the collector to a waterfall whose
# verdict names the router that was congested. Nothing is left behind.
set -eu
cd "$(dirname "$0")/../.."
[ -x "${HOPSPAN:-build/hopspan}" ] || { echo "no build/hopspan: make first"; exit 1; }
command -v python3 >/dev/null || { echo "no python3"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
	echo "$*"
	cat "$folder/seen"
	exit 1
}

TMPDIR=$folder RECORDED=1 topologies/demo.sh >"$folder/seen" 2>&1 || fail "status $?"
for words in "a RECORDED run" "236 records" "32 application spans" "GET /checkout" "r1 eth1" "waiting in the queue of eth1" \
	"client > r1 xdp > r2 dpdk > r3 linux"; do
	grep -qF "$words" "$folder/seen" || fail "not said: $words"
done
[ "$(ls "$folder")" = seen ] || fail "left behind: $(ls "$folder")"
