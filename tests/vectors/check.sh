#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Every vector as a capture: hopspan decode must print what its header says, and tshark must read the same fields.
set -eu
cd "$(dirname "$0")/../.."
hopspan=${HOPSPAN:-build/hopspan}

for tool in python3 text2pcap tshark; do
	command -v $tool >/dev/null || { echo "no $tool"; exit 77; }
done
[ -x "$hopspan" ] || { echo "no $hopspan: make first"; exit 1; }
exec python3 tests/vectors/check.py "$hopspan"
