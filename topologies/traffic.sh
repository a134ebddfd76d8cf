# shellcheck shell=bash
# What runs on a topology that has a client and a server: the collector, the application, a flow that fills queues.
# Sourced after lib.sh.

python=$top/build/venv/bin/python
app_port=8080
background_port=5201

# collect_start [WORDS...]: one collector for both hosts, with a door for applications on each one's loopback, and its
# metrics on the client's.
collect_start() {
	"$hopspan" collect nodes "$state/nodes.yaml" listen "$(netns client)/127.0.0.1:4319" \
		listen "$(netns server)/127.0.0.1:4319" metrics "$(netns client)/127.0.0.1:9419" "$@" >"$state/collect.log" 2>&1 </dev/null &
	echo $! >"$state/collect.pid"
	wait_for "the collector" grep -q "OTLP in" "$state/collect.log"
}

# The application hands its spans to the collector on its host, whatever the caller's environment says.
app_env() { echo "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4319" "PYTHONDONTWRITEBYTECODE=1"; }

cart_start() {
	# shellcheck disable=SC2046
	node_start server cart env $(app_env) "$python" "$top/topologies/app/server.py" :: $app_port
	wait_for "the service cart" grep -q listens "$state/cart.log"
}

# shop_run COUNT INTERVAL_MS [SIZE] [--ids FILE]
shop_run() {
	# shellcheck disable=SC2046
	node_exec client env $(app_env) "$python" "$top/topologies/app/client.py" "$server" $app_port "$@"
}

# backlog NODE DEV: octets in the device's root queue.
backlog() { tc -n "$(netns "$1")" -s -j qdisc show dev "$2" root | grep -o '"backlog":[0-9]*' | cut -d: -f2; }

backlog_above() { [ "$(backlog "$1" "$2")" -gt "$3" ]; }

# background_start NODE DEV [FROM]: one flow from FROM (client) to server whose window is below the shaper's limit: a
# standing queue at NODE's DEV, and no drops. Not BBR, which would keep the queue short.
background_start() {
	local from=${3:-client}
	node_start server background-server iperf3 -s -p $background_port
	wait_for "iperf3" node_exec "$from" bash -c "exec 3<>/dev/tcp/$server/$background_port"
	node_start "$from" background iperf3 -c "$server" -p $background_port -w 48K -C reno -t 3600
	wait_for "a queue at $1 $2" backlog_above "$1" "$2" 30000
}

background_stop() {
	stop background
	stop background-server
}
