#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The DPDK forwarder's clock while the system's is stepped and slewed, and the kernel told of leap seconds: each reading is
# within its bound, of what the clock was before until it is of what it is. Only a guest's clock may be touched.
set -eu
[ -n "${HOPSPAN_GUEST:-}" ] || { echo "not a guest: this machine's clock is not ours to set"; exit 77; }

# An HPET is read by one processor for all that ask at the time. Is that one held up, as in a guest, the kernel's own
# clock is late for the others, which nobody can bound.
sources=/sys/devices/system/clocksource/clocksource0
before=$(cat $sources/current_clocksource)
trap 'echo "$before" >$sources/current_clocksource' EXIT
if [ "$before" = hpet ]; then echo acpi_pm >$sources/current_clocksource; fi
"$(dirname "$0")/../../../build/tests/dpdk/clock" set
