#!/usr/bin/env bash
# Every kind of place on one way; the silent one shows in the hop limit alone.
#
#   client ---- r1 ---- r2 ---- r3 ---- r4 ---- r5 ---- server
#   node 1      2       (3)     4       5       6       7
#               kernel  silent  xdp     tc      dpdk
#
# Networks as in line.sh: fd68:73:1:: before r1, fd68:73:3:: from r4 on. Places
# have eth0 and eth1, dpdk port0 and port1.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=words.sh
. "$top/topologies/words.sh"
# shellcheck source=row.sh
. "$top/topologies/row.sh"

row_kinds=(kernel silent xdp tc dpdk)
row_main "$@"
