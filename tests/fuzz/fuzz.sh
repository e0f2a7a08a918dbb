#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# fuzz.sh PROGRAM SECONDS: lets libFuzzer make inputs up, from those that are kept. New ones that reach
# further go to PROGRAM.corpus, and are gone on from the next time. One that fails is PROGRAM.crash-*:
# mended, it belongs into corpus/.
set -eu
program=$1 seconds=$2
export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1

rm -rf "$program.seeds"
mkdir -p "$program.seeds" "$program.corpus"
tests/fuzz/seeds.sh "${program##*/}" "$program.seeds"
if "$program" -max_total_time="$seconds" -timeout=20 -print_final_stats=1 -artifact_prefix="$program." \
	"$program.corpus" "$program.seeds" >"$program.log" 2>&1; then
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$program.log")
	echo "${program##*/}: $runs inputs, all is well"
else
	tail -n 40 "$program.log"
	echo "${program##*/}: failed, see $program.log"
	exit 1
fi
