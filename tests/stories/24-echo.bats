#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The process that makes what watchers are told of: it holds nothing up, it keeps nothing busy, and nobody
# can do what it may.
load lib.bash

# start_watch DIRECTORY: what happens there goes into $SEEN, "EVENTS NAME".
start_watch() {
	SEEN=$BATS_TEST_TMPDIR/seen
	inotifywait -m -q --format '%e %f' -e attrib,create,close_write,modify,delete "$1" >>"$SEEN" 2>&1 3>&- &
	WATCHER=$!
	wait_until 'grep -q "^inotify wd:" "/proc/$WATCHER/fdinfo/"*'
}

# sees COUNT LINE
sees() {
	wait_until "[ \"\$(grep -c -x '$2' '$SEEN')\" = $1 ]"
}

helper() {
	pgrep -P "$DAEMON" -x cometfs-echo
}

# As user nobody.
as_nobody() {
	timeout 20 setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

needs_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

waiting_job() {
	start_answers 'queued until=go' 'running progress=9 until=on' 'done video=clip.mp4'
	start_cometfs "$@"
	mkdir -p "$MNT/jobs/$ID"
	wait_status $ID .state queued
}

teardown() {
	local good=true
	[ -z "${OVER-}" ] || umount "$OVER"
	[ -z "${STOPPED-}" ] || kill -CONT "$STOPPED" || true
	end_story || good=false
	$good
}

# ---- nobody else ------------------------------------------------------------------------------------

# try_door DIRECTORY VIDEO COMMAND…: none of it is let through, whoever runs COMMAND.
try_door() {
	local dir=$1 video=$2
	shift 2
	"$@" env PATH=/usr/bin:/bin python3 - "$dir" "$video" <<-'PYTHON'
		import errno, os, sys
		directory, video = sys.argv[1:]
		status = f"{directory}/status.json"
		refused = set()
		def refuse(call, *arguments, **more):
		    try:
		        call(*arguments, **more)
		    except OSError as e:
		        refused.add(errno.errorcode[e.errno])
		    else:
		        sys.exit(f"{call.__name__} {arguments} was let through")
		for _ in range(300):
		    refuse(os.utime, status)
		    refuse(os.utime, status, (1, 1))
		    refuse(os.open, f"{directory}/{video}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o444)
		    refuse(os.open, f"{directory}/{video}", os.O_CREAT | os.O_WRONLY, 0o444)
		    refuse(os.mkdir, directory)
		    refuse(os.removexattr, status, "user.x")
		    refuse(os.removexattr, status, "system.cometfs.changed")
		assert refused <= {"EPERM", "EACCES", "EEXIST", "ENOTSUP"}, refused
	PYTHON
}

@test "nobody can use its door while it is in use: root, another user, or its number elsewhere" {
	needs_root
	start_provider - <<-'SCRIPT'
		job busy-*
			answer queued
			answer running progress=1
			answer done
		job *
			answer queued
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs allow_other,interval=0.05
	track $ID
	wait_status $ID .state queued
	exec 8<"$MNT/.cometfs/events"
	# It has enough to do meanwhile.
	(
		trap 'exit 0' TERM
		for i in {1..100000}; do
			mkdir "$MNT/jobs/busy-$i"
			rmdir "$MNT/jobs/busy-$((i - 30))" || true
		done
	) 2>/dev/null 3>&- &
	WATCHER=$!
	try_door "$MNT/jobs/$ID" video.mp4
	chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	try_door "$MNT/jobs/$ID" video.mp4 as_nobody
	# Another process has its number, among its own.
	local pid
	pid=$(helper)
	unshare --pid --fork --mount-proc sh -c '
		while [ "${last:-0}" -lt '"$pid"' ]; do
			echo $(('"$pid"' - 1)) >/proc/sys/kernel/ns_last_pid
			sh -c "[ \$\$ = '"$pid"' ] || exit 7; ! touch \"\$1\" 2>&1 && ! mkdir \"\$2\" 2>&1" - "$1/status.json" "$1"
			status=$?
			[ $status = 7 ] || exit $status
			last=$((last + 1))
		done' - "$MNT/jobs/$ID"
	[ "$(status $ID .state)" = queued ]
	[ "$(status $ID .video.state)" = none ]
	stop_watching
	run ! grep "$ID" < <(timeout 2 cat <&8)
	exec 8<&-
}

@test "a daemon in a pid namespace has its echo, and hears nobody from outside" {
	needs_root
	start_answers 'queued until=go' 'done video=clip.mp4'
	# The program that ends it from here is its parent.
	unshare --pid --fork --kill-child "$COMETFS" "$SOURCE" "$MNT" -f -o "store=$STORE,interval=0.2" 2>>"$LOG" 3>&- &
	local parent=$!
	wait_until 'mountpoint -q "$MNT"'
	track $ID
	wait_status $ID .state queued
	start_watch "$MNT/jobs/$ID"
	try_door "$MNT/jobs/$ID" video.mp4
	event go
	sees 1 'CLOSE_WRITE,CLOSE video.mp4'
	sees 1 'CREATE video.mp4'
	kill -TERM "$(pgrep -P $parent)"
	wait $parent
}

@test "it has nothing that others could use, and keeps the key to itself" {
	needs_root
	waiting_job allow_other
	local pid
	pid=$(helper)
	[ "$(ls "/proc/$pid/fd")" = 0 ]
	[[ $(readlink "/proc/$pid/fd/0") == socket:* ]]
	[ "$(readlink "/proc/$pid/cwd")" = / ]
	[ "$(stat -c %U "/proc/$pid/environ")" = root ]
	run ! as_nobody cat "/proc/$pid/environ" "/proc/$pid/mem" "/proc/$pid/maps"
	run ! as_nobody kill -STOP "$pid"
	grep -q '^Threads:[[:space:]]*1$' "/proc/$pid/status"
}

# ---- it holds nothing up ----------------------------------------------------------------------------

@test "stopped, it holds up nothing: mkdir, polls, downloads, reads, rm, rmdir, events, poll(2), and the end" {
	waiting_job
	STOPPED=$(helper)
	kill -STOP "$STOPPED"
	exec 8<"$MNT/.cometfs/events"
	timeout 60 python3 tests/stories/polling.py sleeps_once "$MNT" "$SOURCE" $ID >"$BATS_TEST_TMPDIR/said" 3>&- &
	local poller=$!
	wait_until '[ -s "$BATS_TEST_TMPDIR/said" ]'
	within 2000 event go
	wait $poller
	within 1000 track $ID2
	event on
	wait_status $ID .video.state ready
	wait_status $ID2 .video.state ready
	is_clip $ID
	is_clip $ID2
	timeout 20 grep -q -m 1 "$ID2.*ready" <&8
	exec 8<&-
	within 1000 rm -f "$MNT/jobs/$ID/video.mp4"
	within 1000 rmdir "$MNT/jobs/$ID2"
	[ "$(ls "$MNT/jobs")" = $ID ]
	local echo=$STOPPED
	STOPPED=
	within 3000 stop_cometfs
	[ "$(said 'not told of changes')" = 0 ]
	wait_until '! grep -q cometfs-echo /proc/$echo/comm'
}

@test "what was forgotten or removed while it was stopped does not come back, and is no fault" {
	local lookup
	for lookup in mkdir lookup; do
		waiting_job track=$lookup
		STOPPED=$(helper)
		kill -STOP "$STOPPED"
		exec 8<"$MNT/.cometfs/events"
		event go
		event on
		timeout 20 grep -q -m 1 "ready" <&8
		rm -f "$MNT/jobs/$ID/video.mp4"
		rmdir "$MNT/jobs/$ID"
		mkdir -p "$MNT/jobs/$ID2"
		timeout 20 grep -q -m 1 "$ID2.*ready" <&8
		start_watch "$MNT/jobs/$ID2"
		kill -CONT "$STOPPED"
		STOPPED=
		sees 1 'CLOSE_WRITE,CLOSE video.mp4'
		[ "$(ls "$MNT/jobs")" = $ID2 ]
		[ "$(said 'not told of changes')" = 0 ]
		# A look at it is what brings it back.
		[ $lookup = mkdir ] || stat "$MNT/jobs/$ID" >/dev/null
		stop_watching
		exec 8<&-
		stop_cometfs
		stop_provider
		rm -r "$STORE" "$SEEN"
	done
}

@test "killed, it holds up nothing either, and one line says so" {
	waiting_job
	kill -KILL "$(helper)"
	event go
	wait_until '[ "$(said "programs that watch files are not told of changes: Broken pipe")" = 1 ]'
	event on
	wait_status $ID .video.state ready
	is_clip $ID
	track $ID2
	wait_status $ID2 .video.state ready
	rmdir "$MNT/jobs/$ID"
	within 3000 stop_cometfs
	[ "$(said 'not told of changes')" = 1 ]
}

@test "beside a look-up that waits for the provider nobody waits, and a new job is told of after it" {
	start_provider - <<-'SCRIPT'
		job 4*
			answer queued hang until=go
			answer queued
		job *
			answer queued
	SCRIPT
	start_cometfs track=lookup,lookup_timeout=60
	start_watch "$MNT/jobs"
	timeout 60 stat "$MNT/jobs/$ID" >/dev/null 3>&- &
	local looker=$!
	polls_reach $ID 1
	within 2000 stat "$MNT/jobs/$ID2" >/dev/null
	within 2000 stat "$MNT/jobs/$ID3" >/dev/null
	within 2000 ls "$MNT/jobs" >/dev/null
	within 2000 cat "$MNT/jobs/$ID2/status.json" >/dev/null
	run ! grep CREATE "$SEEN"
	event go
	wait $looker
	local id
	for id in $ID $ID2 $ID3; do
		sees 1 "CREATE,ISDIR $id"
	done
}

@test "behind a look-up that waits for the provider, it does not hold up the end" {
	start_provider - <<-'SCRIPT'
		job 4*
			answer hang
		job *
			answer queued until=go
			answer running progress=1
	SCRIPT
	start_cometfs
	track plain
	wait_status plain .state queued
	stop_cometfs
	# The kernel does not know the job's name any more, and has to look it up for the echo.
	start_cometfs track=lookup,lookup_timeout=60
	exec 8<"$MNT/.cometfs/events"
	timeout 60 stat "$MNT/jobs/$ID" 2>/dev/null 3>&- &
	local looker=$!
	polls_reach $ID 1
	event go
	timeout 20 grep -q -m 1 running <&8
	exec 8<&-
	within 4000 stop_cometfs
	run ! wait $looker
}

# ---- it keeps nothing busy --------------------------------------------------------------------------

@test "a mount can be taken down after a hundred events, and it goes with it" {
	needs_root
	start_answers 'queued' 'running progress=1' 'done'
	start_cometfs interval=0.05
	track busy-{1..50}
	wait_until '[ "$(cat "$MNT"/jobs/busy-*/status.json | grep -c "\"ready\"")" = 50 ]'
	local pid daemon=$DAEMON
	pid=$(helper)
	(cd "$MNT/jobs/busy-1" && run ! umount "$MNT")
	# It may still have something to do.
	wait_until 'umount "$MNT"'
	wait_until "! kill -0 $daemon"
	DAEMON=
	wait $daemon
	[ ! -e "/proc/$pid" ]
}

@test "what is mounted over it later is left alone, and below it all goes on" {
	needs_root
	waiting_job
	exec 8<"$MNT/.cometfs/events" 7<"$MNT/jobs/$ID"
	start_watch "$MNT/jobs/$ID"
	mount -t tmpfs none "$MNT"
	OVER=$MNT
	mkdir -p "$MNT/jobs/$ID"
	: >"$MNT/jobs/$ID/status.json"
	local before
	before=$(stat -c '%y %z' "$MNT/jobs/$ID" "$MNT/jobs/$ID/status.json")
	event go
	event on
	timeout 20 grep -q -m 1 ready <&8
	wait_until '[ "$(said "not told of changes: Stale file handle")" = 1 ]'
	[ "$(stat -c '%y %z' "$MNT/jobs/$ID" "$MNT/jobs/$ID/status.json")" = "$before" ]
	[ "$(ls "$MNT/jobs/$ID")" = status.json ]
	cmp "/proc/self/fd/7/video.mp4" tests/provider/clip.mp4
	[ ! -s "$SEEN" ]
	umount "$MNT"
	OVER=
	exec 7<&- 8<&-
	rm -f "$MNT/jobs/$ID/video.mp4"
	sees 1 'ATTRIB status.json'
}

# ---- other users' mounts ----------------------------------------------------------------------------

# A namespace where /dev/fuse is as on other machines, for everybody.
start_there() {
	mknod "$BATS_TEST_TMPDIR/fuse" c 10 229 || skip "no device can be made here"
	chmod 666 "$BATS_TEST_TMPDIR/fuse"
	chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	unshare --mount --propagation private tail -f /dev/null 3>&- &
	SERVER=$!
	wait_until '! [ /proc/$SERVER/ns/mnt -ef /proc/self/ns/mnt ] && [ "$(cat /proc/$SERVER/comm)" = tail ]'
	nsenter --target $SERVER --mount mount --bind "$BATS_TEST_TMPDIR/fuse" /dev/fuse
}

# there COMMAND…: in it, as user nobody.
there() {
	timeout 60 nsenter --target "$SERVER" --mount setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

@test "a daemon of another user, with default_permissions, has its echo too, also of files that are not his" {
	needs_root
	start_there
	start_answers 'queued until=go' 'done video=clip.mp4'
	local home=$BATS_TEST_TMPDIR/home options
	MNT=$home/mnt
	SEEN=$home/seen
	while read -r options; do
		mkdir "$home"
		cp "$COMETFS" "$home/cometfs"
		chown -R nobody "$home"
		there mkdir "$MNT"
		there "$home/cometfs" "$SOURCE" "$MNT" -f -o "store=$home/store,interval=0.2,$options" 2>>"$LOG" 3>&- &
		local daemon=$!
		wait_until 'there mountpoint -q "$MNT" || ! kill -0 '$daemon
		there mkdir "$MNT/jobs/$ID"
		wait_until 'there grep -q queued "$MNT/jobs/$ID/status.json"'
		there inotifywait -m --format '%e %f' "$MNT/jobs/$ID" >"$SEEN" 2>&1 3>&- &
		local watcher=$!
		wait_until 'grep -q established "$SEEN"'
		event go
		wait_until 'there grep -q ready "$MNT/jobs/$ID/status.json"'
		there cat "$MNT/jobs/$ID/video.mp4" | cmp - tests/provider/clip.mp4
		sees 1 'CLOSE_WRITE,CLOSE video.mp4'
		sees 1 'CREATE video.mp4'
		grep -q 'ATTRIB status.json' "$SEEN"
		kill $watcher
		there fusermount3 -u "$MNT"
		wait $daemon
		[ "$(said 'not told of changes')" = 0 ]
		stop_provider
		rm -r "$home"
		start_answers 'queued until=go' 'done video=clip.mp4'
	done <<-'OPTIONS'
		default_permissions
		default_permissions,umask=077
		uid=12345,umask=077
		default_permissions,uid=12345,umask=000
	OPTIONS
}
