#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# inotify: the kernel tells watchers of what somebody does through the mount, and the echo does it.
load lib

# Whoever watches is told of what happens in DIRECTORY: its lines go into $SEEN, "EVENTS NAME".
start_watch() {
	SEEN=$BATS_TEST_TMPDIR/seen
	inotifywait -m -q --format '%e %f' -e attrib,create,close_write,modify,delete "$1" >>"$SEEN" 2>&1 3>&- &
	WATCHER=$!
	wait_until 'grep -q "^inotify wd:" "/proc/$WATCHER/fdinfo/"*'
}

seen() {
	grep -c -x "$1" "$SEEN" || true
}

helper() {
	pgrep -P "$DAEMON" -x cometfs-echo
}

waiting_job() {
	start_answers 'queued until=go' 'running progress=9 until=on' 'done video=clip.mp4'
	start_cometfs "$@"
}

@test "a change of state is ATTRIB of status.json, a whole video CREATE and CLOSE_WRITE, once" {
	waiting_job
	track $ID
	wait_status $ID .state queued
	start_watch "$MNT/jobs/$ID"
	event go
	wait_until '[ "$(seen "ATTRIB status.json")" -ge 1 ]'
	# Also for who has looked at all there is, and keeps it open.
	ls -l "$MNT/jobs/$ID" >/dev/null
	exec 7<"$MNT/jobs/$ID/status.json"
	cat <&7 >/dev/null
	event on
	wait_until '[ "$(seen "CLOSE_WRITE,CLOSE video.mp4")" = 1 ]'
	is_clip $ID
	[ "$(seen 'CREATE video.mp4')" = 1 ]
	[ "$(seen 'ATTRIB status.json')" -ge 2 ]
	[ "$(python3 -c 'import os; os.lseek(7, 0, 0); print(os.read(7, 9999).decode())' | jq -r .video.state)" = ready ]
	exec 7<&-
}

# watched_as RULE FILE: what systemd 252 watches FILE for, for a .path unit with such a rule.
watched_as() {
	local events=delete_self,move_self,attrib
	case $1 in
	PathChanged) events+=,close_write,create,delete,moved_from,moved_to ;;
	PathModified) events+=,close_write,create,delete,moved_from,moved_to,modify ;;
	# The nearest directory that is there, for one that is not.
	PathExists) events+=,create,moved_to ;;
	esac
	inotifywait -q --timeout 60 --format '%e %f' -e "$events" "$2" >"$BATS_TEST_TMPDIR/$1" 2>&1 3>&- &
	STARTED+=($!)
	# It may have seen what it watches for, and be over.
	wait_until "grep -q '^inotify wd:' /proc/$!/fdinfo/* || ! kill -0 $!"
}

@test "what systemd waits for, for a .path unit, it is told" {
	waiting_job
	track $ID
	wait_status $ID .state queued
	local rule pid STARTED=()
	watched_as PathChanged "$MNT/jobs/$ID/status.json"
	watched_as PathModified "$MNT/jobs/$ID/status.json"
	event go
	for pid in "${STARTED[@]}"; do
		wait "$pid"
	done
	watched_as PathExists "$MNT/jobs/$ID"
	event on
	# It looks after each, and watches on.
	until [ -e "$MNT/jobs/$ID/video.mp4" ]; do
		wait "${STARTED[-1]}"
		watched_as PathExists "$MNT/jobs/$ID"
	done
	kill "${STARTED[-1]}" 2>/dev/null || true
	for rule in PathChanged PathModified; do
		[ "$(cat "$BATS_TEST_TMPDIR/$rule")" = "ATTRIB " ]
	done
}

@test "a watch folder copies what is complete" {
	waiting_job
	track $ID
	start_watch "$MNT/jobs/$ID"
	event go
	event on
	wait_until '[ "$(seen "CLOSE_WRITE,CLOSE video.mp4")" = 1 ]'
	cp "$MNT/jobs/$ID/video.mp4" "$BATS_TEST_TMPDIR/copy"
	cmp "$BATS_TEST_TMPDIR/copy" tests/provider/clip.mp4
}

@test "a new job is CREATE of its directory, by mkdir and by a look-up" {
	start_answers 'running progress=1'
	start_cometfs track=lookup
	start_watch "$MNT/jobs"
	(
		cd "$MNT/jobs/$ID"
		wait_until "grep -qx 'CREATE,ISDIR $ID' '$SEEN'"
		[ "$(pwd -P)" = "$(realpath "$MNT")/jobs/$ID" ]
		[ -s status.json ]
	)
	[ "$(seen "CREATE,ISDIR $ID")" = 1 ]
	mkdir "$MNT/jobs/by-hand"
	wait_until '[ "$(seen "CREATE,ISDIR by-hand")" = 1 ]'
}

@test "nobody else can use the door, while it is in use" {
	waiting_job
	track $ID
	local video=$MNT/jobs/$ID/video.mp4 i
	event go
	event on
	for i in {1..50}; do
		run ! touch "$MNT/jobs/$ID/status.json"
		run ! mkdir "$MNT/jobs/$ID"
		run ! dd of="$video" conv=excl if=/dev/null status=none
	done
	wait_status $ID .video.state ready
	is_clip $ID
}

@test "who stops or kills it stops nothing else" {
	waiting_job
	local pid
	pid=$(helper)
	kill -STOP "$pid"
	track $ID
	event go
	event on
	wait_status $ID .video.state ready
	is_clip $ID
	[ -e "$MNT/by-state/done/$ID" ]
	kill -KILL "$pid"
	wait_until '[ "$(said "not told of changes")" = 1 ]'
	track $ID2
	wait_status $ID2 .video.state ready
}

@test "it goes with the daemon, also with one that crashes" {
	waiting_job
	local pid
	pid=$(helper)
	[ "$(ls "/proc/$pid/fd")" = 0 ]
	[ "$(readlink "/proc/$pid/cwd")" = / ]
	stop_cometfs
	[ ! -e "/proc/$pid" ]
	start_cometfs
	pid=$(helper)
	kill_cometfs
	wait_until "[ ! -e /proc/$pid/exe ]"
}

@test "a mount that cannot be written has no inotify, and says so once" {
	waiting_job
	track $ID
	stop_cometfs
	start_cometfs ro
	event go
	event on
	wait_status $ID .video.state ready
	is_clip $ID
	wait_until '[ "$(said "not told of changes: Read-only file system")" = 1 ]'
}
