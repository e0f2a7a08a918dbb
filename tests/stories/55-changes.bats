#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A provider that changes its mind, its words or its addresses: no job is reported wrongly, and what
# is done stays done.
load lib.bash

# ---- what is done stays done

@test "a job that is done stays done, whatever is said later" {
	start_provider - <<-'SCRIPT'
		job *
			answer done video=old.mp4
			answer running progress=10
			answer failed
			answer b-expired
			answer 200 text="{}" until=back
			answer done video=clip.mp4
		video old.mp4
			size 1M
			serve status=403 text="<html></html>" type=text/html retry-after=1
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track $ID
	local count
	for count in 2 3 4 5 6; do
		polls_reach $ID $count
		[ "$(status $ID .state)" = 'done' ]
		[ "$(status $ID .error)" = null ]
		[ "$(status $ID .progress)" = 100 ]
		[ "$(status $ID .provider.status)" = 'done' ]
		[ "$(status $ID .video.state)" = fetching ]
		shape_is_right $ID
	done
	event back
	wait_status $ID .video.state ready
	is_clip $ID
	[ "$(status $ID .state)" = 'done' ]
	[ "$(said failed)" = 0 ]
}

@test "a kept video is kept when its job is said to have failed" {
	start_answers 'done until=changed' failed
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	event changed
	stop_cometfs
	start_cometfs
	track witness
	expect_log 'witness: failed'
	wait_status witness .state failed
	wait_status $ID .state 'done'
	is_clip $ID
	[ "$(polls $ID)" = 1 ]
}

# ---- addresses that change

@test "an address counts when the job is done, and the last one does" {
	start_provider - <<-'SCRIPT'
		job *
			answer text="{\"request_id\": \"@ID@\", \"status\": \"processing\", \"video\": {\"url\": \"@BASE@/videos/early.mp4\"}}" times=3
			answer done video=clip.mp4
		video early.mp4
			size 1M
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	is_clip $ID
	[ "$(status $ID .video.url)" = "$SOURCE/videos/clip.mp4" ]
	[ "$(video_gets early.mp4)" = 0 ]
}

# another_video [OPTION]: half of a video has come when its address is refused; the new one has
# another, of the same length. Both are served with OPTION.
another_video() {
	start_provider - <<-SCRIPT
		job *
			answer done video=old.mp4
			answer done video=new.mp4
		video old.mp4
			size 1M
			serve cut=500K $1
			serve status=403 empty
		video new.mp4
			size 1M
			serve $1
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	cmp "$MNT/jobs/$ID/video.mp4" <(made new.mp4 1M)
	[ "$(status $ID .video.url)" = "$SOURCE/videos/new.mp4" ]
	[ "$(status $ID .video.sha256)" = "$(sha256sum <"$MNT/jobs/$ID/video.mp4" | cut -d' ' -f1)" ]
}

@test "an address that changes in the middle of a download: nothing of the old video is kept" {
	another_video
}

@test "likewise from a server that has no ETag" {
	another_video etag=none
}

# ---- answers that are not of this job

# task ID STATUS [DATA]: a gateway's answer of that task, as a text of the script.
task() {
	local body='{"code": "success", "message": "", "data": {"task_id": "%s", "status": "%s", "progress": "50%%", "data": %s}}'
	# shellcheck disable=SC2059 # it is the format
	printf "text=\"${body//\"/\\\\\"}\"" "$1" "$2" "${3:-null}"
}

@test "an answer that is another job's is not taken for this one's" {
	start_provider - <<-SCRIPT
		job *
			answer running progress=7 until=other
			answer $(task $ID2 SUCCESS '{\"status\": \"done\", \"video\": {\"url\": \"@BASE@/videos/other.mp4\"}}')
			answer $(task $ID2 FAILURE) until=back
			answer done
		video clip.mp4
			file clip.mp4
		video other.mp4
			size 1M
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .progress 7
	cp "$MNT/jobs/$ID/response.json" "$BATS_TEST_TMPDIR"
	event other
	failures_reach $ID 2
	[[ $(status $ID .poll.last_error) == *"another job"*"$ID2"* ]]
	[ "$(status $ID .state)" = running ]
	[ "$(status $ID .progress)" = 7 ]
	[ "$(status $ID .error)" = null ]
	[ "$(status $ID .video.url)" = null ]
	[ "$(status $ID .provider.task_status)" = IN_PROGRESS ]
	cmp "$MNT/jobs/$ID/response.json" "$BATS_TEST_TMPDIR/response.json"
	shape_is_right $ID
	event back
	wait_status $ID .video.state ready
	is_clip $ID
	[ "$(video_gets other.mp4)" = 0 ]
}

@test "a gateway may have a name of its own for a job, and keeps to it" {
	start_provider - <<-SCRIPT
		job *
			answer $(task 17 IN_PROGRESS) until=other
			answer $(task 18 FAILURE) until=back
			answer $(task 17 SUCCESS '{\"status\": \"done\", \"video\": {\"url\": \"@VIDEO@\"}}')
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .state running
	event other
	failures_reach $ID 1
	[[ $(status $ID .poll.last_error) == *"another job"*18* ]]
	event back
	wait_status $ID .video.state ready
	is_clip $ID
}

# ---- mixed shapes, and what is done without an address

# now_is STATE PROGRESS [CODE [TASK-STATUS [STATUS]]]: what is shown is of the last answer alone.
now_is() {
	wait_until "[ \"\$(status $ID '[.state, .progress, .provider.code, .provider.task_status, .provider.status] | map(. // \"-\") | join(\" \")')\" = '$*' ]"
	shape_is_right $ID
}

@test "the shape of the answers may change at any time" {
	start_answers 'queued until=1' '202 empty until=2' 'b-running progress=7 until=3' \
		'running progress=42 until=4' 'bare until=5' \
		'body=fixtures/own_wrapped_inner_only.json until=6' '202 empty until=7' \
		'body=fixtures/own_wrapped_inner_only.json until=8' '202 b-queued until=9' 'b-done'
	start_cometfs
	track $ID
	now_is queued 0 success QUEUED -
	event 1
	now_is running 0 - - -
	event 2
	now_is running 7 - - processing
	event 3
	now_is running 42 success IN_PROGRESS pending
	event 4
	now_is running 42 - - -
	event 5
	now_is running 7 success - processing
	event 6
	now_is running 7 - - -
	event 7
	now_is running 7 success - processing
	event 8
	now_is running 0 - - queued
	event 9
	now_is 'done' 100 - - 'done'
	wait_status $ID .video.state ready
	is_clip $ID
}

@test "done without an address: five more polls, then it has failed" {
	expect_log 'failed: done, but without'
	start_provider - <<-'SCRIPT'
		job wrapped
			answer body=fixtures/08_wrapped_success_no_url.json
		job plain
			answer running progress=3
			answer body=fixtures/37_unwrapped_done_without_url.json
		job pending
			answer body=fixtures/own_wrapped_success_pending.json
		job late
			answer body=fixtures/37_unwrapped_done_without_url.json times=5
			answer b-running
			answer body=fixtures/08_wrapped_success_no_url.json times=5
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track wrapped plain pending late
	local id
	for id in wrapped plain pending; do
		wait_status $id .state failed
		[ "$(status $id .error.code)" = no_url ]
		[ "$(status $id .video.state)" = none ]
		shape_is_right $id
	done
	wait_status late .video.state ready
	is_clip late
	[ "$(polls wrapped)" = 6 ]
	[ "$(polls plain)" = 7 ]
	[ "$(polls pending)" = 6 ]
	[ "$(polls late)" = 12 ]
	cmp "$MNT/jobs/wrapped/response.json" tests/data/fixtures/08_wrapped_success_no_url.json
}

# ---- what a job that is young may be told

@test "a young job may be unknown for a moment, or its request be refused" {
	start_provider - <<-'SCRIPT'
		job gateway
			answer 400 body=fixtures/71_error_400_task_not_exist.json times=2
			answer running
		job within
			answer 200 body=fixtures/18_wrapped_code_error_http200.json times=2
			answer running
		job xai
			answer 404 body=fixtures/61_xai_404_unknown_request.json times=2
			answer running
		job refused
			answer 400 body=fixtures/64_xai_400_zdr.json times=2
			answer running
	SCRIPT
	start_cometfs
	local id
	track gateway within xai refused
	for id in gateway within xai refused; do
		wait_status $id .state running
		[ "$(polls $id)" -ge 3 ]
		[ "$(status $id .error)" = null ]
		[ "$(status $id .poll.last_error)" = null ]
	done
	[ "$(said failed)" = 0 ]
}
