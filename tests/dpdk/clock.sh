#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The forwarder's clock against CLOCK_TAI, read by several threads: its bound holds, and that of a
# device's counter. SECONDS_LONG=600 for longer.
. "$(dirname "$0")/lib.sh"
compare=$here/../../build/tests/dpdk/clock
[ -x "$compare" ] || skip "no build/tests/dpdk/clock"
"$compare" "${SECONDS_LONG:-3}" 3 || fail "the bound does not hold"
"$compare" device "${SECONDS_LONG:-3}" 3 || fail "the bound does not hold for a device's counter"
