#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# cometctl with thousands of jobs. What it says of time is measured, so nothing else runs beside it.
# alone
load lib.bash
load ctl.bash

teardown() {
	end_terminal
	end_story
}

@test "5,000 jobs: added in ten seconds, from standard input; listed, waited for" {
	sanitized && skip "its figures would mean nothing"
	start_answers 'queued'
	start_cometfs poll_rate=500,interval=600,interval_watched=600
	seq -f 'many-%05g' 5000 >"$BATS_TEST_TMPDIR/ids"
	within 10000 ctl add <"$BATS_TEST_TMPDIR/ids" >"$BATS_TEST_TMPDIR/said"
	grep -qxF '5000 added, 0 there already' "$BATS_TEST_TMPDIR/said"
	[ "$(ctl add <"$BATS_TEST_TMPDIR/ids")" = '0 added, 5000 there already' ]
	ctl ls -q -s id | cmp - "$BATS_TEST_TMPDIR/ids"
	[ "$(ctl ls --json | jq length)" = 5000 ]
	# Each is watched; the screen has room for few.
	start_terminal 100 10 "trap : INT; \$CTL_M wait \$(tr '\\n' ' ' <$BATS_TEST_TMPDIR/ids)"
	shows '^0 of 5000 over, 0 failed; 4992 more not shown'
	in_terminal send-keys C-c
	shows '^(\^C)?ended with 130'
}
