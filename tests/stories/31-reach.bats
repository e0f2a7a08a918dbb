#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Who reads far ahead of what is there is brought his place at once, and nothing is fetched twice.
load lib.bash

MIB=1048576

# far SERVE-LINE…: a video of 64 MiB, and how it is served. VIDEO is its path in the mount.
far() {
	start_provider - < <(
		printf 'job *\n\tanswer done\nvideo far.mp4\n\tsize 64M\n'
		printf '\tserve %s\n' "$@"
	)
	made far.mp4 64M >"$BATS_TEST_TMPDIR/far"
	start_cometfs
	track $ID
	VIDEO=$MNT/jobs/$ID/video.mp4
	wait_until '[ -e "$VIDEO" ]'
}

# piece_is FROM LENGTH: those bytes of the video are right.
piece_is() {
	cmp -n "$2" -i "$1" "$VIDEO" "$BATS_TEST_TMPDIR/far"
}

is_far() {
	wait_status $ID .video.state ready
	cmp "$VIDEO" "$BATS_TEST_TMPDIR/far"
	[ "$(status $ID .video.bytes)" = $((64 * MIB)) ]
	[ "$(status $ID .video.sha256)" = "$(sha256sum <"$BATS_TEST_TMPDIR/far" | cut -d' ' -f1)" ]
}

bytes_reach() {
	wait_until "[ \"\$(status $ID .video.bytes)\" -ge $1 ]"
}

@test "the end is there at once, however far the download is" {
	far "stall=8M until=go once" ""
	piece_is $((64 * MIB - 1000)) 1000
	bytes_reach $((8 * MIB + 1000))
	[ "$(status $ID .video.bytes)" -lt $((9 * MIB)) ]
	# A second time it is just there.
	piece_is $((64 * MIB - 1000)) 1000
	asked "^video far.mp4 range=$((64 * MIB - 131072))-$((64 * MIB - 1)) "
	event go
	is_far
	[ "$(video_gets far.mp4)" = 2 ]
}

@test "the blocks of what is there ahead are counted" {
	far "stall=2M until=go once" ""
	piece_is $((32 * MIB)) 1000
	bytes_reach $((34 * MIB))
	[ $(($(stat -c %b "$VIDEO") * 512)) -ge $((34 * MIB)) ]
	[ $(($(stat -c %b "$VIDEO") * 512)) -le $((35 * MIB)) ]
	event go
	is_far
}

@test "where the download meets what a reader had fetched, that goes on, and is not asked for again" {
	far "stall=8M until=go once" "stall=48M until=on once" ""
	piece_is $((40 * MIB)) $((4 * MIB))
	event go
	bytes_reach $((48 * MIB))
	event on
	is_far
	[ "$(video_gets far.mp4)" = 2 ]
}

@test "readers of many places, each is served in his turn" {
	far "stall=4M until=go once" ""
	local readers=() place
	for place in 60 12 50 20 40 30 63 8; do
		piece_is $((place * MIB)) 300000 &
		readers+=($!)
	done
	for place in "${readers[@]}"; do
		wait "$place"
	done
	event go
	is_far
}

@test "a reader just ahead waits for the download" {
	far "stall=8M until=go once" ""
	bytes_reach $((8 * MIB))
	piece_is $((8 * MIB + 500000)) 1000 &
	event go
	wait $!
	is_far
	[ "$(video_gets far.mp4)" = 1 ]
}

@test "where there are no ranges readers wait for the download" {
	far "stall=8M until=go once no-range" "no-range"
	local far near
	piece_is $((60 * MIB)) 1000 &
	far=$!
	wait_until '[ "$(video_gets far.mp4)" = 2 ]'
	piece_is $((50 * MIB)) 1000 &
	near=$!
	event go
	wait $far
	wait $near
	is_far
	[ "$(video_gets far.mp4)" = 2 ]
}

@test "a piece of another file is not taken for one of this" {
	far "stall=8M until=go once etag=\"one\"" "etag=\"two\""
	piece_is $((60 * MIB)) 1000 &
	wait_until '[ "$(video_gets far.mp4)" = 2 ]'
	event go
	wait $!
	is_far
}

@test "a second request that is refused does no harm" {
	far "stall=8M until=go once" "status=403 times=2" ""
	piece_is $((60 * MIB)) 1000 &
	wait_until '[ "$(video_gets far.mp4)" -ge 2 ]'
	event go
	wait $!
	is_far
}

@test "a second request that is cut goes on where it was" {
	far "stall=8M until=go once" "cut=42M" "cut=43M" ""
	piece_is $((40 * MIB)) $((5 * MIB))
	event go
	is_far
	# What is in flight when a connection breaks may be lost.
	[ "$(asked ' range=4[3-5][0-9]{6}-' | wc -l)" -ge 2 ]
}

@test "the download is cut while a reader is far ahead: both go on" {
	far "stall=8M until=go once cut=9M" ""
	piece_is $((60 * MIB)) 1000
	event go
	is_far
	asked ' range=9[0-9]{6}-'
}

# again FROM TO: whether a request since the restart asks for a byte between them.
again() {
	tail -n "+$((LINES_BEFORE + 1))" "$BATS_TEST_TMPDIR/provider.log" |
		sed -nE 's/^video .* range=([0-9]*)-([0-9]*) .*/\1 \2/p' |
		awk -v from="$1" -v to="$2" -v last=$((64 * MIB - 1)) '
			{ end = $2 == "" ? last : $2; if ($1 < to && end >= from) bad = 1 } END { exit !bad }'
}

restart() {
	LINES_BEFORE=$(wc -l <"$BATS_TEST_TMPDIR/provider.log")
	"$1"
	start_cometfs
}

@test "after a restart in good order nothing that was there is fetched again" {
	far "stall=8M until=go once" "stall=45M until=on once" ""
	piece_is $((40 * MIB)) 1000
	bytes_reach $((13 * MIB))
	restart stop_cometfs
	is_far
	run ! again 0 $((8 * MIB))
	run ! again $((40 * MIB)) $((45 * MIB))
	again $((39 * MIB)) $((40 * MIB))
	# The front up to the piece, and from its end on.
	[ "$(video_gets far.mp4)" = 4 ]
}

@test "after kill -9 nothing that was on disk is fetched again" {
	far "stall=8M until=go once" "stall=60M until=on once" ""
	piece_is $((32 * MIB)) 1000
	bytes_reach $((36 * MIB))
	restart kill_cometfs
	is_far
	# A sync every 16 MiB: there was one when 16 of the 28 were there.
	run ! again 0 $((4 * MIB))
	run ! again $((32 * MIB)) $((40 * MIB))
}

@test "ffprobe of a video with its index at the end need not wait for it" {
	local clip=$BATS_TEST_TMPDIR/long.mp4
	ffmpeg -v error -f lavfi -i testsrc2=size=640x480:rate=25 -t 30 \
		-c:v libx264 -preset ultrafast -qp 1 "$clip"
	[ "$(stat -c %s "$clip")" -gt $((8 * MIB)) ]
	start_provider - <<-SCRIPT
		job *
			answer done
		video long.mp4
			file $clip
			serve stall=2M until=go once
			serve
	SCRIPT
	start_cometfs
	track $ID
	VIDEO=$MNT/jobs/$ID/video.mp4
	wait_until '[ -e "$VIDEO" ]'
	[ "$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$VIDEO")" = 30.000000 ]
	[ "$(status $ID .video.state)" = fetching ]
	event go
	wait_status $ID .video.state ready
	cmp "$VIDEO" "$clip"
}

@test "where the piece begins the front is done, whatever the server still holds back" {
	far "stall=24M rate=4M until=never once" ""
	piece_is $((24 * MIB)) 1000
	# The front stops one byte before the piece, and none comes that would show it.
	is_far
}

@test "who reads on behind his own piece is served, however many pieces there are" {
	far "stall=2M until=go once" ""
	local place
	for place in 4 7 10 13 16 19 22 25 28 31 34 37 40 43 46; do
		piece_is $((place * MIB)) 1000
	done
	event go
	piece_is $((46 * MIB)) $((18 * MIB))
	is_far
}

# A video of one tag until the next life, which begins with another one of the same length.
two_files() {
	start_provider - <<-SCRIPT
		job *
			answer done video=far.mp4
		video far.mp4
			size 64M
			serve etag="one" stall=1M until=never once
			serve etag="two" from=other.mp4 hang until=go once
			serve etag="one" times=1
			serve etag="two" from=other.mp4
		video other.mp4
			size 64M
	SCRIPT
	made other.mp4 64M >"$BATS_TEST_TMPDIR/far"
	start_cometfs
	track $ID
	VIDEO=$MNT/jobs/$ID/video.mp4
	wait_until '[ -e "$VIDEO" ]'
	kill_cometfs
}

@test "pieces and a front of two files never become one video" {
	two_files
	start_cometfs
	dd if="$VIDEO" of=/dev/null bs=128K skip=160 count=1 status=none
	event go
	is_far
}

@test "a synced piece that another one has come before is not forgotten" {
	far "stall=8M until=never once" "stall=58M until=never once" "stall=32M until=never once" ""
	piece_is $((36 * MIB)) 1000
	bytes_reach $((30 * MIB))
	piece_is $((31 * MIB)) 1000
	restart kill_cometfs
	is_far
	# There was a sync when 16 were there, of the front and of the piece.
	run ! again $((36 * MIB)) $((43 * MIB))
}
