#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The oldest kernel supported, Debian 12's 6.1, and what this machine's own kernel may lack: VLAN devices, tunnels, ESP,
# kernel TLS, and a clock that may be set. Its package is unpacked in build/kernels and not installed.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() { echo "$*"; exit 77; }

command -v apt-get >/dev/null || skip "no apt-get to get Debian's kernel with"
package=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image/ { print $2; exit }')
[ -n "$package" ] || skip "apt knows no linux-image-amd64"
kernel=$PWD/build/kernels/$package
if [ ! -e "$kernel" ]; then
	folder=$(mktemp -d build/kernels-XXXXXX)
	trap 'rm -rf "$folder"' EXIT
	(cd "$folder" && apt-get download "$package") >"$folder/log" 2>&1 ||
		skip "$package cannot be downloaded: $(tail -n 1 "$folder/log")"
	dpkg-deb -x "$folder"/*.deb "$folder/kernel"
	mkdir -p build/kernels
	mv "$folder/kernel" "$kernel"
fi

export STACKED="vlan bond sit esp" MUTATIONS=1000 WRITES="kernel TLS"
tests/vm/run "$kernel" "bpf/vectors guest/clock" "e2e/writes e2e/stacked"
