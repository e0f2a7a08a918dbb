#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# replay.sh PROGRAM: runs a fuzzer that was built without libFuzzer on all inputs that are kept for it.
# Prints TAP.
set -eu
program=$1
fuzzer=${program##*/}
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
mkdir "$directory/seeds"

echo 1..1
tests/fuzz/seeds.sh "$fuzzer" "$directory/seeds"
if "$program" "$directory"/seeds/* >"$directory/names"; then
	echo "ok 1 - $fuzzer: $(wc -l <"$directory/names") inputs"
else
	name=$(tail -n 1 "$directory/names")
	echo "$fuzzer failed on ${name##*/}" >&2
	echo "not ok 1 - $fuzzer: ${name##*/}"
fi
