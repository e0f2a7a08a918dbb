#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Waiting for status.json with poll(2), select and epoll, as for a file of sysfs.
load lib.bash

# A job that goes on when it is told to.
start_steps() {
	start_provider - <<-'SCRIPT'
		job *
			answer queued until=run
			answer running progress=12 until=more
			answer running progress=50 until=most
			answer running progress=99 until=done
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
}

polling() {
	run timeout 100 python3 tests/stories/polling.py "$1" "$MNT" "$SOURCE" "${@:2}"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "each change of state or progress is told to each who waits until he reads it" {
	start_steps
	track $ID
	polling once $ID
}

@test "what changes between an open, a read and a wait is not lost" {
	start_steps
	track $ID
	polling between $ID
}

@test "there is always something to read, also of the other files" {
	start_answers 'done'
	start_cometfs
	track $ID
	polling readable $ID
}

@test "who waits for a job that is forgotten is woken" {
	start_answers 'queued'
	start_cometfs
	track $ID
	polling forgotten $ID
}

@test "a thousand changes: nobody misses the last, and nobody is woken for nothing" {
	start_provider - < <(
		printf 'job *\n\tanswer queued until=go\n'
		printf '\tanswer running progress=%s\n' {1..99}
		printf '\tanswer failed\n'
	)
	expect_log 'failed: '
	start_cometfs interval=0.02
	polling many many-{1..10}
}

@test "who waits ends with the daemon" {
	start_steps
	track $ID
	wait_status $ID .state queued
	timeout 60 python3 tests/stories/polling.py sleeps "$MNT" "$SOURCE" $ID >"$BATS_TEST_TMPDIR/said" 3>&- &
	wait_until '[ -s "$BATS_TEST_TMPDIR/said" ]'
	within 3000 stop_cometfs
	wait $!
}
