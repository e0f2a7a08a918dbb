#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# mkdir tracks a job, rmdir forgets it, and everything else is refused as a read-only file would.
load lib.bash

queued() {
	start_provider - <<-'SCRIPT'
		job *
			answer queued
	SCRIPT
	start_cometfs "$@"
}

done_at_once() {
	start_provider many
	start_cometfs "$@"
}

# refused COMMAND…: fails as on a file that may not be changed.
refused() {
	run ! "$@"
	echo "$output"
	[[ $output == *"Permission denied"* || $output == *"Operation not permitted"* ||
		$output == *"Read-only file system"* ]]
}

@test "an empty mount has its directories, and no jobs" {
	start_cometfs
	[ "$(ls -A "$MNT")" = $'by-state\nindex.html\njobs' ]
	[ -z "$(ls -A "$MNT/jobs")" ]
	[ "$(stat -c %F "$MNT/jobs")" = directory ]
}

@test "mkdir tracks a job, once" {
	queued
	track $ID $ID2
	[ "$(ls "$MNT/jobs")" = "$(printf '%s\n' $ID $ID2 | sort)" ]
	[ "$(status $ID .request_id)" = $ID ]
	[ "$(ls "$MNT/jobs/$ID")" = "$(printf 'response.json\nstatus.json')" ] ||
		[ "$(ls "$MNT/jobs/$ID")" = status.json ]
	fails_with "File exists" mkdir "$MNT/jobs/$ID"
	mkdir -p "$MNT/jobs/$ID"
}

@test "mkdir takes what may be an id" {
	queued
	local id long
	printf -v long '%0191d' 7
	for id in a 7 "$ID3" grok:"$ID" req_5-x.Y "$long"; do
		track "$id"
		wait_status "$id" .state queued
		[ "$(status "$id" .request_id)" = "$id" ]
	done
}

@test "mkdir refuses what cannot be an id" {
	queued
	local id long
	printf -v long '%0192d' 7
	for id in "a b" " " vidéo $'\xff' "$long" .hidden .Trash a%2fb a+b 'a\b' $'a\nb' '*' a@b; do
		fails_with "Invalid argument" mkdir "$MNT/jobs/$id"
	done
	printf -v long '%0256d' 7
	fails_with "File name too long" mkdir "$MNT/jobs/$long"
	run ! mkdir "$MNT/jobs/.."
	run ! mkdir "$MNT/jobs/../$ID"
	fails_with "No such file or directory" mkdir "$MNT/jobs/a/b"
	[ -z "$(ls -A "$MNT/jobs")" ]
	[ "$(ls -A "$MNT")" = $'by-state\nindex.html\njobs' ]
}

@test "mkdir does not wait for the network, and is remembered when it returns" {
	start_provider - <<-'SCRIPT'
		job *
			answer hang
	SCRIPT
	start_cometfs
	track $ID
	kill_cometfs
	start_cometfs
	[ "$(ls "$MNT/jobs")" = $ID ]
	[ "$(status $ID .state)" = unknown ]
}

@test "what is not tracked is not there, and the provider is not asked" {
	queued
	fails_with "No such file or directory" ls "$MNT/jobs/$ID"
	[ "$(polls $ID)" = 0 ]
}

@test "rmdir forgets a job with all that it has" {
	done_at_once
	track $ID $ID2
	wait_status $ID .video.state ready
	rmdir "$MNT/jobs/$ID"
	[ "$(ls "$MNT/jobs")" = $ID2 ]
	fails_with "No such file or directory" cat "$MNT/jobs/$ID/status.json"
	fails_with "No such file or directory" rmdir "$MNT/jobs/$ID"
	wait_status $ID2 .video.state ready
	[ "$(find "$STORE" -name '*.mp4' | wc -l)" = 1 ]
	stop_cometfs
	start_cometfs
	[ "$(ls "$MNT/jobs")" = $ID2 ]
}

@test "who has its documents open when a job is forgotten has files without a name" {
	start_answers 'running progress=42'
	start_cometfs
	track $ID
	wait_status $ID .state running
	python3 - "$MNT/jobs/$ID" <<-'SCRIPT'
		import os, sys
		fds = [os.open(f"{sys.argv[1]}/{name}", os.O_RDONLY) for name in ("status.json", "response.json")]
		starts = [os.read(fd, 10) for fd in fds]
		os.rmdir(sys.argv[1])
		for fd, start in zip(fds, starts):
		    seen = os.fstat(fd)
		    rest = b"".join(iter(lambda: os.read(fd, 65536), b""))
		    print(seen, start + rest)
		    assert seen.st_nlink == 0 and seen.st_size == len(start + rest) > 10
		    os.close(fd)
	SCRIPT
}

@test "a forgotten job starts anew" {
	done_at_once
	track $ID
	wait_status $ID .video.state ready
	local inode
	inode=$(stat -c %i "$MNT/jobs/$ID")
	rmdir "$MNT/jobs/$ID"
	track $ID
	wait_status $ID .video.state ready
	[ "$(stat -c %i "$MNT/jobs/$ID")" != "$inode" ]
	[ "$(video_gets clip.mp4)" = 2 ]
}

@test "rmdir waits for nobody: EBUSY while the video is open" {
	done_at_once
	track $ID
	wait_status $ID .video.state ready
	exec 5<"$MNT/jobs/$ID/video.mp4"
	fails_with "Device or resource busy" rmdir "$MNT/jobs/$ID" 5<&-
	cmp - tests/provider/clip.mp4 <&5
	exec 5<&-
	wait_until 'rmdir "$MNT/jobs/$ID"'
	[ -z "$(ls "$MNT/jobs")" ]
}

@test "unlink of a video deletes the local copy alone" {
	done_at_once
	track $ID
	wait_status $ID .video.state ready
	rm "$MNT/jobs/$ID/video.mp4"
	[ ! -e "$MNT/jobs/$ID/video.mp4" ]
	[ "$(status $ID .video.state)" = removed ]
	[ "$(status $ID .state)" = 'done' ]
	[ -z "$(find "$STORE" -name '*.mp4*')" ]
	stop_cometfs
	start_cometfs
	[ "$(status $ID .video.state)" = removed ]
	[ "$(video_gets clip.mp4)" = 1 ]
}

@test "a video that is being read can be unlinked, and is read to its end" {
	done_at_once
	track $ID
	wait_status $ID .video.state ready
	exec 5<"$MNT/jobs/$ID/video.mp4"
	rm "$MNT/jobs/$ID/video.mp4"
	cmp - tests/provider/clip.mp4 <&5
	exec 5<&-
}

@test "the documents cannot be deleted" {
	queued
	track $ID
	wait_status $ID .state queued
	fails_with "Operation not permitted" unlink "$MNT/jobs/$ID/status.json" ||
		[[ $stderr == *"Operation not permitted"* ]]
	[[ $(rm -f "$MNT/jobs/$ID/response.json" 2>&1) == *"Operation not permitted"* ]]
	[ "$(status $ID .state)" = queued ]
}

@test "nothing can be written, made or changed" {
	done_at_once
	track $ID
	wait_status $ID .video.state ready
	local job=$MNT/jobs/$ID
	refused bash -c 'echo x >"$1"' bash "$job/status.json"
	refused bash -c 'echo x >>"$1"' bash "$job/video.mp4"
	refused bash -c 'echo x >"$1"' bash "$job/new"
	refused truncate -s 0 "$job/video.mp4"
	refused chmod 777 "$job/status.json"
	refused chown 1 "$job/status.json"
	refused touch "$job/video.mp4"
	refused touch "$MNT/new"
	refused mkdir "$MNT/new"
	refused mkdir "$job/new"
	refused mv "$job/status.json" "$job/other.json"
	refused mv "$job" "$MNT/jobs/other"
	refused ln "$job/status.json" "$job/link"
	refused ln -s status.json "$job/link"
	refused mkfifo "$job/fifo"
	refused setfattr -n user.x -v y "$job/status.json" || [[ $output == *"not supported"* ]]
	refused rmdir "$MNT/jobs" || [[ $output == *"busy"* || $output == *"not empty"* ]]
	[ "$(status $ID .video.state)" = ready ]
	cmp "$job/video.mp4" tests/provider/clip.mp4
}

@test "-o ro: nothing is tracked, forgotten or removed" {
	done_at_once
	track $ID
	wait_status $ID .video.state ready
	stop_cometfs
	start_cometfs ro
	fails_with "Read-only file system" mkdir "$MNT/jobs/$ID2"
	fails_with "Read-only file system" unlink "$MNT/jobs/$ID/video.mp4"
	run ! rmdir "$MNT/jobs/$ID"
	cmp "$MNT/jobs/$ID/video.mp4" tests/provider/clip.mp4
}

@test "inodes, times and order survive a remount" {
	done_at_once
	track $ID $ID2 $ID3
	wait_status $ID .video.state ready
	wait_status $ID2 .video.state ready
	wait_status $ID3 .video.state ready
	local before
	all() {
		(cd "$MNT/jobs" && find . -mindepth 1 -printf '%i %p %s %T@ %m\n')
	}
	# Just after a change each who asks is told another time of a directory, between two milliseconds.
	wait_until '[ "$(all)" = "$(all)" ]'
	before=$(all)
	stop_cometfs
	start_cometfs
	diff <(echo "$before") <(all)
}

@test "modes, owner and umask are as asked for" {
	done_at_once uid=123,gid=456,umask=027
	track $ID
	wait_status $ID .video.state ready
	[ "$(stat -c '%u %g %a' "$MNT/jobs")" = "123 456 750" ]
	[ "$(stat -c '%u %g %a' "$MNT/jobs/$ID/video.mp4")" = "123 456 640" ] ||
		[ "$(stat -c '%u %g %a' "$MNT/jobs/$ID/video.mp4")" = "123 456 440" ]
	[ "$(stat -c '%u %g' "$MNT/jobs/$ID/status.json")" = "123 456" ]
}

@test "df shows the file system of the store" {
	start_cometfs
	[ "$(stat -f -c '%b %S' "$MNT")" = "$(stat -f -c '%b %S' "$STORE")" ]
}
