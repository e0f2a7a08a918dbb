#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The video: fetched once, kept for good, readable from its first byte on.
load lib.bash

clip() {
	start_provider many
	start_cometfs "$@"
}

# big SERVE-LINE…: a video of 32 MiB, and how it is served. VIDEO is its path in the mount.
big() {
	start_provider - < <(
		printf 'job *\n\tanswer done\nvideo big.mp4\n\tsize 32M\n'
		printf '\tserve %s\n' "$@"
	)
	start_cometfs
	track $ID
	VIDEO=$MNT/jobs/$ID/video.mp4
}

is_big() {
	cmp "$1" <(made big.mp4 32M)
}

@test "a finished video is fetched, whole, and plays" {
	clip
	track $ID
	wait_status $ID .video.state ready
	local video=$MNT/jobs/$ID/video.mp4
	cmp "$video" tests/provider/clip.mp4
	cp "$video" "$BATS_TEST_TMPDIR/copy.mp4"
	cmp "$BATS_TEST_TMPDIR/copy.mp4" tests/provider/clip.mp4
	rsync -t "$video" "$BATS_TEST_TMPDIR/rsync.mp4"
	cmp "$BATS_TEST_TMPDIR/rsync.mp4" tests/provider/clip.mp4
	[ "$(ffprobe -v error -show_entries stream=codec_name -of csv=p=0 "$video" | head -n 1)" = h264 ]
	ffmpeg -v error -i "$video" -f null -
}

@test "its figures are right, and its times those of the job" {
	clip
	track $ID
	wait_status $ID .video.state ready
	local video=$MNT/jobs/$ID/video.mp4 size
	size=$(stat -c %s tests/provider/clip.mp4)
	[ "$(status $ID .video.size)" = "$size" ]
	[ "$(status $ID .video.bytes)" = "$size" ]
	[ "$(status $ID .video.error)" = null ]
	[ "$(status $ID .video.sha256)" = "$(sha256sum <tests/provider/clip.mp4 | cut -d' ' -f1)" ]
	[ "$(stat -c %s "$video")" = "$size" ]
	[ $(($(stat -c %b "$video") * 512)) -ge "$size" ]
	[ "$(stat -c %Y "$video")" = "$(date -d "$(status $ID .finished_at)" +%s)" ]
	[ "$(video_gets clip.mp4)" = 1 ]
}

@test "a video gets the key only where its address is the provider's own" {
	start_provider - <<-'SCRIPT'
		job own
			answer done
		job other
			answer done url="http://localhost:@PORT@/videos/clip.mp4"
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track own
	wait_status own .video.state ready
	[ "$(asked '^video clip.mp4' | grep -c auth=test-key)" = 1 ]
	# The same provider by another name is another origin: its script needs the port, which is known now.
	local port=$PORT
	stop_provider
	sed -i "s/@PORT@/$port/" "$BATS_TEST_TMPDIR/provider.script"
	start_provider "$BATS_TEST_TMPDIR/provider.script" --port "$port"
	track other
	wait_status other .video.state ready
	[ "$(asked '^video clip.mp4')" = 'video clip.mp4 range=none auth=none if-range=none n=1' ]
}

@test "while it downloads it has its final size, and can be read as far as it is there" {
	big "stall=8M until=go" ""
	wait_until '[ -e "$VIDEO" ]'
	[ "$(stat -c %s "$VIDEO")" = 33554432 ]
	cmp <(head -c 65536 "$VIDEO") <(made big.mp4 65536)
	wait_until '[ "$(status $ID .video.bytes)" -ge 8000000 ]'
	[ "$(status $ID .video.state)" = fetching ]
	[ "$(status $ID .video.size)" = 33554432 ]
	[ $(($(stat -c %b "$VIDEO") * 512)) -lt 16777216 ]
	local inode time
	inode=$(stat -c %i "$VIDEO") time=$(stat -c %Y "$VIDEO")
	is_big "$VIDEO" &
	event go
	wait $!
	wait_status $ID .video.state ready
	is_big "$VIDEO"
	[ "$(stat -c '%i %s' "$VIDEO")" = "$inode 33554432" ]
	[ "$(stat -c %Y "$VIDEO")" = "$time" ]
}

@test "a reader at the end waits for the end" {
	big "stall=1M until=go" ""
	wait_until '[ -e "$VIDEO" ]'
	local tail
	cmp <(tail -c 1000 "$VIDEO") <(made big.mp4 32M | tail -c 1000) &
	tail=$!
	cmp <(tail -c +1 "$VIDEO") <(made big.mp4 32M) &
	event go
	wait $!
	wait $tail
}

@test "a cut connection goes on with a range" {
	big "cut=20M" "cut=30M" ""
	wait_status $ID .video.state ready
	is_big "$VIDEO"
	[ "$(video_gets big.mp4)" = 3 ]
	# What is in flight when a connection breaks may be lost.
	asked 'video big.mp4 range=20[0-9]{6}- .*if-range="'
	asked 'video big.mp4 range=31[0-9]{6}- .*if-range="'
	[ "$(status $ID .video.sha256)" = "$(made big.mp4 32M | sha256sum | cut -d' ' -f1)" ]
}

@test "where there are no ranges it starts again" {
	big "cut=20M" "no-range"
	expect_log 'begins again from the start'
	wait_status $ID .video.state ready
	is_big "$VIDEO"
	# The second asks for a range and is not given one, the third does not ask.
	[ "$(video_gets big.mp4)" = 3 ]
}

@test "after kill -9 it goes on at the next start" {
	big "stall=24M until=go" ""
	wait_until '[ "$(status $ID .video.bytes)" -ge 25000000 ]'
	kill_cometfs
	event go
	start_cometfs
	wait_status $ID .video.state ready
	is_big "$VIDEO"
	[ "$(video_gets big.mp4)" = 2 ]
	asked 'video big.mp4 range=[1-9][0-9]*-'
	[ "$(polls $ID)" = 1 ]
}

# Two downloads with some bytes each and nothing on disk yet: the second waits for its turn then.
two_parts_after_a_kill() {
	start_provider - <<-'SCRIPT'
		job first
			answer done video=first.mp4
		job second
			answer done video=second.mp4
		video first.mp4
			size 1M
			serve stall=64K until=go
			serve
		video second.mp4
			size 1M
			serve stall=256K until=never once
			serve
	SCRIPT
	start_cometfs downloads=2
	track first
	wait_until '[ "$(status first .video.bytes)" = 65536 ]'
	track second
	wait_until '[ "$(status second .video.bytes)" = 262144 ]'
	kill_cometfs
}

reads_second_from_its_start() {
	start_cometfs downloads=1
	cat "$MNT/jobs/second/video.mp4" >"$BATS_TEST_TMPDIR/copy" 3>&- &
	local reader=$!
	wait_until "ls -l /proc/$reader/fd | grep -q video.mp4"
	event go
	wait $reader
	cmp "$BATS_TEST_TMPDIR/copy" <(made second.mp4 1M)
}

@test "who opens a video after kill -9, before the download's turn, gets all bytes" {
	two_parts_after_a_kill
	reads_second_from_its_start
}

@test "... and none that a power cut has made of those that were not on disk" {
	two_parts_after_a_kill
	head -c 262144 /dev/zero >"$STORE/videos/2.mp4.part"
	reads_second_from_its_start
}

@test "after a restart in good order it goes on where it was" {
	big "stall=24M until=go" ""
	wait_until '[ "$(status $ID .video.bytes)" -ge 25165824 ]'
	stop_cometfs
	event go
	start_cometfs
	wait_status $ID .video.state ready
	is_big "$VIDEO"
	asked 'video big.mp4 range=25165824-'
}

@test "what is remembered is there at once, also with the provider away" {
	clip
	track $ID $ID2
	wait_status $ID .video.state ready
	wait_status $ID2 .video.state ready
	local inode
	inode=$(stat -c %i "$MNT/jobs/$ID/video.mp4")
	stop_cometfs
	stop_provider
	start_cometfs
	[ "$(ls "$MNT/jobs" | wc -l)" = 2 ]
	cmp "$MNT/jobs/$ID/video.mp4" tests/provider/clip.mp4
	[ "$(status $ID .video.state)" = ready ]
	[ "$(stat -c %i "$MNT/jobs/$ID/video.mp4")" = "$inode" ]
	kill_cometfs
	start_cometfs
	cmp "$MNT/jobs/$ID2/video.mp4" tests/provider/clip.mp4
}

@test "a kept video whose file is gone is fetched again" {
	expect_log 'its video has to be fetched again'
	clip
	track $ID
	wait_status $ID .video.state ready
	stop_cometfs
	find "$STORE" -name '*.mp4' -delete
	start_cometfs
	wait_status $ID .video.state ready
	cmp "$MNT/jobs/$ID/video.mp4" tests/provider/clip.mp4
}

@test "no more downloads at a time than asked for" {
	start_provider - <<-'SCRIPT'
		job 1
			answer done video=one.mp4
		job *
			answer done video=other.mp4
		video one.mp4
			size 1M
			serve stall=64K until=go
			serve
		video other.mp4
			size 1M
	SCRIPT
	start_cometfs downloads=1
	track 1
	wait_until '[ -e "$MNT/jobs/1/video.mp4" ]'
	track 2
	wait_status 2 .video.state fetching
	[ "$(video_gets other.mp4)" = 0 ]
	event go
	wait_status 1 .video.state ready
	wait_status 2 .video.state ready
}

@test "a page, an empty answer and a video over max_video are no videos of ours" {
	start_provider - <<-'SCRIPT'
		job page
			answer done video=page.mp4
		job large
			answer done video=large.mp4
		video page.mp4
			size 1M
			serve text="<html><body>Sign in</body></html>" type=text/html
		video large.mp4
			size 2M
	SCRIPT
	expect_log 'large: its video is lost: '
	start_cometfs max_video=1M
	track page large
	wait_status page .video.error.code not_a_video
	wait_status large .video.error.code too_large
	[ ! -e "$MNT/jobs/page/video.mp4" ]
	[ ! -e "$MNT/jobs/large/video.mp4" ]
	[ "$(status large .video.state)" = lost ]
	[ "$(status large .state)" = 'done' ]
}

@test "an address that refuses is asked again" {
	start_provider - <<-'SCRIPT'
		job *
			answer done
		video clip.mp4
			file clip.mp4
			serve status=403 text="<html></html>" type=text/html
			serve
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	cmp "$MNT/jobs/$ID/video.mp4" tests/provider/clip.mp4
}
