#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The command line: what it says, what it refuses, how a mount comes and goes.
load lib.bash

# refuses TEXT ARG…: fails with one line, `cometfs: what: why`, that has TEXT in it; nothing is mounted.
refuses() {
	local text=$1
	shift
	run --separate-stderr timeout 20 "$COMETFS" -f "$@"
	echo "exit $status, said: $stderr"
	[ "$status" -ne 0 ]
	[ "$status" -ne 124 ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr =~ ^cometfs:\ .+:\ .+ ]]
	[[ $stderr == *"$text"* ]]
	[ -n "$DAEMON" ] || run ! mountpoint -q "$MNT"
}

# The daemon of $MNT, when it is not our child.
daemon_pid() {
	local process
	for process in /proc/[0-9]*; do
		if [ "$(readlink "$process/exe")" = "$COMETFS" ] &&
			tr '\0' '\n' <"$process/cmdline" | grep -qxF "$MNT"; then
			echo "${process#/proc/}"
		fi
	done 2>/dev/null
}

needs_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

@test "-h shows every option, -V the version" {
	run -0 "$COMETFS" -h
	[[ $output == *"cometfs [SOURCE] MOUNTPOINT"* ]]
	local option
	for option in key_file=PATH provider= store=DIR track= interval=S interval_watched=S poll_rate=N \
		timeout=S lookup_timeout=S downloads=N max_video=SIZE store_max=SIZE cafile=PATH allow_http allow_private; do
		echo "is it there: $option"
		[[ $output == *"$option"* ]]
	done
	run -0 "$COMETFS" -V
	[[ $output == *"cometfs"*"0.1.0"* ]]
}

@test "refuses to start without a key" {
	unset COMETAPI_KEY CREDENTIALS_DIRECTORY
	refuses key "$SOURCE" "$MNT" -o "store=$STORE"
	COMETAPI_KEY=$' \t\n' refuses key "$SOURCE" "$MNT" -o "store=$STORE"
}

@test "refuses a key file that is missing, a directory, empty" {
	refuses "$BATS_TEST_TMPDIR/none" "$SOURCE" "$MNT" -o "store=$STORE,key_file=$BATS_TEST_TMPDIR/none"
	refuses "$BATS_TEST_TMPDIR" "$SOURCE" "$MNT" -o "store=$STORE,key_file=$BATS_TEST_TMPDIR"
	echo >"$BATS_TEST_TMPDIR/empty"
	refuses "$BATS_TEST_TMPDIR/empty" "$SOURCE" "$MNT" -o "store=$STORE,key_file=$BATS_TEST_TMPDIR/empty"
}

@test "refuses options that it does not know, and values that are none" {
	local option
	for option in nonsense nonsense=1 interval=soon interval=-1 interval= timeout=0 poll_rate=x \
		downloads=0 downloads=many max_video=4Q store_max=0 track=always provider=other; do
		refuses "${option%%=*}" "$SOURCE" "$MNT" -o "store=$STORE,$option"
	done
	refuses /none "$SOURCE" "$MNT" -o "store=$STORE,cafile=/none"
}

@test "refuses a source that is no URL of http or https, and http to elsewhere" {
	local source
	for source in ftp://127.0.0.1 file:///etc/passwd https:// https://user:word@127.0.0.1 http://192.0.2.1; do
		refuses : "$source" "$MNT" -o "store=$STORE"
	done
}

@test "refuses a mount point that is missing, a file, or not empty" {
	refuses "$MNT/none" "$SOURCE" "$MNT/none" -o "store=$STORE"
	touch "$BATS_TEST_TMPDIR/file"
	refuses "$BATS_TEST_TMPDIR/file" "$SOURCE" "$BATS_TEST_TMPDIR/file" -o "store=$STORE"
	touch "$MNT/file"
	refuses "not empty" "$SOURCE" "$MNT" -o "store=$STORE"
	run -1 "$COMETFS"
}

@test "refuses a mount point that is not ours" {
	needs_root
	local open
	open=$(mktemp -d)
	chmod 755 "$open"
	cp "$COMETFS" "$open"
	COMETFS="setpriv --reuid=65534 --regid=65534 --clear-groups $open/cometfs"
	refuse_as_nobody() {
		# shellcheck disable=SC2086 # a command and its arguments
		run --separate-stderr timeout 20 $COMETFS -f "$SOURCE" "$open" -o "store=/tmp/cometfs-nobody.$$"
	}
	refuse_as_nobody
	rm -rf "$open" "/tmp/cometfs-nobody.$$"
	echo "said: $stderr"
	[ "$status" -eq 1 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == cometfs:*"$open"* ]]
}

@test "refuses a store that another daemon has" {
	start_cometfs
	mkdir "$BATS_TEST_TMPDIR/other"
	refuses "$STORE: in use by another cometfs, end that one or give -o store=DIR" \
		"$SOURCE" "$BATS_TEST_TMPDIR/other" -o "store=$STORE"
	mountpoint -q "$MNT"
}

@test "refuses a store that is a link, a file, full of other things" {
	mkdir "$STORE"
	ln -s "$STORE" "$BATS_TEST_TMPDIR/link"
	refuses "$BATS_TEST_TMPDIR/link" "$SOURCE" "$MNT" -o "store=$BATS_TEST_TMPDIR/link"
	touch "$BATS_TEST_TMPDIR/file"
	refuses "$BATS_TEST_TMPDIR/file" "$SOURCE" "$MNT" -o "store=$BATS_TEST_TMPDIR/file"
	touch "$STORE/thesis.tex"
	refuses "$STORE" "$SOURCE" "$MNT" -o "store=$STORE"
	[ -e "$STORE/thesis.tex" ]
}

@test "refuses a store that is read-only, or somebody else's" {
	needs_root
	mkdir "$STORE"
	mount -t tmpfs -o ro,mode=700 tmpfs "$STORE"
	refuses "$STORE" "$SOURCE" "$MNT" -o "store=$STORE" || {
		umount "$STORE"
		return 1
	}
	umount "$STORE"
	chown 65534 "$STORE"
	refuses "$STORE" "$SOURCE" "$MNT" -o "store=$STORE"
}

@test "refuses a store on a full disk" {
	needs_root
	local disk=$BATS_TEST_TMPDIR/disk
	mkdir "$disk"
	mount -t tmpfs -o size=64k tmpfs "$disk"
	head -c 64K /dev/zero >"$disk/fill"
	refuses 'No space left' "$SOURCE" "$MNT" -o "store=$disk/store" || {
		umount "$disk"
		return 1
	}
	umount "$disk"
}

@test "refuses a machine without /dev/fuse" {
	needs_root
	run --separate-stderr unshare -m bash -c 'mount -t tmpfs tmpfs /dev && mknod -m 666 /dev/null c 1 3 &&
		mknod -m 666 /dev/urandom c 1 9 && exec timeout 20 "$@"' \
		bash "$COMETFS" -f "$SOURCE" "$MNT" -o "store=$STORE"
	echo "said: $stderr"
	[ "$status" -eq 1 ]
	[[ $stderr == "cometfs: /dev/fuse: "* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "without -f it returns when the mount answers, and says nothing" {
	run -0 "$COMETFS" "$SOURCE" "$MNT" -o "store=$STORE" 3>&-
	[ -z "$output" ]
	[ "$(ls "$MNT")" = $'by-state\nindex.html\njobs' ]
	[ -n "$(daemon_pid)" ]
	fusermount3 -u "$MNT"
	wait_until '[ -z "$(daemon_pid)" ]'
}

@test "without -f what fails is still said, and is the exit status" {
	mkdir -p "$STORE"
	touch "$MNT/file"
	run --separate-stderr "$COMETFS" "$SOURCE" "$MNT" -o "store=$STORE" 3>&-
	[ "$status" -eq 1 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ -z "$(daemon_pid)" ]
}

@test "the source is what mount shows, /v1 and / at its end are dropped" {
	start_provider - <<-'SCRIPT'
		job *
			answer queued
	SCRIPT
	local plain=$SOURCE
	SOURCE=$plain/v1/ start_cometfs
	grep -F " $MNT fuse.cometfs " /proc/self/mounts | grep -F "$plain"
	track $ID
	wait_status $ID .state queued
	stop_cometfs
	SOURCE=$plain/ start_cometfs
	wait_status $ID .state queued
}

@test "the source may come from \$COMETAPI_BASE_URL, the key from a file" {
	start_provider - --key file-key <<-'SCRIPT'
		job *
			answer queued
	SCRIPT
	mkdir "$BATS_TEST_TMPDIR/credentials"
	printf '  file-key\n\n' | tee "$BATS_TEST_TMPDIR/key" >"$BATS_TEST_TMPDIR/credentials/cometapi-key"
	export COMETAPI_BASE_URL=$SOURCE/v1
	"$COMETFS" "$MNT" -f -o "store=$STORE,key_file=$BATS_TEST_TMPDIR/key" 2>>"$LOG" 3>&- &
	DAEMON=$!
	wait_until 'mountpoint -q "$MNT"'
	track $ID
	wait_status $ID .state queued
	stop_cometfs

	unset COMETAPI_KEY
	export CREDENTIALS_DIRECTORY=$BATS_TEST_TMPDIR/credentials
	start_cometfs
	track $ID2
	wait_status $ID2 .state queued
}

@test "SIGHUP reads the key file again" {
	expect_log 'the key is refused'
	start_provider - --key right-key <<-'SCRIPT'
		job *
			answer queued
	SCRIPT
	echo wrong-key >"$BATS_TEST_TMPDIR/key"
	start_cometfs key_file="$BATS_TEST_TMPDIR/key"
	track $ID
	wait_status $ID .poll.http_status 401
	[ "$(status $ID .state)" = unknown ]
	echo right-key >"$BATS_TEST_TMPDIR/key"
	kill -HUP $DAEMON
	wait_status $ID .state queued
}

@test "the store is for its owner alone" {
	start_provider many
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	[ "$(stat -c %a "$STORE")" = 700 ]
	run -0 find "$STORE" -type f ! -perm 600
	[ -z "$output" ]
}

@test "SIGTERM, SIGINT and an unmount end it well" {
	start_cometfs
	stop_cometfs
	start_cometfs
	kill -INT $DAEMON
	wait $DAEMON
	run ! mountpoint -q "$MNT"
	start_cometfs
	fusermount3 -u "$MNT"
	wait $DAEMON
	DAEMON=
}
