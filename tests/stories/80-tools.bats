#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Programs that were not written for it: each of them reads a finished video, one that is coming in, and
# the document of a job under way. The README's table is what has been seen here.
load lib.bash
load tools.bash
load web.bash

# A video with its index at the front, as the provider's are, of which a quarter is enough to begin.
setup_file() {
	export RIGHT=$BATS_FILE_TMPDIR/movie.mp4
	ffmpeg -v error -f lavfi -i testsrc2=size=480x360:rate=24:duration=4 -f lavfi -i sine=duration=4 \
		-vf noise=alls=12:allf=t -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac \
		-movflags +faststart "$RIGHT"
}

not_by() {
	echo "not by $1"
	good=false
}

teardown() {
	end_browsers
	end_story
}

# movies SERVE-LINE…: any job is done, and its video is the movie, which is served so. OPTIONS are the mount's.
movies() {
	good=true
	mkdir "$BATS_TEST_TMPDIR/out"
	start_provider - < <(
		printf 'job *\n\tanswer done\nvideo movie.mp4\n\tfile %s\n' "$RIGHT"
		printf '\tserve %s\n' "$@"
	)
	start_cometfs "downloads=32${OPTIONS:+,$OPTIONS}"
}

# ready JOB: it is tracked, and its video is whole.
ready() {
	track $1
	wait_status $1 .video.state ready
}

# coming JOB…: they are tracked, and a part of each video is there.
coming() {
	track "$@"
	wait_until 'jq -se "map(.video.bytes >= 3000000) | all" "$MNT"/jobs/*/status.json >/dev/null'
}

# All that the next stories do with each program is done at once.
jobs_of_all() {
	local tool
	for tool in "${COPIES[@]}" "${LOOKS[@]}"; do
		job_of "$tool"
	done
}

@test "a finished video, by every program" {
	local tool
	movies ''
	start_nginx
	ready $ID
	for tool in "${COPIES[@]}" "${LOOKS[@]}"; do
		used_whole "$tool" "$MNT/jobs/$ID/video.mp4" "$RIGHT" || not_by "$tool"
		saw "$tool" "$WHOLE" yes
	done
	$good
	[ "$(video_gets movie.mp4)" = 1 ]
	grep -q 'sendfile.* = [1-9]' "$BATS_TEST_TMPDIR/sendfiles"
}

# Each has its video open, or has what it needs already.
all_have_begun() {
	local tool job opened
	opened=$(find /proc/[0-9]*/fd -lname "$MNT/jobs/*/video.mp4" -printf '%l\n')
	for tool in "${COPIES[@]}" "${LOOKS[@]}"; do
		job=$(job_of "$tool")
		if is_of "$tool" "${FRONTS[@]}"; then
			[ -e "$BATS_TEST_TMPDIR/out/$job.good" ] || return 1
		else
			[[ $opened == *"/$job/video.mp4"* ]] || return 1
		fi
	done
}

@test "a video that is coming in, by every program" {
	local tool job jobs pids=()
	movies 'stall=3M until=go' ''
	start_nginx
	mapfile -t jobs < <(jobs_of_all)
	coming "${jobs[@]}"
	for tool in "${COPIES[@]}" "${LOOKS[@]}"; do
		job=$(job_of "$tool")
		{ used_whole "$tool" "$MNT/jobs/$job/video.mp4" "$RIGHT" && : >"$BATS_TEST_TMPDIR/out/$job.good"; } 3>&- &
		pids+=($!)
	done
	wait_until all_have_begun
	# One thread of nginx waits for the video, and no more.
	curl -fsS -m 20 -o /dev/null "$WEB$PWD/README.md"
	event go
	for tool in "${COPIES[@]}" "${LOOKS[@]}"; do
		wait "${pids[0]}" || not_by "$tool"
		pids=("${pids[@]:1}")
		is_of "$tool" "${FRONTS[@]}" && saw "$tool" "$COMING" 'at once' || saw "$tool" "$COMING" waits
	done
	$good
}

# What became of it: STATUS is the program's, and what it has is not the whole video.
ended() {
	if [ "$2" != 0 ]; then
		saw "$1" "$STOPPED" 'says so'
	elif is_of "$1" "${FRONTS[@]}"; then
		saw "$1" "$STOPPED" 'at once'
	elif is_of "$1" "${LOOKS[@]}"; then
		saw "$1" "$STOPPED" 'plays what is there'
	else
		saw "$1" "$STOPPED" '**a cut copy, and does not say so**'
	fi
}

# Before a former life's bytes are compared, none is there.
@test "tar -S waits for a video of which nothing is there yet" {
	movies 'stall=64K until=go' ''
	track $ID
	wait_until '[ -e "$MNT/jobs/$ID/video.mp4" ]'
	kill_cometfs
	stop_provider
	start_cometfs
	tar -cSf "$BATS_TEST_TMPDIR/tar" -C "$MNT/jobs/$ID" video.mp4 3>&- &
	local tar=$!
	wait_until "find /proc/[0-9]*/fd -lname '$MNT/*' | grep -q . || ! kill -0 $tar"
	start_provider "$BATS_TEST_TMPDIR/provider.script" --port "$PORT"
	event go
	wait $tar
	cmp <(tar -xOf "$BATS_TEST_TMPDIR/tar") "$RIGHT"
}

@test "a video that stops coming, by every program" {
	local tool jobs pids=() status
	OPTIONS=timeout=1 movies stall=3M
	start_nginx
	mapfile -t jobs < <(jobs_of_all)
	coming "${jobs[@]}"
	set -o pipefail
	for tool in "${COPIES[@]}" "${LOOKS[@]}"; do
		used "$tool" "$MNT/jobs/$(job_of "$tool")/video.mp4" 2>/dev/null 3>&- &
		pids+=($!)
	done
	for tool in "${COPIES[@]}" "${LOOKS[@]}"; do
		status=0
		wait "${pids[0]}" || status=$?
		pids=("${pids[@]:1}")
		ended "$tool" $status
	done
}

@test "status.json of a job under way, by every program that copies" {
	local tool good=true
	mkdir "$BATS_TEST_TMPDIR/out"
	start_answers 'queued times=3' 'running progress=9 times=3' 'running progress=10 times=3' \
		'running progress=99 times=3' 'bare times=5' 'running progress=100'
	start_cometfs interval=0.01,interval_watched=0.01
	start_nginx
	track $ID
	for tool in "${COPIES[@]}"; do
		used "$tool" "$MNT/jobs/$ID/status.json"
		python3 tests/stories/shape.py <"$TO" || not_by "$tool"
		saw "$tool" "$STATUS" yes
	done
	$good
}

@test "mv of a video copies it, and removes the local copy; the job stays" {
	local out=$BATS_TEST_TMPDIR/out times
	movies 'stall=3M until=go' ''
	coming $ID
	times=$(stat -c '%a %Y' "$MNT/jobs/$ID/video.mp4")
	mv "$MNT/jobs/$ID/video.mp4" "$out/coming.mp4" 3>&- &
	wait_until '[ -s "$BATS_TEST_TMPDIR/out/coming.mp4" ]'
	event go
	wait $!
	cmp "$out/coming.mp4" "$RIGHT"
	[ "$(stat -c '%a %Y' "$out/coming.mp4")" = "$times" ]
	wait_status $ID .video.state removed
	saw mv "$COMING" 'waits; the local copy is removed'
	ready $ID2
	mv "$MNT/jobs/$ID2/video.mp4" "$out/whole.mp4"
	cmp "$out/whole.mp4" "$RIGHT"
	wait_status $ID2 .video.state removed
	[ "$(status $ID2 .state)" = 'done' ]
	saw mv "$WHOLE" 'yes; the local copy is removed'
	# And it is fetched anew, as the README says.
	rmdir "$MNT/jobs/$ID2"
	ready $ID2
}

@test "mv of what may not go copies it, and says so; no more is lost than the local copy" {
	local out=$BATS_TEST_TMPDIR/out
	movies ''
	ready $ID
	fails_with 'Operation not permitted' mv "$MNT/jobs/$ID/status.json" "$out"
	cmp "$out/status.json" "$MNT/jobs/$ID/status.json"
	saw mv "$STATUS" 'copies, and says that it may not remove it'
	fails_with 'Operation not permitted' mv "$MNT/jobs/$ID" "$out"
	cmp "$out/$ID/video.mp4" "$RIGHT"
	cmp "$out/$ID/response.json" "$MNT/jobs/$ID/response.json"
	jq -e '.video.state == "ready"' "$out/$ID/status.json"
	wait_status $ID .video.state removed
	saw 'mv of a job' "$WHOLE" 'copies, and says that it may not remove it; the local copy is removed'
}

@test "mv of a video that does not come removes nothing" {
	OPTIONS=timeout=1 movies stall=3M
	coming $ID $ID2
	fails_with 'Connection timed out' mv "$MNT/jobs/$ID/video.mp4" "$BATS_TEST_TMPDIR/out" 3>&- &
	local mv=$!
	fails_with 'Connection timed out' mv "$MNT/jobs/$ID2" "$BATS_TEST_TMPDIR/out"
	wait $mv
	[ -e "$MNT/jobs/$ID/video.mp4" ]
	[ "$(status $ID .video.state) $(status $ID2 .video.state)" = 'fetching fetching' ]
	saw mv "$STOPPED" 'says so; nothing is removed'
	saw 'mv of a job' "$STOPPED" 'says so; nothing is removed'
}

# Two at once: of the file itself, and through nginx.
two_browsers() {
	movies "$@"
	start_nginx
	coming $ID $ID2
	browse file "file://$PWD/tests/stories/play.html" "file://$MNT/jobs/$ID/video.mp4"
	browse nginx "$WEB$PWD/tests/stories/play.html" "$WEB$MNT/jobs/$ID2/video.mp4"
}

played_to_the_end() {
	wait_until 'played file ended 3.9'
	wait_until 'played nginx ended 3.9'
	end_browsers
	run ! asked '^other GET .*/error/'
	saw 'Chromium, of a file' "$1" "$2"
	saw 'Chromium, through nginx' "$1" "$2"
}

@test "a browser plays a finished video" {
	two_browsers ''
	played_to_the_end "$WHOLE" yes
}

@test "a browser plays a video that is coming in, before all of it is there" {
	two_browsers 'stall=3M until=go' ''
	wait_until 'played file playing 0.5'
	wait_until 'played nginx playing 0.5'
	[ "$(status $ID .video.state) $(status $ID2 .video.state)" = 'fetching fetching' ]
	event go
	played_to_the_end "$COMING" 'at once'
}

@test "the README's table is what was seen" {
	[ -e "$BATS_FILE_TMPDIR/seen" ] || skip "nothing was seen"
	diff <(seen_table) <(sed -n '/^| program |/,/^$/p' README.md | sed '$d')
}
