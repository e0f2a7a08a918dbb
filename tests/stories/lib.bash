# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What all stories share: a provider that plays a script, a mount, and ways to wait for what has to
# happen. After each test the mount is taken away again, and the daemon's log has to be clean.
bats_require_minimum_version 1.5.0
cd "$BATS_TEST_DIRNAME/../.." || exit 1

BUILD=${BUILD:-build}
COMETFS=$PWD/$BUILD/cometfs
ID=4b2cd27e-0b0d-3dec-c31c-7572daf74bb3
ID2=c88b0ae7-9d40-b094-2b7f-d3a2a1d5a0c2
ID3=task_5dyTOYFYsqa8FlYzTCkOx6lGnJ3pRvKz
export COMETAPI_KEY=test-key LC_ALL=C

setup() {
	MNT=$BATS_TEST_TMPDIR/mnt
	STORE=$BATS_TEST_TMPDIR/store
	LOG=$BATS_TEST_TMPDIR/log
	EXPECTED=
	DAEMON=
	PROVIDER=
	WATCHER=
	SERVER= # of a story itself, beside the provider
	SOURCE=http://127.0.0.1:9 # nobody is there
	local every=halt_on_error=1:log_path=$BATS_TEST_TMPDIR/sanitizer
	export ASAN_OPTIONS=$every:detect_stack_use_after_return=1
	export UBSAN_OPTIONS=$every:print_stacktrace=1
	export TSAN_OPTIONS=$every:second_deadlock_stack=1
	mkdir "$MNT"
	: >"$LOG"
}

teardown() {
	end_story
}

# Takes away what is left, whatever has failed.
end_story() {
	local good=true
	[ -z "$WATCHER" ] || stop_watching
	[ -z "$SERVER" ] || kill "$SERVER"
	[ -z "$DAEMON" ] || stop_cometfs || good=false
	fusermount3 -uqz "$MNT" || true
	stop_provider || good=false
	[ -n "${BATS_TEST_COMPLETED:-}" ] || tail -n 20 "$LOG"
	log_is_clean || good=false
	$good
}

# Whether the build is one with sanitizers, whose figures mean nothing.
sanitized() {
	[[ $BUILD != *build ]]
}

# start_provider SCRIPT [ARG…]: a file's path, a name in tests/provider/scripts, or - for standard input.
start_provider() {
	local script=$1
	shift
	case $script in
	-)
		script=$BATS_TEST_TMPDIR/provider.script
		cat >"$script"
		;;
	*/*) ;;
	*) script=tests/provider/scripts/$script.script ;;
	esac
	rm -f "$BATS_TEST_TMPDIR/port"
	"$BUILD/provider" --port-file "$BATS_TEST_TMPDIR/port" --log "$BATS_TEST_TMPDIR/provider.log" \
		"$@" "$script" >/dev/null 2>>"$LOG" 3>&- &
	PROVIDER=$!
	wait_until '[ -s "$BATS_TEST_TMPDIR/port" ] || ! kill -0 $PROVIDER'
	PORT=$(<"$BATS_TEST_TMPDIR/port")
	SOURCE=http://127.0.0.1:$PORT
}

# start_answers LINE…: a provider that says this of each job, one after the other; and the clip.
start_answers() {
	start_provider - < <(
		printf 'job *\n'
		printf '\tanswer %s\n' "$@"
		printf 'video clip.mp4\n\tfile clip.mp4\n'
	)
}

stop_provider() {
	[ -n "$PROVIDER" ] || return 0
	kill "$PROVIDER"
	wait "$PROVIDER" || true
	PROVIDER=
}

# start_cometfs [OPTION,…]: mounts $SOURCE at $MNT, and waits until the mount answers.
start_cometfs() {
	local options=store=$STORE,interval=0.2,interval_watched=0.1,poll_rate=0
	"$COMETFS" "$SOURCE" "$MNT" -f -o "$options${1:+,$1}" 2>>"$LOG" 3>&- &
	DAEMON=$!
	wait_until 'mountpoint -q "$MNT" || ! kill -0 $DAEMON'
	kill -0 $DAEMON
}

# fake_clock [VARIABLE=VALUE…]: the clocks of the daemons to come are what set_clock says.
fake_clock() {
	sanitized && skip "the faked clock and the sanitizer both want to be loaded first"
	local library
	library=$(find /usr/lib* -name libfaketime.so.1 | head -1)
	[ -n "$library" ]
	cat >"$BATS_TEST_TMPDIR/cometfs" <<-SCRIPT
		#!/bin/sh
		export LD_PRELOAD=$library FAKETIME_TIMESTAMP_FILE=$BATS_TEST_TMPDIR/clock FAKETIME_NO_CACHE=1 $*
		exec $COMETFS "\$@"
	SCRIPT
	chmod +x "$BATS_TEST_TMPDIR/cometfs"
	COMETFS=$BATS_TEST_TMPDIR/cometfs
	set_clock +0
}

# set_clock +365d: so far from the real one.
set_clock() {
	echo "$1" >"$BATS_TEST_TMPDIR/clock.new"
	mv "$BATS_TEST_TMPDIR/clock.new" "$BATS_TEST_TMPDIR/clock"
}

# Ends the daemon as a service manager does; it has to end well.
stop_cometfs() {
	local pid=$DAEMON
	DAEMON=
	kill -TERM "$pid" || return 1
	wait_until "! kill -0 $pid 2>/dev/null" || {
		kill -KILL "$pid"
		return 1
	}
	wait "$pid" || return 1
	! mountpoint -q "$MNT"
}

# Ends the daemon as a crash does.
kill_cometfs() {
	local pid=$DAEMON
	DAEMON=
	kill -KILL "$pid"
	wait "$pid" || true
	fusermount3 -uz "$MNT"
}

# wait_until CONDITION: a shell command; fails after half a minute.
wait_until() {
	local end=$((SECONDS + 30))
	until eval "$1"; do
		if ((SECONDS > end)); then
			echo "in vain: $1"
			cat "$LOG"
			return 1
		fi
		sleep 0.05
	done 2>/dev/null
}

# track ID…
track() {
	(cd "$MNT/jobs" && mkdir "$@")
}

# status ID PATH: a value of status.json, PATH as jq has it.
status() {
	jq -r "$2" "$MNT/jobs/$1/status.json"
}

wait_status() {
	wait_until "[ \"\$(status $1 $2)\" = '$3' ]"
}

# failures_reach ID COUNT: waits until so many of its polls in a row were in vain.
failures_reach() {
	wait_until "[ \"\$(status $1 .poll.failures)\" -ge $2 ]"
}

shape_is_right() {
	python3 tests/stories/shape.py <"$MNT/jobs/$1/status.json"
}

is_clip() {
	cmp "$MNT/jobs/$1/video.mp4" tests/provider/clip.mp4
}

# Has the provider go on from where its script waits for NAME.
event() {
	curl -fsS -X POST "$SOURCE/_event/$1"
}

# How often a job was asked for; how often a video was.
polls() {
	curl -fsS "$SOURCE/_count/poll/$1"
}

video_gets() {
	curl -fsS "$SOURCE/_count/video/$1"
}

# polls_reach ID COUNT: waits until a job was asked for so often.
polls_reach() {
	[ "$(curl -fsS -m 30 "$SOURCE/_count/poll/$1?wait=$2")" -ge "$2" ]
}

# made NAME SIZE: the bytes of a video that the provider makes up.
made() {
	"$BUILD/provider" --make "$1" "$2"
}

# asked PATTERN: lines of the provider's log.
asked() {
	grep -E "$1" "$BATS_TEST_TMPDIR/provider.log"
}

# sent NAME: how many bytes of a video the provider has sent in all; all are told when it has ended.
sent() {
	awk -v name="$1" '$1 == "sent" && $2 == name { sub("bytes=", "", $4); sum += $4 } END { print sum + 0 }' \
		"$BATS_TEST_TMPDIR/provider.log"
}

# said TEXT: how often the daemon's log says so.
said() {
	grep -cF "$1" "$LOG" || true
}

# within MS COMMAND…: it succeeds, and takes no longer. Twenty times as long with sanitizers.
within() {
	local limit=$1 begun=${EPOCHREALTIME/./} took
	shift
	"$@"
	took=$(((${EPOCHREALTIME/./} - begun) / 1000))
	sanitized && limit=$((limit * 20))
	echo "took $took ms: $*"
	[ "$took" -le "$limit" ]
}

# Lines that the log of this story may have although they are warnings or errors.
expect_log() {
	EXPECTED=$EXPECTED${EXPECTED:+|}$1
}

log_is_clean() {
	local bad
	bad=$(grep -E 'assert|[Ss]anitizer|runtime error|error:|warning' "$LOG" | grep -vE "${EXPECTED:-^$}") || true
	bad+=$(cat "$BATS_TEST_TMPDIR"/sanitizer* 2>/dev/null) || true
	[ -z "$bad" ] || echo "not expected in the log: $bad"
	[ -z "$bad" ]
}

# fails_with ERROR COMMAND…: the command fails, and says the error's text.
fails_with() {
	local error=$1
	shift
	run ! --separate-stderr "$@"
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr == *": $error"* ]] || {
		echo "said: $stderr"
		return 1
	}
}

# Reads a job's status.json in a loop, as somebody does who waits for it; what it sees goes into seen.
watch() {
	while true; do
		cat "$MNT/jobs/$1/status.json" || exit
	done >"$BATS_TEST_TMPDIR/seen" 2>/dev/null 3>&- &
	WATCHER=$!
}

stop_watching() {
	kill "$WATCHER"
	wait "$WATCHER" || true
	WATCHER=
}
