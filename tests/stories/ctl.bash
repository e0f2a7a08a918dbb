# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the stories of cometctl share: the program on the mount, and a terminal to run it in.

CTL=$PWD/$BUILD/cometctl
unset COMETFS_MOUNT NO_COLOR

ctl() {
	timeout 60 "$CTL" -m "$MNT" "$@"
}

# traced OPTION… -- ARG…: cometctl with strace, whose trace goes to the file trace.
traced() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	# Who is traced cannot look for leaks.
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 timeout 60 strace -qq -o "$BATS_TEST_TMPDIR/trace" \
		"${options[@]}" "$CTL" -m "$MNT" "$@"
}

# start_terminal COLUMNS ROWS COMMAND: a shell's command, in a terminal of that size; $CTL_M is cometctl.
start_terminal() {
	# Each has its own: the one before may be about to end.
	TERMINAL=$(mktemp -u "$BATS_TEST_TMPDIR/tmux-XXXX")
	cat >"$BATS_TEST_TMPDIR/command" <<-SCRIPT
		export LC_ALL=C.UTF-8
		CTL_M='$CTL -m $MNT'
		$3
		echo "ended with \$?"
		exec cat
	SCRIPT
	timeout 20 tmux -u -f /dev/null -S "$TERMINAL" new-session -d -x "$1" -y "$2" \
		bash "$BATS_TEST_TMPDIR/command" 3>&-
}

in_terminal() {
	timeout 20 tmux -S "$TERMINAL" "$@"
}

# What the terminal shows; -e: with its colours.
screen() {
	in_terminal capture-pane -p "$@"
}

# shows PATTERN: sooner or later it does, in a line.
shows() {
	wait_until "screen | LC_ALL=C.UTF-8 grep -qE -e '$1'" || {
		screen
		return 1
	}
}

end_terminal() {
	[ -z "${TERMINAL-}" ] || in_terminal kill-server || true
	TERMINAL=
}
