#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Which download comes first, and how much of the store all may have.
load lib.bash

MIB=1048576

# videos NAMES SERVE-LINE…: a job and a video of 8 MiB for each name, all served alike; with LINES_OF_name
# for one that is not.
videos() {
	local name own names=$1
	shift
	start_provider - < <(
		for name in $names; do
			own="LINES_OF_${name}[@]"
			printf 'job %s\n\tanswer done video=%s.mp4\nvideo %s.mp4\n\tsize 8M\n' $name $name $name
			printf '\tserve %s\n' "${!own-"$@"}"
		done
	)
}

is_whole() {
	cmp "$MNT/jobs/$1/video.mp4" <(made "$1.mp4" 8M)
}

all_ready() {
	local name
	for name; do
		wait_status "$name" .video.state ready
		is_whole "$name"
	done
}

waits_for_room() {
	wait_status "$1" .video.error.code store_full
	[ "$(status "$1" .video.state)" = fetching ]
	status "$1" .video.error.message | grep -q store_max
}

@test "store_max: what has no room waits, says so, and goes on when there is some" {
	videos 'a b c' ''
	expect_log store_max
	start_cometfs store_max=20M
	track a b
	all_ready a b
	track c
	waits_for_room c
	is_whole a
	rm "$MNT/jobs/a/video.mp4"
	all_ready b c
	rmdir "$MNT/jobs/b"
	[ "$(du -sm "$STORE/videos" | cut -f1)" -le 9 ]
}

@test "store_max: downloads at the same time do not go over it together" {
	videos 'a b c d' 'stall=1M until=go'
	expect_log store_max
	start_cometfs store_max=16M,downloads=4
	track a b c d
	local waiting='{ status a .video.error.code; status b .video.error.code
		status c .video.error.code; status d .video.error.code; }'
	wait_until "[ \"\$($waiting | grep -c store_full)\" = 2 ]"
	event go
	wait_until '[ "$(cat "$MNT"/jobs/*/status.json | grep -c "\"state\": \"ready\"")" = 2 ]'
	[ "$(eval "$waiting" | grep -c store_full)" = 2 ]
	[ "$(cat "$STORE"/videos/* | wc -c)" -le $((16 * MIB)) ]
}

@test "store_max: exactly full is not over it, and a restart counts what is there" {
	videos 'a b c' ''
	expect_log store_max
	start_cometfs store_max=16M
	track a b
	all_ready a b
	stop_cometfs
	start_cometfs store_max=16M
	track c
	waits_for_room c
	stop_cometfs
	start_cometfs
	all_ready a b c
}

@test "store_max: a length that nobody has told" {
	videos 'a' 'no-length'
	expect_log store_max
	start_cometfs store_max=5M
	track a
	waits_for_room a
	stop_cometfs
	start_cometfs store_max=8M
	all_ready a
}

@test "store_max: two lengths that nobody has told do not wait for each other for ever" {
	videos 'a b' 'no-length'
	expect_log store_max
	start_cometfs store_max=10M,downloads=2
	track a b
	wait_until '[ "$(cat "$MNT"/jobs/*/status.json | grep -c "\"state\": \"ready\"")" = 1 ]'
	wait_until '[ "$(cat "$MNT"/jobs/*/status.json | grep -c "store_full")" = 1 ]'
	[ "$(cat "$STORE"/videos/*.mp4 | wc -c)" = $((8 * MIB)) ]
}

# parts NAMES: stops in the middle of each, so that the next start has their parts.
parts() {
	local name
	start_cometfs downloads=16
	track $1
	for name in $1; do
		wait_until "[ \"\$(status $name .video.bytes)\" = $((2 * MIB)) ]"
	done
	stop_cometfs
	PARTS_LOG=$(wc -l <"$BATS_TEST_TMPDIR/provider.log")
}

# Whose videos were asked for since then, in order, a line each.
asked_since() {
	tail -n "+$((PARTS_LOG + 1))" "$BATS_TEST_TMPDIR/provider.log" |
		sed -nE 's/^video (.*)\.mp4 .*/\1/p'
}

@test "store_max: two parts of a former life do not wait for each other for ever" {
	videos 'a b' 'stall=6M until=never once' ''
	start_cometfs downloads=2
	track a b
	wait_until '[ "$(status a .video.bytes)" = 6291456 ] && [ "$(status b .video.bytes)" = 6291456 ]'
	stop_cometfs
	expect_log store_max
	start_cometfs store_max=13M,downloads=2
	all_ready a
	waits_for_room b
	rm "$MNT/jobs/a/video.mp4"
	all_ready b
}

@test "what has no room is not asked for again and again" {
	videos 'a b' ''
	expect_log store_max
	start_cometfs store_max=12M,downloads=1
	track a
	all_ready a
	track b
	waits_for_room b
	[ "$(status b .video.size)" = $((8 * MIB)) ]
	local asked
	asked=$(video_gets b.mp4)
	rm "$MNT/jobs/a/video.mp4"
	all_ready b
	[ "$(video_gets b.mp4)" = $((asked + 1)) ]
}

@test "what somebody reads takes the turn of what nobody reads" {
	LINES_OF_a=('stall=2M until=never once' 'stall=3M until=on once' '')
	videos 'a b c' 'stall=2M until=never once' ''
	parts 'a b c'
	start_cometfs downloads=1
	wait_until '[ "$(status a .video.bytes)" = 3145728 ]'
	# All turns are taken, by one that does not come forward.
	is_whole c
	[ "$(asked_since | head -n 2 | xargs)" = 'a c' ]
	event on
	all_ready a b c
}

@test "however much is read, the oldest has its turn after three others" {
	LINES_OF_a=('stall=2M until=never once' 'stall=3M until=on once' '')
	videos 'a b c d e f g h' 'stall=2M until=never once' ''
	parts 'a b c d e f g h'
	start_cometfs downloads=1
	wait_until '[ "$(status a .video.bytes)" = 3145728 ]'
	local name readers=()
	for name in c d e f g h; do
		is_whole $name &
		readers+=($!)
	done
	for name in "${readers[@]}"; do
		wait "$name"
	done
	# The first line is the turn that a has given up.
	asked_since | sed -n '2,5p' | grep -q '^[ab]$'
	all_ready a b c d e f g h
}
