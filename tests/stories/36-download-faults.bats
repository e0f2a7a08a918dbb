#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a server of videos can do wrong. Each time the video is right in the end, or the document says
# why not; and where the server has ranges, no byte is sent twice.
# sanitized
load lib.bash
load video.bash

# is_lost CODE: given up, and nothing is left of it.
is_lost() {
	wait_status $ID .video.state lost
	[ "$(status $ID .video.error.code)" = "$1" ]
	[ "$(status $ID .state)" = 'done' ]
	[ ! -e "$MNT/jobs/$ID/video.mp4" ]
	wait_until '[ -z "$(find "$STORE" -name "*.mp4*")" ]'
}

# ---- cuts and stalls

@test "cut at any byte, many times" {
	SEED=${SEED:-$RANDOM}
	echo "# SEED=$SEED" >&3
	mapfile -t cuts < <(
		printf 'cut=%s\n' 1 4 7 8 9 4095 4096 65537
		awk -v seed="$SEED" 'BEGIN { srand(seed); for (i = 0; i < 60; i++) print "cut-after=" 1 + int(rand() * 30000) }'
	)
	served 2M "${cuts[@]}" ''
	start_cometfs
	track $ID
	is_whole
	[ "$(video_gets big.mp4)" -gt 60 ]
	sent_once
}

@test "cut before the first byte, and before the headers" {
	served 1M drop cut=0 cut=500K cut-after=0 drop ''
	start_cometfs
	track $ID
	is_whole
	sent_once
}

@test "a stall: at the time-out it goes on with a range" {
	served 2M stall=0 stall=1 stall=1M ''
	start_cometfs timeout=1
	track $ID
	is_whole
	[ "$(video_gets big.mp4)" = 4 ]
	sent_once
}

@test "an address that does not answer at all: likewise" {
	served 1M hang cut=500K hang ''
	start_cometfs timeout=1
	track $ID
	is_whole
	sent_once
}

@test "one byte a second: it is fetched, and a reader has it byte by byte" {
	served 14 rate=1
	start_cometfs timeout=10
	track $ID
	wait_until '[ -e "$MNT/jobs/$ID/video.mp4" ]'
	[ "$(status $ID .video.state)" = fetching ]
	cmp "$MNT/jobs/$ID/video.mp4" <(made big.mp4 14)
	is_whole
}

@test "servers that send a byte a second do not keep other videos from being fetched" {
	start_provider - <<-'SCRIPT'
		job slow*
			answer done video=slow.mp4
		job *
			answer done video=clip.mp4
		video clip.mp4
			file clip.mp4
		video slow.mp4
			size 1M
			serve rate=1
	SCRIPT
	start_cometfs timeout=2
	track slow1 slow2 slow3 slow4
	wait_until '[ "$(video_gets slow.mp4)" -ge 4 ]'
	track $ID
	wait_status $ID .video.state ready
	is_clip $ID
}

# ---- lengths

@test "a length that is more than what comes, again and again: never taken for whole" {
	served 1M 'length=+1000 until=go' ''
	start_cometfs timeout=2
	track $ID
	wait_until '[ "$(video_gets big.mp4)" -ge 4 ]'
	[ "$(status $ID .video.state)" = fetching ]
	[ -z "$(find "$STORE" -name '*.mp4')" ]
	# Who reads to the end that was announced is never given fewer bytes.
	run -1 cat "$MNT/jobs/$ID/video.mp4"
	event go
	is_whole
	[ "$(said "no such range any more")" -ge 1 ]
}

@test "a length of a range's answer that is more, or less, than what comes" {
	served 2M cut=500K length=+1000 ''
	start_cometfs
	track $ID
	wait_until '[[ "$(status $ID .video.state)" == ready ]]'
	cmp "$MNT/jobs/$ID/video.mp4" <(made big.mp4 2M)
	stop_provider
	rmdir "$MNT/jobs/$ID"
	stop_cometfs
	served 2M cut=500K length=-1000 cut-after=10 length=-1 ''
	start_cometfs
	track $ID
	is_whole
}

@test "no length, in chunks" {
	served 1M no-length
	start_cometfs
	track $ID
	is_whole
	[ "$(video_gets big.mp4)" = 1 ]
}

@test "no length, in chunks, and cut in between: it goes on with a range" {
	served 1M 'no-length cut=300K' 'no-length cut=700K' no-length
	start_cometfs
	track $ID
	is_whole
	[ "$(video_gets big.mp4)" = 3 ]
	sent_once
}

@test "larger than max_video, and not said before" {
	served 2M 'no-length cut=500K' no-length
	expect_log 'its video is lost: the video is larger than max_video'
	start_cometfs max_video=1M
	track $ID
	is_lost too_large
	# The next mount may allow more.
	stop_cometfs
	expect_log 'its video has to be fetched again'
	start_cometfs max_video=2M
	is_whole
}

# ---- answers that do not fit

@test "a page instead of the rest: what is there is kept" {
	in_between 'text="<html></html>" type=text/html until=go'
	waits_with not_a_video "a page instead of a video"
	[ "$(status $ID .video.bytes)" = 921600 ]
	event go
	is_whole
	sent_once
}

@test "encoded, although not asked to: no byte of it is taken" {
	in_between 'encoding=gzip until=go'
	waits_with not_a_video encoded
	event go
	is_whole
	asked 'video big.mp4 range=921600-'
	[ "$(asked '^video big.mp4 range=none' | wc -l)" = 1 ]
}

@test "encoded from the first byte on" {
	served 1M 'encoding=gzip until=go' 'encoding=br' 'encoding=identity'
	start_cometfs
	track $ID
	waits_with not_a_video encoded
	[ ! -e "$MNT/jobs/$ID/video.mp4" ]
	event go
	is_whole
}

@test "416: it begins anew" {
	in_between 'status=416 empty'
	is_whole
	[ "$(said "no such range any more")" = 1 ]
}

@test "416, since the video is a shorter one now" {
	start_provider - <<-'SCRIPT'
		job *
			answer done
		video big.mp4
			size 2M
			serve cut=900K
			serve from=short.mp4 no-if-range
		video short.mp4
			size 100K
	SCRIPT
	start_cometfs
	track $ID
	is_whole short.mp4 100K
	[ "$(said "no such range any more")" = 1 ]
}

@test "200 instead of a range: it begins anew, once" {
	in_between no-range
	is_whole
	[ "$(video_gets big.mp4)" = 3 ]
	[ "$(said "begins again from the start")" = 1 ]
}

@test "206 of another range, a byte or many off: none of its bytes is taken" {
	local off
	for off in +1 -1 +1000000 -900000; do
		in_between off-by=$off
		is_whole
		[ "$(said "another one now")" -ge 1 ]
		rmdir "$MNT/jobs/$ID"
		stop_cometfs
		stop_provider
	done
}

@test "206 although no range was asked for, and none is told" {
	served 1M status=206 ''
	start_cometfs
	track $ID
	is_whole
	[ "$(said "another one now")" = 1 ]
}

# then_new FIRST OPTION…: how a file is served at first; then another of the same length is behind the address.
then_new() {
	local first=$1
	shift
	start_provider - <<-SCRIPT
		job *
			answer done
		video big.mp4
			size 1M
			serve $first
			serve from=new.mp4 $*
			serve from=new.mp4
		video new.mp4
			size 1M
	SCRIPT
	start_cometfs
	track $ID
}

# another_file OPTION…: after a cut.
another_file() {
	then_new cut=500K "$@"
	is_whole new.mp4 1M
	asked 'video big.mp4 range=512000- .*if-range="'
}

@test "another ETag: nothing of the old video is kept" {
	another_file
	[ "$(said "begins again from the start")" = 1 ]
}

@test "another ETag, of a server that does not know If-Range: likewise" {
	another_file no-if-range
	[ "$(said "another one now")" = 1 ]
}

# Who reads the old one gets an error, and whoever opens it then has the new one.
@test "another ETag, while somebody reads: all of one, or an error" {
	then_new 'stall=500K until=go cut=600K'
	wait_until '[ "$(status $ID .video.bytes)" = 512000 ]'
	exec 4<"$MNT/jobs/$ID/video.mp4"
	cmp <(head -c 512000 <&4) <(made big.mp4 512000)
	cat <&4 >"$BATS_TEST_TMPDIR/rest" 2>"$BATS_TEST_TMPDIR/said" 3>&- &
	local reader=$!
	exec 4<&-
	event go
	if wait $reader; then
		false
	fi
	grep -q 'Input/output error' "$BATS_TEST_TMPDIR/said"
	is_whole new.mp4 1M
}
