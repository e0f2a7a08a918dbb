#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A start right after an umount. A mount namespace that another story makes meanwhile would have a copy of
# the mount, and keep the daemon from its end, as is right.
# alone
load lib.bash

@test "who unmounts and mounts again at once has the same store, while the daemon before still ends" {
	start_cometfs
	track $ID
	for _ in 1 2 3; do
		fusermount3 -u "$MNT"
		DAEMON=
		start_cometfs
		[ -d "$MNT/jobs/$ID" ]
	done
	# However long that takes, within some seconds.
	local before=$DAEMON
	kill -STOP "$before"
	fusermount3 -u "$MNT"
	"$COMETFS" "$SOURCE" "$MNT" -f -o "store=$STORE" 2>>"$LOG" 3>&- &
	DAEMON=$!
	local waits=true
	wait_until 'grep -q nanosleep "/proc/$DAEMON/wchan" || ! kill -0 $DAEMON' || waits=false
	kill -CONT "$before"
	$waits
	wait_until 'mountpoint -q "$MNT"'
	wait "$before"
	[ -d "$MNT/jobs/$ID" ]
}
