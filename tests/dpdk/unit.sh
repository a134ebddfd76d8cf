#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# make install has a systemd unit, which starts what was installed and in which systemd finds nothing wrong; uninstall
# leaves nothing.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need make systemd-analyze
mkdir "$dir/root"
install() { make -s -C "$here/../.." "$1" DESTDIR="$dir/root" PREFIX=/opt/hopspan >"$dir/make.err" 2>&1 || fail "make $1"; }

install install
unit=$dir/root/opt/hopspan/lib/systemd/system/hopspan-dpdk.service
grep -q '^ExecStart=/opt/hopspan/bin/hopspan-dpdk' "$unit" || fail "the unit starts another: $(grep ExecStart "$unit")"
[ -x "$dir/root/opt/hopspan/bin/hopspan-dpdk" ] || fail "what it starts is not there"
sed "s|/opt/hopspan/bin|$dir/root&|" "$unit" >"$dir/hopspan-dpdk.service"
systemd-analyze verify "$dir/hopspan-dpdk.service" >"$dir/verify.err" 2>&1 || fail "systemd finds fault with the unit"
equal "what systemd says of the unit" "" "$(grep hopspan "$dir/verify.err")"
install uninstall
equal "left by uninstall" "" "$(find "$dir/root" -type f)"
