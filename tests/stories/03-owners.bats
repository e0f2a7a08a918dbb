#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Who may do what: other users, owners, groups, modes; and what stat, find and df say.
load lib.bash

# The owner of the files, one of their group, somebody else.
OWNER='setpriv --reuid=1234 --regid=1234 --clear-groups'
MEMBER='setpriv --reuid=65534 --regid=65534 --groups=5678'
OTHER='setpriv --reuid=65534 --regid=65534 --clear-groups'

teardown() {
	local good=true
	end_story || good=false
	[ -z "$OPEN" ] || rmdir "$OPEN/mnt" "$OPEN" || good=false
	$good
}

# with OPTION,…: a mount where other users can reach it, with a finished job.
with() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	OPEN=$(mktemp -d)
	chmod 755 "$OPEN"
	MNT=$OPEN/mnt
	mkdir "$MNT"
	start_provider many
	start_cometfs "$1"
	track $ID
	wait_status $ID .video.state ready
	JOB=$MNT/jobs/$ID
}

# may_read USER; may_change USER: all that there is to read, or to change.
may_read() {
	# shellcheck disable=SC2086 # a command and its arguments
	[ "$($1 ls "$MNT/jobs")" = $ID ] && $1 jq -e '.state == "done"' "$JOB/status.json" >/dev/null &&
		$1 cat "$JOB/video.mp4" | cmp - tests/provider/clip.mp4
}

may_change() {
	# shellcheck disable=SC2086
	$1 mkdir "$MNT/jobs/$ID2" && $1 rmdir "$MNT/jobs/$ID2" && $1 rm "$JOB/video.mp4"
}

may_not_change() {
	# shellcheck disable=SC2086
	{
		fails_with "Permission denied" $1 mkdir "$MNT/jobs/$ID2"
		fails_with "Permission denied" $1 rmdir "$JOB"
		fails_with "Permission denied" $1 unlink "$JOB/video.mp4"
		$1 test ! -w "$MNT/jobs"
	}
}

@test "without allow_other nobody else is let in" {
	with uid=1234,gid=5678
	local user
	for user in "$OWNER" "$MEMBER" "$OTHER"; do
		fails_with "Permission denied" $user ls "$MNT"
		fails_with "Permission denied" $user stat "$JOB/status.json"
		fails_with "Permission denied" $user mkdir "$MNT/jobs/$ID2"
	done
	may_read env
	may_change env
}

@test "allow_other alone lets everybody do everything, whatever the modes say" {
	with allow_other,umask=077
	may_read "$OTHER"
	may_change "$OTHER"
}

@test "default_permissions: owner, group and others each have their modes" {
	with allow_other,default_permissions,uid=1234,gid=5678,umask=027
	[ "$(stat -c '%u %g %a' "$MNT" "$MNT/jobs" "$JOB" | uniq)" = "1234 5678 750" ]
	[ "$(stat -c '%u %g %a' "$JOB"/* | uniq)" = "1234 5678 440" ]
	fails_with "Permission denied" $OTHER ls "$MNT"
	fails_with "Permission denied" $OTHER cat "$JOB/status.json"
	may_read "$MEMBER"
	may_not_change "$MEMBER"
	may_read "$OWNER"
	$OWNER test ! -w "$JOB/status.json"
	$OWNER test ! -x "$JOB/status.json"
	may_change "$OWNER"
}

@test "default_permissions: others read, and only the owner changes, where nothing else is said" {
	with allow_other,default_permissions
	may_read "$OTHER"
	may_not_change "$OTHER"
	may_read env
	may_change env
}

@test "default_permissions: umask=002 lets the group change, too" {
	with allow_other,default_permissions,gid=5678,umask=002
	[ "$(stat -c '%a' "$MNT/jobs")" = 775 ]
	may_not_change "$OTHER"
	may_read "$MEMBER"
	may_change "$MEMBER"
}

@test "ro: not even the owner and root change anything, all others read" {
	with allow_other,default_permissions,uid=1234
	stop_cometfs
	start_cometfs allow_other,default_permissions,uid=1234,ro
	local user
	for user in env "$OWNER"; do
		fails_with "Read-only file system" $user mkdir "$MNT/jobs/$ID2"
		fails_with "Read-only file system" $user rmdir "$JOB"
		fails_with "Read-only file system" $user unlink "$JOB/video.mp4"
		fails_with "Read-only file system" $user touch "$JOB/status.json"
		$user test ! -w "$MNT/jobs"
	done
	may_read "$OTHER"
}

# types DIRECTORY: what getdents says of each name, without a stat.
types() {
	strace -v -s 300 -e trace=getdents64 -o "$BATS_TEST_TMPDIR/trace" ls -f "$1" >/dev/null
	grep -oE 'd_type=DT_[A-Z]+, d_name="[^"]+"' "$BATS_TEST_TMPDIR/trace" |
		sed -E 's/d_type=DT_([A-Z]+), d_name="(.*)"/\2 \1/' | sort
}

@test "lists tell what is what, and directories count their links" {
	start_provider many
	start_cometfs
	track $ID $ID2 $ID3
	wait_status $ID .video.state ready
	diff <(types "$MNT/jobs") <(printf '%s DIR\n' . .. $ID $ID2 $ID3 | sort)
	diff <(types "$MNT/jobs/$ID") <(printf '%s\n' '. DIR' '.. DIR' 'response.json REG' 'status.json REG' 'video.mp4 REG')
	[ "$(types "$MNT" | grep jobs)" = "jobs DIR" ]
	local directory
	for directory in "$MNT" "$MNT/jobs" "$MNT/jobs/$ID"; do
		# Each directory in it has a "..".
		[ "$(stat -c %h "$directory")" = $((2 + $(find "$directory" -mindepth 1 -maxdepth 1 -type d | wc -l))) ]
		[ "$(stat -c %F,%s "$directory")" = directory,4096 ]
	done
	[ "$(stat -c %h "$MNT/jobs/$ID"/* | uniq)" = 1 ]
	# Both ways to ask agree, about files and about the file systems below them.
	diff <(find "$MNT" -printf '%i %D %y %s\n' | sort) <(find "$MNT" -exec stat -c '%i %d %F %s' {} + |
		sed -E 's/ directory / d /; s/ regular[^0-9]*/ f /; s/ symbolic link / l /' | sort)
}

@test "a video has its final size at once, its blocks as they come, and its job's time" {
	start_provider - <<-'SCRIPT'
		job *
			answer done
		video big.mp4
			size 8M
			serve stall=1M until=go
	SCRIPT
	start_cometfs
	track $ID
	local video=$MNT/jobs/$ID/video.mp4 before during after
	wait_until '[ "$(status $ID .video.bytes)" -ge 1000000 ]'
	before=$(stat -c '%s %i %Y' "$video")
	during=$(stat -c %b "$video")
	[ "${before%% *}" = 8388608 ]
	[ "$during" -ge $((1000000 / 512)) ]
	[ "$during" -le $((2 * 1048576 / 512)) ]
	[ "$(du -B512 --apparent-size "$video" | cut -f1)" = 16384 ]
	event go
	wait_status $ID .video.state ready
	after=$(stat -c '%s %i %Y' "$video")
	[ "$after" = "$before" ]
	[ "$(stat -c %b "$video")" = 16384 ]
	[ "$(date -ud "$(status $ID .finished_at)" +%s)" = "${after##* }" ]
	[ "$(stat -c '%X %Z' "$video")" = "${after##* } ${after##* }" ]
}

@test "status.json's time is its last change's, and its size is what is read" {
	start_answers queued 'running progress=10 until=go' 'running progress=20'
	start_cometfs
	track $ID
	wait_status $ID .progress 10
	local document=$MNT/jobs/$ID/status.json first
	first=$(stat -c %.9Y "$document")
	event go
	wait_status $ID .progress 20
	[ "$(printf '%s\n' "$first" "$(stat -c %.9Y "$document")" | sort -n | tail -1)" != "$first" ]
	[ "$(stat -c %s "$document")" = "$(head -c 1M "$document" | wc -c)" ]
}
