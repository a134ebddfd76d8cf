# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Sourced by the tests of the forwarder: a directory that goes with the test, waiting for conditions, counters.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
forwarder=$here/../../build/hopspan-dpdk
dir=$(mktemp -d)
undo=() # commands for the end, the last one first

at_exit() {
	local status=$?
	for ((i = ${#undo[@]} - 1; i >= 0; i--)); do eval "${undo[i]}"; done
	rm -rf "$dir"
	exit $status
}
trap at_exit EXIT
trap 'exit 1' INT TERM

skip() {
	echo "$*"
	exit 77
}

fail() {
	echo "FAILED: $*"
	for file in "$dir"/*.err; do [ -s "$file" ] && sed "s|^|$(basename "$file"): |" "$file"; done
	exit 1
}

need() {
	[ -x "$forwarder" ] || skip "no build/hopspan-dpdk"
	local program
	for program; do command -v "$program" >/dev/null || skip "no $program here"; done
}

# wait_for WHAT COMMAND...: until it succeeds, at most half a minute.
wait_for() {
	local what=$1 try
	shift
	for ((try = 0; try < 300; try++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	fail "waited in vain for $what"
}

equal() { # WHAT WANTED SEEN
	[ "$2" = "$3" ] || fail "$1: wanted
$2
seen
$3"
}

# The counter NAME in the table that the forwarder printed to FILE.
counter() { awk -v name="$2" '$1 == name { print $2; found = 1 } END { if (!found) print 0 }' "$1"; }

# The counter NAME of the running forwarder PID, from DPDK's telemetry.
telemetry() {
	echo /hopspan/counters | dpdk-telemetry.py -f "hopspan-dpdk-$1" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["/hopspan/counters"][sys.argv[1]])' "$2"
}

has_counted() { [ "$(telemetry "$1" "$2")" = "$3" ]; }

ends_well() { # PID
	kill -TERM "$1"
	wait "$1"
	equal "exit status after SIGTERM" 0 $?
	[ ! -e "/var/run/dpdk/hopspan-dpdk-$1" ] || fail "/var/run/dpdk/hopspan-dpdk-$1 is left"
}
