#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# cometctl get: it waits, copies, and never leaves half a file under the final name.
load lib.bash
load ctl.bash

teardown() {
	end_terminal
	end_story
}

start_videos() {
	start_provider - <<-'SCRIPT'
		job failed*
			answer failed
		job queued*
			answer queued
		job big*
			answer done video=big.mp4
		job *
			answer queued until=go
			answer done
		video clip.mp4
			file clip.mp4
		video big.mp4
			size 8M
	SCRIPT
	expect_log 'failed'
	start_cometfs
	OUT=$BATS_TEST_TMPDIR/out
	mkdir "$OUT"
	cd "$OUT" || return
}

# start_get ARG…: in the background.
start_get() {
	: >"$BATS_TEST_TMPDIR/said" # now, not when the background gets to it
	timeout 60 "$CTL" -m "$MNT" get "$@" >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
	GETTER=$!
}

# What lies there, hidden files too.
names() {
	find "$OUT" -mindepth 1 -printf '%P\n' | sort | tr '\n' ' '
}

@test "get tracks an id, waits for it, and copies its video; the path is what it says" {
	start_videos
	start_get $ID
	wait_until '[ -d "$MNT/jobs/$ID" ]'
	wait_status $ID .state queued
	[ -z "$(names)" ]
	event go
	wait "$GETTER"
	[ "$(<"$BATS_TEST_TMPDIR/said")" = $ID.mp4 ]
	[ "$(names)" = "$ID.mp4 " ]
	cmp $ID.mp4 "$OLDPWD/tests/provider/clip.mp4"
	[ "$(stat -c %Y $ID.mp4)" = "$(stat -c %Y "$MNT/jobs/$ID/video.mp4")" ]
	[ "$(stat -c %a $ID.mp4)" = "$(printf %o $((0666 & ~$(umask))))" ]

	mkdir there
	[ "$(ctl get $ID there)" = there/$ID.mp4 ]
	[ "$(umask 077 && ctl get $ID "$OUT/it's mine.mp4")" = "$OUT/it's mine.mp4" ]
	[ "$(stat -c %a "it's mine.mp4")" = 600 ]
	echo old >old
	ln old other
	[ "$(ctl get $ID old)" = "$OUT/old" ]
	cmp old $ID.mp4
	[ "$(<other)" = old ]
	[ "$(names)" = "$ID.mp4 it's mine.mp4 old other there there/$ID.mp4 " ]
	# What is said does not go into the copy where nobody can hear it.
	ctl get $ID old <&- >&- 2>&-
	cmp old $ID.mp4
}

@test "get refuses a place that is no good before it waits" {
	start_videos
	local call
	echo old >old
	while read -r call; do
		# shellcheck disable=SC2086 # words of a command line
		run -1 --separate-stderr ctl get $call
		echo "$call: $stderr"
		[[ $stderr == "cometctl: "*": "* ]]
		[ -z "$output" ]
	done <<-CALLS
		queued-1 nowhere/
		queued-1 nowhere/file
		queued-1 $(printf 'a%.0s' {1..256})
		queued-1 /dev/null
		queued-1 $MNT/jobs
		queued-1 -n old
	CALLS
	run -1 bash -c '"$@" | cat; exit "${PIPESTATUS[0]}"' - "$CTL" -m "$MNT" get queued-1 /dev/stdout
	[ "$output" = "cometctl: /dev/stdout: is no ordinary file: choose another name" ]
	[ "$(names)" = 'old ' ]
	[ "$(<old)" = old ]
	[ -z "$(ls "$MNT/jobs")" ]
}

@test "get tracks the id also where a signal that ends nothing comes in between" {
	start_videos
	event go
	traced -e trace=mkdirat -e inject=mkdirat:error=EINTR:when=1 -- get $ID
	[ "$(names)" = "$ID.mp4 " ]
}

@test "get ends as wait does when there is no video" {
	start_videos
	run -1 --separate-stderr ctl get failed-1
	[[ $stderr == "cometctl: failed-1: failed: "* ]]
	run -124 --separate-stderr ctl get --timeout 0.3 queued-1
	[[ $stderr == "cometctl: queued-1: timed out: still "* ]]
	start_get $ID
	wait_until '[ -d "$MNT/jobs/$ID" ]'
	wait_status $ID .state queued
	ctl forget $ID
	local status=0
	wait "$GETTER" || status=$?
	[ "$status" = 1 ]
	grep -qF "$ID: was forgotten while it was waited for" "$BATS_TEST_TMPDIR/said"
	event go
	ctl add -q $ID2
	wait_status $ID2 .video.state ready
	rm "$MNT/jobs/$ID2/video.mp4"
	run -1 --separate-stderr ctl get $ID2
	[[ $stderr == "cometctl: $ID2: has no video here any more: "* ]]
	[ -z "$(names)" ]
}

@test "whatever ends it in the middle of the copy, nothing of it stays" {
	start_videos
	ctl add -q big-1
	wait_status big-1 .video.state ready
	ulimit -c 0
	local signal status
	for signal in INT:130 TERM:143 HUP:129 QUIT:131 KILL:137; do
		status=0
		traced -e trace=pwrite64 -e "inject=pwrite64:signal=SIG${signal%:*}:when=3" -- \
			get big-1 || status=$?
		[ "$status" = "${signal#*:}" ]
		[ "$(grep -c pwrite64 "$BATS_TEST_TMPDIR/trace")" -ge 3 ]
		[ -z "$(names)" ]
	done
	# Where it has to have a name meanwhile, it is another one; only kill -9 leaves it.
	traced -e trace=openat -- get big-1 "$BATS_TEST_TMPDIR/other"
	local nameless
	nameless=$(grep -n O_TMPFILE "$BATS_TEST_TMPDIR/trace" | cut -d : -f 1)
	for signal in INT:130 QUIT:131; do
		status=0
		traced -e trace=openat,pwrite64 -e "inject=openat:error=EOPNOTSUPP:when=$nameless" \
			-e "inject=pwrite64:signal=SIG${signal%:*}:when=3" -- get big-1 || status=$?
		grep -q "[.]part.*O_CREAT" "$BATS_TEST_TMPDIR/trace"
		[ "$status" = "${signal#*:}" ]
		[ -z "$(names)" ]
	done
}

@test "a daemon that answers nothing holds nobody" {
	start_videos
	start_get $ID
	wait_until '[ -d "$MNT/jobs/$ID" ]'
	wait_status $ID .state queued
	local pid gone=true status=0
	pid=$(pgrep -P "$GETTER")
	kill -STOP "$pid"
	event go
	wait_status $ID .video.state ready
	kill -STOP "$DAEMON"
	# Each thread of it: what one has taken nothing ends but its answer.
	wait_until '[ -z "$(grep -L "^State:.*stopped" /proc/$DAEMON/task/*/status)" ]'
	kill -CONT "$pid"
	wait_until "grep -q request_wait_answer /proc/$pid/wchan"
	kill -TERM "$pid"
	wait_until "! kill -0 $pid" || gone=false
	kill -CONT "$DAEMON"
	wait "$GETTER" || status=$?
	[ "$gone $status" = "true 143" ]
	[ -z "$(names)" ]
}

@test "a full disk is said, and nothing stays" {
	start_videos
	ctl add -q big-1
	wait_status big-1 .video.state ready
	run -1 --separate-stderr traced -e trace=pwrite64 -e inject=pwrite64:error=ENOSPC:when=3 -- get big-1
	[ "$stderr" = "cometctl: big-1.mp4: No space left on device: make room there, or choose another DEST" ]
	run -1 --separate-stderr traced -e trace=pwrite64,fallocate -e inject=fallocate:error=ENOSPC -- get big-1
	[[ $stderr == *"No space left on device"* ]]
	[ "$(grep -c pwrite64 "$BATS_TEST_TMPDIR/trace")" = 0 ]
	run -1 --separate-stderr traced -e trace=fsync -e inject=fsync:error=EIO:when=1 -- get big-1
	[[ $stderr == *"Input/output error"* ]]
	run -1 --separate-stderr bash -c 'ulimit -f 1000; "$@"' - "$CTL" -m "$MNT" get big-1
	[ "$stderr" = "cometctl: big-1.mp4: File too large: nothing was written there" ]
	[ -z "$(names)" ]
}

@test "it is on disk before it has its name, and a clone is tried first" {
	start_videos
	ctl add -q big-1
	wait_status big-1 .video.state ready
	traced -e trace=ioctl,copy_file_range,pwrite64,fsync,linkat -- get big-1
	cmp big-1.mp4 "$MNT/jobs/big-1/video.mp4"
	grep -oE '^(ioctl\([0-9]+, (BTRFS_IOC_CLONE or )?FICLONE|copy_file_range|pwrite64|fsync|linkat)' "$BATS_TEST_TMPDIR/trace" |
		sed -E 's/ioctl.*/clone/' | uniq >"$BATS_TEST_TMPDIR/calls"
	diff "$BATS_TEST_TMPDIR/calls" <(printf '%s\n' clone copy_file_range pwrite64 fsync linkat fsync)
}

@test "on a terminal it shows how much is copied" {
	start_videos
	ctl add -q big-1
	wait_status big-1 .video.state ready
	start_terminal 80 10 "cd $OUT; \$CTL_M get big-1"
	shows '^ended with 0'
	screen
	screen | LC_ALL=C.UTF-8 grep -qE '^big-1.mp4 ▕█+▏ 100%  8.0M of 8.0M'
	[ "$(names)" = 'big-1.mp4 ' ]
}
