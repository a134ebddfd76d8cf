#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The DPDK forwarder's clock while the system's is stepped and slewed, and the kernel told of leap seconds: each reading is
# within its bound, of what the clock was before until it is of what it is. Only a guest's clock may be touched.
set -u
[ -n "${HOPSPAN_GUEST:-}" ] || { echo "not a guest: this machine's clock is not ours to set"; exit 77; }
exec "$(dirname "$0")/../../../build/tests/dpdk/clock" set
