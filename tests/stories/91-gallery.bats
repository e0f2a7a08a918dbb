#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# index.html: what it is as a file, to whatever reads it; and in a browser, where gallery.py does what its
# user does.
load lib.bash
load web.bash

teardown() {
	end_story
}

# busy_mount: a job of each kind. `finish` lets run-… be done, `first` lets new-… be answered.
busy_mount() {
	start_provider - <<-SCRIPT
		job new-*
			answer queued hang until=first
			answer running progress=5
		job queued-*
			answer queued
		job run-*
			answer running progress=42 until=finish
			answer done
		job fail-*
			answer failed
		job hostile-*
			answer body=hostile.json
		job expired-*
			answer expired
		job big-*
			answer done video=big.mp4
		job *
			answer done
		video clip.mp4
			file clip.mp4
		video big.mp4
			size 4M
			serve stall=1M
	SCRIPT
	start_cometfs
	expect_log 'warning: (fail-1: failed|expired-1: expired|hostile-1: failed)'
	track done-1 fail-1 hostile-1 expired-1 big-1 run:1 run-1 queued-1
	wait_status done-1 .video.state ready
	wait_status run:1 .video.state ready
	wait_status queued-1 .state queued
	wait_status run-1 .progress 42
	wait_until '[ "$(status big-1 .video.bytes)" -ge 1048576 ]'
}

# gallery SCENE [URL]: see gallery.py. Its files and its profile are in this story's directory.
gallery() {
	TMPDIR=$BATS_TEST_TMPDIR timeout 100 python3 tests/stories/gallery.py "$1" "${2:-file://$MNT/index.html}" "$MNT" "$SOURCE"
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

@test "an empty mount has a page, which is a file like any other" {
	start_cometfs
	[ "$(stat -c '%F %A %h %i' "$MNT/index.html")" = 'regular file -r--r--r-- 1 13' ]
	cat "$MNT/index.html" >"$BATS_TEST_TMPDIR/page"
	[ "$(stat -c %s "$MNT/index.html")" = "$(stat -c %s "$BATS_TEST_TMPDIR/page")" ]
	[ "$(stat -c %b "$MNT/index.html")" = $(($(stat -c %s "$MNT/index.html") / 512)) ]
	[ -z "$(jobs_in "$MNT/index.html")" ]
	[ "$(tail -c 1 "$MNT/index.html" | od -An -tx1)" = ' 0a' ]
	[ "$(file -b --mime-type "$MNT/index.html" 2>/dev/null || echo text/html)" = text/html ]
	fails_with 'Permission denied' cp tests/provider/clip.mp4 "$MNT/index.html"
	fails_with 'Operation not permitted' rm "$MNT/index.html"
}

@test "its time is that of the last change of a job, and goes no further by itself" {
	start_answers queued 'running until=go' 'done'
	start_cometfs interval=3600
	local before after
	before=$(stat -c %y "$MNT/index.html")
	track $ID
	polls_reach $ID 1
	wait_status $ID .state queued
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
	many_jobs 200
	(
		for i in {1..20000}; do
			mkdir "$MNT/jobs/more-$i" "$MNT/jobs/yet-more-$i" || exit
			rmdir "$MNT/jobs/more-$i" || exit
		done
	) 3>&- 2>/dev/null &
	WATCHER=$!
	local tool copy=$BATS_TEST_TMPDIR/copy
	for tool in cat cp 'cp --sparse=always' rsync tar dd sendfile mmap pieces; do
		rm -f "$copy"
		case $tool in
		cat) cat "$MNT/index.html" >"$copy" ;;
		cp*) $tool "$MNT/index.html" "$copy" ;;
		rsync) rsync "$MNT/index.html" "$copy" ;;
		tar) tar -C "$MNT" -cf - index.html | tar -xOf - >"$copy" ;;
		dd) dd status=none bs=1000 if="$MNT/index.html" of="$copy" ;;
		*) python3 tests/stories/gallery_data.py "$tool" "$MNT/index.html" >"$copy" ;;
		esac
		jobs_in "$copy" >"$copy.jobs" || {
			echo "not whole by $tool"
			return 1
		}
		grep -q '^job-00001$' "$copy.jobs"
	done
}

# Or eight of them would take eight times the memory; and one who only looks would make a page.
@test "all who have it open at once read the same page, and who lists the root makes none" {
	start_answers queued
	start_cometfs interval=3600
	many_jobs 1000
	python3 tests/stories/gallery_data.py together "$MNT/index.html"
	python3 tests/stories/gallery_data.py cheap "$MNT/index.html"
}

@test "those who have it open and forgot it keep nobody from news" {
	fake_clock
	start_answers queued
	start_cometfs interval=3600
	python3 tests/stories/gallery_data.py forgotten "$MNT/index.html"
}

@test "in a browser: a busy mount, by keyboard, narrow and wide, in light and dark" {
	busy_mount
	gallery looks
}

@test "in a browser: what a provider says is text, and none of it runs; strangers learn nothing" {
	busy_mount
	gallery hostile
}

@test "in a browser: a video plays, and goes on while the page is refreshed" {
	busy_mount
	gallery plays
}

@test "in a browser: it says when it could not be refreshed, and goes on when it can" {
	busy_mount
	gallery gone 3>&- &
	local browser=$!
	wait_until '[ -e "$BATS_TEST_TMPDIR/open" ]'
	stop_cometfs
	: >"$BATS_TEST_TMPDIR/stopped"
	wait_until '[ -e "$BATS_TEST_TMPDIR/told" ]'
	start_cometfs
	track done-2
	wait_status done-2 .video.state ready
	: >"$BATS_TEST_TMPDIR/back"
	wait $browser
}

@test "in a browser: through a web server it is the same" {
	busy_mount
	start_nginx
	gallery plays "$WEB$MNT/index.html"
}

@test "in a browser: 5,000 jobs are there at once, and scroll as quickly as fifty" {
	start_answers queued
	start_cometfs interval=3600
	many_jobs 1
	wait_status job-00001 .state queued
	stop_cometfs
	python3 tests/stories/gallery_data.py fill "$STORE"
	start_cometfs interval=3600,poll_rate=10
	gallery many
}
