#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The log: a line an event, its level, the id of the job that it is about in front; as text and as JSON,
# whatever a provider, libfuse and curl say.
load lib.bash

# What is hostile in a text: quotes, a line's end, escapes of terminals and of JSON, marks that turn the
# order of what follows, bytes that are no UTF-8.
# shellcheck disable=SC1003 # no quote is meant
HOSTILE='a\\u0007\\n\\\"},{\\u001b[2J<b>\xff\xc3(\\u0000\\u202e\\u2028\xe2\x80\xae\\\\'

jobs_of_all_kinds() {
	start_provider - <<-SCRIPT
		job good
		    answer done video=clip.mp4
		job bad
		    answer text="{\"code\": \"success\", \"data\": {\"task_id\": \"bad\", \"status\": \"FAILURE\", \"fail_reason\": \"$HOSTILE\"}}"
		job of-page
		    answer done video=page.mp4
		job *
		    answer text="$HOSTILE"
		video clip.mp4
		    file clip.mp4
		video page.mp4
		    size 1000
		    serve text="<html>" type=text/html
	SCRIPT
}

track_them() {
	track good bad of-page no-json
	wait_status good .video.state ready
	wait_status bad .state failed
	wait_status of-page .video.error.code not_a_video
	failures_reach no-json 1
}

# as_events ID…: level, id and message of each line.
as_events() {
	python3 tests/stories/log.py "$LOG" "$@" >"$BATS_TEST_TMPDIR/events"
	cat "$BATS_TEST_TMPDIR/events"
}

has_event() {
	grep -qP "^$1\$" "$BATS_TEST_TMPDIR/events"
}

@test "as text: the level, then the job's id, then what it is" {
	expect_log 'bad: failed: a|the base URL is wrong'
	jobs_of_all_kinds
	start_cometfs
	track_them
	rmdir "$MNT/jobs/of-page"
	stop_cometfs
	cat "$LOG"
	run ! grep -qvP '^cometfs: (error: |warning: )?((good|bad|of-page|no-json): (tracked|done|forgotten|its video is complete, [0-9]+ bytes|the download waits: .+|failed: a.+)$|mounted at /|unmounted from /|finished videos|the base URL is wrong, )' "$LOG"
	run ! grep -qP '[\x00-\x09\x0b-\x1f\x7f]' "$LOG"
	run ! grep -qP '\xe2\x80[\xa8\xae]' "$LOG"
	[ "$(said ' bad: failed: a')" = 1 ]
}

@test "as JSON: an object a line, whatever the texts are" {
	expect_log '"message":"failed: a'
	jobs_of_all_kinds
	start_cometfs log=json
	track_them
	rmdir "$MNT/jobs/of-page"
	stop_cometfs
	as_events good bad of-page no-json
	has_event 'info\tNone\t"mounted at /.*"'
	has_event 'info\tgood\t"its video is complete, [0-9]+ bytes"'
	has_event 'warning\tbad\t"failed: a\\u0007\\n\\"},\{\\u001b\[2J<b>.*\\\\"'
	has_event 'info\tof-page\t"the download waits: the server sends a page instead of a video"'
	has_event 'info\tof-page\t"forgotten"'
	has_event 'info\tNone\t"unmounted from /.*"'
}

@test "as JSON: what curl and libfuse say" {
	expect_log 'unique: .* error: -38'
	SOURCE=https://nobody.invalid
	start_cometfs log=json,interval=0.001,log_level=debug
	track one
	wait_until '[ "$(said "nobody.invalid")" -ge 1 ]'
	stop_cometfs
	as_events one
	has_event 'debug\tone\t"polled, HTTP 0 after [0-9]+ ms: .*nobody\.invalid.*"'
	# libfuse says nothing of its requests without -d.
	run ! grep -q 'unique' "$BATS_TEST_TMPDIR/events"

	: >"$LOG"
	"$COMETFS" "$SOURCE" "$MNT" -d -o "store=$STORE,log=json" 2>>"$LOG" 3>&- &
	DAEMON=$!
	wait_until 'mountpoint -q "$MNT" || ! kill -0 $DAEMON'
	ls "$MNT/jobs"
	stop_cometfs
	as_events one >/dev/null
	grep -qP '^debug\tNone\t".*unique: ' "$BATS_TEST_TMPDIR/events"
}

@test "log_level: no more than asked for" {
	expect_log 'failed: a|the base URL is wrong'
	jobs_of_all_kinds
	start_cometfs log_level=warning
	track_them
	stop_cometfs
	[ "$(grep -cv '^cometfs: \(warning\|error\): ' "$LOG")" = 0 ]
	[ "$(said ' bad: failed: a')" = 1 ]

	: >"$LOG"
	STORE=$STORE.2
	start_cometfs log_level=error
	track_them
	stop_cometfs
	[ "$(grep -cv '^cometfs: error: the base URL is wrong' "$LOG")" = 0 ]
}

@test "to systemd's journal: each line with its level, as that wants it" {
	jobs_of_all_kinds
	JOURNAL_STREAM=$(stat -c %d:%i "$LOG")
	export JOURNAL_STREAM
	start_cometfs
	track bad
	wait_status bad .state failed
	stop_cometfs
	cat "$LOG"
	grep -qP '^<6>mounted at /' "$LOG"
	grep -qP '^<4>bad: failed: a' "$LOG"
	# shellcheck disable=SC2016 # of the inner shell
	run -1 bash -c '"${@:2}" 2>>"$1"' bash "$LOG" "$COMETFS" "$SOURCE" "$MNT" -o track=x
	grep -qxF '<3>cometfs: -o track: mkdir or lookup is expected' "$LOG"
	run ! grep -qvP '^<[346]>' "$LOG"
}

@test "a provider that repeats the key: it is in no line, no document, not in the store" {
	expect_log 'the key is refused'
	local padding
	COMETAPI_KEY=sk-a-very-secret-key
	# Also where a text is cut inside it.
	padding=$(printf '%490s' '' | tr ' ' .)
	start_provider - <<-SCRIPT
		job cut
		    answer 401 text='{"error": {"message": "$padding: sk-a-very-secret-key"}}'
		job *
		    answer 401 text='{"error": {"message": "Incorrect API key provided: sk-a-very-secret-key. Sad", "code": "sk-a-very-secret-key"}}'
	SCRIPT
	start_cometfs track=lookup
	fails_with "Permission denied" ls "$MNT/jobs/task_a"
	track one
	[ "$(status one .poll.last_error)" = 'Incorrect API key provided: ***. Sad' ]
	rmdir "$MNT/jobs/one"
	stop_cometfs
	start_cometfs
	track cut
	failures_reach cut 1
	run -1 grep -raqF sk-a-very "$STORE" "$MNT" "$LOG"
	[ "$(said 'provided: ***. Sad')" = 1 ]
}

@test "in the background: to syslog" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	local said=$BATS_TEST_TMPDIR/said
	# shellcheck disable=SC2016 # of the inner shell
	timeout 60 unshare -m bash -c 'mount -t tmpfs tmpfs /dev && mknod -m 666 /dev/fuse c 10 229 &&
		mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9 || exit
		python3 tests/stories/syslog.py /dev/log "$3" & syslog=$!
		until [ -S /dev/log ]; do :; done
		"$1" "$4" "$2" -o "store=$5,log=json" && mkdir "$2/jobs/one" && fusermount3 -u "$2" && wait $syslog' \
		bash "$COMETFS" "$MNT" "$said" "$SOURCE" "$STORE" 3>&-
	cat "$said"
	# 30: a daemon's information.
	run ! grep -qvP '^<30>[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} cometfs\[[0-9]+\]: ' "$said"
	sed -E 's/^<30>.{15} cometfs\[[0-9]+\]: //' "$said" >"$LOG"
	as_events one
	has_event 'info\tone\t"tracked"'
}
