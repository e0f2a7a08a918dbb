#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the kernel keeps, and that it is never older than what anybody was told.
load lib

# How often the daemon was asked for something: start_cometfs with -d has each request in the log.
requests() {
	grep -c "unique: .* opcode: ${1:-}" "$LOG" || true
}

@test "a thousand changes, and nobody sees what was before one that was announced" {
	local progress
	start_provider - < <(
		printf 'job *\n\tanswer queued\n'
		for progress in 1 12 23 34 45 56 67 78 89; do
			printf '\tanswer running progress=%s\n' "$progress"
		done
		printf '\tanswer failed\n'
	)
	expect_log 'failed: '
	start_cometfs interval=0.05,interval_watched=0.02
	run python3 tests/stories/flips.py "$MNT" 100
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${output% changes}" -ge 1000 ]
}
