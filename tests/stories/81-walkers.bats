#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Programs that walk over all files: they do no harm to the provider, to other readers, or to themselves.
load lib.bash

# Jobs that are polled when somebody looks, and at no other time; and one that is done.
rarely_polled() {
	start_provider - <<-'SCRIPT'
		job done-*
			answer done
		job *
			answer running progress=42
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs interval=3600
	track crowd-{001..040} done-{1..4}
	local job
	for job in done-{1..4}; do
		wait_status $job .video.state ready
	done
	wait_until '[ "$(polled)" = 44 ]'
}

# How many jobs were polled so far; how many requests of any kind there were.
polled() {
	asked '^poll ' | cut -d' ' -f2 | sort -u | wc -l
}

requests() {
	asked '^(poll|video|head|other) ' | wc -l
}

# asks_nothing COMMAND…: no request comes of it. What it would have begun has its turn before a new job's poll.
asks_nothing() {
	local before
	before=$(requests)
	echo "by: $*"
	"$@" >"$BATS_TEST_TMPDIR/walked" 2>&1
	((++BARRIER))
	track barrier-$BARRIER
	polls_reach barrier-$BARRIER 1
	[ "$(requests)" = $((before + 1)) ]
}

@test "whoever lists, or looks at attributes, asks the provider nothing" {
	rarely_polled
	asks_nothing ls -lR "$MNT"
	[ "$(grep -c 'status.json$' "$BATS_TEST_TMPDIR/walked")" = 44 ]
	asks_nothing find "$MNT" -ls
	[ "$(grep -c 'status.json$' "$BATS_TEST_TMPDIR/walked")" = 45 ]
	asks_nothing find -L "$MNT" -ls
	asks_nothing find "$BATS_TEST_TMPDIR" -newer "$LOG" -size +1k -type f
	asks_nothing du -a "$MNT"
	asks_nothing du -s --apparent-size "$MNT"
	asks_nothing rsync -an --stats "$MNT/" "$BATS_TEST_TMPDIR/nowhere"
	asks_nothing tar -cf /dev/null "$MNT"
	asks_nothing sh -c "getfattr -R -d -m - '$MNT' || true"
	asks_nothing df "$MNT/jobs/done-1/video.mp4"
	asks_nothing stat -f "$MNT"
	# And the count would tell.
	local before
	before=$(requests)
	cat "$MNT/jobs/crowd-001/status.json"
	wait_until "[ \"\$(requests)\" -gt $before ]"
}

@test "finished videos and documents are read without a request, thumbnails and all" {
	rarely_polled
	asks_nothing grep -rc moov "$MNT"/jobs/done-*
	asks_nothing cp -a "$MNT"/jobs/done-* "$BATS_TEST_TMPDIR"
	asks_nothing rsync -a "$MNT"/jobs/done-* "$BATS_TEST_TMPDIR/copies"
	cmp "$BATS_TEST_TMPDIR/copies/done-4/video.mp4" tests/provider/clip.mp4
	local n
	for n in 1 2 3 4; do
		asks_nothing ffmpegthumbnailer -i "$MNT/jobs/done-$n/video.mp4" -o "$BATS_TEST_TMPDIR/$n.png"
		[ -s "$BATS_TEST_TMPDIR/$n.png" ]
	done
	[ "$(video_gets clip.mp4)" = 4 ]
}

# A read of its events waits for the next.
@test "no walk enters .cometfs" {
	start_answers 'done'
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	[ -e "$MNT/.cometfs/events" ]
	[[ $(ls -A "$MNT") != *.cometfs* ]]
	[ -z "$(find "$MNT" -name '.cometfs*')" ]
	[ "$(cd "$MNT" && echo .[!.]* *)" = '.[!.]* by-state index.html jobs' ]
	timeout 20 grep -rc moov "$MNT" >/dev/null
	timeout 20 grep -Rc moov "$MNT" >/dev/null
	timeout 20 tar -cf "$BATS_TEST_TMPDIR/tar" -C "$MNT" .
	[ "$(tar -tf "$BATS_TEST_TMPDIR/tar" | grep -c cometfs)" = 0 ]
	timeout 20 rsync -a "$MNT/" "$BATS_TEST_TMPDIR/copy"
	# The page says when it was made.
	diff -r --no-dereference --exclude=index.html "$MNT" "$BATS_TEST_TMPDIR/copy"
}

# walk DIRECTORY…: reads all files in them, again and again, until there is a file stop; a line a round.
walk() {
	while [ ! -e "$BATS_TEST_TMPDIR/stop" ]; do
		timeout 60 grep -rc '"state": "running"' --include=status.json "$@" | wc -l
	done >"$BATS_TEST_TMPDIR/rounds" 3>&- &
	WATCHER=$!
}

@test "who reads every document brings polls forward within the rate, and starves nobody" {
	local begun count took
	start_provider - <<-'SCRIPT'
		job *
			answer running progress=42
	SCRIPT
	start_cometfs poll_rate=100,interval=1
	begun=${EPOCHREALTIME/./}
	(cd "$MNT/jobs" && seq -f 'crowd-%03g' 300 | xargs mkdir)
	walk "$MNT"/jobs/crowd-*
	track lonely
	polls_reach lonely 4
	wait_until '[ "$(polled)" = 301 ]'
	count=$(requests)
	took=$(((${EPOCHREALTIME/./} - begun) / 1000))
	echo "$count requests in $took ms"
	[ "$count" -le $((took / 10 + 5)) ]
	wait_until '[ "$(wc -l <"$BATS_TEST_TMPDIR/rounds")" -ge 2 ]'
	: >"$BATS_TEST_TMPDIR/stop"
	wait "$WATCHER"
	WATCHER=
	[ "$(sort -u "$BATS_TEST_TMPDIR/rounds")" = 300 ]
}

# Each block of it would be waited for as long as the first.
@test "no walk hangs where a video does not come; it says so, and takes all others" {
	start_provider - <<-'SCRIPT'
		job stuck
			answer done video=stuck.mp4
		job *
			answer done
		video clip.mp4
			file clip.mp4
		video stuck.mp4
			size 16M
			serve stall=64K
	SCRIPT
	start_cometfs timeout=1
	track a-first stuck z-last
	wait_status z-last .video.state ready
	wait_until '[ -e "$MNT/jobs/stuck/video.mp4" ]'
	local at=$BATS_TEST_TMPDIR pids=() pid
	mkdir "$at/cp" "$at/tar"
	fails_with 'Connection timed out' timeout 60 cp -a "$MNT/jobs" "$at/cp" 3>&- &
	pids+=($!)
	fails_with 'Connection timed out' timeout 60 grep -rc moov "$MNT" 3>&- &
	pids+=($!)
	fails_with 'Connection timed out' timeout 60 tar -cf "$at/tar.tar" -C "$MNT" jobs 3>&- &
	pids+=($!)
	fails_with 'Connection timed out' timeout 60 rsync -a "$MNT/jobs" "$at/rsync"
	for pid in "${pids[@]}"; do
		wait $pid
	done
	tar -xf "$at/tar.tar" -C "$at/tar"
	local copy
	for copy in "$at"/{cp,rsync,tar}/jobs/{a-first,z-last}; do
		cmp "$copy/video.mp4" tests/provider/clip.mp4
	done
}

# names_in CONF: what updatedb finds in this story's directory when CONF is /etc/updatedb.conf.
names_in() {
	local at=$BATS_TEST_TMPDIR
	timeout 60 unshare --mount --propagation private sh -euc '
		mount --bind "$1" /etc/updatedb.conf
		updatedb --require-visibility no --database-root "$2" --output "$2.db"' sh "$1" "$at"
	plocate -d "$at.db" "$MNT"
}

@test "updatedb that was told so stays out; one that was not asks nothing" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	local conf=$BATS_TEST_TMPDIR/conf
	printf 'PRUNE_BIND_MOUNTS="no"\nPRUNEFS="NFS fuse.sshfs"\n' >"$conf"
	rarely_polled
	asks_nothing names_in "$conf"
	[ "$(grep -c 'status.json$' "$BATS_TEST_TMPDIR/walked")" = 44 ]
	contrib/updatedb.sh "$conf"
	names_in "$conf" >"$BATS_TEST_TMPDIR/walked"
	cat "$BATS_TEST_TMPDIR/walked"
	run ! grep -q "$MNT/jobs" "$BATS_TEST_TMPDIR/walked"
}

# told TEXT: what becomes of a configuration, on the first run and on any later one.
told() {
	printf '%s\n' "$1" >"$BATS_TEST_TMPDIR/conf"
	contrib/updatedb.sh "$BATS_TEST_TMPDIR/conf"
	cp "$BATS_TEST_TMPDIR/conf" "$BATS_TEST_TMPDIR/once"
	contrib/updatedb.sh "$BATS_TEST_TMPDIR/conf"
	cmp "$BATS_TEST_TMPDIR/conf" "$BATS_TEST_TMPDIR/once"
	grep PRUNEFS "$BATS_TEST_TMPDIR/conf"
}

@test "updatedb.conf is changed once, whatever is in it" {
	[ "$(told 'PRUNEFS="NFS fuse.sshfs"')" = 'PRUNEFS="fuse.cometfs NFS fuse.sshfs"' ]
	[ "$(told '  PRUNEFS = "NFS"')" = '  PRUNEFS = "fuse.cometfs NFS"' ]
	[ "$(told 'PRUNEFS=""')" = 'PRUNEFS="fuse.cometfs "' ]
	[ "$(told 'PRUNEPATHS="/tmp"')" = 'PRUNEFS="fuse.cometfs"' ]
	[ "$(told 'PRUNEFS="NFS fuse.cometfs-like"')" = 'PRUNEFS="fuse.cometfs NFS fuse.cometfs-like"' ]
}
