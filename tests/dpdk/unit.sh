#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# make install has a systemd unit, which starts what was installed and in which systemd finds nothing wrong; uninstall
# leaves nothing. What it starts says when it is ready, and when it stops.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need make systemd-analyze python3 text2pcap
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

text2pcap -q -F pcap "$here/traces.txt" "$dir/in.pcap" 2>/dev/null
python3 - "$forwarder" "$dir/in.pcap" "$dir/notify" <<-'END' >"$dir/said" 2>"$dir/python.err" || fail "it did not end well"
	import os, socket, subprocess, sys
	program, capture, place = sys.argv[1:]
	systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	systemd.bind(place)
	systemd.settimeout(30)
	ports = [f"--vdev=net_pcap{n},rx_pcap={capture}" for n in (0, 1)]
	with subprocess.Popen([program, "node-id", "1", "huge", "no", "--", *ports], stderr=subprocess.DEVNULL,
	                      env={**os.environ, "NOTIFY_SOCKET": place}) as forwarder:
	    try:
	        print(systemd.recv(100).decode())
	        forwarder.terminate()
	        print(systemd.recv(100).decode())
	        sys.exit(forwarder.wait(30))
	    finally:
	        forwarder.kill()
END
equal "what systemd is told" "READY=1
STOPPING=1" "$(cat "$dir/said")"
