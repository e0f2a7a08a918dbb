#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# track=lookup: a path that is asked for is tracked if the provider knows it.
load lib.bash

known() {
	start_provider - <<-'SCRIPT'
		job 00000000-*
			unknown
		job *
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs track=lookup
}
NOBODY=00000000-0b0d-3dec-c31c-7572daf74bb3

# answers LINE ERROR [OPTIONS]: a look-up that gets this answer fails with that error.
answers() {
	start_provider - < <(printf 'job *\n\t%s\n' "$1")
	start_cometfs "track=lookup${3:+,$3}"
	fails_with "$2" stat "$MNT/jobs/$ID"
	[ -z "$(ls "$MNT/jobs")" ]
}

@test "a path is enough" {
	known
	cat "$MNT/jobs/$ID/status.json" >/dev/null
	[ "$(ls "$MNT/jobs")" = $ID ]
	wait_status $ID .video.state ready
	cmp "$MNT/jobs/$ID/video.mp4" tests/provider/clip.mp4
	[ "$(polls $ID)" = 1 ]
	stat "$MNT/jobs/$ID3" >/dev/null
	stop_cometfs
	start_cometfs
	[ "$(ls "$MNT/jobs" | wc -l)" = 2 ]
}

@test "mkdir of what the provider knows finds it there, mkdir -p is content" {
	known
	fails_with "File exists" mkdir "$MNT/jobs/$ID"
	[ "$(ls "$MNT/jobs")" = $ID ]
	mkdir -p "$MNT/jobs/$ID2"
	mkdir -p "$MNT/jobs/$ID2"
	[ "$(ls "$MNT/jobs" | wc -l)" = 2 ]
}

@test "mkdir of what the provider does not know yet tracks it" {
	known
	mkdir "$MNT/jobs/$NOBODY"
	[ "$(ls "$MNT/jobs")" = $NOBODY ]
}

@test "what the provider does not know is not there, and is remembered for a while" {
	known
	fails_with "No such file or directory" stat "$MNT/jobs/$NOBODY"
	fails_with "No such file or directory" stat "$MNT/jobs/$NOBODY"
	[ "$(polls $NOBODY)" = 1 ]
	[ -z "$(ls "$MNT/jobs")" ]
}

@test "what programs look for by themselves never leaves the machine" {
	known
	local name
	for name in .Trash .git desktop.ini autorun.inf a "${ID}x" "${ID%3}" task_ task_a-b "task_a b" 'a b'; do
		fails_with "No such file or directory" stat "$MNT/jobs/$name"
	done
	run -1 asked poll
}

@test "without track=lookup nobody is asked" {
	known
	stop_cometfs
	start_cometfs
	fails_with "No such file or directory" stat "$MNT/jobs/$ID"
	run -1 asked poll
}

@test "a refused key is EACCES, and the next look-up does not even ask" {
	expect_log 'the key is refused'
	answers "answer 401 text=\"{}\"" "Permission denied"
	fails_with "Permission denied" stat "$MNT/jobs/$ID2"
	[ "$(polls $ID2)" = 0 ]
}

@test "a provider with troubles is EIO" {
	answers "answer 500 text=\"oh\"" "Input/output error"
}

@test "a provider that is away is EHOSTUNREACH" {
	start_cometfs track=lookup
	fails_with "No route to host" stat "$MNT/jobs/$ID"
}

@test "a provider that does not answer is ETIMEDOUT, in time" {
	within 3000 answers "answer hang" "Connection timed out" lookup_timeout=0.5
}

@test "a look-up can be interrupted" {
	start_provider - <<-'SCRIPT'
		job *
			answer hang
	SCRIPT
	start_cometfs track=lookup,lookup_timeout=60
	within 5000 run -124 timeout -s INT 0.5 stat "$MNT/jobs/$ID"
	within 5000 run -124 timeout -s TERM 0.5 ls "$MNT/jobs/$ID"
	[ -z "$(ls "$MNT/jobs")" ]
	within 2000 stop_cometfs
}

@test "look-ups that hang leave all else alone" {
	start_provider - <<-'SCRIPT'
		job 4*
			answer hang
		job *
			answer queued
	SCRIPT
	start_cometfs track=lookup,lookup_timeout=60
	track plain
	wait_status plain .state queued
	local i pids=()
	for i in {1..50}; do
		stat "$MNT/jobs/$(printf '4%07d-0b0d-3dec-c31c-7572daf74bb3' "$i")" 2>/dev/null 3>&- &
		pids+=($!)
	done
	wait_until 'asked "^poll 4" >/dev/null'
	within 500 cat "$MNT/jobs/plain/status.json" >/dev/null
	within 2000 stop_cometfs
	for i in "${pids[@]}"; do
		run ! wait "$i"
	done
}
