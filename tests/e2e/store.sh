#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The store in bad times: a disk that is full, and has room again; a file that is damaged; one of an older version; limits
# of age and size; searches.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
# shellcheck source=jaeger-lib.sh
. "$top/tests/e2e/jaeger-lib.sh"
# shellcheck source=otlp-lib.sh
. "$top/tests/e2e/otlp-lib.sh"
need jq
need curl

sender=("$python" "$top/tests/e2e/sender.py")
said() { grep -qF "$1" "$state/collect.log"; }
traces() { "$hopspan" -j trace list limit 1000 "$@" | jq length; }
metric_above() { [ "$(metric "$1")" -gt "$2" ]; }

full_disk() {
	mkdir "$tmp/small"
	mount -t tmpfs -o size=2m tmpfs "$tmp/small"
	trap 'status=$?; umount -l "$tmp/small"; test_end $status' EXIT
	export HOPSPAN_STORE=$tmp/small/store.db
	receiver_start
	door_start otlp "$receiver"
	send "${sender[@]}" 2 10
	each_once "room on the disk"
	! dd if=/dev/zero of="$tmp/small/filler" bs=4k 2>/dev/null || fail "the file system has no end"
	send "${sender[@]}" 100 50 # more than SQLite's log has room for
	said "sent on, but not kept" || fail "a full disk is not said: $(cat "$state/collect.log")"
	each_once "no room"
	same "health" 503 "$(curl -s -o "$tmp/health" -w '%{http_code}' "$metrics_url/health")"
	rm "$tmp/small/filler"
	sleep 1 # it is not tried with each batch
	send "${sender[@]}" 1 10
	wait_for "the disk to be written again" said "can be written again"
	each_once "room again"
	wait_for "all spans in the store" stored_as_sent
	same "spans not kept" 0 "$(metric hopspan_store_unkept_spans_total)"
	door_stop
	stop receiver
	umount "$tmp/small"
	trap 'test_end $?' EXIT
	export HOPSPAN_STORE=$tmp/store.db
}

damaged() {
	: >"$tmp/sent"
	door_start
	send "${sender[@]}" 3 10
	door_stop
	head -c 4000 /dev/urandom | dd of="$HOPSPAN_STORE" bs=1 seek=100 conv=notrunc 2>/dev/null
	: >"$tmp/sent"
	door_start
	said "set aside as $HOPSPAN_STORE.damaged-" || fail "damage is not said: $(cat "$state/collect.log")"
	send "${sender[@]}" 2 10
	wait_for "spans in the new file" stored_as_sent
	same "files set aside" 1 "$(find "$tmp" -name 'store.db.damaged-*Z' | wc -l)"
	door_stop
	# somebody else's file stays where it is
	echo "not a database, and long enough to be looked at: nobody may touch this" >"$tmp/letter"
	! "$hopspan" collect store "$tmp/letter" metrics off 2>"$tmp/errors" || fail "any file will do as a store"
	grep -q "not touch this\|may touch this" "$tmp/letter" || fail "a file of others was changed"
}

limits() {
	rm -f "$tmp"/store.db*
	: >"$tmp/sent"
	door_start size 300k
	send "${sender[@]}" 60 50
	wait_for "old spans to leave" metric_above hopspan_store_expired_spans_total 0
	same "spans that left unsent, to nobody" 0 "$(metric hopspan_store_expired_unsent_total)"
	door_stop
	[ "$(traces)" -lt 60 ] || fail "all traces are still there"
	[ "$(traces)" -gt 0 ] || fail "no trace is left"
	door_start age 1s
	wait_for "all to leave by age" no_traces
	door_stop
	error=$("$hopspan" collect age soon 2>&1) && fail "any age will do"
	grep -qF 'age "soon" is no time' <<<"$error" || fail "it says: $error"
	error=$("$hopspan" collect size big 2>&1) && fail "any size will do"
	grep -qF 'size "big" is none' <<<"$error" || fail "it says: $error"
}

no_traces() { [ "$(traces)" -eq 0 ]; }

search() {
	rm -f "$tmp"/store.db*
	: >"$tmp/sent"
	door_start
	send env OTEL_SERVICE_NAME=shop "${sender[@]}" 2 3
	send env OTEL_SERVICE_NAME=cart "${sender[@]}" 1 3
	wait_for "traces" three_traces
	door_stop
	same "traces of shop" 2 "$(traces service shop)"
	same "traces of nobody" 0 "$(traces service shopping)"
	same "traces of the last hour" 3 "$(traces since 1h)"
	same "traces of before" 0 "$(traces until 1h)"
	same "traces of 2020 and since" 3 "$(traces since 2020-01-01)"
	same "traces of a minute" 0 "$(traces longer 1m)"
	same "traces of less than a minute" 3 "$(traces shorter 1m)"
	same "traces that met a queue" 0 "$(traces queue 1k)"
	same "traces by r1" 0 "$(traces node r1)"
	error=$("$hopspan" trace list longer much 2>&1) && fail "any duration will do"
	grep -qF 'longer "much" is no duration' <<<"$error" || fail "it says: $error"
}

three_traces() { [ "$(traces)" -eq 3 ]; }

otlp_begin
full_disk
damaged
limits
search
