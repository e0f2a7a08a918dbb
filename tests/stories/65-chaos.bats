#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kill -9 and power cuts at random moments of a busy run: `make chaos` has more of them.
# sanitized
load lib.bash

@test "ten lives that end at any moment lose nothing, double nothing and tear nothing" {
	BUILD=$BUILD ROUNDS=10 timeout 600 python3 tests/chaos/chaos.py
}
