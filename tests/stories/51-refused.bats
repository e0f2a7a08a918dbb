#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Every operation that is not offered, on every file: each says what it says in tests/data/refused*.txt.
# REFUSED=write writes these anew; then read what has changed as somebody who has to make sense of it.
load lib.bash

# all_refuse TABLE [OPTION,…]
all_refuse() {
	local table=tests/data/$1 jobs=$MNT/jobs done=$MNT/by-state/done new=$BATS_TEST_TMPDIR/table
	start_provider - <<-SCRIPT
		job $ID
			answer done
		job *
			answer done video=big.mp4
		video clip.mp4
			file clip.mp4
		video big.mp4
			size 256K
			serve stall=64K
	SCRIPT
	start_cometfs
	track $ID $ID2
	wait_status $ID .video.state ready
	if [ -n "${2:-}" ]; then
		stop_cometfs
		start_cometfs "$2"
	fi
	wait_until '[ -e "$MNT/jobs/$ID2/video.mp4" ]'
	TMPDIR=$BATS_TEST_TMPDIR timeout 60 python3 tests/stories/refused.py \
		root="$MNT" jobs="$jobs" job="$jobs/$ID" status="$jobs/$ID/status.json" \
		response="$jobs/$ID/response.json" video="$jobs/$ID/video.mp4" coming="$jobs/$ID2/video.mp4" \
		by-state="$MNT/by-state" state="$done" link="$done/$ID" .cometfs="$MNT/.cometfs" \
		events="$MNT/.cometfs/events" gallery="$MNT/index.html" >"$new"
	[ -z "${REFUSED:-}" ] || cp "$new" "$table"
	# Users are not asked what only root may try.
	local root_only='^$'
	[ "$(id -u)" = 0 ] || root_only='^(setxattr security\.|FIBMAP|swapon) '
	diff <(grep -vE "$root_only" "$table") "$new"
	# And all is as it was.
	cmp "$jobs/$ID/video.mp4" tests/provider/clip.mp4
	[ "$(ls "$jobs/$ID")" = $'response.json\nstatus.json\nvideo.mp4' ]
	[ "$(ls -A "$MNT")" = $'by-state\nindex.html\njobs' ]
	shape_is_right $ID
}

@test "what is not offered is refused as by a read-only file" {
	all_refuse refused.txt
}

@test "the same with -o ro" {
	all_refuse refused-ro.txt ro
}

# The kernel takes a file for empty that was opened so, until it asks again: see ops_file_op_open().
@test "who opens with O_RDONLY|O_TRUNC shortens nobody's reads" {
	start_answers 'done'
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	local video=$MNT/jobs/$ID/video.mp4 i
	python3 - "$video" >/dev/null 3>&- <<-'PYTHON' &
		import os, sys
		while True:
		    try:
		        os.close(os.open(sys.argv[1], os.O_RDONLY | os.O_TRUNC))
		    except PermissionError:
		        pass
	PYTHON
	WATCHER=$!
	for i in {1..100}; do
		cmp "$video" tests/provider/clip.mp4 || {
			echo "read $i"
			return 1
		}
	done
}
