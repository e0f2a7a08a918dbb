#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What is wrong from outside: each gets a clear error, nothing is lost, and no other file is slower.
# sanitized
load lib.bash

# A body that is none, until the job is said to be done; beside it a job that is well.
# bad_body LINE HTTP-STATUS
bad_body() {
	start_provider - <<-SCRIPT
		job well
			answer done
		job *
			answer $1 until=go
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track $ID well
	wait_until '[ "$(status $ID .poll.failures)" -gt 1 ]'
	[ "$(status $ID .state)" = unknown ]
	[ "$(status $ID .poll.http_status)" = "${2:-200}" ]
	[ -n "$(status $ID '.poll.last_error // empty')" ]
	python3 tests/stories/shape.py <"$MNT/jobs/$ID/status.json"
	wait_status well .video.state ready
	within 500 cat "$MNT/jobs/well/status.json" >/dev/null
	event go
	wait_status $ID .video.state ready
	cmp "$MNT/jobs/$ID/video.mp4" tests/provider/clip.mp4
}

@test "a body of 2 MiB" {
	bad_body 'done bytes=2M'
}

@test "truncated JSON" {
	bad_body 'text="{\"code\": \"success\", \"data\": {\"status\": \"SUCC"'
}

@test "HTML with status 200" {
	bad_body 'text="<!doctype html><html><body>console</body></html>" type=text/html'
}

@test "an array" {
	bad_body 'text="[1, 2, 3]"'
}

@test "deep nesting" {
	bad_body 'nest=100000 text="{}"'
}

@test "NUL bytes" {
	bad_body 'text="{\"request_id\": \0\0}"'
}

@test "nothing at all" {
	bad_body 'empty'
}

@test "a redirect, which is not followed and is the base URL's trouble" {
	start_provider - --key test-key <<-'SCRIPT'
		job well
			answer done
		job *
			answer 302 location=@BASE@/grok/v1/videos/well empty until=go
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	expect_log 'the base URL is wrong, all polls wait'
	start_cometfs
	track $ID
	wait_status $ID .poll.http_status 302
	[ "$(status $ID .state)" = unknown ]
	[[ $(status $ID .poll.last_error) == *redirect* ]]
	[ "$(polls well)" = 0 ]
	[ "$(grep -c 'base URL is wrong' "$LOG")" = 1 ]
	event go
	kill -HUP $DAEMON
	wait_status $ID .video.state ready
}

@test "a number where text is due" {
	start_provider - <<-'SCRIPT'
		job *
			answer text="{\"code\": \"success\", \"message\": 7, \"data\": {\"task_id\": 5, \"status\": 12, \"fail_reason\": 3, \"progress\": {}, \"submit_time\": \"x\", \"data\": {\"status\": [], \"model\": 9, \"usage\": {\"cost_in_usd_ticks\": \"y\"}, \"video\": {\"url\": 1, \"duration\": \"long\", \"respect_moderation\": \"no\"}}}}" until=go
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track $ID
	polls_reach $ID 3
	python3 tests/stories/shape.py <"$MNT/jobs/$ID/status.json"
	[[ $(status $ID .state) =~ ^(unknown|queued)$ ]]
	event go
	wait_status $ID .video.state ready
}

@test "control characters, broken UTF-8 and quotes in the provider's words" {
	start_provider - <<-'SCRIPT'
		job *
			answer text="{\"code\": \"success\", \"data\": {\"task_id\": \"x\", \"status\": \"FAILURE\", \"fail_reason\": \"a\\u0007\\n\\\"b\xff\xc3(\\u0000c\"}}"
	SCRIPT
	start_cometfs
	expect_log ': failed: a'
	track $ID
	wait_status $ID .state failed
	python3 tests/stories/shape.py <"$MNT/jobs/$ID/status.json"
	[[ $(status $ID .error.message) == a* ]]
	run ! grep -qP '[\x00-\x08\x0b-\x1f]' "$LOG"
}

@test "an address of another scheme" {
	local scheme
	expect_log 'failed: done, but without the address of a video'
	for scheme in file:///etc/passwd ftp://127.0.0.1/a.mp4 data:video/mp4,AAAA; do
		start_provider - < <(printf 'job *\n\tanswer done url="%s"\n' "$scheme")
		start_cometfs
		track $ID
		wait_status $ID .state failed
		[ "$(status $ID .error.code)" = no_url ]
		[ "$(status $ID .video.state)" = none ]
		[ ! -e "$MNT/jobs/$ID/video.mp4" ]
		rmdir "$MNT/jobs/$ID"
		stop_cometfs
		stop_provider
	done
}

@test "an address with a user name in it" {
	start_provider - <<-'SCRIPT'
		job *
			answer done url="http://user:word@127.0.0.1:9/a.mp4"
	SCRIPT
	start_cometfs
	expect_log 'its video is lost: only https: addresses without a user name are fetched'
	track $ID
	wait_status $ID .video.error.code refused_address
	[ "$(status $ID .video.state)" = lost ]
	[ "$(status $ID .state)" = 'done' ]
	[ ! -e "$MNT/jobs/$ID/video.mp4" ]
}

@test "an address that is private" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	# A machine of its own, whose provider is at a public address.
	cat >"$BATS_TEST_TMPDIR/private.script" <<-'SCRIPT'
		job redirected
			answer done
		job *
			answer done url="http://127.0.0.1:9/a.mp4"
		video a.mp4
			size 1M
			serve redirect=http://10.0.0.1/a.mp4
	SCRIPT
	unshare -n bash -c 'ip link set lo up && ip address add 8.8.4.4/32 dev lo && exec "$@"' bash \
		"$BUILD/provider" --address 8.8.4.4 --port 8080 --port-file "$BATS_TEST_TMPDIR/port" \
		"$BATS_TEST_TMPDIR/private.script" 2>>"$LOG" 3>&- &
	PROVIDER=$!
	wait_until '[ -s "$BATS_TEST_TMPDIR/port" ]'
	nsenter --net="/proc/$PROVIDER/ns/net" "$COMETFS" http://8.8.4.4:8080 "$MNT" -f \
		-o "store=$STORE,allow_http,interval=0.2" 2>>"$LOG" 3>&- &
	DAEMON=$!
	wait_until 'mountpoint -q "$MNT"'
	expect_log 'its video is lost: the host is at a private or special address'
	track $ID redirected
	wait_status $ID .video.error.code refused_address
	wait_status redirected .video.error.code refused_address
	[ ! -e "$MNT/jobs/$ID/video.mp4" ]
}

@test "a length that is more than what comes" {
	start_provider - <<-'SCRIPT'
		job *
			answer done
		video big.mp4
			size 1M
			serve length=+100000
			serve
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	cmp "$MNT/jobs/$ID/video.mp4" <(made big.mp4 1M)
}

@test "a length that is less than what comes" {
	start_provider - <<-'SCRIPT'
		job *
			answer done
		video big.mp4
			size 1M
			serve length=-100000
	SCRIPT
	start_cometfs
	track $ID
	wait_until '[[ $(status $ID .video.state) =~ ready|lost ]]'
	[ "$(status $ID .video.state)" = lost ] ||
		cmp "$MNT/jobs/$ID/video.mp4" <(made big.mp4 1M | head -c $((1048576 - 100000)))
	# The bytes too many must not be taken for the next answer on that connection.
	track $ID2
	wait_status $ID2 .state 'done'
}

@test "a provider that accepts and never answers" {
	start_provider - <<-'SCRIPT'
		job well
			answer done
		job *
			answer hang
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs timeout=0.5
	track $ID well
	wait_status well .video.state ready
	cmp "$MNT/jobs/well/video.mp4" tests/provider/clip.mp4
	wait_until '[ "$(status $ID .poll.failures)" -ge 1 ]'
	[ "$(status $ID .poll.http_status)" = null ]
	[ "$(status $ID .state)" = unknown ]
	within 2000 stop_cometfs
}

@test "a video that stalls is given a time limit, and so are its readers" {
	start_provider - <<-'SCRIPT'
		job *
			answer done
		video big.mp4
			size 2M
			serve stall=1M
	SCRIPT
	start_cometfs timeout=1
	track $ID
	wait_until '[ -e "$MNT/jobs/$ID/video.mp4" ]'
	run -1 cat "$MNT/jobs/$ID/video.mp4" >/dev/null
	[[ $(tail -c 10 "$MNT/jobs/$ID/video.mp4" 2>&1) =~ "timed out"|"Input/output error" ]]
}

@test "a store without room: downloads wait, and go on when there is some" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	mkdir "$STORE"
	mount -t tmpfs -o size=3M,mode=700 tmpfs "$STORE"
	start_provider - <<-'SCRIPT'
		job small
			answer done video=clip.mp4
		job *
			answer done video=big.mp4
		video clip.mp4
			file clip.mp4
		video big.mp4
			size 8M
	SCRIPT
	start_cometfs
	track small
	wait_status small .video.state ready
	track $ID
	local fine=
	if wait_status $ID .video.error.code store_full && [ "$(status $ID .video.state)" = fetching ] &&
		cmp "$MNT/jobs/small/video.mp4" tests/provider/clip.mp4 &&
		mount -o remount,size=64M "$STORE" && wait_status $ID .video.state ready &&
		cmp "$MNT/jobs/$ID/video.mp4" <(made big.mp4 8M); then
		fine=yes
	fi
	stop_cometfs
	umount "$STORE"
	[ -n "$fine" ]
}
