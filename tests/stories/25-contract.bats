#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Every answer that was ever seen, on a real mount: what tests/data/fixtures expects of it is what
# status.json shows. A new answer is two files there, and no line here.
load lib.bash

export XAI_API_KEY=test-key

# bodies CONCERN LINE…: a provider with a job for each of the bodies that speak of this, whose names
# are in NAMES then, and what else it plays.
bodies() {
	mapfile -t NAMES < <(python3 tests/stories/contract.py list "$1")
	[ "${#NAMES[@]}" -gt 0 ]
	start_provider - < <(python3 tests/stories/contract.py script "${NAMES[@]}" && printf '%s\n' "${@:2}")
}

# mounts DIALECT [OPTION,…]: a store of its own, and one poll a job, so that each document is of one answer.
mounts() {
	STORE=$(mktemp -d "$BATS_TEST_TMPDIR/store.XXXXXX")
	start_cometfs "provider=$1,interval=600,interval_watched=600${2:+,$2}"
}

# shows DIALECT NAME…: they are tracked, and each is shown as expected.
shows() {
	python3 tests/stories/contract.py check "$1" "$MNT/jobs" "${@:2}"
	printf '%s\n' "${@:2}" >>"$BATS_FILE_TMPDIR/shown"
}

# shows_alone NAME: on a mount of its own, which stays for more to be asked of it.
shows_alone() {
	local dialect=comet
	[[ $1 != *xai* ]] || dialect=xai
	mounts $dialect
	shows $dialect "$1"
}

# seconds_to_poll ID: until it is asked for again.
seconds_to_poll() {
	echo $(($(date -d "$(status "$1" .poll.next_at)" +%s) - $(date +%s)))
}

# holds_up_polls TEXT: each of NAMES makes the whole mount wait; the log says why, once a mount.
holds_up_polls() {
	local name mounts=0
	for name in "${NAMES[@]}"; do
		echo "$name"
		shows_alone "$name"
		track witness
		[ "$(seconds_to_poll "$name")" -gt 20 ]
		[ "$(seconds_to_poll witness)" -gt 20 ]
		[ "$(said "$1")" = $((++mounts)) ]
		stop_cometfs
	done
	[ "$(polls witness)" = 0 ]
}

# The videos are at the vendor's addresses in these bodies. Nobody is asked there: there is one
# download at a time, and that one stalls.
@test "what is said of a job is shown, in each dialect" {
	expect_log 'failed|expired|polls fail'
	bodies job 'job stalls' 'answer done' 'video big.mp4' 'size 1M' 'serve stall=64K'
	local dialect
	for dialect in comet xai; do
		mounts $dialect timeout=600,downloads=1
		track stalls
		wait_status stalls .video.bytes 65536
		shows $dialect "${NAMES[@]}"
		[ "$(ls "$MNT/jobs" | wc -l)" = $((${#NAMES[@]} + 1)) ]
		stop_cometfs
	done
}

@test "what is the key's trouble holds up all polls, and touches no job" {
	expect_log 'the key is refused'
	bodies key 'job witness' 'answer queued'
	holds_up_polls 'the key is refused'
}

@test "what is the base URL's trouble holds up all polls, and touches no job" {
	expect_log 'the base URL is wrong'
	bodies base 'job witness' 'answer queued'
	holds_up_polls 'the base URL is wrong'
}

@test "what may pass touches no job, and once is not worth a line" {
	bodies moment
	local name
	for name in "${NAMES[@]}"; do
		echo "$name"
		shows_alone "$name"
		stop_cometfs
	done
	[ "$(said refused)" = 0 ]
	[ "$(said 'base URL')" = 0 ]
}

# With the ones above.
@test "no answer is forgotten" {
	local files
	files=$(find tests/data/fixtures -maxdepth 1 -type f ! -name '*.expect' ! -name README.md -printf '%f\n')
	diff <(sort <<<"$files") <(sort -u "$BATS_FILE_TMPDIR/shown")
}
