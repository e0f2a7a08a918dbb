#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# How a mount begins and ends when not all is well: after a crash, without a network, in the middle of
# everything, and beside the mounts of others.
load lib.bash

NAMES=$'by-state\nindex.html\njobs' # in the root of a mount

teardown() {
	local good=true
	[ ! -v THEIRS ] || umount "$THEIRS" || good=false
	[ ! -v READERS ] || kill "${READERS[@]}" 2>/dev/null || true
	end_story || good=false
	$good
}

needs_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# fails COMMAND…: here, not in a subshell, as wait needs it.
fails() {
	if "$@"; then
		return 1
	fi
}

# dies: as kill_cometfs, but nobody takes the mount down.
dies() {
	kill -KILL "$DAEMON"
	wait "$DAEMON" || true
	DAEMON=
	fails_with "Transport endpoint is not connected" ls "$MNT"
}

# revives [PLACE]: starts again where a dead mount is; for a moment both are there.
revives() {
	MNT=${1:-$MNT} start_cometfs
	wait_until 'ls "$MNT/jobs"'
}

# type_at PLACE: of the uppermost mount there, from the table, which asks nobody.
type_at() {
	findmnt -knr -o TARGET,FSTYPE | awk -v place="$1" '$1 == place { type = $2 } END { print type }'
}

@test "a dead daemon's mount is taken down at the next start, however it is named" {
	start_answers "done"
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	ln -s "$MNT" "$BATS_TEST_TMPDIR/link"
	local place real=$MNT
	exec 5<"$MNT/jobs/$ID/video.mp4"
	for place in "$real" "$real/" "$BATS_TEST_TMPDIR/link" "$BATS_TEST_TMPDIR/./mnt"; do
		dies
		revives "$place"
		is_clip $ID
		[ "$(findmnt -knr -o TARGET | grep -cxF "$real")" = 1 ]
	done
	[ "$(said 'is taken down')" = 4 ]
	# With passthrough the kernel reads by itself what is open.
	[ "$(said '(passthrough)')" != 0 ] || run ! cat <&5
	exec 5<&-
}

@test "a place with blanks in its name is found in the mount table" {
	MNT="$MNT/ a	b\\040"
	mkdir "$MNT"
	start_cometfs
	dies
	revives
	[ "$(ls "$MNT")" = "$NAMES" ]
	stop_cometfs
}

@test "without -f it takes a dead mount down, too" {
	start_cometfs
	dies
	"$COMETFS" "$SOURCE" "$MNT" -o "store=$STORE" 2>"$BATS_TEST_TMPDIR/said" 3>&-
	[ "$(ls "$MNT")" = "$NAMES" ]
	[ "$(cat "$BATS_TEST_TMPDIR/said")" = "cometfs: $MNT: the mount of a daemon that had died is taken down" ]
	fusermount3 -u "$MNT"
	wait_until 'flock -n "$STORE/lock" true'
}

@test "a dead mount of something else is left, and so is one that lives" {
	start_cometfs subtype=other
	dies
	run --separate-stderr -1 timeout 20 "$COMETFS" "$SOURCE" "$MNT" -f -o "store=$STORE"
	[[ $stderr == "cometfs: $MNT: a dead mount is there"* ]]
	[ "$(type_at "$MNT")" = fuse.other ]
	fusermount3 -u "$MNT"

	start_cometfs
	run --separate-stderr -1 timeout 20 "$COMETFS" "$SOURCE" "$MNT" -f -o "store=$STORE.2"
	[[ $stderr == "cometfs: $MNT: a cometfs is mounted there already, "* ]]
	kill -STOP $DAEMON
	"$COMETFS" "$SOURCE" "$MNT" -f -o "store=$STORE.2" 2>/dev/null 3>&- &
	local other=$!
	wait_until 'grep -q request_wait_answer "/proc/$other/wchan"'
	kill -CONT $DAEMON
	fails wait $other
	[ "$(ls "$MNT")" = "$NAMES" ]
}

@test "what somebody else has mounted at the place is not taken down at the end" {
	needs_root
	# libfuse frees its copy of the path only when it unmounts, which here is not ours to do.
	export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	start_answers queued
	start_cometfs
	track $ID
	exec 5<"$MNT/jobs/$ID/status.json"
	umount -l "$MNT"
	mount -t tmpfs theirs "$MNT"
	THEIRS=$MNT
	touch "$MNT/file"
	kill -TERM $DAEMON
	wait $DAEMON
	DAEMON=
	exec 5<&-
	[ -e "$MNT/file" ]
}

@test "nothing is left of a mount whose connection the kernel has ended" {
	needs_root
	start_cometfs
	coproc INSIDE { cd "$MNT" && echo there && read -r; } 3>&-
	read -r <&"${INSIDE[0]}"
	run ! umount "$MNT"
	run ! umount -f "$MNT"
	wait $DAEMON
	DAEMON=
	[ -z "$(type_at "$MNT")" ]
	echo >&"${INSIDE[1]}"
	start_cometfs
	[ "$(ls "$MNT")" = "$NAMES" ]
}

# number_of WHAT: the highest of the daemon's open files that are such.
number_of() {
	find /proc/$DAEMON/fd -lname "$1" -printf '%f\n' | sort -n | tail -1
}

@test "auto_unmount: after a crash the mount goes by itself, also when it was looked into" {
	needs_root
	start_cometfs auto_unmount
	# What it is mounted by sees to that from then on.
	wait_until '[ "$(said "mounted at")" = 1 ]'
	ls "$MNT" "$MNT/jobs" >/dev/null
	# The highest is closed first: by then it must be over, when fusermount3 hears of it and looks.
	[ "$(number_of /dev/fuse)" -gt "$(number_of 'socket:*')" ]
	kill -KILL $DAEMON
	wait $DAEMON || true
	DAEMON=
	wait_until '! findmnt -n "$MNT"'
	start_cometfs auto_unmount
	stop_cometfs
}

@test "without any network all that is remembered is there" {
	needs_root
	expect_log 'resolve|connect|network'
	start_answers "done"
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	local before
	before=$(find "$MNT/jobs/$ID" -type f -printf '%p %s %i %T@\n')
	stop_cometfs
	stop_provider
	SOURCE=https://api.cometapi.com
	# shellcheck disable=SC2016 # for the inner shell
	unshare -n sh -c 'exec "$@"' sh "$COMETFS" "$SOURCE" "$MNT" -f -o "store=$STORE,interval=0.2" 2>>"$LOG" 3>&- &
	DAEMON=$!
	wait_until 'mountpoint -q "$MNT"'
	diff <(echo "$before") <(find "$MNT/jobs/$ID" -type f -printf '%p %s %i %T@\n')
	is_clip $ID
	[ "$(status $ID .state)" = "done" ]
	track $ID2
	failures_reach $ID2 1
	[ "$(status $ID2 .state)" = unknown ]
	rmdir "$MNT/jobs/$ID"
	[ "$(ls "$MNT/jobs")" = $ID2 ]
}

@test "SIGHUP without a key file, or with one that is gone, changes nothing" {
	expect_log 'the key stays as it was'
	start_answers queued
	start_cometfs
	kill -HUP $DAEMON
	track $ID
	wait_status $ID .state queued
	stop_cometfs
	echo test-key >"$BATS_TEST_TMPDIR/key"
	start_cometfs key_file="$BATS_TEST_TMPDIR/key"
	rm "$BATS_TEST_TMPDIR/key"
	kill -HUP $DAEMON
	wait_until '[ "$(said "the key stays as it was")" = 1 ]'
	local polled
	polled=$(polls $ID)
	polls_reach $ID $((polled + 2))
	[ "$(asked "^poll $ID " | grep -vc auth=test-key)" = 0 ]
}

# reader COMMAND…: in the background; returns when it stands in a read.
reader() {
	"$@" >/dev/null 2>"$BATS_TEST_TMPDIR/said.${#READERS[@]}" 3>&- &
	READERS+=($!)
	wait_until "grep -qE 'request_wait_answer|folio_wait' /proc/$!/wchan"
}

# busy: all sorts of readers of a video that does not come, and others that hold what they have. Who
# maps it comes first: for that the kernel waits for those who read the same file as a map is read.
busy() {
	start_provider - <<-'SCRIPT'
		job *
			answer done
		video big.mp4
			size 8M
			serve stall=1M until=go
	SCRIPT
	start_cometfs timeout=600
	track $ID
	VIDEO=$MNT/jobs/$ID/video.mp4
	wait_until '[ "$(status $ID .video.bytes)" -ge 1000000 ]'
	READERS=()
	reader python3 -c 'import mmap, os, sys
m = mmap.mmap(os.open(sys.argv[1], os.O_RDONLY), 0, mmap.MAP_PRIVATE, mmap.PROT_READ)
print(m[5 << 20])' "$VIDEO"
	reader python3 -c 'import os, sys
os.sendfile(os.open("/dev/null", os.O_WRONLY), os.open(sys.argv[1], os.O_RDONLY), 7 << 20, 65536)' "$VIDEO"
	reader cat "$VIDEO"
	reader dd if="$VIDEO" bs=64K iflag=direct
	reader tail -c 10 "$VIDEO"
	exec 5<"$MNT/jobs/$ID/status.json" 6<"$VIDEO"
	coproc INSIDE { cd "$MNT/jobs/$ID" && echo there && read -r && ls; } 3>&-
	read -r <&"${INSIDE[0]}"
}

# readers_end COMMAND…: each has ended, and the test succeeds of his exit status. SIGBUS is who has it mapped.
readers_end() {
	local pid status
	STATUSES=
	for pid in "${READERS[@]}"; do
		wait_until "! kill -0 $pid"
		status=0
		wait "$pid" || status=$?
		STATUSES+="$status "
		test "$status" "$@"
	done
	unset READERS
}

# Each of them has failed, and nobody hangs.
readers_have_failed() {
	local inside=$INSIDE_PID
	readers_end -ne 0
	cat "$BATS_TEST_TMPDIR"/said.*
	[ "$STATUSES" = "135 1 1 1 1 " ]
	[ "$(grep -lE 'Input/output|not connected|connection abort' "$BATS_TEST_TMPDIR"/said.* | wc -l)" = 4 ]
	run ! tail -c 1 <&6
	exec 5<&- 6<&-
	echo >&"${INSIDE[1]}"
	fails wait "$inside"
}

@test "SIGTERM ends a busy mount: an error for each who reads, a dead directory for who is in it" {
	busy
	run ! fusermount3 -u "$MNT"
	[ "$(status $ID .video.state)" = fetching ]
	within 3000 stop_cometfs
	[ -z "$(type_at "$MNT")" ]
	readers_have_failed
}

@test "kill -9 ends a busy mount likewise" {
	busy
	kill_cometfs
	readers_have_failed
	stop_provider
	start_cometfs
	[ "$(status $ID .video.state)" = fetching ]
}

@test "umount -f ends a busy mount likewise, and nothing is left of it" {
	needs_root
	busy
	run ! umount -f "$MNT"
	wait $DAEMON
	DAEMON=
	readers_have_failed
	[ -z "$(type_at "$MNT")" ]
}

@test "umount -l lets those who read go on to the end, and then it ends" {
	needs_root
	busy
	umount -l "$MNT"
	[ -z "$(ls "$MNT")" ]
	[ "$(stat -Lc %s /dev/fd/6)" = 8388608 ]
	event go
	readers_end -eq 0
	cmp - <(made big.mp4 8M) <&6
	exec 5<&- 6<&-
	kill -0 $DAEMON
	echo >&"${INSIDE[1]}"
	wait $DAEMON
	DAEMON=
}
