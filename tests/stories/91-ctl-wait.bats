#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# cometctl wait: it sleeps until something changes, shows what does, and ends as it should.
load lib.bash
load ctl.bash

teardown() {
	end_terminal
	end_story
}

# Jobs that go on when they are told to, and end in different ways.
start_steps() {
	start_provider - <<-'SCRIPT'
		job bad*
			answer running progress=10 until=bad
			answer failed
		job gone*
			answer expired
		job big*
			answer queued until=run
			answer running progress=42 until=done
			answer done video=big.mp4
		job still*
			answer queued
		job lost*
			answer done video=huge.mp4
		job *
			answer queued until=run
			answer running progress=42 until=done
			answer done
		video clip.mp4
			file clip.mp4
		video big.mp4
			size 8M
			serve stall=2M until=half
			serve
		video huge.mp4
			size 100M
	SCRIPT
	expect_log 'failed|expired|lost'
	start_cometfs max_video=50M
}

# start_wait ARG…: in the background; what it says goes to the files out and err.
start_wait() {
	: >"$BATS_TEST_TMPDIR/out" # now, not when the background gets to it
	: >"$BATS_TEST_TMPDIR/err"
	timeout 60 "$CTL" -m "$MNT" wait "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	WAITER=$!
}

# says LINE: it has, or will.
says() {
	wait_until "grep -qxF '$1' '$BATS_TEST_TMPDIR/out'"
}

# ended STATUS
ended() {
	local status=0
	wait "$WAITER" || status=$?
	cat "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/err"
	[ "$status" = "$1" ]
}

@test "a plain line for each change, and 0 when all are done" {
	start_steps
	ctl add -q $ID $ID2
	start_wait $ID $ID2 $ID
	says "$ID queued"
	event run
	says "$ID running 40%"
	says "$ID2 running 40%"
	event 'done'
	ended 0
	[ "$(grep $ID2 "$BATS_TEST_TMPDIR/out" | grep -vE "fetching|unknown")" = "$(printf "$ID2 %s\n" queued 'running 40%' 'done 107K')" ]
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
	# What is over already needs no waiting.
	[ "$(ctl wait $ID)" = "$ID done 107K" ]
	rm "$MNT/jobs/$ID/video.mp4"
	[ "$(ctl wait $ID)" = "$ID removed" ]
}

@test "1 when one failed, expired or is not there; the others are waited for, and why is said" {
	start_steps
	ctl add -q bad gone $ID lost
	start_wait bad $ID gone nobody lost
	says 'bad running 10%'
	event bad
	says 'bad failed'
	event run
	event 'done'
	ended 1
	grep -qxF "$ID done 107K" "$BATS_TEST_TMPDIR/out"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/err")" = 4 ]
	grep -qE '^cometctl: bad: failed: .*: ' "$BATS_TEST_TMPDIR/err"
	grep -qE '^cometctl: lost: its video is lost: too_large: .*-o max_video$' "$BATS_TEST_TMPDIR/err"
	grep -qE '^cometctl: gone: expired: .*create a new job$' "$BATS_TEST_TMPDIR/err"
	grep -qxF 'cometctl: nobody: is not tracked: cometctl add it first' "$BATS_TEST_TMPDIR/err"
}

@test "124 after the timeout, and what it was waiting for" {
	start_steps
	ctl add -q still-1 gone
	wait_status still-1 .state queued
	run -124 --separate-stderr ctl wait --timeout 0.3 gone still-1
	[[ $output == *'still-1 queued'* ]]
	[[ $stderr == *'cometctl: still-1: timed out: still queued'* ]]
	run -124 ctl wait -t 0.005m still-1
	stop_provider
	failures_reach still-1 1
	run -124 --separate-stderr ctl wait -t 0.3s still-1
	[[ $stderr == 'cometctl: still-1: timed out: still queued: '?* ]]
}

@test "it sleeps until something changes: nothing is read again meanwhile" {
	start_steps
	ctl add -q $ID still-1
	wait_status $ID .state queued
	traced -f -e trace=openat,pread64,read,ppoll,poll,epoll_wait,rt_sigprocmask -- wait $ID still-1 >"$BATS_TEST_TMPDIR/out" 3>&- &
	WAITER=$!
	says "$ID queued"
	# Signals that are none of its business are none to be busy with.
	local pid signal
	pid=$(head -1 "$BATS_TEST_TMPDIR/trace" | cut -d ' ' -f 1)
	for signal in WINCH STOP CONT; do
		kill -$signal "$pid"
	done
	polls_reach $ID $(($(polls $ID) + 2))
	event run
	says "$ID running 40%"
	polls_reach $ID $(($(polls $ID) + 2))
	event 'done'
	says "$ID done 107K"
	polls_reach still-1 $(($(polls still-1) + 2))
	kill "$WAITER"
	wait "$WAITER" || true
	cat "$BATS_TEST_TMPDIR/trace"
	# A document for each: at the start, queued to running, progress, done, fetching, its bytes, ready.
	local opened reads
	opened=$(grep -c 'openat.*status.json' "$BATS_TEST_TMPDIR/trace")
	reads=$(grep -cE 'pread64\([0-9]+, "\{' "$BATS_TEST_TMPDIR/trace")
	[ "$opened" = 2 ]
	[ "$reads" -ge 4 ] && [ "$reads" -le 9 ]
	[ "$(grep -cE 'ppoll|rt_sigprocmask' "$BATS_TEST_TMPDIR/trace")" -lt 100 ]
	grep -q 'ppoll(.*NULL, ' "$BATS_TEST_TMPDIR/trace"
}

@test "who waits for a job that is forgotten, or for a daemon that ends, waits no longer" {
	start_steps
	ctl add -q still-1 still-2 still-3
	start_wait still-1
	says 'still-1 queued'
	ctl forget still-1
	ended 1
	grep -qxF 'cometctl: still-1: was forgotten while it was waited for' "$BATS_TEST_TMPDIR/err"

	start_wait still-2
	says 'still-2 queued'
	stop_cometfs
	ended 1
	grep -qxF "cometctl: $MNT: the daemon has ended: start it again with cometfs" "$BATS_TEST_TMPDIR/err"

	start_cometfs
	start_wait still-2 still-3
	says 'still-2 queued'
	says 'still-3 queued'
	kill_cometfs
	ended 1
	[ "$(<"$BATS_TEST_TMPDIR/err")" = "cometctl: $MNT: the daemon has ended: start it again with cometfs" ]
}

@test "more jobs than files may be open" {
	start_steps
	local ids
	mapfile -t ids < <(printf 'many-%s\n' {01..40})
	ctl add -q "${ids[@]}"
	(
		ulimit -n 16
		start_wait "${ids[@]}"
		says 'many-01 queued'
		event run
		event 'done'
		ended 0
	)
	[ "$(grep -c 'done 107K' "$BATS_TEST_TMPDIR/out")" = 40 ]
}

@test "on a terminal a bar a job, while it is made and while it comes in, with rate and time left" {
	start_steps
	ctl add -q big-1 $ID bad
	start_terminal 100 10 "\$CTL_M wait big-1 $ID bad"
	shows '^big-1  *queued  *▕  *▏   0%  0:0'
	event run
	shows '^big-1  *running  *▕█████*. *▏  42% .* 0:'
	shows '^bad  *running  *▕██* *▏  10%'
	event bad
	shows '^bad  *failed  *[a-z]'
	event 'done'
	shows "^$ID done  *107K  \\\$0.05"
	# It stands still at 2 of 8 MB: that is seen although no state changes.
	shows '^big-1  *fetching ▕█+[^ ]? *▏  25%  2.0M of 8.0M'
	shows '^big-1  *fetching .* of 8.0M  [0-9.]+[KM]?/s'
	screen -e | grep -q $'\e\[31mfailed'
	event half
	shows '^ended with 1'
	screen
	screen | grep -qE '^big-1 .* done  *8.0M'
	# Its lines stand once, in the order given, and below them what went wrong.
	[ "$(screen | grep -v '^$' | cut -c 1-5 | tr '\n' ' ')" = "big-1 ${ID:0:5} bad   comet ended " ]
}

@test "a terminal that becomes narrower, or has fewer lines than there are jobs" {
	start_steps
	local ids
	mapfile -t ids < <(printf 'big-%s\n' {01..20})
	ctl add -q "${ids[@]}" done-1
	start_terminal 100 8 "\$CTL_M wait ${ids[*]} done-1"
	shows '^0 of 21 over, 0 failed; 15 more not shown'
	event run
	shows '^big-06 running  *▕'
	# Narrower: what stood there breaks, and is drawn over.
	in_terminal resize-window -x 40 -y 8
	wait_until '[ "$(screen | grep -cE "^big-0[1-6] +running .*42%")" = 6 ]'
	wait_until '[ "$(screen | grep -vcE "^big-0[1-6] |^$|^0 of 21")" = 0 ]'
	in_terminal resize-window -x 120 -y 14
	wait_until '[ "$(screen | grep -cE "^big-(0[1-9]|1[0-2]) +running .*42%")" = 12 ]'
	shows '^0 of 21 over, 0 failed; 9 more not shown'
	event half
	event 'done'
	shows '^ended with 0'
	shows '^21 of 21 over, 0 failed'
	end_terminal
	# Nothing of the broken lines stays above, where other things stand.
	ctl add -q still-1 still-2
	start_terminal 90 12 'seq 20; $CTL_M wait still-1 still-2'
	shows '^still-2 +queued '
	in_terminal resize-window -x 30 -y 12
	shows '^still-2 +queued +0%'
	wait_until '[ "$(screen | grep -vE "^[0-9]*$" | cut -c 1-7 | tr "\n" " ")" = "still-1 still-2 " ]'
}

@test "Ctrl-C and SIGTERM end it, with the terminal as it was" {
	start_steps
	ctl add -q still-1 still-2
	start_terminal 80 10 'stty -g >"'"$BATS_TEST_TMPDIR"'/before"
		trap : INT; $CTL_M wait still-1 still-2; echo "status $?"; stty -g >"'"$BATS_TEST_TMPDIR"'/after"'
	shows '^still-2 queued'
	in_terminal send-keys C-c
	shows '^(\^C)?status 130'
	shows '^ended'
	cmp "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	# The lines stay, and what comes then is below them.
	[ "$(screen | grep -v '^$' | cut -c 1-7 | head -2 | tr '\n' ' ')" = 'still-1 still-2 ' ]
	[ "$(in_terminal display-message -p '#{cursor_flag}')" = 1 ]
	end_terminal
	start_wait still-1
	says 'still-1 queued'
	pkill -TERM -P "$WAITER"
	ended 143
}
