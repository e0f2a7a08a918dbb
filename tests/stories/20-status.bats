#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# status.json: its form, its states as they come, and what the provider's words become in it.
load lib.bash

# Plays queued, running, done with the bodies of one shape: '' for the wrapped one, b- for the other.
live() {
	start_provider - <<-SCRIPT
		job *
			answer $1queued until=running
			answer $1running progress=7 until=more
			answer $1running progress=42 until=done
			answer $1done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .state queued
	shape_is_right $ID
	[ "$(status $ID .video.state)" = none ]
	[ "$(status $ID .poll.next_at)" != null ]
	[ ! -e "$MNT/jobs/$ID/video.mp4" ]
	event running
	wait_status $ID .state running
	wait_status $ID .progress 7
	shape_is_right $ID
	event more
	wait_status $ID .progress 42
	event 'done'
	wait_status $ID .state 'done'
	wait_status $ID .video.state ready
	shape_is_right $ID
	[ "$(status $ID .progress)" = 100 ]
	[ "$(status $ID .error)" = null ]
	[ "$(status $ID .model)" = grok-imagine-video ]
	[ "$(status $ID .video.duration_s)" = 4 ]
	[ "$(status $ID .video.respect_moderation)" = true ]
	[ "$(status $ID .video.url)" = "$SOURCE/videos/clip.mp4" ]
	[ "$(status $ID .poll.next_at)" = null ]
	[ "$(status $ID .poll.http_status)" = 200 ]
	[ "$(status $ID .provider.name)" = comet ]
	[ "$(status $ID .provider.status)" = 'done' ]
	grep -qxF '  "cost_usd": 0.05,' "$MNT/jobs/$ID/status.json"
}

@test "a job nobody has answered for yet is unknown" {
	start_cometfs
	track $ID
	shape_is_right $ID
	wait_until '[ "$(status $ID .poll.failures)" -gt 0 ]'
	shape_is_right $ID
	[ "$(status $ID .state)" = unknown ]
	[ "$(status $ID .provider.code)" = null ]
	[ "$(status $ID .poll.http_status)" = null ]
	[ -n "$(status $ID '.poll.last_error // empty')" ]
}

@test "a job of the wrapped shape, from queued to done" {
	live ''
	[ "$(status $ID .provider.code)" = success ]
	[ "$(status $ID .provider.message)" = '' ]
	[ "$(status $ID .provider.task_status)" = SUCCESS ]
	local pair
	for pair in submitted_at:submit started_at:start finished_at:finish; do
		[ "$(date -d "$(status $ID ".${pair%:*}")" +%s)" = \
			"$(jq ".data.${pair#*:}_time" "$MNT/jobs/$ID/response.json")" ]
	done
}

@test "a job of the unwrapped shape, from queued to done" {
	live b-
	[ "$(status $ID .provider.code)" = null ]
	[ "$(status $ID .provider.task_status)" = null ]
}

@test "a request id and nothing else is queued; the shape may change on the way" {
	start_provider - <<-'SCRIPT'
		job *
			answer bare until=next
			answer running until=done
			answer b-done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .state queued
	[ "$(status $ID .progress)" = null ]
	event next
	wait_status $ID .state running
	event 'done'
	wait_status $ID .video.state ready
}

@test "202 is running, whatever it says" {
	start_provider - <<-'SCRIPT'
		job *
			answer 202 empty
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .state running
	[ "$(status $ID .poll.http_status)" = 202 ]
	[ "$(status $ID .poll.failures)" = 0 ]
}

@test "failed, expired and moderated jobs say why, and are never asked for again" {
	start_provider - <<-'SCRIPT'
		job failed
			answer failed
		job b-failed
			answer b-failed
		job expired
			answer expired
		job b-expired
			answer b-expired
		job moderated
			answer 400 text="{\"code\": \"x\", \"error\": \"Generated video rejected by content moderation.\"}"
		job witness
			answer queued
	SCRIPT
	expect_log 'failed: (Prompt cannot be empty|Generated video rejected)|expired at the provider'
	start_cometfs
	track failed b-failed expired b-expired moderated witness
	local id
	for id in failed b-failed; do
		wait_status $id .state failed
		[ "$(status $id .error.code)" = provider ]
		[[ $(status $id .error.message) == *"Prompt cannot be empty"* ]]
	done
	wait_status expired .state expired
	wait_status b-expired .state expired
	wait_status moderated .state failed
	[ "$(status moderated .error.code)" = moderated ]
	polls_reach witness 12
	for id in failed b-failed expired b-expired moderated; do
		shape_is_right $id
		[ "$(polls $id)" = 1 ]
		[ "$(status $id .poll.next_at)" = null ]
		[ "$(status $id .video.state)" = none ]
		[ ! -e "$MNT/jobs/$id/video.mp4" ]
	done
}

@test "the document of a finished job never changes again, also over a restart" {
	start_provider many
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	cp "$MNT/jobs/$ID/status.json" "$MNT/jobs/$ID/response.json" "$BATS_TEST_TMPDIR"
	stop_cometfs
	start_cometfs
	track $ID2
	wait_status $ID2 .video.state ready
	cmp "$MNT/jobs/$ID/status.json" "$BATS_TEST_TMPDIR/status.json"
	cmp "$MNT/jobs/$ID/response.json" "$BATS_TEST_TMPDIR/response.json"
	[ "$(polls $ID)" = 1 ]
}

@test "a state never goes back" {
	start_provider - <<-'SCRIPT'
		job *
			answer running progress=50 until=back
			answer queued
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .state running
	event back
	polls_reach $ID $(($(polls $ID) + 3))
	[ "$(status $ID .state)" = running ]
}

copy_by() {
	case $1 in
	cat) cat "$2" >"$3" ;;
	cp | rsync) "$1" "$2" "$3" ;;
	dd) dd status=none if="$2" of="$3" ;;
	tar) tar -cf - -C "${2%/*}" "${2##*/}" | tar -xOf - >"$3" ;;
	*) python3 tests/stories/copy.py "$@" ;;
	esac
}

@test "every way to copy a document that changes copies it whole" {
	start_provider - <<-'SCRIPT'
		job *
			answer queued times=3
			answer running progress=9 times=3
			answer running progress=10 times=3
			answer running progress=99 times=3
			answer bare times=5
			answer running progress=100
	SCRIPT
	start_cometfs interval=0.01,interval_watched=0.01
	track $ID
	local way copy=$BATS_TEST_TMPDIR/copy from=$MNT/jobs/$ID/status.json
	for _ in 1 2 3 4 5; do
		for way in cat cp rsync dd tar sendfile mmap shutil; do
			rm -f "$copy"
			copy_by $way "$from" "$copy"
			echo "by $way"
			python3 tests/stories/shape.py <"$copy"
		done
	done
	[ "$(stat -c %s "$from")" = "$(wc -c <"$from")" ]
}

@test "response.json is the last accepted body, byte for byte" {
	local body='{"status": "processing",   "progress": 3, "text": "é", "strange": [1, 2.50]}'
	start_provider - <<-SCRIPT
		job *
			answer text="${body//\"/\\\"}" until=next
			answer 500 text="oh" until=last
			answer text="[]"
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .state running
	curl -fsS "$SOURCE/grok/v1/videos/$ID" >"$BATS_TEST_TMPDIR/body"
	cmp "$MNT/jobs/$ID/response.json" "$BATS_TEST_TMPDIR/body"
	event next
	wait_until '[ "$(status $ID .poll.failures)" -gt 1 ]'
	[ "$(status $ID .poll.http_status)" = 500 ]
	[ "$(status $ID .state)" = running ]
	cmp "$MNT/jobs/$ID/response.json" "$BATS_TEST_TMPDIR/body"
	[ "$(stat -c %s "$MNT/jobs/$ID/response.json")" = "$(wc -c <"$BATS_TEST_TMPDIR/body")" ]
}

@test "a read of an old document starts a poll" {
	start_provider - <<-'SCRIPT'
		job *
			answer queued
	SCRIPT
	start_cometfs interval=600,interval_watched=0.1
	track $ID
	polls_reach $ID 1
	wait_until 'status $ID .state >/dev/null; [ "$(polls $ID)" -gt 3 ]'
}

@test "the key goes to the provider and into no file" {
	COMETAPI_KEY=very-secret-key
	start_provider - --key very-secret-key <<-'SCRIPT'
		job *
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	asked "poll $ID auth=very-secret-key"
	run -1 grep -rqF very-secret-key "$STORE" "$MNT" "$LOG"
	run -1 grep -qaF very-secret-key "/proc/$DAEMON/cmdline"
}

@test "a refused key is the key's trouble, not the job's" {
	expect_log 'the key is refused'
	start_provider - --key another-key <<-'SCRIPT'
		job *
			answer queued
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .poll.http_status 401
	[ "$(status $ID .state)" = unknown ]
	[[ $(status $ID .poll.last_error) == *token* || $(status $ID .poll.last_error) == *key* ]]
	shape_is_right $ID
}

@test "Retry-After is kept, and reads do not break it" {
	start_provider - <<-'SCRIPT'
		job *
			answer 429 retry-after=600 empty
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .poll.http_status 429
	local seconds
	seconds=$(($(date -d "$(status $ID .poll.next_at)" +%s) - $(date +%s)))
	echo "in $seconds seconds"
	[ "$seconds" -gt 500 ]
	[ "$(polls $ID)" = 1 ]
}
