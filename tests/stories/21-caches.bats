#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the kernel keeps, and that it is never older than what anybody was told.
load lib

# A mount whose log has each request of the kernel. What is in it before is not counted.
start_counting() {
	cat >"$BATS_TEST_TMPDIR/cometfs" <<-SCRIPT
		#!/bin/sh
		exec $COMETFS "\$@" -d
	SCRIPT
	chmod +x "$BATS_TEST_TMPDIR/cometfs"
	COMETFS=$BATS_TEST_TMPDIR/cometfs
	expect_log 'debug:'
	start_cometfs "$@"
}

# requests EXPECTED COMMAND…: it makes these and no other: names, each once. A file is released later, at
# some time, and is not counted.
requests() {
	local expected=$1 before
	shift
	before=$(wc -l <"$LOG")
	"$@" >/dev/null 2>&1 || true
	made=$(tail -n +$((before + 1)) "$LOG" | sed -nE '/RELEASE/d; s/.* opcode: ([A-Z]+) .*/\1/p')
	made=${made//$'\n'/ }
	echo "$*: $made"
	[ "$made" = "$expected" ]
}

# Some finished jobs, some under way, and none that is polled meanwhile.
some_jobs() {
	start_provider - <<-'SCRIPT'
		job done-*
			answer done video=clip.mp4
		job *
			answer running progress=42
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_counting interval=1000,interval_watched=1000
	track done-{1..20} running-{1..20}
	wait_until '[ "$(ls "$MNT/by-state/running" "$MNT/by-state/done" | grep -c -)" = 42 ]'
	wait_until '[ "$(cat "$MNT"/jobs/done-*/status.json | grep -c "\"ready\"")" = 20 ]'
}

@test "what is known costs nothing: stat, ls -l, find, and names that are not there" {
	some_jobs
	local at=$MNT/jobs/running-7
	# Each answer of the provider is another file: the name of the newest is asked for.
	local known=("$MNT/jobs" '!' -path '*running*/response.json')
	# A moment after the last change. Of find, which wants to know what file system it is on.
	wait_until 'requests STATFS find "${known[@]}" -newer "$MNT" -size +1'
	wait_until 'requests STATFS find "${known[@]}" -ls'
	local files=("$MNT" "$MNT/jobs" "$at" "$at/status.json" "$MNT"/jobs/done-3/*)
	wait_until 'requests "" stat "${files[@]}"'
	stat "$MNT/.hidden" "$MNT/jobs/.hidden" "$at/.hidden" 2>/dev/null || true
	requests '' stat "$MNT/.hidden" "$MNT/jobs/.hidden" "$at/.hidden"
}

@test "open, read and close of a file is one open, when its job is over" {
	some_jobs
	local file
	for file in done-7/status.json done-7/video.mp4; do
		# After the read that brings it, the kernel asks once more for its time of access.
		cat "$MNT/jobs/$file" "$MNT/jobs/$file" >/dev/null
		# After each read of its own (passthrough), too.
		is_one_open() {
			requests OPEN cat "$MNT/jobs/$file" || [ "$(said '(passthrough)')$made" = "1OPEN GETATTR" ]
		}
		# Should the kernel have needed the memory for something else: again.
		wait_until is_one_open
	done
}

# Has the kernel keep all that it ever keeps: after it has read something, it asks once more for a time.
settle() {
	local i
	for i in 1 2 3; do
		find "$MNT" -ls
		ls -lR "$MNT"
		stat "$MNT/jobs/$ID"/* "$MNT"/by-state/*
		cat "$MNT/jobs/$ID/status.json"
	done >/dev/null
}

# announced TEXT: reads events until one has it.
announced() {
	local line
	until [[ ${line:-} == *$1* ]]; do
		read -r -t 60 -u 8 line
	done
}

# from_start KEY: what a program finds in status.json, open as 7, that goes back to its beginning.
from_start() {
	python3 -c 'import os; os.lseek(7, 0, 0); print(os.read(7, 9999).decode())' | jq -r "$1"
}

@test "what the kernel keeps is taken back before anybody is told of the change" {
	start_answers 'queued until=go' 'running progress=9 until=on' 'done video=clip.mp4'
	start_cometfs interval=0.1
	exec 8<"$MNT/.cometfs/events"
	track $ID
	announced '"new":"queued"'
	local was=queued is status=$MNT/jobs/$ID/status.json shown
	for is in running 'done'; do
		settle
		shown=$(stat -c '%y' "$status")
		exec 7<"$status"
		cat <&7 >/dev/null
		event "$([ $is = running ] && echo go || echo on)"
		announced "\"new\":\"$is\""
		[ "$(stat -c '%y' "$status")" != "$shown" ]
		[ "$(stat -c '%s' "$status")" = "$(wc -c <"$status")" ]
		[ "$(status $ID .state)" = $is ]
		[ -z "$(ls "$MNT/by-state/$was")" ]
		[ "$(ls "$MNT/by-state/$is")" = $ID ]
		[ "$(from_start .state)" = $is ]
		exec 7<&-
		was=$is
	done
	announced '"new":"ready"'
	[ -s "$MNT/jobs/$ID/video.mp4" ]
	settle
	shown=$(stat -c '%y' "$status")
	rm -f "$MNT/jobs/$ID/video.mp4"
	announced '"new":"removed"'
	[ "$(stat -c '%y' "$status")" != "$shown" ]
	[ "$(stat -c '%s' "$status")" = "$(wc -c <"$status")" ]
	[ "$(ls "$MNT/jobs/$ID")" = $'response.json\nstatus.json' ]
	settle
	rmdir "$MNT/jobs/$ID"
	announced '"forgotten"'
	[ -z "$(ls "$MNT/jobs")$(ls "$MNT/by-state/done")" ]
	exec 8<&-
}

# all_ways FILE: reads it in each way that there is.
all_ways() {
	(cd tests/stories && python3 -Bc 'import sys, ways; print({len(ways.read_new(sys.argv[1], way)) for way in ways.ALL})' "$1")
}

@test "who reads on has the document that he has begun; who goes back to its beginning, that of now" {
	start_answers 'queued until=go' 'running progress=9 until=on' 'done video=clip.mp4'
	start_cometfs interval=0.1
	track $ID
	local was=queued is status=$MNT/jobs/$ID/status.json part=$BATS_TEST_TMPDIR/part
	for is in running 'done'; do
		wait_status $ID .state $was
		exec 7<"$status"
		dd bs=100 count=1 <&7 >"$part"
		event "$([ $is = running ] && echo go || echo on)"
		wait_status $ID .state $is
		[ $is = running ] || wait_status $ID .video.state ready
		# Others read it meanwhile, also by what brings it into the page cache.
		all_ways "$status"
		dd bs=1 count=9 <&7 >>"$part"
		all_ways "$status"
		cat <&7 >>"$part"
		[ "$(jq -r .state "$part")" = $was ]
		[ "$(from_start .state)" = $is ]
		exec 7<&-
		was=$is
	done
}

@test "a name is there once it is: after it was looked for in vain, and again when it is gone" {
	start_answers 'running progress=1 until=go' 'done video=clip.mp4'
	start_cometfs
	[ ! -e "$MNT/jobs/$ID" ]
	track $ID
	[ -d "$MNT/jobs/$ID" ]
	[ ! -e "$MNT/jobs/$ID/video.mp4" ]
	ls -la "$MNT/jobs/$ID" "$MNT/by-state/done" >/dev/null
	wait_status $ID .state running
	[ ! -e "$MNT/by-state/done/$ID" ]
	event go
	wait_status $ID .state 'done'
	[ -e "$MNT/by-state/done/$ID" ]
	[ ! -e "$MNT/by-state/running/$ID" ]
	wait_status $ID .video.state ready
	[ "$(ls "$MNT/jobs/$ID")" = $'response.json\nstatus.json\nvideo.mp4' ]
	is_clip $ID
	rm -f "$MNT/jobs/$ID/video.mp4"
	[ "$(ls "$MNT/jobs/$ID")" = $'response.json\nstatus.json' ]
	[ ! -e "$MNT/jobs/$ID/video.mp4" ]
	[ "$(status $ID .video.state)" = removed ]
	rmdir "$MNT/jobs/$ID"
	[ ! -e "$MNT/jobs/$ID" ]
	[ -z "$(ls "$MNT/jobs")$(ls "$MNT/by-state/done")" ]
	track $ID
	[ "$(status $ID .state)" != 'done' ] || wait_status $ID .video.state ready
	[ -d "$MNT/jobs/$ID" ]
}

@test "a document that was shown longer than it is, is as long as it is when nobody has it open" {
	start_answers 'running progress=1 until=go' 'done video=clip.mp4'
	start_cometfs
	track $ID
	wait_status $ID .state running
	exec 9<"$MNT/jobs/$ID/status.json"
	event go
	wait_status $ID .video.state ready
	stat -c %s "$MNT/jobs/$ID/status.json"
	exec 9<&-
	wait_until '[ "$(tail -c 2 "$MNT/jobs/$ID/status.json")" = "}" ]'
	[ "$(stat -c %s "$MNT/jobs/$ID/status.json")" = "$(wc -c <"$MNT/jobs/$ID/status.json")" ]
	shape_is_right $ID
}

@test "a thousand changes, and nobody sees what was before one that was announced" {
	local progress
	start_provider - < <(
		printf 'job *\n\tanswer queued\n'
		for progress in 1 12 23 34 45 56 67 78 89; do
			printf '\tanswer running progress=%s\n' "$progress"
		done
		printf '\tanswer failed\n'
	)
	expect_log 'failed: '
	start_cometfs interval=0.05,interval_watched=0.02
	run python3 tests/stories/flips.py "$MNT" 100
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${output% changes}" -ge 1000 ]
}

# Who lists by-state/running, and waits in the middle of it until his video comes: parked_are N, so many do.
parked_are() {
	wait_until "[ \"\$(jq .requests.reads_parked \"\$MNT/.cometfs/stats.json\")\" = $1 ]"
}

@test "a list that comes late does not stay" {
	start_provider - <<-'SCRIPT'
		job one
			answer done video=one.bin
		job two
			answer done video=two.bin
		job flip
			answer running until=turn
			answer failed
		job *
			answer running
		video one.bin
			size 16K
			serve stall=1000 until=one
		video two.bin
			size 16K
			serve stall=1000 until=two
	SCRIPT
	expect_log 'failed: '
	start_cometfs interval=0.1
	track one two flip other
	wait_until '[ "$(stat -c %s "$MNT"/jobs/{one,two}/video.mp4)" = "$(printf "16384\n16384")" ]'
	wait_status flip .state running
	wait_status other .state running
	local running=$MNT/by-state/running first second
	# One waits with the list before the change; another's list is kept meanwhile.
	python3 tests/stories/late.py "$running" "$MNT/jobs/one/video.mp4" 3>&- &
	first=$!
	parked_are 1
	[ "$(ls "$running")" = $'flip\nother' ]
	event turn
	wait_status flip .state failed
	# One waits with the list after it, which the kernel has begun to keep.
	python3 tests/stories/late.py "$running" "$MNT/jobs/two/video.mp4" 3>&- &
	second=$!
	parked_are 2
	event one
	wait $first
	[ "$(ls "$running")" = other ]
	event two
	wait $second
	[ "$(ls "$running")" = other ]
}

# time_of DIRECTORY: its times, which are the same, in nanoseconds.
time_of() {
	stat -c '%.9Y' "$1" | tr -d .
	[ "$(stat -c %.9Y "$1")" = "$(stat -c %.9Z "$1")" ]
}

@test "the time of a directory is that of its change at once, and moves on only for who began before it" {
	start_answers 'running until=go' 'done video=clip.mp4'
	start_counting interval=0.1
	track $ID
	local jobs=$MNT/jobs shown
	coproc python3 tests/stories/pieces.py "$jobs"
	read -r -u "${COPROC[0]}"
	track other
	shown=$(time_of "$jobs")
	[ "$(ls "$jobs")" = $ID$'\nother' ]
	# It has not changed since, so tar has nothing to complain of.
	tar -C "$jobs" -cf /dev/null --exclude=status.json --exclude=response.json .
	[ "$(time_of "$jobs")" = "$shown" ]
	echo >&"${COPROC[1]}"
	read -r -u "${COPROC[0]}"
	[ "$REPLY" = ". .. $ID other" ]
	[ "$(time_of "$jobs")" = $((shown + 1)) ]
	# What the kernel has put together of both is nobody's list.
	[ "$(ls "$jobs")" = $ID$'\nother' ]
	wait_until 'requests "" ls "$jobs"'
	[ "$(time_of "$jobs")" = $((shown + 1)) ]
	# Of one that nobody has listed yet: what the kernel has whole, it gives whole.
	local at=$jobs/new
	track new
	coproc python3 tests/stories/pieces.py "$at"
	read -r -u "${COPROC[0]}"
	event go
	wait_status new .video.state ready
	shown=$(time_of "$at")
	echo >&"${COPROC[1]}"
	read -r -u "${COPROC[0]}"
	[ "$REPLY" = ". .. response.json status.json video.mp4" ]
	[ "$(time_of "$at")" = $((shown + 1)) ]
	[ "$(ls "$at")" = $'response.json\nstatus.json\nvideo.mp4' ]
}
