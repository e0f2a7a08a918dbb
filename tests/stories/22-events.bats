#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# .cometfs/events: a line for each thing that happens. A read waits for the next.
load lib.bash

EVENTS_KEYS='["time","request_id","event","old","new"]'

# What is in a file of events but their times, a line each; and their form is right.
told() {
	jq -e "keys_unsorted == $EVENTS_KEYS" "$1" >/dev/null || return 1
	jq -e '.time | fromdate > 1700000000' "$1" >/dev/null || return 1
	jq -r '[.request_id, .event, .old, .new] | map(tostring) | join(" ")' "$1"
}

# listeners COUNT: so many wait for an event in a read.
listeners() {
	wait_until "[ \"\$(jq .requests.listeners '$MNT/.cometfs/stats.json')\" = $1 ]"
}

# start COMMAND…: in the background, what it says goes to the file it is named by, in out/.
start() {
	mkdir -p "$BATS_TEST_TMPDIR/out"
	"$@" >"$BATS_TEST_TMPDIR/out/${NAME:-$1}" 2>&1 3>&- &
	STARTED+=($!)
}

# has_ended PID STATUS
has_ended() {
	local status=0
	wait "$1" || status=$?
	[ "$status" = "$2" ]
}

# A mount where nothing happens by itself.
start_silent() {
	start_answers 'hang'
	start_cometfs
}

# says NAME COUNT: what was started by that name has said so many lines.
says() {
	wait_until "[ \"\$(grep -c '' '$BATS_TEST_TMPDIR/out/$1')\" -ge $2 ]"
}

setup_file() {
	local missing
	for missing in jq python3; do
		command -v $missing >/dev/null
	done
}

teardown() {
	local good=true pid
	for pid in "${STARTED[@]}"; do
		kill -KILL "$pid" || true
	done 2>/dev/null
	end_story || good=false
	$good
}

@test "each thing that happens is a line, in order, from the moment of the open on" {
	start_provider - <<-SCRIPT
		job $ID
			answer queued until=run
			answer running progress=12 until=more
			answer running progress=50 until=done
			answer done
		job *
			answer queued
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track before
	wait_status before .state queued
	exec 8<"$MNT/.cometfs/events"
	track $ID
	wait_status $ID .state queued
	# Who comes later has only what is new to him.
	exec 7<"$MNT/.cometfs/events"
	event run
	wait_status $ID .progress 12
	event more
	wait_status $ID .progress 50
	event 'done'
	wait_status $ID .video.state ready
	rm -f "$MNT/jobs/$ID/video.mp4"
	rmdir "$MNT/jobs/$ID" "$MNT/jobs/before"
	local told_lines=$BATS_TEST_TMPDIR/told_lines
	timeout 10 head -n 13 <&8 >"$told_lines"
	timeout 10 head -n 10 <&7 | diff - <(tail -n 10 "$told_lines")
	exec 7<&- 8<&-
	told "$told_lines" >"$told_lines.told"
	diff "$told_lines.told" - <<-LINES
		$ID tracked null unknown
		$ID state unknown queued
		$ID progress null 0
		$ID state queued running
		$ID progress 0 12
		$ID progress 12 50
		$ID state running done
		$ID progress 50 100
		$ID video none fetching
		$ID video fetching ready
		$ID video ready removed
		$ID forgotten done null
		before forgotten queued null
	LINES
}

@test "with track=lookup: who is looked at is tracked, in the state that he has; who is nobody is no event" {
	start_provider - <<-'SCRIPT'
		job 4*
			answer running progress=7
		job *
			unknown
	SCRIPT
	start_cometfs track=lookup
	exec 8<"$MNT/.cometfs/events"
	run ! stat "$MNT/jobs/$ID2"
	stat "$MNT/jobs/$ID" >/dev/null
	rmdir "$MNT/jobs/$ID"
	timeout 10 head -n 2 <&8 >"$BATS_TEST_TMPDIR/lines"
	[ "$(told "$BATS_TEST_TMPDIR/lines")" = "$ID tracked null running"$'\n'"$ID forgotten running null" ]
	exec 8<&-
}

@test "a failed job, one that expired, and a video that is lost" {
	start_provider - <<-'SCRIPT'
		job failed
			answer failed
		job expired
			answer expired
		job *
			answer done video=page.mp4
		video page.mp4
			size 64K
			serve status=410 empty
	SCRIPT
	expect_log 'failed: |expired|lost|410|address'
	start_cometfs max_video=1K
	NAME=events start cat "$MNT/.cometfs/events"
	listeners 1
	track failed expired lost
	wait_status failed .state failed
	wait_status expired .state expired
	wait_status lost .video.state fetching
	says events 8
	told "$BATS_TEST_TMPDIR/out/events" | sort >"$BATS_TEST_TMPDIR/told"
	diff <(grep -v progress "$BATS_TEST_TMPDIR/told") - <<-'LINES'
		expired state unknown expired
		expired tracked null unknown
		failed state unknown failed
		failed tracked null unknown
		lost state unknown done
		lost tracked null unknown
		lost video none fetching
	LINES
}

@test "a read waits, and ends at once with a signal, the process too" {
	start_silent
	within 2000 run -124 timeout -s INT 0.2 cat "$MNT/.cometfs/events"
	within 2000 run -124 timeout -s TERM 0.2 cat "$MNT/.cometfs/events"
	NAME="cat" start cat "$MNT/.cometfs/events"
	listeners 1
	kill -KILL "${STARTED[0]}"
	within 2000 has_ended "${STARTED[0]}" 137
	listeners 0
	within 2000 run -124 timeout 0.2 bash -c 'read -r <"$1"' - "$MNT/.cometfs/events"
	listeners 0
}

@test "it can be waited for: O_NONBLOCK, poll(2), select and epoll; and nobody can seek in it" {
	start_silent
	NAME=nonblock start timeout 60 python3 tests/stories/events.py nonblock "$MNT/.cometfs/events"
	says nonblock 1
	run -0 cat "$BATS_TEST_TMPDIR/out/nonblock"
	mkdir "$MNT/jobs/$ID"
	wait "${STARTED[-1]}" || cat "$BATS_TEST_TMPDIR/out/nonblock"
	wait "${STARTED[-1]}"
}

@test "who sleeps in poll(2), select, epoll or a read is woken by each event" {
	start_silent
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	timeout 60 python3 tests/stories/events.py asleep "$MNT/.cometfs/events" >"$BATS_TEST_TMPDIR/fifo" 3>&- &
	local reader=$! i line
	exec 9<"$BATS_TEST_TMPDIR/fifo"
	for i in 1 2 3 4; do
		until [ "${line-}" = ready ]; do
			read -r -t 30 -u 9 line
		done
		mkdir "$MNT/jobs/asleep-$i"
		until [[ ${line-} == *"asleep-$i"* ]]; do
			read -r -t 30 -u 9 line
		done
	done
	exec 9<&-
	wait $reader
}

# Not tail -f, which wants to be at the end of a file first, and this one has none.
@test "programs that read lines have each of them at once" {
	start_silent
	local events=$MNT/.cometfs/events name
	NAME="cat" start cat "$events"
	NAME="jq" start jq -c --unbuffered . "$events"
	NAME="grep" start grep --line-buffered tracked "$events"
	NAME="sed" start sed -u -n p "$events"
	# shellcheck disable=SC2016
	NAME="bash" start bash -c 'while read -r line; do printf "%s\n" "$line"; done <"$1"' - "$events"
	NAME="dd" start dd bs=1 "if=$events" status=none
	NAME="python" start python3 -uc 'import sys; [print(line, end="") for line in open(sys.argv[1])]' "$events"
	NAME="head" start head -n 3 "$events"
	listeners 8
	mkdir "$MNT/jobs/one"
	for name in cat jq grep sed bash dd python; do
		says $name 1
	done
	mkdir "$MNT/jobs/two" "$MNT/jobs/three"
	wait "${STARTED[7]}" # head has enough
	for name in cat jq grep sed bash dd python; do
		says $name 3
		# It adds that it could not go back behind its last line.
		diff "$BATS_TEST_TMPDIR/out/$name" <(sed '/^head:/d' "$BATS_TEST_TMPDIR/out/head")
	done
}

@test "who is too slow loses the oldest, and is told how many" {
	start_provider - < <(
		printf 'job *\n\tanswer queued until=go\n'
		for progress in {1..99}; do
			printf '\tanswer running progress=%s\n' "$progress"
		done
		printf '\tanswer running progress=100\n'
	)
	start_cometfs interval=0.02
	start timeout 100 python3 tests/stories/events.py slow "$MNT/.cometfs/events"
	says timeout 1
	event go
	has_ended "${STARTED[-1]}" 0 || cat "$BATS_TEST_TMPDIR/out/timeout"
	grep '^dropped' "$BATS_TEST_TMPDIR/out/timeout"
}

@test "those who share an open file each end when they shall, and an event comes to one of them" {
	start_silent
	coproc timeout 60 python3 tests/stories/events.py shared "$MNT/.cometfs/events" 3>&-
	local line out=${COPROC[0]} in=${COPROC[1]} pid=$COPROC_PID
	read -r -t 30 -u "$out" line
	listeners 4
	mkdir "$MNT/jobs/one"
	listeners 4
	mkdir "$MNT/jobs/two"
	listeners 4
	echo >&"$in"
	read -r -t 30 -u "$out" line
	[ "$line" = ready ]
	listeners 1
	mkdir "$MNT/jobs/three"
	listeners 1
	echo >&"$in"
	read -r -t 30 -u "$out" line
	[ "$line" = "['one', 'three', 'two']" ]
	wait "$pid"
}

@test "200 who wait keep nobody else waiting, all of them are told, and all end with the daemon" {
	start_silent
	NAME=many start bash -c 'for i in {1..200}; do { cat "$1" || echo ended; } & done; wait' - "$MNT/.cometfs/events"
	listeners 200
	within 1000 mkdir "$MNT/jobs/$ID"
	within 1000 stat "$MNT/jobs/$ID/status.json" >/dev/null
	says many 200
	[ "$(sort -u "$BATS_TEST_TMPDIR/out/many" | wc -l)" = 1 ]
	listeners 200
	within 3000 stop_cometfs
	wait "${STARTED[-1]}"
	[ "$(grep -c ended "$BATS_TEST_TMPDIR/out/many")" = 200 ]
}

@test "a crash of the daemon ends who waits" {
	start_silent
	NAME="cat" start cat "$MNT/.cometfs/events"
	NAME=asleep start python3 tests/stories/events.py asleep "$MNT/.cometfs/events"
	says asleep 1
	listeners 1
	kill_cometfs
	has_ended "${STARTED[0]}" 1
	has_ended "${STARTED[1]}" 1
}
