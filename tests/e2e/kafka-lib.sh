# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# A real Kafka broker for a test, alone (KRaft), on free loopback ports. Sourced after lib.sh and jaeger-lib.sh:
#
#   kafka_need            finds or downloads the broker, else skips: to be called before anything is up
#   kafka_make            its folder, certificates and ports; KAFKA_PROPERTIES may have more lines for it
#   kafka_start           starts it as part of the topology, with which it ends; again after kafka_kill
#   kafka_plain           HOST:PORT for everybody
#   kafka_secure          HOST:PORT by TLS, with a password; $tmp/kafka/client.properties is what librdkafka needs
#   kafka_read TOPIC      all messages of the topic on stdout, one right after the other
#   kafka_sizes TOPIC     the octets of each
#   collector WORDS...    a collector with a door at the port $door and a page at the one behind
#
# The broker is the jars in $KAFKA_LIBS, else those of Maven's artifact, downloaded once and kept in the user's cache.
# Without Java 17, Maven, or the artifact, the test is skipped.

# shellcheck disable=SC2154 # lib.sh sets what is not set here
kafka_version=4.1.0
kafka_cache=${XDG_CACHE_HOME:-$HOME/.cache}/hopspan/kafka/$kafka_version

java_is_new() {
	local version
	version=$(java -version 2>&1 | sed -n '1s/[^"]*"\([0-9]*\).*/\1/p')
	[ "${version:-0}" -ge 17 ]
}

# kafka_download FOLDER: the broker and all that it needs, 45 jars.
kafka_download() {
	cat >"$1/pom.xml" <<-END
	<project xmlns="http://maven.apache.org/POM/4.0.0">
	  <modelVersion>4.0.0</modelVersion>
	  <groupId>hopspan</groupId><artifactId>kafka</artifactId><version>1</version>
	  <dependencies><dependency>
	    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka_version</version>
	  </dependency></dependencies>
	</project>
	END
	(cd "$1" && mvn -q -B dependency:copy-dependencies -DoutputDirectory="$1/libs" -DincludeScope=runtime) >"$1/log" 2>&1 ||
		skip "Kafka's Maven artifact kafka_2.13:$kafka_version cannot be had"
	mv "$1/libs" "$kafka_cache/libs"
}

# Tests that run side by side wait here for the one that downloads. A subshell: what ends it ends the caller.
kafka_need() {
	java_is_new || skip "needs Java 17 or newer for a Kafka broker"
	need openssl
	need kcat
	[ -z "${KAFKA_LIBS:-}" ] || { [ -d "$KAFKA_LIBS" ] || fail "KAFKA_LIBS=$KAFKA_LIBS is no folder"; return 0; }
	KAFKA_LIBS=$kafka_cache/libs
	[ ! -d "$KAFKA_LIBS" ] || return 0
	command -v mvn >/dev/null || skip "needs Maven to download a Kafka broker, or KAFKA_LIBS=FOLDER"
	mkdir -p "$kafka_cache" "$tmp/download"
	(
		trap - EXIT
		flock 9
		[ -d "$KAFKA_LIBS" ] || kafka_download "$tmp/download"
	) 9>"$kafka_cache/lock" || exit $?
}

kafka_plain() { echo "127.0.0.1:$kafka_ports"; }
kafka_secure() { echo "127.0.0.1:$((kafka_ports + 1))"; }

# A client that takes the broker for what it is needs its own authority's certificate.
kafka_certificates() {
	local at=$tmp/kafka
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority \
		-keyout "$at/authority.key" -out "$at/authority.pem" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=broker \
		-keyout "$at/broker.key" -out "$at/broker.csr" 2>/dev/null
	openssl x509 -req -in "$at/broker.csr" -CA "$at/authority.pem" -CAkey "$at/authority.key" -CAcreateserial \
		-days 2 -extfile <(echo subjectAltName=IP:127.0.0.1) -out "$at/broker.crt" 2>/dev/null
	cat "$at/broker.key" "$at/broker.crt" >"$at/broker.pem"
}

# kafka_properties PORT
kafka_properties() {
	cat <<-END
	process.roles=broker,controller
	node.id=1
	controller.quorum.voters=1@127.0.0.1:$(($1 + 2))
	controller.listener.names=CONTROLLER
	listeners=PLAINTEXT://127.0.0.1:$1,SASL_SSL://127.0.0.1:$(($1 + 1)),CONTROLLER://127.0.0.1:$(($1 + 2))
	advertised.listeners=PLAINTEXT://127.0.0.1:$1,SASL_SSL://127.0.0.1:$(($1 + 1))
	listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
	sasl.enabled.mechanisms=PLAIN
	listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_hopspan="a=b #c";
	ssl.keystore.type=PEM
	ssl.keystore.location=$tmp/kafka/broker.pem
	log.dirs=$tmp/kafka/log
	num.partitions=2
	offsets.topic.num.partitions=1
	offsets.topic.replication.factor=1
	transaction.state.log.replication.factor=1
	transaction.state.log.min.isr=1
	group.initial.rebalance.delay.ms=0
	${KAFKA_PROPERTIES:-}
	END
}

# kafka_java CLASS WORDS...: in place of the shell. What is started once and for seconds is not worth compiling well.
kafka_java() { exec java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$KAFKA_LIBS/*" "$@"; }

kafka_make() {
	mkdir "$tmp/kafka"
	kafka_certificates
	kafka_ports=$(jaeger_port)
	kafka_properties "$kafka_ports" >"$tmp/kafka/server.properties"
	(kafka_java kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qg -c "$tmp/kafka/server.properties") \
		>"$state/kafka-format.log" 2>&1 || fail "Kafka's folder cannot be made"
	cat >"$tmp/kafka/client.properties" <<-END
	# as librdkafka has them
	security.protocol = sasl_ssl
	ssl.ca.location=$tmp/kafka/authority.pem

	sasl.mechanism=PLAIN
	sasl.username=hopspan
	sasl.password=a=b #c
	END
}

kafka_answers_or_ended() {
	kcat -b "$(kafka_plain)" -L -m 1 >/dev/null 2>&1 || gone "$(cat "$state/kafka.pid")"
}

# A virtual machine of Java's takes its time on a busy machine.
kafka_start() {
	local end=$((SECONDS + 120))
	(kafka_java kafka.Kafka "$tmp/kafka/server.properties") >>"$state/kafka.log" 2>&1 </dev/null &
	echo $! >"$state/kafka.pid"
	disown # not to be told of when it is killed
	until kafka_answers_or_ended; do [ $SECONDS -lt $end ] || fail "waited 120 s for Kafka"; done
	! gone "$(cat "$state/kafka.pid")" || fail "Kafka does not start"
}

# kafka_kill COMMAND...: hangs until COMMAND succeeds, then ends with nothing more written.
kafka_kill() {
	local pid
	pid=$(cat "$state/kafka.pid")
	kill -STOP "$pid"
	wait_for "the reason to kill Kafka" "$@"
	rm "$state/kafka.pid"
	kill -KILL "$pid"
	wait_for "Kafka to be gone" gone "$pid"
}

kafka_read() { kcat -C -q -b "$(kafka_plain)" -t "$1" -e -D ''; }
kafka_sizes() { kcat -C -q -b "$(kafka_plain)" -t "$1" -e -f '%S\n'; }

collector() {
	: >"$state/collect.log" # what the one before said is not to be waited for
	"$hopspan" collect listen "127.0.0.1:$door" metrics "127.0.0.1:$((door + 1))" "$@" >"$state/collect.log" 2>&1 </dev/null &
	echo $! >"$state/collect.pid"
	wait_for "the collector" grep -q "OTLP in" "$state/collect.log"
}
