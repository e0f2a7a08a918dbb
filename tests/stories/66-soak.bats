#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Everything at once, for a short while: `make soak` has more of it.
# sanitized
load lib.bash

@test "programs of all kinds beside each other, and all that can go wrong: nothing does" {
	BUILD=$BUILD MINUTES=0.1 timeout 300 python3 tests/soak/soak.py
}
