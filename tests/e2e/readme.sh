#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# The README's snippets in C, Python and Go, as they stand there: each sets the context that the kernel then tells.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

pair_up
node_exec client "$python" "$top/tests/e2e/readme.py" "$top/README.md" "$top/sdk" "$tmp"
