#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Everything at once, for a short while: `make soak` has more of it.
load lib.bash

@test "programs of all kinds beside each other, and all that can go wrong: nothing does" {
	sanitized || skip "once is enough, where more is seen"
	BUILD=$BUILD MINUTES=0.1 timeout 300 python3 tests/soak/soak.py
}
