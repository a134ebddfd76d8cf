#!/usr/bin/env bash
# One request is seen hop by hop: application and network spans in one waterfall, all hops in order, the stock router
# as what it is.
. "$(dirname "$0")/lib.sh"

line_up
collect_start
cart_start
shop_run 3 10 --ids "$tmp/ids"
stop cart
stop collect

trace=$(tail -n 1 "$tmp/ids" | jq -r .trace_id)
LC_ALL=C "$hopspan" trace show "$trace" -a | tee "$tmp/waterfall"
"$hopspan" trace show "$trace" -j | jq -r '.spans[].name' >"$tmp/rows"
cat >"$tmp/expected" <<'END'
GET /checkout
GET
request
client -> r1
r1 eth1
r1 -> r2
r2 port1
r2 -> r3
r3 -> server
GET /cart/{id}
SELECT cart
reply
server -> r3
r3 -> r2
r2 port0
r2 -> r1
r1 eth0
r1 -> client
END
diff "$tmp/expected" "$tmp/rows" || fail "rows are not those of the path"
while read -r name; do
	grep -qF " $name " "$tmp/waterfall" || fail "no row $name in the waterfall"
done <"$tmp/expected"
grep -q "^path client > r1 xdp > r2 dpdk > r3 linux, no departure time > server" "$tmp/waterfall" || fail "no path line"
