#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Faults that pass: none of them loses a video or a job, and what one job suffers no other feels.
# sanitized
load lib.bash

# serves SERVE-LINE…: a job that is done, and how its video, the clip, is served.
serves() {
	start_provider - < <(
		printf 'job *\n\tanswer done\nvideo clip.mp4\n\tfile clip.mp4\n'
		printf '\tserve %s\n' "$@"
	)
}

# Waits until the clip was asked for so often.
clip_gets_reach() {
	[ "$(curl -fsS -m 30 "$SOURCE/_count/video/clip.mp4?wait=$1")" -ge "$1" ]
}

# What is no HTTP comes from a server of its own: garbage, until the file go is there; then the clip.
start_garbage() {
	python3 - "$BATS_TEST_TMPDIR" tests/provider/clip.mp4 2>>"$LOG" 3>&- <<-'PYTHON' &
		import os, socket, sys
		place, clip = sys.argv[1], open(sys.argv[2], "rb").read()
		server = socket.create_server(("127.0.0.1", 0))
		open(place + "/garbage.new", "w").write(str(server.getsockname()[1]))
		os.rename(place + "/garbage.new", place + "/garbage")
		while True:
		    client = server.accept()[0]
		    while b"\r\n\r\n" not in client.recv(65536):
		        pass
		    if os.path.exists(place + "/go"):
		        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nConnection: close\r\n"
		                       b"Content-Length: %d\r\n\r\n" % len(clip) + clip)
		    else:
		        client.sendall(b"garbage \x00\xff\r\n\r\ngarbage")
		    client.close()
	PYTHON
	SERVER=$!
	wait_until '[ -s "$BATS_TEST_TMPDIR/garbage" ] || ! kill -0 $SERVER'
}

# How many connections were refused so far, in the network that the daemon is in.
refused_connections() {
	awk '$1 == "Tcp:" && $8 ~ /^[0-9]+$/ { print $8 }' "/proc/$DAEMON/net/snmp"
}

@test "a kept video that was cut short is fetched again, and none of the old bytes is served" {
	expect_log 'its video has to be fetched again'
	start_provider - <<-'SCRIPT'
		job *
			answer done
		video big.mp4
			size 1M
			serve
			serve stall=64K until=go
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	stop_cometfs
	local kept video=$MNT/jobs/$ID/video.mp4
	kept=$(find "$STORE" -name '*.mp4')
	head -c 1M /dev/zero | tr '\0' X | dd status=none of="$kept" conv=notrunc
	truncate -s 500K "$kept"
	start_cometfs
	wait_until '[ "$(status $ID .video.bytes)" -ge 65536 ]'
	[ "$(status $ID .video.state)" = fetching ]
	[ "$(stat -c %s "$video")" = 1048576 ]
	cmp <(head -c 64K "$video") <(made big.mp4 64K)
	run -124 timeout 0.5 tail -c +300001 "$video"
	[ -z "$output" ]
	event go
	wait_status $ID .video.state ready
	cmp "$video" <(made big.mp4 1M)
	[ "$(polls $ID)" = 1 ]
}

@test "garbage instead of HTTP does not lose a video" {
	start_garbage
	start_provider - <<-SCRIPT
		job *
			answer done url="http://127.0.0.1:$(<"$BATS_TEST_TMPDIR/garbage")/clip.mp4"
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .video.error.code transport
	[ "$(status $ID .video.state)" = fetching ]
	[ ! -e "$MNT/jobs/$ID/video.mp4" ]
	: >"$BATS_TEST_TMPDIR/go"
	wait_status $ID .video.state ready
	is_clip $ID
	[ "$(status $ID .video.error)" = null ]
}

@test "pages with status 200 do not lose a video that comes after them" {
	serves 'text="<html><body>Soon</body></html>" type=text/html until=go' ''
	start_cometfs
	track $ID
	clip_gets_reach 3
	[ "$(status $ID .video.error.code)" = not_a_video ]
	[ "$(status $ID .video.state)" = fetching ]
	[ ! -e "$MNT/jobs/$ID/video.mp4" ]
	event go
	wait_status $ID .video.state ready
	is_clip $ID
	[ "$(status $ID .video.error)" = null ]
	# A fresh address was asked for, too.
	[ "$(polls $ID)" -ge 3 ]
}

@test "the length of what was no video is not held against the video" {
	expect_log 'the download waits: what the server sends is no MP4'
	serves 'text="this is not the video that was asked for" type=video/mp4' ''
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	is_clip $ID
	[ "$(video_gets clip.mp4)" = 2 ]
}

@test "nothing but pages, for twenty time-outs: the video is lost, and its job is not" {
	expect_log 'its video is lost: the server sends a page'
	serves 'text="<html><body>Soon</body></html>" type=text/html retry-after=2'
	start_cometfs timeout=1
	track $ID
	wait_status $ID .video.error.code not_a_video
	[ "$(status $ID .video.state)" = fetching ]
	wait_status $ID .video.state lost
	[ "$(status $ID .video.error.code)" = not_a_video ]
	[ "$(status $ID .state)" = 'done' ]
	[ ! -e "$MNT/jobs/$ID/video.mp4" ]
	[ -z "$(find "$STORE" -name '*.mp4*')" ]
	[ "$(video_gets clip.mp4)" -ge 5 ]
}

@test "a video that is ended by closing counts when it is whole" {
	serves no-length=close
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	is_clip $ID
	[ "$(status $ID .video.size)" = "$(stat -c %s tests/provider/clip.mp4)" ]
	[ "$(video_gets clip.mp4)" = 1 ]
}

@test "a video that is ended by closing and not whole is not shown, and fetched again" {
	serves 'cut=50000 no-length=close until=go' no-length=close
	start_cometfs
	track $ID
	clip_gets_reach 2
	[ "$(status $ID .video.state)" = fetching ]
	[ "$(status $ID .video.error.message)" = "the video is not whole" ]
	[ ! -e "$MNT/jobs/$ID/video.mp4" ]
	event go
	wait_status $ID .video.state ready
	is_clip $ID
}

# A refusal comes only after a poll of the other was accepted again: two in a row may be the key's.
@test "a job whose poll is refused does not hold up one that runs" {
	local refusal='{\"error\": {\"message\": \"not yours\"}}' id
	start_provider - <<-SCRIPT
		job runs
			answer running until=finish
			answer done
		job 401
			answer 401 text="$refusal"
		job 403
			answer 403 text="$refusal"
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track runs
	polls_reach runs 2
	track 401 403
	for id in 401 403; do
		wait_status $id .poll.http_status $id
		[ "$(status $id .state)" = unknown ]
		[ "$(status $id .poll.last_error)" = "not yours" ]
	done
	polls_reach runs $(($(polls runs) + 10))
	# Each waits for a minute by itself.
	[ "$(polls 401)" = 1 ]
	[ "$(polls 403)" = 1 ]
	event finish
	wait_status runs .video.state ready
	is_clip runs
	[ "$(status 403 .state)" = unknown ]
}

@test "a job that the provider knew is not given up when it is not known for a moment" {
	start_provider - <<-'SCRIPT'
		job *
			answer running until=restart
			answer running
			answer 400 body=fixtures/71_error_400_task_not_exist.json times=3
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .state running
	stop_cometfs
	# It is not young any more.
	python3 - "$STORE/catalog.sqlite" <<-'PYTHON'
		import sqlite3, sys
		with sqlite3.connect(sys.argv[1]) as catalog:
		    catalog.execute("UPDATE job SET tracked_ms = tracked_ms - 90000")
	PYTHON
	event restart
	start_cometfs
	wait_status $ID .poll.http_status 400
	[ "$(status $ID .state)" = running ]
	[ "$(status $ID .poll.last_error)" = task_not_exist ]
	wait_status $ID .video.state ready
	is_clip $ID
	[ "$(status $ID .error)" = null ]
}

@test "Retry-After with a good answer puts off that job alone" {
	start_provider - <<-'SCRIPT'
		job accepted
			answer 202 retry-after=600 empty
		job running
			answer 200 running retry-after=600
		job *
			answer running
	SCRIPT
	start_cometfs
	track accepted running
	polls_reach accepted 1
	polls_reach running 1
	track $ID
	polls_reach $ID 10
	# Not even for somebody who looks.
	wait_status accepted .state running
	wait_status running .state running
	polls_reach $ID $(($(polls $ID) + 5))
	[ "$(polls accepted)" = 1 ]
	[ "$(polls running)" = 1 ]
}

@test "an address that answers 403 is asked for anew, and the new one is fetched" {
	start_provider - <<-'SCRIPT'
		job *
			answer done video=old.mp4
			answer done video=clip.mp4
		video old.mp4
			size 1M
			serve status=403 text="<html></html>" type=text/html
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	is_clip $ID
	[ "$(status $ID .video.url)" = "$SOURCE/videos/clip.mp4" ]
	[ "$(asked '^(poll|video) ' | cut -d' ' -f1,2)" = \
		"$(printf '%s\n' "poll $ID" 'video old.mp4' "poll $ID" 'video clip.mp4')" ]
}

@test "a provider that comes later is found, although nobody looks" {
	start_provider many
	stop_provider
	start_cometfs
	local before
	before=$(refused_connections)
	track $ID
	wait_until '[ "$(refused_connections)" -gt '"$before ]"
	start_provider many --port "$PORT"
	polls_reach $ID 1
	wait_status $ID .video.state ready
	is_clip $ID
}

@test "a job that was forgotten and is tracked again has nothing of before" {
	start_provider - <<-'SCRIPT'
		job *
			answer done video=old.mp4
			answer queued until=go
			answer done video=clip.mp4
		video old.mp4
			size 1M
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	local job=$MNT/jobs/$ID inodes
	inodes=$(stat -c %i "$job" "$job"/*)
	rmdir "$job"
	track $ID
	wait_status $ID .state queued
	[ ! -e "$job/video.mp4" ]
	[ "$(status $ID .video.state)" = none ]
	[ "$(status $ID .video.url)" = null ]
	[ -z "$(find "$STORE" -name '*.mp4*')" ]
	event go
	wait_status $ID .video.state ready
	is_clip $ID
	run ! grep -xF "$inodes" <(stat -c %i "$job" "$job"/*)
}

@test "a store without room: what cannot be remembered is not tracked" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	expect_log 'the catalog cannot be written, this is tried again: No space left on device'
	mkdir "$STORE"
	mount -t tmpfs -o size=3M,mode=700 tmpfs "$STORE"
	local fine=
	if full_store; then
		fine=yes
	fi
	[ -z "$DAEMON" ] || stop_cometfs || fine=
	umount "$STORE"
	[ -n "$fine" ]
}

# In a condition, bash does not end at what fails: each step says so.
full_store() {
	start_cometfs && track $ID2 && ! cat /dev/zero >"$STORE/fill" 2>/dev/null &&
		fails_with "No space left on device" mkdir "$MNT/jobs/$ID" &&
		[ "$(ls "$MNT/jobs")" = $ID2 ] &&
		fails_with "No such file or directory" cat "$MNT/jobs/$ID/status.json" &&
		rm "$STORE/fill" && track $ID && [ "$(status $ID .state)" = unknown ] &&
		kill_cometfs && start_cometfs && diff <(ls "$MNT/jobs") <(printf '%s\n' $ID $ID2)
}
