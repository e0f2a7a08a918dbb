#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Thousands of jobs, one provider: who is polled when, and what all of them have to wait for.
load lib.bash

# names PREFIX COUNT: so many ids.
names() {
	seq -f "$1-%04g" "$2"
}

# How many of the jobs with that prefix were asked for at least once since the provider began.
asked_for() {
	asked "^poll $1-" | cut -d' ' -f2 | sort -u | wc -l
}

@test "who is looked at goes first when more is due than the rate allows, and nobody starves" {
	start_provider - <<-'SCRIPT'
		job *
			answer running progress=42
	SCRIPT
	start_cometfs poll_rate=40,interval=0.1
	names crowd 80 | (cd "$MNT/jobs" && xargs mkdir)
	track $ID
	wait_until '[ "$(asked_for crowd)" = 80 ]'
	polls_reach $ID 1
	watch $ID
	polls_reach $ID 30
	# He has had 30 turns by now; in a line of 81 each other would have had as many, 2400 in all.
	[ "$(asked '^poll crowd-' | wc -l)" -lt 1200 ]
	local before least
	before=$(asked '^poll crowd-' | wc -l)
	wait_until "[ \"\$(asked '^poll crowd-' | tail -n +$((before + 1)) | cut -d' ' -f2 | sort -u | wc -l)\" = 80 ]"
	# In turn: nobody a second time before the others' first.
	least=$(asked '^poll crowd-' | cut -d' ' -f2 | sort | uniq -c | sort -n | awk 'NR == 1 { print $1 }')
	[ "$least" -ge 2 ]
	echo "$before polls of the crowd beside 30 of the one who was looked at, least $least each"
}

@test "poll_rate holds over all jobs, watched or not" {
	start_provider - <<-'SCRIPT'
		job *
			answer running progress=42
	SCRIPT
	start_cometfs poll_rate=10,interval=0.1
	names crowd 40 | (cd "$MNT/jobs" && xargs mkdir)
	polls_reach crowd-0001 1
	local begun=${EPOCHREALTIME/./} from count took
	from=$(asked '^poll ' | wc -l)
	watch crowd-0001
	wait_until "[ \"\$(asked '^poll ' | wc -l)\" -ge $((from + 30)) ]"
	count=$(($(asked '^poll ' | wc -l) - from))
	took=$(((${EPOCHREALTIME/./} - begun) / 1000))
	echo "$count polls in $took ms"
	[ "$count" -le $((took / 100 + 2)) ]
}

@test "a restart spreads its first polls" {
	start_provider - <<-'SCRIPT'
		job *
			answer running progress=42
	SCRIPT
	start_cometfs interval=40
	names crowd 60 | (cd "$MNT/jobs" && xargs mkdir)
	wait_until '[ "$(asked_for crowd)" = 60 ]'
	kill_cometfs
	start_cometfs interval=40,interval_watched=40
	local job
	for job in "$MNT"/jobs/*; do
		jq -r '.poll.next_at' "$job/status.json"
	done | sort -u >"$BATS_TEST_TMPDIR/times"
	# Sixty jobs over forty seconds: in a storm it would be one time or two.
	[ "$(wc -l <"$BATS_TEST_TMPDIR/times")" -ge 15 ]
}

@test "429 for ever: the whole mount slows down, and its files answer" {
	expect_log 'polls fail'
	start_provider - <<-'SCRIPT'
		job *
			answer 429 body=fixtures/74_error_429_task_saturated.json
	SCRIPT
	start_cometfs
	names crowd 20 | (cd "$MNT/jobs" && xargs mkdir)
	# The polls of all jobs back off together: the fourth comes 14 s after the first at most.
	wait_until '[ "$(asked "^poll " | wc -l)" -ge 4 ]'
	[ "$(asked '^poll ' | wc -l)" -lt 40 ]
	within 1000 cat "$MNT"/jobs/crowd-00*/status.json >/dev/null
	[ "$(jq -rs 'map(.state) | unique | .[]' "$MNT"/jobs/*/status.json)" = unknown ]
	jq -rs 'map(.poll.last_error) | .[]' "$MNT"/jobs/*/status.json | grep -q .
}

@test "a refused key is said in each document that waits, until SIGHUP brings a better one" {
	expect_log 'the key is refused'
	echo old-key >"$BATS_TEST_TMPDIR/key"
	start_provider - --key new-key <<-'SCRIPT'
		job *
			answer running progress=42
	SCRIPT
	unset COMETAPI_KEY
	start_cometfs "key_file=$BATS_TEST_TMPDIR/key"
	track $ID $ID2 $ID3
	local id
	for id in $ID $ID2 $ID3; do
		wait_until "[ \"\$(status $id .poll.last_error)\" != null ]"
	done
	# One probe, and it is over for a minute, whatever is tracked later.
	track later
	wait_until '[ "$(status later .poll.last_error)" != null ]'
	[ "$(asked '^poll ' | wc -l)" -le 3 ]
	echo new-key >"$BATS_TEST_TMPDIR/key"
	kill -HUP $DAEMON
	for id in $ID $ID2 $ID3 later; do
		wait_status $id .state running
		[ "$(status $id .poll.last_error)" = null ]
	done
	[ "$(grep -c 'the key is refused' "$LOG")" = 1 ]
	grep -q 'the provider accepts our polls again' "$LOG"
}

@test "a provider that is away for a hundred jobs is one line in the log, and one when it is back" {
	expect_log 'polls fail'
	start_cometfs
	names crowd 100 | (cd "$MNT/jobs" && xargs mkdir)
	wait_until 'grep -q "polls fail" "$LOG"'
	wait_until '[ "$(status crowd-0001 .poll.failures)" -ge 2 ] && [ "$(status crowd-0100 .poll.failures)" -ge 2 ]'
	[ "$(grep -c 'polls fail' "$LOG")" = 1 ]
	[ "$(grep -cE 'warning|error' "$LOG")" = 1 ]
}

@test "four polls that fail, and then the very answer from before them: there is nothing to say" {
	start_provider - <<-'SCRIPT'
		job *
			answer running progress=42 until=go
			answer 500 text=oops times=4
			answer running progress=42
	SCRIPT
	start_cometfs
	track $ID
	polls_reach $ID 2
	# A key that is read anew is unproven: no poll has been accepted yet.
	kill -HUP $DAEMON
	wait_until 'grep -q "the key was read again" "$LOG"'
	event go
	wait_until '[ "$(status $ID .poll.failures)" -ge 1 ]'
	wait_until '[ "$(status $ID .poll.failures)" = 0 ]'
	# The log is clean, as ever.
}

@test "a clock that jumps a year forward and two back changes no job, and polls go on" {
	# The wall clock alone.
	fake_clock FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1
	start_provider - <<-'SCRIPT'
		job *
			answer running progress=42 until=finish
			answer done
		video clip.mp4
			file clip.mp4
			serve status=403 until=open
			serve
	SCRIPT
	start_cometfs
	track $ID
	polls_reach $ID 2
	local jump
	for jump in +365d -365d; do
		set_clock "$jump"
		polls_reach $ID $(($(polls $ID) + 10))
		[ "$(status $ID .state)" = running ]
		[[ $(status $ID .poll.last_at) == $(date -u -d "${jump%d} days" +%Y)-* ]]
	done
	# Two years back, somebody who looks has it polled as ever.
	stop_cometfs
	set_clock +365d
	start_cometfs interval=3600
	polls_reach $ID 1
	wait_until '[ "$(status $ID .poll.count)" -ge 1 ]'
	set_clock -365d
	watch $ID
	polls_reach $ID $(($(polls $ID) + 5))
	stop_watching
	stop_cometfs
	start_cometfs
	event finish
	wait_status $ID .video.error.code url_expired
	set_clock +365d
	local gets
	gets=$(video_gets clip.mp4)
	wait_until "[ \"\$(video_gets clip.mp4)\" -gt $((gets + 1)) ]"
	[ "$(status $ID .video.state)" = fetching ]
	event open
	wait_status $ID .video.state ready
	cmp "$MNT/jobs/$ID/video.mp4" tests/provider/clip.mp4
}
