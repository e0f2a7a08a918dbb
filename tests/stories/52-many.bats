#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What nobody should do, and somebody does: names that are too long, thousands of open files, eight who
# make and take away the same, an unmount in the middle of everything, a reader that is stopped.
load lib.bash

# some_jobs ID…: tracked; $ID2 has a video that comes in up to its half until `go`, the others the clip.
some_jobs() {
	start_provider - <<-SCRIPT
		job $ID2
			answer done video=big.mp4
		job *
			answer done
		video clip.mp4
			file clip.mp4
		video big.mp4
			size 4M
			serve stall=2M until=go
			serve
	SCRIPT
	start_cometfs
	track "$@"
	local id
	for id; do
		wait_status "$id" .video.state "$([ "$id" = $ID2 ] && echo fetching || echo ready)"
	done
}

# start_reader: of the half video into COPY; it has read what there is, and its next read waits.
start_reader() {
	COPY=$BATS_TEST_TMPDIR/copy
	cat "$MNT/jobs/$ID2/video.mp4" >"$COPY" 3>&- &
	READER=$!
	wait_until '[ "$(stat -c %s "$COPY")" -ge 1048576 ]'
}

reader_has_ended() {
	wait_until "! kill -0 $READER"
	wait "$READER"
}

reader_has_failed() {
	wait_until "! kill -0 $READER"
	! wait "$READER"
}

# has_ended: the daemon, by itself and well.
has_ended() {
	local pid=$DAEMON
	wait_until "! kill -0 $pid"
	DAEMON=
	wait "$pid"
}

@test "names of 255 bytes are looked for, longer ones are too long, whatever is done with them" {
	some_jobs $ID
	python3 tests/stories/names.py "$MNT"
	stop_cometfs
	# So too if a look-up is a question to the provider.
	start_cometfs track=lookup
	python3 tests/stories/names.py "$MNT"
	[ "$(ls "$MNT/jobs")" = $ID ]
	[ "$(asked poll | grep -c nnn)" = 0 ]
}

@test "names of 255 bytes will do for mount point, store and key file, longer ones are refused" {
	local name
	name=$(printf '%0255d' 7)
	mkdir "$BATS_TEST_TMPDIR/$name"
	MNT=$BATS_TEST_TMPDIR/$name
	STORE=$BATS_TEST_TMPDIR/store$name
	STORE=${STORE:0:${#BATS_TEST_TMPDIR}+256}
	echo key >"$BATS_TEST_TMPDIR/k${name:1}"
	start_cometfs "key_file=$BATS_TEST_TMPDIR/k${name:1}"
	track $ID
	stop_cometfs
	start_cometfs
	[ "$(ls "$MNT/jobs")" = $ID ]
	stop_cometfs
	fails_with 'File name too long' timeout 20 "$COMETFS" "$SOURCE" "${MNT}7" -f -o "store=$STORE"
	fails_with 'File name too long' timeout 20 "$COMETFS" "$SOURCE" "$MNT" -f -o "store=${STORE}7"
	fails_with 'File name too long' timeout 20 "$COMETFS" "$SOURCE" "$MNT" -f \
		-o "store=$STORE,key_file=$BATS_TEST_TMPDIR/k$name"
	expect_log 'polls fail, and are tried again'
}

# hold COUNT FILE…: see hold.py; it says what it has by its first line.
hold() {
	coproc timeout 100 python3 tests/stories/hold.py "$@" 3>&-
	HOLDER=$COPROC_PID
	read -r HELD <&"${COPROC[0]}"
}

let_go() {
	echo >&"${COPROC[1]}"
	wait "$HOLDER"
}

@test "three thousand files are open at once, and others are opened beside them" {
	[ "$(ulimit -Hn)" -ge 4096 ] || skip "no more than $(ulimit -Hn) files here"
	# As a shell gives it.
	ulimit -Sn 1024
	some_jobs $ID $ID2 $ID3
	hold 3000 "$MNT"/jobs/{$ID/video.mp4,$ID/status.json,$ID3/video.mp4,$ID3/status.json,$ID2/video.mp4}
	[ "$HELD" = open ]
	is_clip $ID
	track another
	wait_status another .video.state ready
	is_clip another
	fails_with 'Device or resource busy' rmdir "$MNT/jobs/$ID"
	event go
	wait_status $ID2 .video.state ready
	let_go
	rmdir "$MNT/jobs"/*
	[ -z "$(ls "$STORE/videos")" ]
}

@test "where the daemon may open no more, videos are an error, all else goes on, and it comes back" {
	expect_log 'Too many open files|polls fail, and are tried again'
	COMETFS_ITSELF=$COMETFS
	COMETFS=$BATS_TEST_TMPDIR/few
	printf '#!/bin/sh\nulimit -n 100\nexec "%s" "$@"\n' "$COMETFS_ITSELF" >"$COMETFS"
	chmod +x "$COMETFS"
	some_jobs $ID
	hold most "$MNT/jobs/$ID/video.mp4"
	[[ "$HELD" == [1-9]*" EMFILE" ]]
	[ "$(status $ID .video.state)" = ready ]
	fails_with 'Too many open files' cat "$MNT/jobs/$ID/video.mp4"
	track $ID3
	ls -l "$MNT/jobs/$ID3"
	let_go
	is_clip $ID
	wait_status $ID3 .video.state ready
	is_clip $ID3
}

@test "a thousand mkdirs and rmdirs of one name from eight processes: it is there, or not, for all" {
	some_jobs $ID
	local there=false
	timeout 100 python3 tests/stories/race.py "$MNT/jobs/$ID3"
	[ ! -d "$MNT/jobs/$ID3" ] || there=true
	[ "$there" = true ] || track $ID3
	[ "$(stat -c %h "$MNT/jobs")" = 4 ]
	wait_status $ID3 .video.state ready
	is_clip $ID3
	stop_cometfs
	start_cometfs
	[ "$(ls "$MNT/jobs" | sort | xargs)" = "$ID $ID3" ]
	is_clip $ID3
	rmdir "$MNT/jobs/$ID3"
	[ "$(ls "$STORE/videos" | wc -l)" = 1 ]
}

# Who makes, forgets, reads and lists, until the mount is gone; what was made goes into made_jobs.
start_everything() {
	local number
	WORKERS=()
	for number in 1 2 3 4; do
		while mkdir "$MNT/jobs/many-$number-$((++count))"; do
			echo "many-$number-$count" >>"$BATS_TEST_TMPDIR/made_jobs"
		done 2>/dev/null 3>&- &
		WORKERS+=($!)
	done
	while mkdir "$MNT/jobs/again" && rmdir "$MNT/jobs/again"; do :; done 2>/dev/null 3>&- &
	WORKERS+=($!)
	while ls -lR "$MNT" && cat "$MNT/jobs/$ID/video.mp4" "$MNT"/jobs/*/status.json; do :; done \
		>/dev/null 2>&1 3>&- &
	WORKERS+=($!)
	wait_until '[ "$(wc -l <"$BATS_TEST_TMPDIR/made_jobs")" -ge 40 ]'
}

# A mkdir that was answered is remembered, whatever came then.
all_are_there() {
	local worker job
	for worker in "${WORKERS[@]}"; do
		wait "$worker" || true
	done
	has_ended
	start_cometfs
	while read -r job; do
		[ -f "$MNT/jobs/$job/status.json" ]
	done <"$BATS_TEST_TMPDIR/made_jobs"
}

@test "an unmount is refused while files are open, and nothing is disturbed by it" {
	some_jobs $ID $ID2
	start_reader
	fails_with 'target is busy' umount "$MNT"
	run ! fusermount3 -u "$MNT"
	kill -0 $READER
	is_clip $ID
	track $ID3
	event go
	reader_has_ended
	cmp "$COPY" <(made big.mp4 4M)
}

@test "a lazy unmount in the middle of everything: who has a file open reads it to its end, then it ends" {
	some_jobs $ID $ID2
	start_everything
	start_reader
	fusermount3 -uz "$MNT"
	kill -0 $READER
	kill -0 $DAEMON
	event go
	reader_has_ended
	cmp "$COPY" <(made big.mp4 4M)
	all_are_there
}

@test "an unmount by force in the middle of everything: who waits has an error, and it ends" {
	some_jobs $ID $ID2
	start_everything
	start_reader
	# The first may end the connection and not the mount, which the daemon then takes away itself.
	umount -f "$MNT" || umount -l "$MNT" || wait_until '! mountpoint -q "$MNT"'
	reader_has_failed
	all_are_there
}

@test "SIGTERM in the middle of everything" {
	some_jobs $ID $ID2
	start_everything
	start_reader
	kill -TERM $DAEMON
	reader_has_failed
	all_are_there
}

@test "a reader that is stopped while its video comes in holds up nothing, and reads on" {
	some_jobs $ID $ID2
	start_reader
	kill -STOP $READER
	wait_until 'grep -q "^State:.T" /proc/$READER/status'
	event go
	wait_status $ID2 .video.state ready
	[ "$(stat -c %s "$COPY")" -lt 4194304 ]
	cmp "$MNT/jobs/$ID2/video.mp4" <(made big.mp4 4M)
	fails_with 'Device or resource busy' rmdir "$MNT/jobs/$ID2"
	kill -CONT $READER
	reader_has_ended
	cmp "$COPY" <(made big.mp4 4M)
}
