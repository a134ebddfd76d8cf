#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# What the kernel's own test of its IOAM (tools/testing/selftests/net/ioam6.sh) asks of a node on the way, case by case,
# of the kernel, XDP and tc: selftest.py.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need python3

# shellcheck disable=SC2034 # of lib.sh; the ids of that test's transit node
self=(2 22222222 201 201201 202 202202)
# shellcheck disable=SC2034
namespaces=("123 ptp 0xdeadbee1 0xcafec0caf11dc0de 666 Hello there -Obi")
lab_up
for router in kernel xdp tc; do
	node_exec lab taskset -c "$cpu" python3 "$(dirname "$0")/selftest.py" $router "$router-in" "$router-off" "$router-out" ||
		fail "of $router"
done
