#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The mount given to others: handles that name the same file for ever, Samba, NFS.
load lib.bash
load share.bash

teardown() {
	end_net
	end_story
}

# handle_of PATH…: of each, a line.
handle_of() {
	(cd "$MNT" && timeout 20 python3 "$OLDPWD/tests/stories/handle.py" of "$@")
}

# by_handle HANDLE…: what each has.
by_handle() {
	timeout 20 python3 tests/stories/handle.py open "$MNT" "$@"
}

is_stale() {
	[ "$(by_handle "$1")" = ESTALE ]
}

remount() {
	stop_cometfs
	start_cometfs
}

@test "a handle opens its file, also after a restart, and nothing has asked for its name" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	start_provider happy
	start_cometfs
	track $ID2 $ID
	wait_status $ID .video.state ready
	local handles again names=(. jobs "jobs/$ID" "jobs/$ID"/{status.json,response.json,video.mp4})
	mapfile -t handles < <(handle_of "${names[@]}")
	remount
	# The deepest first: nothing above it is known by a look-up then.
	cmp <(by_handle "${handles[5]}") tests/provider/clip.mp4
	by_handle "${handles[4]}" | jq -e .data
	by_handle "${handles[3]}" | jq -e ".request_id == \"$ID\""
	[ "$(by_handle "${handles[2]}" | sort | xargs)" = "response.json status.json video.mp4" ]
	by_handle "${handles[1]}" | grep -Fx $ID2
	by_handle "${handles[0]}" | grep -Fx jobs
	mapfile -t again < <(handle_of "${names[@]}")
	[ "${again[*]}" = "${handles[*]}" ]
}

@test "a handle of a job that was forgotten is stale for ever, however many come after it" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	start_provider happy
	start_cometfs
	track $ID2 $ID
	local handles
	mapfile -t handles < <(handle_of jobs/$ID jobs/$ID/status.json jobs/$ID/response.json)
	by_handle "${handles[1]}" | grep -F $ID
	rmdir "$MNT/jobs/$ID"
	remount
	track $ID $(seq 300)
	[ "$(handle_of jobs/$ID)" != "${handles[0]}" ]
	[ "$(by_handle "${handles[@]}" | xargs)" = 'ESTALE ESTALE ESTALE' ]
	remount
	[ "$(by_handle "${handles[@]}" | xargs)" = 'ESTALE ESTALE ESTALE' ]
}

@test "a video that was removed, or has begun anew, has no handle of before; its own one outlives a restart" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	expect_log 'its video has to be fetched again'
	start_provider happy
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	local first second
	first=$(handle_of jobs/$ID/video.mp4)
	rm "$STORE"/videos/*.mp4
	run cat "$MNT/jobs/$ID/video.mp4"
	wait_until '[ "$(video_gets clip.mp4)" = 2 ]'
	wait_status $ID .video.state ready
	# The kernel may know it by its old number for a moment.
	wait_until '[ "$(handle_of jobs/$ID/video.mp4)" != "$first" ]'
	second=$(handle_of jobs/$ID/video.mp4)
	is_stale "$first"
	remount
	is_stale "$first"
	cmp <(by_handle "$second") tests/provider/clip.mp4
	rm "$MNT/jobs/$ID/video.mp4"
	is_stale "$second"
	remount
	is_stale "$second"
}

# shared_videos: a job with the clip, $ID, and one that comes in up to its half until `go`, $ID2.
shared_videos() {
	start_provider - <<-SCRIPT
		job $ID2
			answer done video=big.mp4
		job $ID3
			answer queued until=done
			answer done
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
	track $ID $ID2
	wait_status $ID .video.state ready
	wait_status $ID2 .video.state fetching
	COPY=$BATS_TEST_TMPDIR/copy
}

# copies_meanwhile COMMAND…: which copies the half video into $COPY, whole.
copies_meanwhile() {
	"$@" 3>&- &
	local copier=$!
	wait_until '[ -e "$COPY" ]'
	[ "$(stat -c %s "$COPY")" -lt 4194304 ]
	[ "$(status $ID2 .video.state)" = fetching ]
	event go
	wait $copier
	cmp "$COPY" <(made big.mp4 4M)
}

@test "Samba: a share is listed, and videos are copied whole, also one that is still coming in" {
	shared_videos
	start_samba
	smb videos "ls jobs\\$ID\\*" | grep -E 'video.mp4 +N +110104 '
	smb videos "get jobs\\$ID\\video.mp4 copy"
	cmp "$COPY" tests/provider/clip.mp4
	rm "$COPY"
	copies_meanwhile smb videos "get jobs\\$ID2\\video.mp4 copy"
	smb videos "get jobs\\$ID\\status.json copy"
	cmp "$COPY" "$MNT/jobs/$ID/status.json"
	smb videos "get jobs\\${ID^^}\\VIDEO.MP4 copy"
	cmp "$COPY" tests/provider/clip.mp4
	run smb videos "mkdir jobs\\$ID3"
	[[ $output == *NT_STATUS_* ]]
	# Who comes after a restart finds the new mount.
	remount
	smb videos "get jobs\\$ID\\video.mp4 copy"
	cmp "$COPY" tests/provider/clip.mp4
}

@test "Samba: where it may write, a directory tracks, a video can be removed, and nothing else" {
	shared_videos
	start_samba
	smb jobs "mkdir jobs\\$ID3"
	[ "$(status $ID3 .state)" = unknown ] || [ "$(status $ID3 .state)" = queued ]
	smb jobs "mkdir jobs\\$ID3" | grep NT_STATUS_OBJECT_NAME_COLLISION
	smb jobs 'mkdir jobs\.bad' | grep NT_STATUS_INVALID_PARAMETER
	smb jobs "del jobs\\$ID\\status.json" | grep NT_STATUS_ACCESS_DENIED
	smb jobs "put log jobs\\$ID\\status.json" | grep NT_STATUS_ACCESS_DENIED
	smb jobs "put log jobs\\$ID\\new" | grep NT_STATUS_ACCESS_DENIED
	smb jobs "rename jobs\\$ID jobs\\other" | grep NT_STATUS_
	# Samba itself looks first whether a directory is empty.
	smb jobs "rmdir jobs\\$ID" | grep NT_STATUS_DIRECTORY_NOT_EMPTY
	smb jobs "del jobs\\$ID\\video.mp4"
	wait_status $ID .video.state removed
	[ "$(ls "$MNT/jobs" | sort | xargs)" = "$ID $ID2 $ID3" ]
}

@test "NFS: nfs-ganesha exports it; documents are as they are now, and videos whole" {
	shared_videos
	track $ID3
	start_nfs
	nfs nfs-ls jobs/$ID | grep -E ' 110104 video.mp4$'
	nfs nfs-cp jobs/$ID/video.mp4 "$COPY"
	cmp "$COPY" tests/provider/clip.mp4
	rm "$COPY"
	copies_meanwhile nfs nfs-cp jobs/$ID2/video.mp4 "$COPY"
	nfs nfs-cat jobs/$ID3/status.json | grep '"state": "queued"'
	event 'done'
	wait_status $ID3 .video.state ready
	nfs nfs-cat jobs/$ID3/status.json | cmp - "$MNT/jobs/$ID3/status.json"
	rm "$COPY"
	nfs nfs-cp jobs/$ID3/video.mp4 "$COPY"
	cmp "$COPY" tests/provider/clip.mp4
	rmdir "$MNT/jobs/$ID3"
	run ! nfs nfs-cat jobs/$ID3/status.json
	nfs nfs-ls jobs/$ID | grep -F status.json
	# It holds fast the mount that it found.
	remount
	run ! nfs nfs-cat jobs/$ID/status.json
	stop_sharing
	start_nfs
	rm "$COPY"
	nfs nfs-cp jobs/$ID/video.mp4 "$COPY"
	cmp "$COPY" tests/provider/clip.mp4
}
