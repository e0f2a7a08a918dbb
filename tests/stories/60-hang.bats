#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Nothing hangs: not beside readers that wait, not with a dead network, and not at the end.
# The figures are of a machine that does nothing else meanwhile, so this file runs by itself:
# alone
load lib.bash

READERS=200

# A video that stalls, another job that nobody answers for, a third that is well; and the readers.
stalled_readers() {
	start_provider - <<-'SCRIPT'
		job well
			answer done video=clip.mp4
		job dead
			answer hang
		job *
			answer done video=big.mp4
		video clip.mp4
			file clip.mp4
		video big.mp4
			size 2M
			serve stall=1M until=go
			serve
	SCRIPT
	start_cometfs timeout=60
	track well $ID dead
	wait_status well .video.state ready
	wait_until '[ "$(status $ID .video.bytes)" -ge 1000000 ]'
	VIDEO=$MNT/jobs/$ID/video.mp4
	made big.mp4 2M >"$BATS_TEST_TMPDIR/big.mp4"
	local i
	PIDS=()
	for ((i = 0; i < READERS; i++)); do
		cmp -s "$VIDEO" "$BATS_TEST_TMPDIR/big.mp4" 3>&- &
		PIDS+=($!)
	done
	wait_until 'wait_for_readers'
}

# All of them have the video open and stand in a read.
wait_for_readers() {
	local pid
	for pid in "${PIDS[@]}"; do
		[ "$(readlink "/proc/$pid/fd/3" 2>/dev/null)" = "$VIDEO" ] || return 1
		grep -q fuse "/proc/$pid/wchan" 2>/dev/null || grep -q '^State:.[SD]' "/proc/$pid/status" || return 1
	done
}

@test "beside 200 stalled readers and a dead provider, every other file answers" {
	stalled_readers
	run -0 python3 - "$MNT/jobs/well/status.json" <<-'PYTHON'
		import subprocess, sys, time
		worst = 0
		for _ in range(100):
		    begun = time.monotonic()
		    subprocess.run(["cat", sys.argv[1]], stdout=subprocess.DEVNULL, check=True)
		    worst = max(worst, time.monotonic() - begun)
		print(round(worst * 1000, 1))
	PYTHON
	echo "# worst cat of 100 beside $READERS stalled readers: $output ms" >&3
	sanitized || [ "${output%.*}" -lt 50 ]
	[ "$(status dead .state)" = unknown ]
	cmp "$MNT/jobs/well/video.mp4" tests/provider/clip.mp4
	within 500 ls -lR "$MNT"
	within 500 mkdir "$MNT/jobs/new"
	event go
	local pid
	for pid in "${PIDS[@]}"; do
		wait "$pid"
	done
}

@test "SIGTERM beside 200 stalled readers ends it within two seconds" {
	stalled_readers
	within 2000 stop_cometfs
	local pid
	for pid in "${PIDS[@]}"; do
		if wait "$pid"; then
			return 1
		fi
	done
}

@test "a reader that waits can be interrupted, and killed, and the others go on" {
	stalled_readers
	within 3000 run -124 timeout -s INT 0.5 cat "$VIDEO"
	kill -KILL "${PIDS[0]}"
	within 3000 wait "${PIDS[0]}" || true
	run ! kill -0 "${PIDS[0]}"
	event go
	local pid
	for pid in "${PIDS[@]:1}"; do
		wait "$pid"
	done
}

@test "a reader gets its first 64 KiB while the rest is still to come" {
	READERS=0 stalled_readers
	within 1000 cmp <(head -c 65536 "$VIDEO") <(head -c 65536 "$BATS_TEST_TMPDIR/big.mp4")
	[ "$(status $ID .video.state)" = fetching ]
}

# The calls that its threads stand in are printed when strace comes and goes; a call in between is new.
calls_in_between() {
	awk 'NR == 1 { first = $2 }
		$2 > first + 1 && $2 < first + 11 && !/detached/ { print }' "$1"
}

@test "an idle mount makes no system call in ten seconds" {
	[[ $BUILD != *tsan* ]] || skip "ThreadSanitizer has a thread of its own that wakes"
	# Also when systemd wants to know how it is.
	export NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify
	python3 tests/stories/listen.py "$NOTIFY_SOCKET" "$BATS_TEST_TMPDIR/told" 2>>"$LOG" 3>&- &
	SERVER=$!
	expect_log NOTIFY_SOCKET # it goes before the daemon
	wait_until 'grep -q listens "$BATS_TEST_TMPDIR/told"'
	start_provider many
	start_cometfs
	track $ID $ID2
	wait_status $ID .video.state ready
	wait_status $ID2 .video.state ready
	wait_until 'grep -q "2 done" "$BATS_TEST_TMPDIR/told"'
	# Any df or find on this machine looks at all mounts: one quiet time in three is enough.
	local try
	for try in 1 2 3; do
		run -124 timeout 12 strace -f -qq -ttt -o "$BATS_TEST_TMPDIR/trace" -p $DAEMON
		[ -s "$BATS_TEST_TMPDIR/trace" ]
		run -0 calls_in_between "$BATS_TEST_TMPDIR/trace"
		echo "try $try: $output"
		[ -n "$output" ] || return 0
	done
	false
}

@test "SIGTERM during look-ups, polls and downloads ends it within two seconds" {
	start_provider - <<-'SCRIPT'
		job 4*
			answer hang
		job *
			answer done
		video big.mp4
			size 64M
			serve rate=100K
	SCRIPT
	start_cometfs track=lookup,lookup_timeout=60
	track one two three
	stat "$MNT/jobs/$ID" >/dev/null 2>&1 3>&- &
	wait_status three .state 'done'
	polls_reach $ID 1
	within 2000 stop_cometfs
}

@test "while it is read in a loop, what is shown is never older than interval_watched and one answer" {
	# Each answer differs from the one before it, and takes 200 ms.
	start_provider - < <(
		echo 'job *'
		printf '\tanswer running progress=%s delay=200\n' $(seq 1 90)
	)
	start_cometfs interval=3600,interval_watched=0.5
	track $ID
	polls_reach $ID 1
	watch $ID
	local begun=${EPOCHREALTIME/./} took
	polls_reach $ID 21
	took=$(((${EPOCHREALTIME/./} - begun) / 1000))
	stop_watching
	# Twenty answers, each at most 0.5 s after the last one's beginning and 0.2 s on its way.
	echo "20 answers in $took ms, $((took / 20)) ms each"
	[ "$took" -ge $((20 * 450)) ]
	if ! sanitized; then
		[ "$took" -le $((20 * (500 + 200 + 300))) ]
	fi
	# They were seen in order. (All of them, but that the reader is always quick enough nobody can promise.)
	jq -r .progress <"$BATS_TEST_TMPDIR/seen" | uniq | grep -v null >"$BATS_TEST_TMPDIR/progress"
	sort -nuc "$BATS_TEST_TMPDIR/progress"
	[ "$(tail -1 "$BATS_TEST_TMPDIR/progress")" -ge 19 ]
}
