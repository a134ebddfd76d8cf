#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Spans through a real broker and Jaeger's ingester: each once and as it was sent, though both are killed under load,
# messages are larger than the broker takes, and a password is wrong at first.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=jaeger-lib.sh
. "$top/tests/e2e/jaeger-lib.sh"
# shellcheck source=kafka-lib.sh
. "$top/tests/e2e/kafka-lib.sh"
need curl
jaeger_need
kafka_need

traces=${TRACES:-1500}
spans=50 # of a trace
rate=100 # traces a second: 5000 spans
small=message.max.bytes=6000 # several to a trace, so that many are under way
KAFKA_PROPERTIES=message.max.bytes=262144

kafka_py() { "$python" "$top/tests/e2e/kafka.py" "$@"; }

value() {
	curl -sf --max-time 10 "http://127.0.0.1:$((door + 1))/metrics" >"$tmp/page" &&
		python3 "$top/tests/e2e/metrics.py" value "$tmp/page" "$@"
}
value_is() { [ "$(value "${@:2}")" = "$1" ]; }
value_above() { [ "$(value "${@:2}")" -gt "$1" ]; }

send() { kafka_py send "http://127.0.0.1:$door/v1/traces" "$@"; }

# Said, counted, and nothing is lost: with the right password the same spans go.
wrong_password() {
	collector kafka "$(kafka_secure)" properties "$tmp/kafka/client.properties" property sasl.password=wrong
	wait_for "the broker's refusal" grep -q "uthentication failed" "$state/collect.log"
	send 0 1 "$spans" "$rate"
	value_is 1 hopspan_export_failing || fail "the refusal is not shown"
	value_is 0 hopspan_export_batches_total result=delivered || fail "a batch was delivered with a wrong password"
	! grep -q wrong "$state/collect.log" || fail "the password is printed"
	stop collect
}

# It takes what it does not answer, is killed, and is away for longer than it takes to notice.
broker_restart() {
	kafka_kill value_above 20 hopspan_export_queue_batches
	wait_for "spans that wait" value_above 300 hopspan_export_queue_batches
	value_is 1 hopspan_export_failing || fail "the broker is away, and nothing says so"
	kafka_start
}

# all_there TOPIC FIRST COUNT SPANS
all_there() {
	kafka_read "$1" >"$tmp/topic"
	kafka_py read "$tmp/topic" "${@:2}" || fail "the topic $1 is not what was sent"
}

under_load() {
	collector kafka "$(kafka_secure)" properties "$tmp/kafka/client.properties" property $small
	send 1 "$traces" "$spans" "$rate" >"$state/load.log" 2>&1 &
	echo $! >"$state/load.pid"
	wait_for "spans in Kafka" value_above 1000 hopspan_export_spans_total
	jaeger_kill
	broker_restart
	wait_for "the load to end" gone "$(cat "$state/load.pid")"
	grep "^sent" "$state/load.log" || fail "the load failed"
	wait_for "the queue to be empty" value_is 0 hopspan_export_queue_batches
	same "spans delivered" $(((traces + 1) * spans)) "$(value hopspan_export_spans_total)"
	same "spans rejected" 0 "$(value hopspan_export_spans_rejected_total)"
	same "failing" 0 "$(value hopspan_export_failing)"
	stop collect
	all_there jaeger-spans 0 $((traces + 1)) "$spans"
}

# Octets that do not compress are too many for the broker; and then a batch of more than a message may ever be.
too_large() {
	collector kafka "$(kafka_plain)" topic large store "$tmp/large.db" property compression.codec=none
	send 0 1 5000 1
	wait_for "the pieces" value_is 5000 hopspan_export_spans_total
	stop collect
	all_there large 0 1 5000
	kafka_sizes large | sort -n | tail -n 1
	[ "$(kafka_sizes large | sort -n | tail -n 1)" -lt 262144 ] || fail "a message above the broker's limit"
}

topology_begin
kafka_make
kafka_start
jaeger_kafka=$(kafka_plain) jaeger_kept=$tmp/jaeger
jaeger_start
door=$(jaeger_port)
wrong_password
under_load
too_large
wait_for "Jaeger to have the last trace" jaeger_has "6b61666b612e7079$(printf %016x "$traces")" "$spans"
kafka_py jaeger "http://127.0.0.1:$((jaeger_ports + 2))" 0 $((traces + 1)) "$spans"
