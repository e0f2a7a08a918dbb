#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# An administrator may have set a time after which the kernel ends a mount for one answer that is overdue.
load lib.bash

LIMITS=/proc/sys/fs/fuse

teardown() {
	[ ! -v BEFORE ] || echo "$BEFORE" >$LIMITS/max_request_timeout
	end_story
}

needs_limits() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	[ -e $LIMITS/max_request_timeout ] || skip "this kernel has no such limit"
}

# Whose bytes come, but not those that are read: one stands still, of one a byte comes now and then.
start_slow() {
	start_provider - <<-'SCRIPT'
		job stalled
			answer done video=stalled.mp4
		job slow
			answer done video=slow.mp4
		job *
			answer hang
		video stalled.mp4
			size 8M
			serve stall=1M
		video slow.mp4
			size 8M
			serve no-range rate=4K
	SCRIPT
}

slow_are_there() {
	track stalled slow
	wait_until '[ "$(status stalled .video.bytes)" -ge 1000000 ]'
	wait_until '[ -e "$MNT/jobs/slow/video.mp4" ]'
}

# starts_with DEFAULT MAX OPTION,…: the program is told these limits; the kernel has none of it. The mount
# is in a namespace of its own.
starts_with() {
	printf '%s\n' "$1" >"$BATS_TEST_TMPDIR/default"
	printf '%s\n' "$2" >"$BATS_TEST_TMPDIR/max"
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m sh -euc '
		mount --bind "$1/default" /proc/sys/fs/fuse/default_request_timeout
		mount --bind "$1/max" /proc/sys/fs/fuse/max_request_timeout
		shift
		exec "$@"' sh "$BATS_TEST_TMPDIR" "$COMETFS" "$SOURCE" "$MNT" -f \
		-o "store=$STORE,interval=0.2,$3" 2>>"$LOG" 3>&- &
	DAEMON=$!
	MNT=/proc/$DAEMON/root$MNT
	wait_until 'ls "$MNT/jobs"'
}

# times_out COMMAND…: long before the 100 seconds that the options give.
times_out() {
	local begun=$SECONDS
	fails_with "Connection timed out" "$@"
	echo "after $((SECONDS - begun)) s: $*"
	[ $((SECONDS - begun)) -ge "$LEAST" ]
	[ $((SECONDS - begun)) -lt 60 ]
}

@test "reads, look-ups and listening end well before the kernel's limit, also while other bytes come" {
	needs_limits
	start_slow
	LEAST=4
	starts_with 0 10 timeout=100,lookup_timeout=100,track=lookup
	slow_are_there
	times_out cat "$MNT/jobs/stalled/video.mp4" 3>&- &
	local stalled=$!
	times_out stat "$MNT/jobs/$ID" 3>&- &
	local lookup=$!
	timeout 60 grep -m 1 '"event":"idle"' "$MNT/.cometfs/events" 3>&- &
	local listener=$!
	# Who reads byte by byte has the whole line too.
	timeout 60 dd bs=1 "if=$MNT/.cometfs/events" status=none 3>&- | grep -q -m 1 '^{.*"event":"idle".*}$' 3>&- &
	local slow_listener=$!
	times_out tail -c 1 "$MNT/jobs/slow/video.mp4"
	[ "$(status slow .video.state)" = fetching ]
	wait $stalled
	wait $lookup
	wait $listener
	wait $slow_listener
	[ "$(said 'the kernel has a time limit: no read waits for longer than 5.0 s')" = 1 ]
}

@test "the smaller one of the two limits counts, and none is none" {
	needs_limits
	start_slow
	local place=$MNT limits seconds
	while read -r limits seconds; do
		# shellcheck disable=SC2086 # two numbers
		starts_with ${limits/,/ } timeout=100
		stop_cometfs
		MNT=$place
		if [ "$seconds" = none ]; then
			[ "$(said 'time limit')" = 0 ]
		else
			wait_until "[ \"\$(said 'longer than $seconds s')\" = 1 ]"
		fi
		: >"$LOG"
	done <<-'LIMITS'
		0,0 none
		60,0 30.0
		0,65535 32767.5
		90,21 10.5
		21,90 10.5
		1,0 5.0
	LIMITS
}

@test "with a limit of the kernel, readers of a video that stalls do not end the mount" {
	needs_limits
	sanitized && skip "it takes half a minute, and would show nothing else"
	start_slow
	LEAST=7
	BEFORE=$(cat $LIMITS/max_request_timeout)
	echo 16 >$LIMITS/max_request_timeout
	start_cometfs timeout=100
	# A mount has the limit with which it began.
	ls "$MNT"
	echo "$BEFORE" >$LIMITS/max_request_timeout
	unset BEFORE
	slow_are_there
	# The kernel looks every 15 seconds: in these four times it has looked twice.
	local try
	for try in 1 2 3 4; do
		tail -c 1 "$MNT/jobs/slow/video.mp4" 3>&- &
		times_out cat "$MNT/jobs/stalled/video.mp4"
		if wait $!; then
			return 1
		fi
	done
	[ "$(status stalled .video.state)" = fetching ]
	kill -0 $DAEMON
}
