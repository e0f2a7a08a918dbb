#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A provider that refuses, or wears us out: the mount waits, no job is touched, the log stays short, and
# what passes passes.
# sanitized
load lib.bash

# few_polls ID: there are less than a handful in two seconds. Twice as many have time in one.
few_polls() {
	run -28 curl -fsS -m 2 "$SOURCE/_count/poll/$1?wait=$(($(polls "$1") + 5))"
}

# ---- too much, too slow, without end

@test "429 for ever: the mount slows down, no job is touched, every file answers" {
	expect_log 'polls fail'
	start_provider - <<-'SCRIPT'
		job well
			answer done
		job *
			answer running progress=5 until=flood
			answer 429 empty
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track well job{1..20}
	wait_status well .video.state ready
	local i
	for i in {1..20}; do
		wait_status job$i .progress 5
	done
	event flood
	wait_until '[ "$(cat "$MNT"/jobs/job*/status.json | grep -cE "\"http_status\": +429")" -ge 1 ]'
	within 500 is_clip well
	few_polls job1
	within 500 cat "$MNT/jobs/job1/status.json"
	for i in {1..20}; do
		[ "$(status job$i .state)" = running ]
		[ "$(status job$i .progress)" = 5 ]
	done
	[ "$(said failed:)" = 0 ]
	# A new job is not asked for either, and can be tracked.
	within 500 mkdir "$MNT/jobs/new"
	[ "$(status new .state)" = unknown ]
}

@test "Retry-After of one job's 429 holds up all of them" {
	start_provider - <<-'SCRIPT'
		job limited
			answer running until=flood
			answer 429 empty retry-after=600
		job *
			answer running
	SCRIPT
	start_cometfs
	track limited other
	wait_status limited .state running
	wait_status other .state running
	event flood
	wait_status limited .poll.http_status 429
	few_polls other
	track new
	[ "$(status new .state)" = unknown ]
	local id seconds
	for id in limited new; do
		seconds=$(($(date -d "$(status $id .poll.next_at)" +%s) - $(date +%s)))
		echo "$id in $seconds seconds"
		[ "$seconds" -gt 500 ]
	done
	[ "$(polls new)" = 0 ]
	[ "$(status other .state)" = running ]
}

@test "a body that comes a byte a second: no job is touched, and the others go on" {
	expect_log 'polls fail'
	start_provider - <<-'SCRIPT'
		job slow*
			answer running until=slow
			answer running rate=1 until=fast
			answer b-done
		job well
			answer running until=fast
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs timeout=1
	track well slow{1..5}
	local id
	for id in slow{1..5}; do
		wait_status $id .state running
	done
	event slow
	for id in slow{1..5}; do
		failures_reach $id 1
		[[ $(status $id .poll.last_error) == *[Tt]ime* ]]
		[ "$(status $id .state)" = running ]
		shape_is_right $id
	done
	polls_reach well $(($(polls well) + 5))
	event fast
	wait_status well .video.state ready
	for id in slow{1..5}; do
		wait_status $id .video.state ready
	done
}

# A server of headers without end, by the name of the job: many, one that is long, answers before
# the answer, trailers, and one byte at a time. Other jobs get no answer.
start_headers() {
	python3 - "$BATS_TEST_TMPDIR" 2>>"$LOG" 3>&- <<-'PYTHON' &
		import os, select, socket, sys, threading
		place = sys.argv[1]
		ENDLESS = {
		    "many": (b"HTTP/1.1 200 OK\r\n", b"X-Fill: " + b"a" * 1000 + b"\r\n"),
		    "long": (b"HTTP/1.1 200 OK\r\nX-Fill: ", b"a" * 1000),
		    "interim": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
		    "trailers": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"X-Fill: a\r\n"),
		}
		def drip(client):
		    for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Fill: a\r\n" * 1000:
		        client.sendall(bytes([byte]))
		        select.select([], [], [], 0.1)
		def answer(client):
		    try:
		        path = client.recv(65536).split()[1].decode().rsplit("/", 1)[1]
		        if path == "drip":
		            drip(client)
		        first, again = ENDLESS[path]
		        client.sendall(first)
		        while True:
		            client.sendall(again)
		    except (OSError, LookupError):
		        client.close()
		server = socket.create_server(("127.0.0.1", 0), backlog=64)
		open(place + "/headers.new", "w").write(str(server.getsockname()[1]))
		os.rename(place + "/headers.new", place + "/headers")
		while True:
		    threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()
	PYTHON
	SERVER=$!
	wait_until '[ -s "$BATS_TEST_TMPDIR/headers" ] || ! kill -0 $SERVER'
	SOURCE=http://127.0.0.1:$(<"$BATS_TEST_TMPDIR/headers")
}

# How much memory the daemon has had at most, in KiB.
peak_memory() {
	awk '$1 == "VmHWM:" { print $2 }' "/proc/$DAEMON/status"
}

@test "headers without end: an error, and no memory for them" {
	expect_log 'polls fail'
	start_headers
	start_cometfs timeout=3
	track witness
	failures_reach witness 1
	local before id
	before=$(peak_memory)
	track many long interim trailers drip
	for id in many long interim trailers drip; do
		failures_reach $id 1
		echo "$id: $(status $id .poll.last_error)"
		[ "$(status $id .state)" = unknown ]
		shape_is_right $id
	done
	for id in many interim trailers; do
		[ "$(status $id .poll.last_error)" = "the answer is too large" ]
	done
	[ "$(status long '.poll.last_error | test("timed out")')" = false ]
	[ "$(status drip '.poll.last_error | test("timed out")')" = true ]
	echo "KiB at most: $before before, $(peak_memory) after"
	sanitized || [ $(($(peak_memory) - before)) -lt 16384 ]
	within 2000 stop_cometfs
}

# ---- the key, and the way to the provider

@test "a key that is revoked in the middle, and a new one" {
	expect_log 'the key is refused'
	printf 'first-key' >"$BATS_TEST_TMPDIR/key"
	start_answers 'running progress=5 until=revoked' '401 body=fixtures/70_error_401_invalid_token.json until=renewed' \
		'done'
	start_cometfs "key_file=$BATS_TEST_TMPDIR/key"
	track job{1..5}
	local i
	for i in {1..5}; do
		wait_status job$i .progress 5
	done
	event revoked
	wait_until '[ "$(said "the key is refused")" = 1 ]'
	for i in {1..5}; do
		[ "$(status job$i .state)" = running ]
		[ "$(status job$i .progress)" = 5 ]
		[ "$(status job$i .error)" = null ]
		shape_is_right job$i
	done
	[[ $(cat "$MNT"/jobs/*/status.json) == *'"last_error": "invalid token'* ]]
	few_polls job1
	[ "$(said "the key is refused")" = 1 ]
	track job6
	[ "$(status job6 .state)" = unknown ]
	local before=()
	for i in {1..6}; do
		before[i]=$(polls job$i)
	done
	event renewed
	printf 'second-key' >"$BATS_TEST_TMPDIR/key"
	kill -HUP $DAEMON
	# Nobody has to look for that.
	for i in {1..6}; do
		polls_reach job$i $((before[i] + 1))
	done
	for i in {1..6}; do
		wait_status job$i .video.state ready
		asked "^poll job$i auth=second-key"
	done
}

@test "a refusal of the old key that comes late is not held against the new one" {
	printf 'first-key' >"$BATS_TEST_TMPDIR/key"
	start_provider - <<-'SCRIPT'
		job witness
			answer done
		job *
			answer 401 body=fixtures/70_error_401_invalid_token.json stall=0 until=renewed
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs "key_file=$BATS_TEST_TMPDIR/key"
	track $ID
	polls_reach $ID 1
	printf 'second-key' >"$BATS_TEST_TMPDIR/key"
	kill -HUP $DAEMON
	wait_until '[ "$(said "the key was read again")" = 1 ]'
	event renewed
	wait_status $ID .video.state ready
	asked "^poll $ID auth=first-key .* n=1$"
	asked "^poll $ID auth=second-key .* n=2$"
	track witness
	wait_status witness .video.state ready
	[ "$(said "the key is refused")" = 0 ]
}

# wrong_url LINE TEXT: so is every answer, and that is the base URL's trouble until it is another one.
# It is said with TEXT, once; no job is touched; a signal makes it go on at once.
wrong_url() {
	expect_log 'the base URL is wrong'
	start_answers 'running progress=5 until=moved' "$1 until=back" 'done'
	start_cometfs
	track job{1..6}
	local i
	for i in {1..6}; do
		wait_status job$i .progress 5
	done
	event moved
	wait_until '[ "$(said "the base URL is wrong")" = 1 ]'
	grep -F 'the base URL is wrong' "$LOG" | grep -F "$2"
	for i in {1..6}; do
		[ "$(status job$i .state)" = running ]
		[ "$(status job$i .progress)" = 5 ]
		[ "$(status job$i .error)" = null ]
	done
	few_polls job1
	[ "$(said "the base URL is wrong")" = 1 ]
	[ "$(said failed)" = 0 ]
	event back
	kill -HUP $DAEMON
	for i in {1..6}; do
		wait_status job$i .video.state ready
	done
	run ! asked '^other'
}

@test "a wrong base URL: redirects" {
	wrong_url '301 body=fixtures/85_wrong_path_301.html type=text/html location=@BASE@/console' redirect
}

@test "a wrong base URL: no such path" {
	wrong_url '404 body=fixtures/72_error_404_invalid_url.json' 'Invalid URL'
}

@test "a wrong base URL: a page with status 200, five in a row" {
	wrong_url 'body=fixtures/84_wrong_path_200_spa.html type=text/html' 'no JSON object'
}

@test "a wrong base URL: not implemented, five in a row" {
	wrong_url '501 body=fixtures/87_error_501_not_implemented.json' 'not_implemented'
}

@test "pages with status 200 that pass are not worth a line" {
	start_provider - <<-'SCRIPT'
		job *
			answer body=fixtures/84_wrong_path_200_spa.html type=text/html
			answer running
			answer body=fixtures/84_wrong_path_200_spa.html type=text/html
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track job{1..4}
	local i
	for i in {1..4}; do
		wait_status job$i .video.state ready
	done
	[ "$(said "the base URL")" = 0 ]
}

# ---- many at once

JOBS=2000

@test "thousands of jobs that fail at once are a line in the log, or two" {
	expect_log failed
	start_answers 'running until=fall' failed
	start_cometfs interval=5,interval_watched=5
	# shellcheck disable=SC2046 # many words
	track $(seq -f 'job%g' $JOBS)
	polls_reach job$JOBS 1
	local begun=$SECONDS lines
	event fall
	wait_until '[ "$(cat "$MNT"/jobs/job*/status.json | grep -c "\"state\": \"failed\"")" = $JOBS ]'
	[ "$(status job1 .error.code)" = provider ]
	within 2000 stop_cometfs
	# One for the first, and one a minute.
	lines=$(said failed)
	echo "$lines lines: $(grep failed "$LOG")"
	[ "$lines" -le $((2 + (SECONDS - begun) / 60)) ]
	# None was forgotten in them.
	[ "$(awk '/: failed: .* more jobs/ { n += $(NF - 2); next } / failed: / { n++ } END { print n }' "$LOG")" = $JOBS ]
}
