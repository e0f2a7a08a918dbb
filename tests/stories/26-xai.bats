#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The provider xAI itself: its paths, its key, its words, from a job to its video.
load lib.bash

# Its key alone is to be used; the provider would take either.
export COMETAPI_KEY=of-another-provider XAI_API_KEY=xai-key

start_xai() {
	start_cometfs "provider=xai${1:+,$1}"
}

has_clip() {
	wait_status "$1" .video.state ready
	is_clip "$1"
	shape_is_right "$1"
}

@test "an empty 202, then pending, then done: a video" {
	start_answers '202 empty until=pending' '202 body=fixtures/50_xai_pending.json until=done' \
		'body=fixtures/35_unwrapped_done.json'
	start_xai
	track $ID
	wait_status $ID .state running
	[ "$(status $ID .progress)" = null ]
	[ "$(status $ID .poll.http_status)" = 202 ]
	[ "$(status $ID .provider.status)" = null ]
	shape_is_right $ID
	event pending
	wait_status $ID .progress 12
	[ "$(status $ID .state)" = running ]
	[ "$(status $ID .provider.status)" = pending ]
	event 'done'
	has_clip $ID
	[ "$(status $ID .state)" = 'done' ]
	[ "$(status $ID .provider.name)" = xai ]
	[ "$(status $ID .video.url)" = "$SOURCE/videos/clip.mp4" ]
	grep -qxF '  "cost_usd": 0.05,' "$MNT/jobs/$ID/status.json"
}

@test "it is asked at its own path, with its own key" {
	start_answers 'body=fixtures/35_unwrapped_done.json'
	start_xai
	track $ID "grok:$ID"
	has_clip $ID
	has_clip "grok:$ID"
	asked "^poll $ID auth=xai-key path=/v1/videos/$ID n=1$"
	asked "^poll grok:$ID auth=xai-key path=/v1/videos/grok:$ID n=1$"
	run ! asked of-another-provider
	run ! grep -rqF xai-key "$STORE" "$MNT" "$LOG"
}

@test "another provider's key is none" {
	unset XAI_API_KEY CREDENTIALS_DIRECTORY
	run --separate-stderr -1 timeout 20 "$COMETFS" -f "$SOURCE" "$MNT" -o "store=$STORE,provider=xai"
	[[ $stderr == cometfs:*XAI_API_KEY* ]]
	[[ $stderr != *of-another-provider* ]]
}

# A job that is over is not asked for again, so nobody is asked at those hosts.
@test "the host of SOURCE says which provider it is" {
	start_answers 'body=fixtures/55_xai_expired.json'
	expect_log 'expired at the provider'
	start_cometfs
	track $ID
	wait_status $ID .state expired
	[ "$(status $ID .provider.name)" = comet ]
	stop_cometfs
	local source
	for source in https://api.x.ai https://us-east-1.api.x.ai/v1 https://API.X.AI:443; do
		SOURCE=$source start_cometfs
		[ "$(status $ID .provider.name)" = xai ]
		[ "$(status $ID .state)" = expired ]
		stop_cometfs
	done
	SOURCE=https://api.x.ai start_cometfs provider=comet
	[ "$(status $ID .provider.name)" = comet ]
}

@test "done without a status: the address counts" {
	start_answers '202 empty' 'body=fixtures/own_unwrapped_done_without_status.json'
	start_xai
	track $ID
	has_clip $ID
	[ "$(status $ID .state)" = 'done' ]
	[ "$(status $ID .provider.status)" = null ]
	[ "$(status $ID .video.duration_s)" = 6 ]
}

@test "failed and expired, with HTTP 200" {
	start_provider - <<-'SCRIPT'
		job failed
			answer 202 empty
			answer body=fixtures/53_xai_failed_full.json
		job expired
			answer 202 empty
			answer body=fixtures/55_xai_expired.json
	SCRIPT
	expect_log 'failed: Video generation failed|expired at the provider'
	start_xai
	track failed expired
	wait_status failed .state failed
	[ "$(status failed .error.code)" = provider ]
	[ "$(status failed .error.message)" = "Video generation failed." ]
	[ "$(status failed .provider.code)" = internal_error ]
	[ "$(status failed .model)" = null ]
	wait_status expired .state expired
	[ "$(status expired .error)" = null ]
	local id
	for id in failed expired; do
		shape_is_right $id
		[ "$(status $id .video.state)" = none ]
		[ "$(polls $id)" = 2 ]
	done
}

@test "moderation as HTTP 400 ends the job" {
	start_answers '202 body=fixtures/50_xai_pending.json' '400 body=fixtures/57_xai_400_moderation_on_poll.json'
	expect_log 'failed: Generated video rejected'
	start_xai
	track $ID
	wait_status $ID .state failed
	[ "$(status $ID .error.code)" = moderated ]
	[ "$(status $ID .poll.last_error)" = null ]
	[ "$(status $ID .poll.http_status)" = 400 ]
	cmp "$MNT/jobs/$ID/response.json" tests/data/fixtures/57_xai_400_moderation_on_poll.json
	shape_is_right $ID
	[ "$(polls $ID)" = 2 ]
}

# The mount's trouble, until there is another key: refused_key FIXTURE STATUS TEXT
refused_key() {
	printf 'first-key\n' >"$BATS_TEST_TMPDIR/key"
	start_answers '202 body=fixtures/50_xai_pending.json until=trouble' "$2 body=fixtures/$1 until=better" \
		'body=fixtures/35_unwrapped_done.json'
	expect_log 'the key is refused'
	start_xai "key_file=$BATS_TEST_TMPDIR/key"
	track $ID
	wait_status $ID .state running
	event trouble
	wait_status $ID .poll.http_status "$2"
	[ "$(status $ID .state)" = running ]
	[ "$(status $ID .progress)" = 12 ]
	[ "$(status $ID .error)" = null ]
	[[ $(status $ID .poll.last_error) == *"$3"* ]]
	[ "$(status $ID .poll.failures)" = 1 ]
	cmp "$MNT/jobs/$ID/response.json" tests/data/fixtures/50_xai_pending.json
	shape_is_right $ID
	[ "$(said 'the key is refused')" = 1 ]
	grep -qF "$3" "$LOG"
	local before
	before=$(polls $ID)
	# The same key again is refused again.
	kill -HUP $DAEMON
	wait_status $ID .poll.failures 2
	[ "$(status $ID .state)" = running ]
	event better
	printf 'second-key\n' >"$BATS_TEST_TMPDIR/key"
	kill -HUP $DAEMON
	has_clip $ID
	asked "^poll $ID auth=first-key .* n=$((before + 1))$"
	asked "^poll $ID auth=second-key .* n=$((before + 2))$"
	[ "$(polls $ID)" = $((before + 2)) ]
	run ! grep -rqE '(first|second)-key' "$STORE" "$MNT" "$LOG"
}

@test "a wrong key, which is an HTTP 400, is the key's trouble; another one goes on at once" {
	refused_key own_xai_400_wrong_key.json 400 'Incorrect API key'
}

@test "no credits, which is an HTTP 429, is the key's trouble as well" {
	refused_key own_xai_429_out_of_credits.json 429 'available credits'
}

@test "too many requests is nobody's trouble: it goes on by itself" {
	start_answers '202 body=fixtures/50_xai_pending.json' '429 body=fixtures/62_xai_429_rate.json times=2' \
		'body=fixtures/35_unwrapped_done.json'
	start_xai
	track $ID
	wait_status $ID .poll.http_status 429
	[ "$(status $ID .state)" = running ]
	has_clip $ID
	run ! grep -q 'key' "$LOG"
}
