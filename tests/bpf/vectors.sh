#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The BPF programs do to every vector, and to mutations of them, what wire/ does in user space.
set -eu
cd "$(dirname "$0")/../.."
program=build/tests/bpf/vectors

[ "$(id -u)" -eq 0 ] || { echo "needs root"; exit 77; }
[ -d /sys/fs/bpf ] || { echo "this kernel has no BPF file system"; exit 77; }
[ -x "$program" ] || { echo "no $program: make test-build first"; exit 1; }
exec "$program"
