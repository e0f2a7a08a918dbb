#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# seeds.sh FUZZER DIRECTORY: fills the directory with the inputs that are kept for a fuzzer: those of
# corpus/, and for the dialects each fixture and each vector as an answer, its HTTP status before it.
set -eu
fuzzer=$1 directory=$2
cd "$(dirname "$0")/../.."
fixtures=tests/data/fixtures

# Bodies have NULs, which only cat can carry.
fixture_seeds() {
	local expectation word status body
	for expectation in "$fixtures"/*.expect; do
		body=${expectation%.expect}
		while read -r word status; do
			[ "$word" != http ] || break
		done <"$expectation"
		{
			echo "$status"
			cat "$body"
		} >"$directory/${body##*/}"
	done
}

# vector_seeds NAME FILTER: a body for each line that jq makes of the cases.
vector_seeds() {
	local body count=0
	while read -r body; do
		count=$((count + 1))
		printf '200\n%s' "$body" >"$directory/$1_$count"
	done < <(jq -c ".cases[] | $2" "$fixtures/vectors/$1.json")
}

answer_seeds() {
	fixture_seeds
	vector_seeds progress '{status: "running", progress: .[0]}'
	vector_seeds status 'if .[0] == "wrapper"
		then {code: "success", data: {task_id: "x", status: .[1]}}
		else {request_id: "x", status: .[1]} end'
}

case $fuzzer in
fuzz_comet | fuzz_xai)
	answer_seeds
	corpus=answer
	;;
fuzz_mp4)
	cp tests/provider/clip.mp4 "$directory"
	corpus=mp4
	;;
*) corpus=${fuzzer#fuzz_} ;;
esac
cp "tests/fuzz/corpus/$corpus"/* "$directory"
