#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A store without room, and one that somebody has been at: what waits goes on by itself, what is gone
# is fetched again, and nobody's bytes are given out as the video's.
# sanitized
load lib.bash
load video.bash

# job_with SIZE SERVE-LINE…: that video, and beside it another.
job_with() {
	served "$@"
	VIDEO=$MNT/jobs/$ID/video.mp4
	KEPT=$STORE/videos/1.mp4 # the first job's
	PART=$KEPT.part
}

bytes_reach() {
	wait_until "[ \"\$(status $ID .video.bytes)\" -ge $1 ]"
}

# ---- no room

# The videos have a file system of their own, of 4 MiB; what is remembered of them has not.
small_store() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	start_cometfs
	stop_cometfs
	mount -t tmpfs -o size=4M,mode=700 tmpfs "$STORE/videos"
	SMALL=$STORE/videos
	start_cometfs
}

teardown() {
	local good=true
	end_story || good=false
	[ -z "${SMALL:-}" ] || umount "$SMALL" || good=false
	$good
}

fill() {
	fails_with "No space left on device" dd status=none bs=64K if=/dev/zero of="$STORE/videos/fill"
}

is_full() {
	wait_status $ID .video.error.code store_full
	[ "$(status $ID .video.state)" = fetching ]
	[ "$(status $ID .state)" = 'done' ]
	[ -n "$(status $ID '.video.error.message')" ]
	shape_is_right $ID
	# All else goes on.
	cmp "$MNT/jobs/small/video.mp4" tests/provider/clip.mp4
	track other
	wait_status other .state 'done'
	rmdir "$MNT/jobs/other"
}

@test "no room before the first byte: it waits, and goes on by itself when there is" {
	job_with 2M ''
	small_store
	track small
	wait_status small .video.state ready
	fill
	track $ID
	is_full
	rm "$STORE/videos/fill"
	is_whole
}

# The disk is filled while a download waits in its middle.
full_in_the_middle() {
	job_with 3M 'stall=1M until=go' ''
	small_store
	track small $ID
	wait_status small .video.state ready
	bytes_reach 1048576
	# Where room was set aside for all of it, nobody else can have that.
	fill
	event go
	wait_until '[ "$(status $ID .video.error.code)" = store_full ] || [ "$(status $ID .video.state)" = ready ]'
}

@test "no room in the middle: what has come is kept, readers get it, and it goes on" {
	full_in_the_middle
	[ "$(status $ID .video.state)" = ready ] || is_full
	cmp <(head -c 1M "$VIDEO") <(made big.mp4 1M)
	rm "$STORE/videos/fill"
	is_whole
	[ "$(video_gets big.mp4)" = 1 ] || asked 'video big.mp4 range=[1-9][0-9]{6}-'
}

@test "no room, and somebody waits for the rest: an error, or all of it" {
	job_with 8M ''
	small_store
	track small
	wait_status small .video.state ready
	stop_cometfs
	start_cometfs timeout=2
	track $ID
	is_full
	[ ! -e "$VIDEO" ] || run -1 cat "$VIDEO"
	mount -o remount,size=16M "$SMALL"
	is_whole
}

@test "no room, and a restart: it goes on where it was" {
	full_in_the_middle
	expect_log 'something that is not ours: fill'
	stop_cometfs
	start_cometfs
	rm "$STORE/videos/fill"
	is_whole
}

# sync_fails ERROR: from now on, whoever syncs the part is told so; until sync_works.
sync_fails() {
	strace -f -qq -o "$BATS_TEST_TMPDIR/trace" -P "$PART" -e trace=fsync,fdatasync \
		-e "inject=fsync,fdatasync:error=$1" -p $DAEMON 3>&- &
	SERVER=$!
	wait_until '! grep -q "^TracerPid:.0$" /proc/$DAEMON/task/*/status'
}

sync_works() {
	kill "$SERVER"
	wait "$SERVER" || true
	SERVER=
}

# at_the_sync ERROR
at_the_sync() {
	job_with 2M 'stall=1M until=go' ''
	start_cometfs
	track $ID
	bytes_reach 1048576
	sync_fails "$1"
	event go
	wait_status $ID .video.error.code store_full
	[ "$(status $ID .video.state)" = fetching ]
	[ -z "$(find "$STORE" -name '*.mp4')" ]
	# Not taken for synced by a second try: the kernel says so once, and forgets it.
	sync_works
	is_whole
	[ "$(find "$STORE" -name '*.mp4*')" = "$KEPT" ]
}

@test "no room at the sync: it is not taken for whole, and goes on by itself" {
	at_the_sync ENOSPC
}

@test "an error of the disk at the sync: likewise" {
	at_the_sync EIO
}

@test "no room at a sync in the middle: no byte that is not on disk is taken for kept" {
	job_with 40M 'stall=15M until=go' ''
	start_cometfs
	track $ID
	bytes_reach 15728640
	sync_fails ENOSPC
	event go
	wait_status $ID .video.error.code store_full
	sync_works
	is_whole
	stop_cometfs
	run -0 "$COMETFS" --check -o "store=$STORE"
}

# ---- somebody has been at it, while the daemon was away

# kept_away COMMAND: what somebody does to a whole video; it is fetched again.
kept_away() {
	expect_log 'its video has to be fetched again'
	job_with 2M ''
	start_cometfs
	track $ID
	is_whole
	stop_cometfs
	eval "$1"
	start_cometfs
	is_whole
	[ "$(video_gets big.mp4)" = 2 ]
	[ ! -L "$KEPT" ]
	stop_cometfs
	run -0 "$COMETFS" --check -o "store=$STORE"
}

@test "a kept video that was cut short while nobody looked" {
	kept_away 'truncate -s 1M "$KEPT"'
}

@test "a kept video that has grown" {
	kept_away 'echo more >>"$KEPT"'
}

@test "a kept video that was deleted" {
	kept_away 'rm "$KEPT"'
}

@test "a kept video that was replaced by a link, which is not followed" {
	expect_log 'something that is not ours: 1.mp4'
	made big.mp4 2M | tr '\0-\377' '\1-\377\0' >"$BATS_TEST_TMPDIR/strange"
	kept_away 'ln -sf "$BATS_TEST_TMPDIR/strange" "$KEPT"'
	cmp "$BATS_TEST_TMPDIR/strange" <(made big.mp4 2M | tr '\0-\377' '\1-\377\0')
}

@test "a kept video that was replaced by a directory" {
	expect_log 'something that is not ours: 1.mp4'
	kept_away 'rm "$KEPT"; mkdir "$KEPT"; touch "$KEPT/of-his"'
	[ -e "$KEPT.damaged/of-his" ]
}

# part_away COMMAND: what somebody does to a part of 18 MiB, 16 of which were synced.
part_away() {
	job_with 24M 'stall=18M until=go' ''
	start_cometfs
	track $ID
	bytes_reach 18874368
	kill_cometfs
	eval "$1"
	event go
	start_cometfs
	is_whole
	[ ! -L "$KEPT" ]
}

@test "a part that was left alone: what was synced is not fetched again" {
	part_away true
	asked 'video big.mp4 range=1[6-9][0-9]{6}-'
}

# What is left of it cannot be told from what somebody may have made of it.
@test "a part that was cut short: it is not taken for what came" {
	expect_log 'its part is not what had come'
	part_away 'truncate -s 5000000 "$PART"'
}

@test "a part that has grown" {
	part_away 'made strange 1M >>"$PART"'
}

@test "a part that was deleted" {
	part_away 'rm "$PART"'
}

@test "a part that was replaced by a link, which is not followed" {
	expect_log 'something that is not ours: 1.mp4'
	made strange 20M >"$BATS_TEST_TMPDIR/strange"
	part_away 'ln -sf "$BATS_TEST_TMPDIR/strange" "$PART"'
	cmp "$BATS_TEST_TMPDIR/strange" <(made strange 20M)
}

@test "a part that was replaced by a directory" {
	expect_log 'something that is not ours: 1.mp4.part'
	part_away 'rm "$PART"; mkdir "$PART"; touch "$PART/of-his"'
	[ -e "$KEPT.damaged/of-his" ]
}

@test "a part whose bytes were changed: it is not taken for what came" {
	expect_log 'its part is not what had come'
	part_away 'printf X | dd status=none of="$PART" bs=1 seek=5000000 conv=notrunc'
}

# ---- while it runs

# part_grows COMMAND: what somebody does to a part of 18 MiB that is being written.
part_grows() {
	job_with 24M 'stall=18M until=go' ''
	start_cometfs
	track $ID
	bytes_reach 18874368
	eval "$1"
	event go
	is_whole
	[ ! -L "$KEPT" ]
}

@test "a part of which something was synced, deleted while it grows" {
	expect_log 'its part is not what had come'
	part_grows 'rm "$PART"'
}

@test "a part that somebody else appends to while it grows" {
	part_grows 'made strange 10M >>"$PART"'
	[ "$(stat -c %s "$KEPT")" = 25165824 ]
}

@test "a part of which nothing was synced, replaced by a link while it grows" {
	made strange 2M >"$BATS_TEST_TMPDIR/strange"
	job_with 2M 'stall=1M until=go' ''
	start_cometfs
	track $ID
	bytes_reach 1048576
	ln -sf "$BATS_TEST_TMPDIR/strange" "$PART"
	event go
	is_whole
	cmp "$BATS_TEST_TMPDIR/strange" <(made strange 2M)
}

@test "a part of which something was synced, cut short while it grows" {
	expect_log 'its part is not what had come'
	part_grows 'truncate -s 100K "$PART"'
}

@test "a part of which something was synced, replaced by a link while it grows" {
	expect_log 'its part is not what had come'
	made strange 20M >"$BATS_TEST_TMPDIR/strange"
	part_grows 'ln -sf "$BATS_TEST_TMPDIR/strange" "$PART"'
	cmp "$BATS_TEST_TMPDIR/strange" <(made strange 20M)
}

@test "a part of which something was synced, replaced by another file while it grows" {
	expect_log 'its part is not what had come'
	made strange 20M >"$BATS_TEST_TMPDIR/strange"
	part_grows 'mv "$BATS_TEST_TMPDIR/strange" "$PART"'
}
