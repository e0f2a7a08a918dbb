#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What one job meets and what all of them suffer: neither is taken for the other.
load lib.bash

# Whether the next poll of each job is more than five minutes away.
all_wait() {
	local at now
	now=$(date +%s)
	for at in $(jq -r '.poll.next_at // empty' "$MNT"/jobs/*/status.json); do
		[ "$(date -d "$at" +%s)" -gt $((now + 300)) ] || return 1
	done
}

@test "a first answer that does not come holds up no other job, and no look-up" {
	start_provider - <<-'SCRIPT'
		job stuck
			answer hang
		job *
			answer running progress=42
	SCRIPT
	start_cometfs timeout=300,track=lookup,lookup_timeout=20
	mkdir "$MNT/jobs/stuck"
	polls_reach stuck 1
	track other
	wait_status other .state running
	stat "$MNT/jobs/$ID" >/dev/null
}

@test "done without an address is counted, whatever comes between" {
	expect_log 'failed: done'
	start_answers 'body=fixtures/own_wrapped_success_pending.json' "502 text='error code: 502' type=text/plain" \
		'body=fixtures/own_wrapped_success_pending.json'
	start_cometfs
	track $ID
	wait_status $ID .state failed
	[ "$(status $ID .error.code)" = no_url ]
	[ "$(polls $ID)" -le 8 ]
}

@test "a Retry-After is for all, and no other answer shortens it" {
	start_provider - <<-'SCRIPT'
		job first
			answer 429 retry-after=600 text='{}' stall=0 until=first
		job second
			answer 429 text='{}' stall=0 until=second
		job third
			answer 401 text='{}' stall=0 until=third
		job *
			answer running progress=42
	SCRIPT
	expect_log 'the key is refused'
	start_cometfs
	track first second third well
	local id
	for id in first second third; do
		polls_reach $id 1
	done
	for id in first second third; do
		event $id
		wait_until "[ \"\$(status $id .poll.failures)\" = 1 ]"
	done
	wait_until all_wait
	kill -HUP $DAEMON
	wait_until 'grep -q "read again" "$LOG"'
	all_wait
	for id in first second third; do
		[ "$(polls $id)" = 1 ]
	done
}

@test "a poll for a fresh address keeps the manners of all" {
	start_provider - <<-'SCRIPT'
		job over
			answer done
			answer 429 retry-after=600 empty
		job *
			answer running progress=42
		video clip.mp4
			file clip.mp4
			serve status=403
	SCRIPT
	start_cometfs
	track well
	track over
	polls_reach over 2
	wait_until all_wait
	[ "$(polls over)" = 2 ]
}

@test "a refused key is found by a poll for a fresh address, and said once" {
	expect_log 'the key is refused'
	start_provider - <<-'SCRIPT'
		job *
			answer done
			answer 401 empty
		video clip.mp4
			file clip.mp4
			serve status=403
	SCRIPT
	start_cometfs
	seq -f 'over-%02g' 20 | (cd "$MNT/jobs" && xargs mkdir)
	wait_until 'grep -q "the key is refused" "$LOG"'
	# Twenty first polls; of the others, those that were on their way already.
	[ "$(asked '^poll ' | wc -l)" -le 60 ]
	[ "$(said 'the key is refused')" = 1 ]
}

@test "six hundred look-ups leave the polls their turns" {
	start_provider - <<-'SCRIPT'
		job task_tracked
			answer running progress=42
	SCRIPT
	start_cometfs track=lookup,poll_rate=10,interval=0.1
	stat "$MNT/jobs/task_tracked" >/dev/null
	(cd "$MNT/jobs" && seq -f 'task_%g' 600 | xargs stat 2>/dev/null) || true
	# At ten a second they would have taken a minute.
	polls_reach task_tracked $(($(polls task_tracked) + 5))
}

@test "a page with 404, five in a row, is a wrong base URL" {
	expect_log 'the base URL is wrong'
	start_answers "404 text='<html>not here</html>' type=text/html"
	start_cometfs
	track $ID
	wait_until 'grep -q "the base URL is wrong" "$LOG"'
	[ "$(polls $ID)" = 5 ]
	[ "$(status $ID .state)" = unknown ]
}

@test "a key that is revoked under three hundred jobs is noticed after a few" {
	expect_log 'the key is refused'
	start_answers 'running progress=42 until=revoke' '401 empty'
	start_cometfs interval=0.5
	seq -f 'crowd-%03g' 300 | (cd "$MNT/jobs" && xargs mkdir)
	polls_reach crowd-300 1
	local before
	event revoke
	before=$(asked '^poll ' | wc -l)
	wait_until 'grep -q "the key is refused" "$LOG"'
	# Those that were on their way, and a few in a row.
	[ $(($(asked '^poll ' | wc -l) - before)) -le 150 ]
	[ "$(said 'the key is refused')" = 1 ]
}

@test "an answer of the other shape that names somebody else's request is not taken" {
	start_answers "text='{\"request_id\":\"mine\",\"status\":\"processing\"}' times=2" \
		"text='{\"request_id\":\"somebody-elses\",\"status\":\"done\",\"video\":{\"url\":\"@VIDEO@\"}}' until=mend" \
		"text='{\"request_id\":\"mine\",\"status\":\"done\",\"video\":{\"url\":\"@VIDEO@\"}}'"
	start_cometfs
	track mine
	wait_until '[[ $(status mine .poll.last_error) == *"another job: somebody-elses"* ]]'
	[ "$(status mine .state)" = running ]
	event mend
	wait_status mine .video.state ready
}
