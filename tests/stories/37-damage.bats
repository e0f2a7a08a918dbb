#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Somebody is at the files of the store, while the daemon runs or is away: no byte of his is given out
# as the video's, and what he took away is fetched again.
load lib.bash

# A finished job, whose video can be fetched as often as it is wanted.
have_video() {
	start_provider - <<-'SCRIPT'
		job *
			answer done
		video big.mp4
			size 2M
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	VIDEO=$MNT/jobs/$ID/video.mp4
	KEPT=$(find "$STORE" -name '*.mp4')
}

# A download that stands still at one megabyte, until the event go.
have_part() {
	start_provider - <<-'SCRIPT'
		job *
			answer done
		video big.mp4
			size 2M
			serve stall=1M until=go
			serve
	SCRIPT
	start_cometfs
	track $ID
	wait_until '[ "$(status $ID .video.bytes)" -ge 1048576 ]'
	VIDEO=$MNT/jobs/$ID/video.mp4
	PART=$(find "$STORE" -name '*.part')
}

is_right() {
	wait_status $ID .video.state ready
	cmp "$VIDEO" <(made big.mp4 2M)
	[ "$(status $ID .video.sha256)" = "$(made big.mp4 2M | sha256sum | cut -d' ' -f1)" ]
}

@test "a part that is cut short while it grows gets no hole" {
	have_part
	truncate -s 100K "$PART"
	event go
	is_right
}

@test "a part that is deleted while it grows is fetched again" {
	have_part
	rm "$PART"
	event go
	is_right
}

# is_mapped OFFSET FILE: the coprocess sees there, in what it has mapped, the byte that FILE has.
is_mapped() {
	local byte
	echo "$1" >&"${COPROC[1]}"
	read -r byte <&"${COPROC[0]}"
	[ "$byte" = "$(od -An -tu1 -j "$1" -N 1 "$2" | tr -d ' ')" ]
}

# damaged_while_it_runs COMMAND: what somebody does to the file that is $KEPT.
damaged_while_it_runs() {
	expect_log 'its video has to be fetched again'
	have_video
	eval "$1"
	run cat "$VIDEO"
	# Or the echo, which tells watchers that it is complete, was here first.
	[ "$status" != 0 ] || [ "$(video_gets big.mp4)" = 2 ]
	# Before that the document may say still that it is ready.
	wait_until '[ "$(video_gets big.mp4)" = 2 ]'
	is_right
	[ "$(video_gets big.mp4)" = 2 ]
}

@test "a kept video that is cut short is an error, then fetched again" {
	damaged_while_it_runs 'truncate -s 1M "$KEPT"'
}

@test "a kept video that is deleted is an error, then fetched again" {
	damaged_while_it_runs 'rm "$KEPT"'
}

@test "a kept video that is replaced by a link is an error, and the link is not followed" {
	made big.mp4 2M | tr '\0-\377' '\1-\377\0' >"$BATS_TEST_TMPDIR/strange"
	damaged_while_it_runs 'ln -sf "$BATS_TEST_TMPDIR/strange" "$KEPT"'
	[ "$(sha256sum <"$BATS_TEST_TMPDIR/strange")" = "$(made big.mp4 2M | tr '\0-\377' '\1-\377\0' | sha256sum)" ]
}

@test "--check finds all videos whole" {
	have_video
	track $ID2
	wait_status $ID2 .video.state ready
	stop_cometfs
	run -0 "$COMETFS" --check -o "store=$STORE"
	[ "${lines[0]}" = "$ID: ok, 2097152 bytes" ]
	[ "${lines[1]}" = "$ID2: ok, 2097152 bytes" ]
	[ "${lines[2]}" = "2 videos are whole, 4194304 bytes; 0 damaged" ]
	[ "${#lines[@]}" = 3 ]
}

@test "--check finds one changed byte, sets the file aside, and the next mount fetches it again" {
	expect_log 'its video has to be fetched again'
	have_video
	track $ID2 $ID3
	wait_status $ID2 .video.state ready
	wait_status $ID3 .video.state ready
	stop_cometfs
	printf '\377\376' | dd status=none of="$KEPT" bs=1 seek=1000000 conv=notrunc
	rm "$STORE/videos/2.mp4"
	run -1 "$COMETFS" --check -o "store=$STORE"
	[ "${lines[0]}" = "$ID: damaged: its bytes are not those that came" ]
	[ "${lines[1]}" = "$ID2: damaged: its file is gone" ]
	[ "${lines[2]}" = "$ID3: ok, 2097152 bytes" ]
	[ "${lines[3]}" = "1 videos are whole, 2097152 bytes; 2 damaged" ]
	[ -e "$KEPT.damaged" ]
	start_cometfs
	is_right
	wait_status $ID2 .video.state ready
	cmp "$MNT/jobs/$ID2/video.mp4" "$VIDEO"
	rmdir "$MNT/jobs/$ID"
	[ ! -e "$KEPT.damaged" ]
}

@test "--check leaves a store alone that a daemon has" {
	have_video
	run -1 --separate-stderr "$COMETFS" --check -o "store=$STORE"
	[[ $stderr == "cometfs: $STORE: in use by another cometfs, "* ]]
	run -1 --separate-stderr "$COMETFS" --check "$MNT" -o "store=$STORE"
	[[ $stderr == "cometfs: --check: it takes no mount point" ]]
}

# What he maps still comes from the damaged file: his pages are not those of the others.
@test "who has a damaged video mapped hinders nobody else from having it anew" {
	expect_log 'its video has to be fetched again'
	have_video
	local inode
	inode=$(stat -c %i "$VIDEO")
	made big.mp4 2M >"$BATS_TEST_TMPDIR/made"
	made big.mp4 1M | tr '\0-\377' '\1-\377\0' >"$BATS_TEST_TMPDIR/strange"
	exec 7<"$VIDEO"
	coproc python3 tests/stories/mapped.py 7 3>&-
	exec 7<&-
	is_mapped 0 "$BATS_TEST_TMPDIR/made"
	cat "$BATS_TEST_TMPDIR/strange" >"$KEPT"
	fails_with 'Input/output error' cat "$VIDEO"
	wait_until '[ "$(video_gets big.mp4)" = 2 ]'
	wait_status $ID .video.state ready
	exec 7<"$VIDEO"
	is_mapped 500000 "$BATS_TEST_TMPDIR/strange"
	cmp - "$BATS_TEST_TMPDIR/made" <&7
	exec 7<&-
	is_right
	[ "$(stat -c %i "$VIDEO")" = "$inode" ]
	kill "$COPROC_PID"
}

@test "--check makes no store, and does not call one that is not there sound" {
	fails_with 'no such store' "$COMETFS" --check -o "store=$BATS_TEST_TMPDIR/none/there"
	[ ! -e "$BATS_TEST_TMPDIR/none" ]
}
