#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The mount seen from other places: bind mounts, other namespaces, and below an overlay.
load lib.bash

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

teardown() {
	local good=true place
	[ -z "${THERE-}" ] || kill "$THERE"
	for place in "$BATS_TEST_TMPDIR"/{overlay/merged,overlay,directory,file}; do
		! mountpoint -q "$place" || umount -l "$place"
	done
	end_story || good=false
	$good
}

# Three jobs: $ID has the clip; $ID2 has one that comes in up to its half until `go`; others the clip.
three_jobs() {
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
	track $ID $ID2 other
	wait_status $ID .video.state ready
	wait_status $ID2 .video.state fetching
	wait_status other .video.state ready
}

# start_there [ARG…]: a namespace with mounts of its own, which has what is here now.
start_there() {
	unshare --mount --propagation private "$@" tail -f /dev/null 3>&- &
	THERE=$!
	wait_until '! [ /proc/$THERE/ns/mnt -ef /proc/self/ns/mnt ] && [ "$(cat /proc/$THERE/comm)" = tail ]'
}

# there COMMAND…: in it.
there() {
	timeout 20 nsenter --target "$THERE" --mount "$@"
}

end_there() {
	local pid=$THERE
	THERE=
	kill "$pid"
	wait "$pid" || true
}

# waits_for_bytes PID: it has read what there is of a video, and its next read is in the daemon.
waits_for_bytes() {
	wait_until "[ \"\$(stat -c %s '$BATS_TEST_TMPDIR/copy')\" -ge 1048576 ]"
	kill -0 "$1"
}

# has_ended: the daemon, by itself and well.
has_ended() {
	local pid=$DAEMON
	wait_until "! kill -0 $pid"
	DAEMON=
	wait "$pid"
}

@test "a directory and a video can be bound elsewhere, and are gone there when the job is" {
	three_jobs
	local bound=$BATS_TEST_TMPDIR/directory file=$BATS_TEST_TMPDIR/file copy=$BATS_TEST_TMPDIR/copy
	mkdir "$bound"
	: >"$file"
	mount --bind "$MNT/jobs/$ID" "$bound"
	mount --bind "$MNT/jobs/$ID2/video.mp4" "$file"
	cmp "$bound/video.mp4" tests/provider/clip.mp4
	cmp "$bound/status.json" "$MNT/jobs/$ID/status.json"
	timeout 60 cat "$file" >"$copy" 3>&- &
	waits_for_bytes $!
	event go
	wait $!
	cmp "$copy" <(made big.mp4 4M)
	rmdir "$MNT/jobs/$ID" "$MNT/jobs/$ID2"
	fails_with 'No such file or directory' cat "$bound/status.json"
	run ! cat "$file"
	# Another one of the same name is another one.
	track $ID
	fails_with 'No such file or directory' cat "$bound/status.json"
	umount "$bound" "$file"
}

@test "what is mounted over a job keeps it from rmdir, in another namespace it does not" {
	three_jobs
	mount -t tmpfs none "$MNT/jobs/$ID"
	fails_with 'Device or resource busy' rmdir "$MNT/jobs/$ID"
	umount "$MNT/jobs/$ID"
	is_clip $ID
	start_there
	there mount -t tmpfs none "$MNT/jobs/$ID"
	rmdir "$MNT/jobs/$ID"
	run ! there ls "$MNT/jobs/$ID"
	[ "$(there ls "$MNT/jobs" | xargs)" = "$ID2 other" ]
}

@test "unmounted here, it lives on in another namespace, and ends with that" {
	three_jobs
	start_there
	umount "$MNT"
	[ -z "$(ls "$MNT")" ]
	there cmp "$MNT/jobs/$ID/video.mp4" "$PWD/tests/provider/clip.mp4"
	there mkdir "$MNT/jobs/$ID3"
	run -1 timeout 20 "$COMETFS" "$SOURCE" "$MNT" -f -o "store=$STORE"
	[[ $output == *"another"* ]]
	end_there
	has_ended
	start_cometfs
	is_clip $ID3 || wait_status $ID3 .video.state ready
}

@test "SIGTERM ends it everywhere, and its readers elsewhere have an error" {
	three_jobs
	start_there
	there cat "$MNT/jobs/$ID2/video.mp4" >"$BATS_TEST_TMPDIR/copy" 3>&- &
	local reader=$!
	waits_for_bytes $reader
	stop_cometfs
	wait_until "! kill -0 $reader"
	wait $reader && return 1
	fails_with 'Transport endpoint is not connected' there ls "$MNT"
	start_cometfs
	is_clip $ID
	fails_with 'Transport endpoint is not connected' there ls "$MNT"
}

@test "a mount in a namespace of its own, a user's too, is seen there alone" {
	start_provider happy
	for own in '' --map-root-user; do
		# shellcheck disable=SC2086
		start_there $own
		nsenter --target "$THERE" --mount ${own:+--user} "$COMETFS" "$SOURCE" "$MNT" -f \
			-o "store=$STORE$own,interval=0.2" 2>>"$LOG" 3>&- &
		local daemon=$!
		wait_until "there ${own:+--user} mountpoint -q $MNT || ! kill -0 $daemon"
		there ${own:+--user} mkdir "$MNT/jobs/$ID"
		wait_until "there ${own:+--user} cmp $MNT/jobs/$ID/video.mp4 $PWD/tests/provider/clip.mp4"
		[ -z "$(ls "$MNT")" ]
		kill $daemon
		wait $daemon
		end_there
	done
}

# An overlay needs a directory of its own that takes its attributes: the tests' one may be an overlay.
start_overlay() {
	local dir=$BATS_TEST_TMPDIR/overlay
	mkdir "$dir"
	mount -t tmpfs none "$dir"
	mkdir "$dir"/{upper,work,merged}
	mount -t overlay overlay -o "lowerdir=$MNT,upperdir=$dir/upper,workdir=$dir/work" "$dir/merged" ||
		skip "no overlays here"
	UPPER=$dir/upper
	MERGED=$dir/merged
}

@test "below an overlay: what is read is right, what is written is a whole copy, and nothing changes below" {
	three_jobs
	start_overlay
	diff -r "$MERGED/jobs/$ID" "$MNT/jobs/$ID"
	diff <(ls "$MERGED/jobs") <(ls "$MNT/jobs")
	[ "$(stat -c '%A %s %b %Y' "$MERGED/jobs/$ID2/video.mp4")" = \
		"$(stat -c '%A %s %b %Y' "$MNT/jobs/$ID2/video.mp4")" ]
	local before
	before=$(sha256sum <"$MNT/jobs/$ID/status.json")
	echo more >>"$MERGED/jobs/$ID/status.json"
	cmp <(head -n -1 "$MERGED/jobs/$ID/status.json") "$MNT/jobs/$ID/status.json"
	# A copy of what is still coming in waits until all of it is there.
	timeout 60 sh -c 'echo more >>"$1"' - "$MERGED/jobs/$ID2/video.mp4" 3>&- &
	local copier=$!
	wait_until '[ -d "$UPPER/jobs/$ID2" ]'
	[ "$(status $ID2 .video.state)" = fetching ]
	event go
	wait $copier
	cmp "$UPPER/jobs/$ID2/video.mp4" <(made big.mp4 4M && echo more)
	rm "$MERGED/jobs/$ID/video.mp4"
	rm -r "$MERGED/jobs/other"
	mkdir "$MERGED/jobs/new"
	[ "$(ls "$MERGED/jobs" | sort | xargs)" = "$ID $ID2 new" ]
	[ "$(ls "$MNT/jobs" | sort | xargs)" = "$ID $ID2 other" ]
	is_clip $ID
	is_clip other
	cmp "$MNT/jobs/$ID2/video.mp4" <(made big.mp4 4M)
	[ "$(sha256sum <"$MNT/jobs/$ID/status.json")" = "$before" ]
}

@test "below an overlay: new jobs and states are seen, what was forgotten is an error, and nothing hangs" {
	start_provider - <<-SCRIPT
		job $ID
			answer queued until=done
			answer done
		job *
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track $ID $ID2
	start_overlay
	wait_until 'grep -q "\"state\": \"queued\"" "$MERGED/jobs/$ID/status.json"'
	event 'done'
	wait_until 'jq -e ".video.state == \"ready\"" "$MERGED/jobs/$ID/status.json"'
	cmp "$MERGED/jobs/$ID/video.mp4" tests/provider/clip.mp4
	track $ID3
	wait_status $ID3 .video.state ready
	cmp "$MERGED/jobs/$ID3/video.mp4" tests/provider/clip.mp4
	rmdir "$MNT/jobs/$ID"
	diff <(ls "$MERGED/jobs") <(ls "$MNT/jobs")
	run ! timeout 20 cat "$MERGED/jobs/$ID/status.json"
	stop_cometfs
	run ! timeout 20 cat "$MERGED/jobs/$ID2/status.json"
	umount "$MERGED"
}
