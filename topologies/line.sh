#!/usr/bin/env bash
# A client, a server, and between them a row of places, one for each word.
#
#   client          r1                r2               r3             server
#   eth0 -------- eth0  eth1 ----- port0  port1 ---- eth0  eth1 ----- eth0
#   fd68:73:1::1  ::2   fd68:73:2::1  (bump)         ::2  fd68:73:3::1 ::2
#   node 1        node 2, TBF      node 3            node 4           node 5
#
# line.sh up                   is up xdp dpdk kernel tbf r1 eth1 $RATE (12mbit)
# line.sh up KIND... [WORDS]   one to eight of kernel, xdp, tc, dpdk, dpdk-router,
#                              silent
# A dpdk place joins port0 and port1; the others route from eth0 to eth1.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=words.sh
. "$top/topologies/words.sh"
# shellcheck source=row.sh
. "$top/topologies/row.sh"

[ "$*" != up ] || set -- up tbf r1 eth1 "${RATE:-12mbit}"
row_kinds=(xdp dpdk kernel)
row_main "$@"
