#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# wrong.sh FOLDER: builds node.c as it is (right.so) and once for each line of wrong.txt, with that change of its sources.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:?usage: wrong.sh FOLDER}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf "$out"
mkdir -p "$out"

# node_build NAME SOURCES
node_build() {
	gcc -std=gnu11 -O1 -w -shared -fPIC -I"$2" -o "$out/$1.so" "$2/tests/differ/node.c"
}

node_build right .
while IFS=$'\t' read -r name file change; do
	[[ -n $name && $name != "#"* ]] || continue
	mkdir -p "$work/$name/tests/differ"
	cp -r wire "$work/$name/wire"
	cp tests/differ/node.[ch] "$work/$name/tests/differ"
	sed -zi "$change" "$work/$name/$file"
	! cmp -s "$file" "$work/$name/$file" || { echo "wrong.txt: $name changes nothing in $file"; exit 1; }
	node_build "$name" "$work/$name"
done <tests/differ/wrong.txt
