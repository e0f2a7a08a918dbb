#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# index.html: what it is as a file, to whatever reads it; and in a browser, where gallery.py does what its
# user does.
load lib.bash
load web.bash

teardown() {
	end_story
}

# busy_mount: a job of each kind. `finish` lets run-1 be done, `finish-web` run-1b.
busy_mount() {
	# Too much of it for a browser to read all at once.
	ffmpeg -v error -f lavfi -i testsrc2=size=320x180:rate=10 -vf noise=alls=80:allf=t -t 8 -preset ultrafast -qp 12 \
		-pix_fmt yuv420p -movflags +faststart "$BATS_TEST_TMPDIR/fat.mp4"
	start_provider - <<-SCRIPT
		job queued-*
			answer queued
		job run-1
			answer running progress=42 until=finish
			answer done
		job run-1b
			answer running progress=42 until=finish-web
			answer done
		job fail-*
			answer failed
		job hostile-*
			answer body=hostile.json
		job odd-*
			answer body=odd.json
		job expired-*
			answer expired
		job big-*
			answer done video=big.mp4
		job fat-*
			answer done video=fat.mp4
		job *
			answer done
		video clip.mp4
			file clip.mp4
		video fat.mp4
			file fat.mp4
		video big.mp4
			size 4M
			serve stall=1M
	SCRIPT
	start_cometfs
	expect_log 'warning: (fail-1: failed|expired-1: expired|hostile-1: failed)'
	track queued-1 done-1 fail-1 hostile-1 expired-1 big-1 run:1 run-1 run-1b odd-1 fat-1 fat-2
	local id
	for id in done-1 run:1 odd-1 fat-1 fat-2; do
		wait_status $id .video.state ready
	done
	wait_status queued-1 .state queued
	wait_status run-1 .progress 42
	wait_status run-1b .progress 42
	wait_until '[ "$(status big-1 .video.bytes)" -ge 1048576 ]'
}

# gallery SCENE…: see gallery.py. Its files and its profile are in this story's directory.
gallery() {
	TMPDIR=$BATS_TEST_TMPDIR WEB=$WEB$MNT timeout 200 python3 tests/stories/gallery.py "$MNT" "$SOURCE" "$@"
}

# jobs_in FILE: the ids in a page, which has to be whole.
jobs_in() {
	python3 tests/stories/gallery_data.py <"$1" | jq -r '.jobs[][0]'
}

# many_jobs COUNT
many_jobs() {
	(cd "$MNT/jobs" && seq -f 'job-%05.0f' "$1" | xargs mkdir)
}

@test "the policy of the page has the hashes of its script and its style" {
	python3 tests/gallery_csp.py fs/gallery.html
	sed 's/use strict/use strict /' fs/gallery.html >"$BATS_TEST_TMPDIR/other.html"
	run ! python3 tests/gallery_csp.py "$BATS_TEST_TMPDIR/other.html"
}

# Or those who have it open at once would take as much memory each; and one who only looks would make a page.
@test "it is a file like any other; all who have it open read the same; its time is that of a job's last change" {
	start_answers queued
	start_cometfs interval=3600
	[ "$(stat -c '%F %A %h %i' "$MNT/index.html")" = 'regular file -r--r--r-- 1 13' ]
	cat "$MNT/index.html" >"$BATS_TEST_TMPDIR/page"
	[ "$(stat -c %s "$MNT/index.html")" = "$(stat -c %s "$BATS_TEST_TMPDIR/page")" ]
	[ "$(stat -c %b "$MNT/index.html")" = $(($(stat -c %s "$MNT/index.html") / 512)) ]
	[ -z "$(jobs_in "$MNT/index.html")" ]
	[ "$(tail -c 1 "$MNT/index.html" | od -An -tx1)" = ' 0a' ]
	[ "$(file -b --mime-type "$MNT/index.html" 2>/dev/null || echo text/html)" = text/html ]
	fails_with 'Permission denied' cp tests/provider/clip.mp4 "$MNT/index.html"
	fails_with 'Operation not permitted' rm "$MNT/index.html"

	local before after
	before=$(stat -c %y "$MNT/index.html")
	track $ID
	many_jobs 500
	python3 tests/stories/gallery_data.py late "$MNT/index.html"
	python3 tests/stories/gallery_data.py together "$MNT/index.html"
	wait_status $ID .state queued
	wait_status job-00500 .state queued
	wait_status later .state queued
	wait_until '[ "$(stat -c %y "$MNT/index.html")" '"!= '$before' ]"
	wait_until '[ "$(stat -c %y "$MNT/index.html")" = "$(stat -c %y "$MNT/index.html")" ]'
	# Whoever looks at it asks the provider nothing, and changes nothing.
	before=$(polls $ID)
	after=$(stat -c %y "$MNT/index.html")
	cat "$MNT/index.html" "$MNT/index.html" >/dev/null
	[ "$(stat -c %y "$MNT/index.html")" = "$after" ]
	[ "$(polls $ID)" = "$before" ]
}

@test "every tool copies it whole, while jobs come and go and change" {
	start_provider live
	start_cometfs
	many_jobs 500
	(
		for i in {1..20000}; do
			mkdir "$MNT/jobs/more-$i" "$MNT/jobs/yet-more-$i" || exit
			rmdir "$MNT/jobs/more-$i" || exit
		done
	) 3>&- 2>/dev/null &
	WATCHER=$!
	local at=$BATS_TEST_TMPDIR/copies
	mkdir "$at"
	cat "$MNT/index.html" >"$at/cat"
	cp "$MNT/index.html" "$at/cp"
	cp --sparse=always "$MNT/index.html" "$at/sparse"
	rsync "$MNT/index.html" "$at/rsync"
	tar -C "$MNT" -cf - index.html | tar -xOf - >"$at/tar"
	dd status=none bs=1000 if="$MNT/index.html" of="$at/dd"
	dd status=none bs=64k iflag=direct if="$MNT/index.html" of="$at/direct"
	python3 tests/stories/gallery_data.py oddly "$MNT/index.html" "$at"
	# The jobs went on changing all the time.
	kill -0 $WATCHER
	python3 tests/stories/gallery_data.py whole "$at"/*
}

@test "those who have it open and forgot it keep nobody from news" {
	fake_clock
	start_answers queued
	start_cometfs interval=3600
	python3 tests/stories/gallery_data.py forgotten "$MNT/index.html"
}

# One browser for all of it, as each takes its time to start. What it says tells how far it came.
@test "in a browser: how it looks, hostile texts, videos, a web server, no daemon for a while, 5,000 jobs" {
	busy_mount
	start_nginx
	gallery looks hostile pictures focus plays hidden plays_web gone many 3>&- &
	local browser=$!
	wait_until '[ -e "$BATS_TEST_TMPDIR/open" ] || ! kill -0 '$browser
	[ -e "$BATS_TEST_TMPDIR/open" ]
	stop_cometfs
	: >"$BATS_TEST_TMPDIR/stopped"
	python3 tests/stories/gallery_data.py fill "$STORE"
	wait_until '[ -e "$BATS_TEST_TMPDIR/told" ] || ! kill -0 '$browser
	[ -e "$BATS_TEST_TMPDIR/told" ]
	start_cometfs interval=3600,poll_rate=10
	track done-2
	wait_status done-2 .video.state ready
	: >"$BATS_TEST_TMPDIR/back"
	wait $browser
}
