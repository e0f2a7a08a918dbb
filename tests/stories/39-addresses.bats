#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The address of a video: it dies, a fresh one is told, it leads elsewhere.
load lib.bash
load video.bash

@test "401, 403, 404, 410 for a while: a fresh address is asked for, and it goes on where it was" {
	local code
	for code in 401 403 404 410; do
		in_between "status=$code empty until=go"
		waits_with url_expired "the server answers HTTP $code"
		polls_reach $ID 2
		event go
		is_whole
		[ "$(asked '^video big.mp4 range=none' | wc -l)" = 1 ]
		rmdir "$MNT/jobs/$ID"
		stop_cometfs
		sent_once
	done
}

# An engine that sleeps does not see a clock that jumps, but for a letter: another job.
jump_to() {
	set_clock "$1"
	track "at.${1#+}"
}

@test "401, 403, 404, 410 for ever: a day long it is tried, then it is lost" {
	fake_clock
	local code
	start_provider - < <(
		for code in 401 403 404 410; do
			printf 'job %s\n\tanswer done video=%s.mp4\nvideo %s.mp4\n\tsize 1M\n' $code $code $code
			printf '\tserve cut=500K\n\tserve status=%s empty\n' $code
		done
		printf 'job *\n\tanswer queued\n'
	)
	start_cometfs
	track 401 403 404 410
	for code in 401 403 404 410; do
		wait_status $code .video.error.code url_expired
		polls_reach $code 2
	done
	jump_to +23h
	for code in 401 403 404 410; do
		polls_reach $code 4
		[ "$(status $code .video.state)" = fetching ]
		[ "$(status $code .video.bytes)" = 512000 ]
	done
	expect_log 'its video is lost: the server answers HTTP 4'
	jump_to +25h
	for code in 401 403 404 410; do
		wait_status $code .video.state lost
		[ "$(status $code .video.error.code)" = url_expired ]
		[ "$(status $code .video.error.message)" = "the server answers HTTP $code" ]
		[ "$(status $code .state)" = 'done' ]
		[ ! -e "$MNT/jobs/$code/video.mp4" ]
	done
	wait_until '[ -z "$(find "$STORE" -name "*.mp4*")" ]'
}

@test "a fresh address of the same file: it goes on there" {
	start_provider - <<-'SCRIPT'
		job *
			answer done video=old.mp4
			answer done video=fresh.mp4
		video old.mp4
			size 1M
			serve from=big.mp4 cut=500K
			serve status=403 empty
		video fresh.mp4
			size 1M
			serve from=big.mp4
		video big.mp4
			size 1M
	SCRIPT
	SIZE=1M
	start_cometfs
	track $ID
	is_whole
	[ "$(status $ID .video.url)" = "$SOURCE/videos/fresh.mp4" ]
	[ "$(asked '^(poll|video) ' | cut -d' ' -f1-3 | sed 's/auth=.*//')" = "$(printf '%s\n' "poll $ID " \
		'video old.mp4 range=none' 'video old.mp4 range=512000-' "poll $ID " 'video fresh.mp4 range=512000-')" ]
	sent_once
}

# redirects COUNT: so many, and then the video, which is cut on the way.
redirects() {
	local i
	{
		printf 'job *\n\tanswer done video=hop1.mp4\n'
		for ((i = 1; i < $1; i++)); do
			printf 'video hop%s.mp4\n\tsize 1\n\tserve redirect=@BASE@/videos/hop%s.mp4\n' $i $((i + 1))
		done
		printf 'video hop%s.mp4\n\tsize 1\n\tserve redirect=@BASE@/videos/big.mp4\n' "$1"
		printf 'video big.mp4\n\tsize 1M\n\tserve cut=500K\n\tserve\n'
	} >"$BATS_TEST_TMPDIR/redirects"
	start_provider - <"$BATS_TEST_TMPDIR/redirects"
	start_cometfs
	track $ID
}

@test "five redirects are followed, also for the rest, and the key is not sent along" {
	SIZE=1M
	redirects 5
	is_whole
	[ "$(asked '^video hop5.mp4 range=512000- auth=none' | wc -l)" = 1 ]
	[ "$(asked '^video hop1.mp4 .*auth=test-key' | wc -l)" = 2 ]
	run ! asked '^video (hop[2-5]|big).mp4 .*auth=test-key'
	sent_once
}

@test "six redirects are not" {
	redirects 6
	waits_with transport "too many redirects"
	[ "$(video_gets big.mp4)" = 0 ]
	[ "$(video_gets hop6.mp4)" -ge 1 ]
	[ ! -e "$MNT/jobs/$ID/video.mp4" ]
}
