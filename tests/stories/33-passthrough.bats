#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Whole videos that the kernel reads from the store by itself, where it and libfuse can; and that those
# who open one before and after it is whole never get in each other's way, where they cannot too.
load lib.bash

teardown() {
	local good=true
	end_story || good=false
	! mountpoint -q "$STORE" || umount "$STORE"
	$good
}

# Who can do it has to: otherwise a story would be passed over for what it is there to find.
needs_passthrough() {
	local version
	version=$("$COMETFS" -V | sed -n 's/^libfuse //p')
	[ "$(id -u)" = 0 ] || skip "needs root"
	printf '3.17\n%s\n' "$version" | sort -VC || skip "libfuse $version has no passthrough"
	grep -q fuse_passthrough_read_iter /proc/kallsyms || skip "this kernel has no passthrough"
	[ "$(stat -f -c %T "$BATS_TEST_TMPDIR")" != overlayfs ] || skip "the directory for tests is on overlayfs"
}

# big SERVE-LINE…: a video of 2 MiB, and how it is served. VIDEO is its path in the mount.
big() {
	start_provider - < <(
		printf 'job *\n\tanswer done\nvideo big.mp4\n\tsize 2M\n'
		printf '\tserve %s\n' "$@"
	)
	start_cometfs
	track $ID
	VIDEO=$MNT/jobs/$ID/video.mp4
	made big.mp4 2M >"$BATS_TEST_TMPDIR/made"
}

# A second mount, of whose files the kernel has no page, and with a log of its own: the echo has had the
# video open in the first.
finished() {
	big ""
	wait_status $ID .video.state ready
	stop_cometfs
	log_is_clean
	: >"$LOG"
	start_cometfs
}

# reads_by_itself: all of descriptor 7, while the daemon stands still.
reads_by_itself() {
	kill -STOP $DAEMON
	timeout 20 python3 -c 'import os
while block := os.read(7, 65536): os.write(1, block)' >"$BATS_TEST_TMPDIR/read" || true
	kill -CONT $DAEMON
	cmp "$BATS_TEST_TMPDIR/read" "$BATS_TEST_TMPDIR/made"
}

# start_mapped: the coprocess maps what descriptor 7 has open.
start_mapped() {
	coproc python3 tests/stories/mapped.py 7 3>&-
}

# is_mapped OFFSET: the coprocess sees there the byte that was made.
is_mapped() {
	local byte
	echo "$1" >&"${COPROC[1]}"
	read -r -t 20 byte <&"${COPROC[0]}"
	[ "$byte" = "$(od -An -tu1 -j "$1" -N 1 "$BATS_TEST_TMPDIR/made" | tr -d ' ')" ]
}

end_mapped() {
	kill "$COPROC_PID"
	wait "$COPROC_PID" || true
}

@test "a finished video is read without the daemon" {
	needs_passthrough
	local good=true
	finished
	exec 7<"$VIDEO"
	[ "$(said '(passthrough)')" = 1 ]
	reads_by_itself
	start_mapped
	is_mapped 0
	kill -STOP $DAEMON
	is_mapped 1500000 || good=false
	kill -CONT $DAEMON
	end_mapped
	$good
	exec 7<&-
	cmp "$VIDEO" "$BATS_TEST_TMPDIR/made"
	[ "$(said '(passthrough)')" = 1 ]
}

@test "all ways of reading it give the same bytes" {
	finished
	exec 7<"$VIDEO"
	for way in shutil sendfile mmap; do
		python3 tests/stories/copy.py $way "$VIDEO" "$BATS_TEST_TMPDIR/copy"
		cmp "$BATS_TEST_TMPDIR/copy" "$BATS_TEST_TMPDIR/made"
	done
	cmp <(dd status=none if="$VIDEO" iflag=direct bs=64K) "$BATS_TEST_TMPDIR/made"
	cmp - "$BATS_TEST_TMPDIR/made" <&7
	exec 7<&-
}

@test "who has it open from before it was whole reads on, beside those who open it later" {
	big "stall=1M until=go" ""
	wait_until '[ -e "$VIDEO" ]'
	exec 7<"$VIDEO"
	start_mapped
	is_mapped 1000
	event go
	wait_status $ID .video.state ready
	cmp "$VIDEO" "$BATS_TEST_TMPDIR/made"
	exec 8<"$VIDEO"
	is_mapped 1999999
	cmp - "$BATS_TEST_TMPDIR/made" <&7
	exec 7<&-
	# His map is left: it hinders nobody.
	cmp "$VIDEO" "$BATS_TEST_TMPDIR/made"
	end_mapped
	cmp - "$BATS_TEST_TMPDIR/made" <&8
	exec 8<&-
}

@test "when all of them have closed it, the kernel reads it" {
	needs_passthrough
	big "stall=1M until=go" ""
	wait_until '[ -e "$VIDEO" ]'
	exec 7<"$VIDEO"
	event go
	wait_status $ID .video.state ready
	cmp "$VIDEO" "$BATS_TEST_TMPDIR/made"
	[ "$(said '(passthrough)')" = 0 ]
	exec 7<&-
	# The release of a file comes after its closing.
	wait_until 'cmp "$VIDEO" "$BATS_TEST_TMPDIR/made" && [ "$(said "(passthrough)")" = 1 ]'
	exec 7<"$VIDEO"
	reads_by_itself
	exec 7<&-
}

@test "nobody who opens videos again and again while they become whole gets an error" {
	start_provider - <<-'SCRIPT'
		job *
			answer done
		video big.mp4
			size 1M
			serve rate=4M
	SCRIPT
	start_cometfs
	made big.mp4 1M >"$BATS_TEST_TMPDIR/made"
	track 1 2 3 4 5 6 7 8
	timeout 60 python3 tests/stories/opens.py "$BATS_TEST_TMPDIR/made" "$MNT"/jobs/*
}

# His open is answered two seconds after the file was looked for: by then others read it as a whole one.
@test "who opens a video at the moment that it becomes whole gets no error" {
	big "stall=1M until=go" ""
	wait_until '[ -e "$VIDEO" ]'
	strace -qq -f -o /dev/null -p "$DAEMON" -P 1.mp4.part -e trace=openat -e inject=openat:delay_exit=2s 3>&- &
	SERVER=$!
	wait_until 'grep -q "TracerPid:.$SERVER" /proc/$DAEMON/task/*/status'
	cat "$VIDEO" >"$BATS_TEST_TMPDIR/read" &
	local reader=$!
	wait_until '[ "$(ls -l /proc/$DAEMON/fd | grep -c "1.mp4.part")" -ge 2 ]'
	event go
	wait_status $ID .video.state ready
	exec 7<"$VIDEO"
	wait $reader
	cmp "$BATS_TEST_TMPDIR/read" "$BATS_TEST_TMPDIR/made"
	cmp - "$BATS_TEST_TMPDIR/made" <&7
	exec 7<&-
}

@test "a video that was read and is removed gives its room back" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	mkdir -m 700 "$STORE"
	mount -t tmpfs -o mode=700 tmpfs "$STORE"
	big ""
	wait_status $ID .video.state ready
	cmp "$VIDEO" "$BATS_TEST_TMPDIR/made"
	[ "$(df -k --output=used "$STORE" | tail -n 1)" -ge 2048 ]
	rm "$VIDEO"
	wait_until '[ "$(df -k --output=used "$STORE" | tail -n 1)" -lt 2048 ]'
	stop_cometfs
}

# falls_back WHY: the store is where passthrough is not to be had, and all works.
falls_back() {
	big ""
	wait_status $ID .video.state ready
	cmp "$VIDEO" "$BATS_TEST_TMPDIR/made"
	cmp <(dd status=none if="$VIDEO" iflag=direct bs=1000) "$BATS_TEST_TMPDIR/made"
	cmp "$VIDEO" "$BATS_TEST_TMPDIR/made"
	[ "$(said "(no passthrough: $1)")" = 1 ]
	[ "$(said '(passthrough)')" = 0 ]
	stop_cometfs
}

@test "a store without O_DIRECT is read through the page cache" {
	needs_passthrough
	mkdir -m 700 "$STORE"
	mount -t ramfs -o mode=700 ramfs "$STORE"
	falls_back 'the store has no O_DIRECT'
}

@test "a store on a stacked file system is read through the page cache" {
	needs_passthrough
	mkdir -m 700 "$STORE" "$BATS_TEST_TMPDIR"/{lower,upper,work}
	mount -t overlay -o "lowerdir=$BATS_TEST_TMPDIR/lower,upperdir=$BATS_TEST_TMPDIR/upper,workdir=$BATS_TEST_TMPDIR/work" \
		overlay "$STORE" || skip "there is no overlayfs here"
	falls_back 'the store is on a stacked file system'
}

# The mount is his who made it, and root's commands may not look into it.
@test "without CAP_SYS_ADMIN it is read through the page cache" {
	needs_passthrough
	local open nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
	$nobody test -w /dev/fuse || skip "/dev/fuse is root's only"
	open=$(mktemp -d)
	MNT=$open/mnt STORE=$open/store
	mkdir "$MNT"
	chown -R 65534:65534 "$open"
	start_provider many
	$nobody "$COMETFS" "$SOURCE" "$MNT" -f -o "store=$STORE,interval=0.2" 2>>"$LOG" 3>&- &
	DAEMON=$!
	wait_until '$nobody mountpoint -q "$MNT"'
	$nobody mkdir "$MNT/jobs/$ID"
	wait_until '$nobody grep -q "\"ready\"" "$MNT/jobs/$ID/status.json"'
	$nobody cmp "$MNT/jobs/$ID/video.mp4" tests/provider/clip.mp4
	[ "$(said '(no passthrough: it needs CAP_SYS_ADMIN)')" = 1 ]
	stop_cometfs
	rm -r "$open"
}
