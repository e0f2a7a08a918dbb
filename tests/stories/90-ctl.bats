#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# cometctl add, ls, forget, events: what they say, to people and to programs, and how they end.
load lib.bash
load ctl.bash

teardown() {
	local good=true
	end_terminal
	[ -z "${LISTENER-}" ] || kill "$LISTENER" || true
	end_story || good=false
	$good
}

# A job of each kind; what failed says what no terminal may be told.
start_all_kinds() {
	start_provider - <<-'SCRIPT'
		job queued*
			answer queued
		job running*
			answer running progress=42
		job failed*
			answer 200 text='{"code":"success","message":"","data":{"task_id":"@ID@","status":"FAILURE","fail_reason":"\\u001b]0;owned\\u0007\\u001b[2J\\u009b5m \\u202e漢字漢字漢字 fin","progress":"100%"}}'
		job *
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	expect_log 'failed'
	start_cometfs
	ctl add -q running-1 queued-1 failed-1 $ID
	wait_status $ID .video.state ready
	wait_status failed-1 .state failed
	wait_status running-1 .progress 42
	wait_status queued-1 .state queued
}

@test "add tracks ids, and those of standard input; one that is there already is no error" {
	start_answers 'queued'
	start_cometfs
	[ "$(ctl add a b)" = "2 added, 0 there already" ]
	[ "$(ctl add b c)" = "1 added, 1 there already" ]
	[ "$(printf ' d \r\n\n\te' | ctl add)" = "2 added, 0 there already" ]
	[ "$(printf 'f\ng\n' | ctl add - h a)" = "3 added, 1 there already" ]
	[ -z "$(ctl add --quiet i)" ]
	[ -z "$(ctl add -q </dev/null)" ]
	[ "$(ctl ls -q -s id)" = "$(printf '%s\n' a b c d e f g h i)" ]
	[ "$(ls "$MNT/jobs")" = "$(printf '%s\n' a b c d e f g h i)" ]
	ctl add -- -dash
	[ -d "$MNT/jobs/-dash" ]
}

@test "add says which line is no id, and tracks the others" {
	start_answers 'queued'
	start_cometfs
	run -1 --separate-stderr ctl add < <(printf 'a\nx y\n\n.b\nnul\0byte\n\033[2J\n%0192d\nc\n' 7)
	[ "$output" = "2 added, 0 there already" ]
	[ "$(grep -c '' <<<"$stderr")" = 5 ]
	[[ $stderr == *"cometctl: line 2: x y: is no request id: "* ]]
	[[ $stderr == *"cometctl: line 4: .b: "*"cometctl: line 5: "*"cometctl: line 6: ?[2J: "* ]]
	[ "$(ctl ls -q -s id)" = $'a\nc' ]
	run -1 --separate-stderr ctl add d e/f g
	[ "$(ctl ls -q -s id)" = $'a\nc\nd\ng' ]
	stop_cometfs
	start_cometfs ro
	run -1 --separate-stderr ctl add h i
	[ "$output" = "0 added, 0 there already, the rest not tried" ]
	[[ $stderr == "cometctl: h: the mount is read-only: "* ]]
}

@test "ls shows a table, sorted, for people and for programs" {
	start_all_kinds
	ctl ls >"$BATS_TEST_TMPDIR/table"
	cat "$BATS_TEST_TMPDIR/table"
	[[ $(head -1 "$BATS_TEST_TMPDIR/table") =~ ^ID\ +STATE\ +PROG\ +AGE\ +VIDEO\ +SIZE\ +COST\ +NOTE$ ]]
	grep -qE "^$ID +done +100% +[0-9]+[sm] +ready +107K +\\\$0.05\$" "$BATS_TEST_TMPDIR/table"
	grep -qE '^running-1 +running +42% +[0-9]+[sm] +- +- +-$' "$BATS_TEST_TMPDIR/table"
	grep -qE '^failed-1 +failed +100% .* provider: \?\]0;owned\?' "$BATS_TEST_TMPDIR/table"
	# Nothing that a terminal would obey.
	run ! grep -P '[\x00-\x09\x0b-\x1f\x7f-\xff]| $' "$BATS_TEST_TMPDIR/table"

	[ "$(ctl ls -q --sort id)" = "$(printf '%s\n' $ID failed-1 queued-1 running-1)" ]
	[ "$(ctl ls -q -r --sort=id)" = "$(printf '%s\n' running-1 queued-1 failed-1 $ID)" ]
	[ "$(ctl ls -q -s state)" = "$(printf '%s\n' queued-1 running-1 $ID failed-1)" ]
	[ "$(ctl ls -q -s size | head -1)" = $ID ]
	[ "$(ctl ls -q -s cost | head -1)" = $ID ]
	[ "$(ctl ls -q -s video | tail -1)" = $ID ]
	[ "$(ctl ls -q -s progress | tail -2)" = $'running-1\nqueued-1' ]
	[ "$(ctl ls -q --state running)" = running-1 ]
	[ -z "$(ctl ls -q --state expired)" ]
	[ "$(ctl ls queued-1 | wc -l)" = 2 ]
	run -1 --separate-stderr ctl ls -q queued-1 nobody
	[ "$output" = queued-1 ]
	[ "$stderr" = "cometctl: nobody: is not tracked: cometctl add it first" ]

	[ "$(ctl ls --json --sort id | jq -r 'map(.request_id) | join(" ")')" = "$ID failed-1 queued-1 running-1" ]
	diff <(ctl ls --json $ID | jq -S '.[0]') <(jq -S . "$MNT/jobs/$ID/status.json")
	[ "$(ctl ls --json --state expired | jq -c .)" = '[]' ]
	ctl ls -q --json | jq -e 'length == 4'
	# A document is read once: what is printed is what was chosen.
	traced -e trace=openat -- ls --json --state running | jq -e 'length == 1'
	[ "$(grep -c status.json "$BATS_TEST_TMPDIR/trace")" = 4 ]
}

# A directory that looks as a mount of cometfs does: anybody can make one.
make_mount() {
	PLACE=$BATS_TEST_TMPDIR/place
	mkdir -p "$PLACE/.cometfs" "$PLACE/jobs/good"
	echo '{}' >"$PLACE/.cometfs/stats.json"
}

@test "what is no id is not listed, whoever has mounted it" {
	make_mount
	# shellcheck disable=SC2016 # it is a name
	(cd "$PLACE/jobs" && mkdir .hidden '$(id)' $'\e[31m' 'two words')
	[ "$("$CTL" -m "$PLACE" ls -q -s id)" = good ]
}

@test "events of some jobs tell of those that were lost, too" {
	make_mount
	local line='{"time":"2026-03-12T06:30:02Z","request_id":%s,"event":"%s","old":null,"new":%s}\n'
	# shellcheck disable=SC2059 # it is a format
	printf "$line" '"good"' tracked '"queued"' null dropped 7 '"other"' tracked '"queued"' >"$PLACE/.cometfs/events"
	run -1 --separate-stderr "$CTL" -m "$PLACE" events --json good
	[ "$(jq -r .event <<<"$output" | tr '\n' ' ')" = 'tracked dropped ' ]
	run -1 --separate-stderr "$CTL" -m "$PLACE" events good
	[[ $output == *'good  tracked'*'7 events were lost: '* && $output != *other* ]]
}

@test "ls puts the youngest first" {
	start_provider - < <(
		local day
		for day in 1 3 2; do
			printf 'job day-%s\n\tanswer 200 text=%s\n' $day \
				"'{\"code\":\"success\",\"message\":\"\",\"data\":{\"task_id\":\"@ID@\",\"status\":\"IN_PROGRESS\",\"progress\":\"1%\",\"submit_time\":$((1773297002 + day * 86400))}}'"
		done
	)
	start_cometfs
	ctl add -q day-1 day-3 day-2
	local day
	for day in 1 2 3; do
		wait_status day-$day .state running
	done
	ctl ls
	[ "$(ctl ls -q)" = $'day-3\nday-2\nday-1' ]
	[ "$(ctl ls -q -s age)" = $'day-3\nday-2\nday-1' ]
	[ "$(ctl ls -r | awk '{ print $1 }')" = $'ID\nday-1\nday-2\nday-3' ]
	[ "$(ctl ls --json | jq -r '.[0].request_id')" = day-3 ]
}

@test "ls fits the terminal, whatever its width; colours are for terminals, and not with NO_COLOR" {
	start_all_kinds
	local columns
	for columns in 160 100 72 50 30 12 5; do
		start_terminal $columns 12 '$CTL_M ls; true'
		shows '^ended'
		screen
		# Each job has its one line: nothing was broken.
		[ "$(screen | sed '/^ended/,$d' | grep -c .)" = 5 ]
		[ "$columns" -lt 50 ] || [ "$(screen | grep -c 'running')" -ge 1 ]
		end_terminal
	done
	start_terminal 100 40 '$CTL_M ls; NO_COLOR=1 $CTL_M ls; TERM=dumb $CTL_M ls; $CTL_M ls | cat'
	shows 'ended with 0'
	screen
	[ "$(screen | grep -c 'failed-1 ')" = 4 ]
	screen | grep -q '漢字漢字漢字 fin'
	[ "$(screen -e | grep -c $'\e')" = 3 ]
	screen -e | grep -q $'failed-1.*\e\[31mfailed'
	[ "$(in_terminal display-message -p '#{pane_title}')" != owned ]
}

@test "forget asks before a video is deleted, refuses where it cannot, and does it with -y" {
	start_all_kinds
	run -1 --separate-stderr ctl forget $ID queued-1 </dev/null
	[[ $stderr == "cometctl: forget: nothing was forgotten: 1 video (107K) would be deleted: -y does it" ]]
	[ "$(ls "$MNT/jobs" | wc -l)" = 4 ]
	run -1 --separate-stderr ctl forget queued-1 nobody
	[[ $stderr == *"nobody: is not tracked"*"nothing was forgotten"* ]]
	ctl forget queued-1
	[ "$(ctl ls -q -s id)" = "$(printf '%s\n' $ID failed-1 running-1)" ]

	start_terminal 90 10 "\$CTL_M forget $ID running-1"
	shows 'Forget 2 jobs, and delete 1 video \(107K\)\? \[y/N\]'
	in_terminal send-keys n Enter
	shows 'ended with 1'
	[ -d "$MNT/jobs/$ID" ]
	end_terminal
	start_terminal 90 10 "\$CTL_M forget $ID running-1"
	shows 'y/N'
	in_terminal send-keys y Enter
	shows 'ended with 0'
	[ "$(ctl ls -q -s id)" = failed-1 ]

	ctl add -q $ID
	wait_status $ID .video.state ready
	exec 9<"$MNT/jobs/$ID/video.mp4"
	run -1 --separate-stderr ctl forget -y $ID failed-1
	exec 9<&-
	[ "$stderr" = "cometctl: $ID: its video is open in a program: close it, and try again" ]
	[ "$(ctl ls -q -s id)" = $ID ]
	ctl forget --yes $ID
	[ -z "$(ctl ls -q)" ]
}

@test "forget asks for a video, too, that came in while somebody thought" {
	start_provider - <<-SCRIPT
		job late*
			answer running until=on
			answer done
		job *
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	ctl add -q $ID late-1
	wait_status $ID .video.state ready
	wait_status late-1 .state running
	start_terminal 90 12 "\$CTL_M forget $ID late-1"
	shows 'Forget 2 jobs, and delete 1 video \(107K\)\? \[y/N\]'
	event on
	wait_status late-1 .video.state ready
	in_terminal send-keys y Enter
	shows 'Forget 2 jobs, and delete 2 videos \(215K\)\? \[y/N\]'
	in_terminal send-keys n Enter
	shows 'ended with 1'
	[ "$(ctl ls -q | wc -l)" = 2 ]
}

@test "events tells what happens, to people and to programs, until nobody reads" {
	start_provider - <<-SCRIPT
		job *
			answer queued until=go
			answer running progress=42 until=on
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	TZ=UTC-2 timeout 60 "$CTL" -m "$MNT" events >"$BATS_TEST_TMPDIR/people" 3>&- &
	LISTENER=$!
	timeout 60 "$CTL" -m "$MNT" events --json $ID >"$BATS_TEST_TMPDIR/programs" 3>&- &
	# Each of them is there once an event reaches it.
	local count=0
	until [ -s "$BATS_TEST_TMPDIR/people" ]; do
		ctl add -q warm-$((++count))
	done
	until [ -s "$BATS_TEST_TMPDIR/programs" ]; do
		ctl add -q $ID
		ctl forget $ID
	done
	ctl add -q $ID
	wait_status $ID .state queued
	event go
	wait_status $ID .state running
	event on
	wait_status $ID .video.state ready
	wait_until 'grep -q "video fetching -> ready" "$BATS_TEST_TMPDIR/people"'
	wait_until 'tail -1 "$BATS_TEST_TMPDIR/programs" | grep -q ready'
	local people
	people=$(grep -E "^[0-9:]{8}  $ID  " "$BATS_TEST_TMPDIR/people" | cut -c 11- | tail -9)
	echo "$people"
	[[ $people == *"$ID  tracked"*"$ID  unknown -> queued"*"$ID  queued -> running"* ]]
	[[ $people == *"$ID  - -> 42%"* || $people == *"$ID  0% -> 42%"* ]]
	[ "$(tail -1 "$BATS_TEST_TMPDIR/people" | cut -c 1-2)" = "$(TZ=UTC-2 date +%H)" ]
	[ "$(jq -r .request_id "$BATS_TEST_TMPDIR/programs" | sort -u)" = $ID ]
	jq -es 'map(keys_unsorted == ["time","request_id","event","old","new"]) | all' "$BATS_TEST_TMPDIR/programs"

	# Who reads no more ends it at once, and not only at the next event.
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	timeout 60 "$CTL" -m "$MNT" events >"$BATS_TEST_TMPDIR/pipe" 3>&- &
	local reader=$!
	exec 9<"$BATS_TEST_TMPDIR/pipe"
	exec 9<&-
	wait $reader
	stop_cometfs
	local status=0
	wait "$LISTENER" || status=$?
	LISTENER=
	[ "$status" = 1 ]
}

@test "the mount is that of -m, of COMETFS_MOUNT, or the first of the kernel's table" {
	start_answers 'queued'
	MNT="$BATS_TEST_TMPDIR/a mount"
	mkdir "$MNT"
	start_cometfs
	ctl add -q a
	[ "$("$CTL" ls -q -m "$MNT")" = a ]
	[ "$("$CTL" --mount="$MNT" ls -q)" = a ]
	[ "$(COMETFS_MOUNT=$MNT "$CTL" ls -q)" = a ]
	[ "$(COMETFS_MOUNT=/nowhere "$CTL" -m "$MNT" ls -q)" = a ]
	run -1 --separate-stderr "$CTL" -m "$BATS_TEST_TMPDIR" ls
	[[ $stderr == "cometctl: $BATS_TEST_TMPDIR: no cometfs is mounted there: "* ]]
	run -1 --separate-stderr env COMETFS_MOUNT=/nowhere "$CTL" ls
	[[ $stderr == "cometctl: /nowhere: no cometfs is mounted there: "* ]]
	[ "$(id -u)" = 0 ] || return 0
	# A place of our own, where no other test's mount is.
	cat >"$BATS_TEST_TMPDIR/first" <<-'SCRIPT'
		awk '/ - fuse.cometfs / { print $5 }' /proc/self/mountinfo | while read -r place; do
			[ "$(printf %b "$place")" = "$1" ] || umount -l "$(printf %b "$place")"
		done
		"$2" ls -q
		mkdir "$3" && mount --bind "$1" "$3"
		"$2" ls -q && "$2" add b && "$2" -m "$1" add b
		umount -l "$1" "$3"
		"$2" ls
	SCRIPT
	run -1 unshare -m --propagation private bash "$BATS_TEST_TMPDIR/first" "$MNT" "$CTL" \
		"$BATS_TEST_TMPDIR/second"
	printf '%s\n' "${lines[@]}"
	[ "${lines[0]}" = a ]
	[[ ${lines[1]} == "cometctl: $MNT: of several mounts this is taken: "* ]]
	[ "${lines[2]}" = a ]
	[ "${lines[3]}" = "${lines[1]}" ]
	[ "${lines[4]}/${lines[5]}" = "1 added, 0 there already/0 added, 1 there already" ]
	[[ ${lines[6]} == "cometctl: ls: no cometfs is mounted: "* ]]
	[ "${#lines[@]}" = 7 ]
}

@test "a daemon that has died is named, by each command" {
	start_answers 'queued'
	start_cometfs
	ctl add -q $ID
	local pid=$DAEMON command
	DAEMON=
	kill -KILL "$pid"
	wait "$pid" || true
	for command in "add b" ls "wait $ID" "get $ID $BATS_TEST_TMPDIR" "forget $ID" events; do
		# shellcheck disable=SC2086 # words of a command
		run -1 --separate-stderr ctl $command
		[ "$stderr" = "cometctl: $MNT: the daemon has ended: start it again with cometfs" ]
	done
	fusermount3 -uz "$MNT"
}

@test "who calls it wrongly is told how, and nothing is done" {
	start_answers 'queued'
	start_cometfs
	local call
	while read -r call; do
		# shellcheck disable=SC2086 # words of a command line
		run -2 --separate-stderr "$CTL" -m "$MNT" $call
		echo "$call: $stderr"
		[[ $stderr == "cometctl: "*": "* ]]
		[ -z "$output" ]
	done <<-'CALLS'

		nothing
		--nothing
		ls -x
		ls --sort
		ls --sort=colour
		ls --sort=
		ls --sort=id|state
		ls --state doing
		ls --json=yes
		ls a/b
		wait
		wait .hidden
		wait --timeout soon a
		wait --timeout -1 a
		get
		get a b c
		get ../x
		get --timeout 1y a
		forget
		forget --please a
		events -y
		doctor a b
	CALLS
	[ -z "$(ls "$MNT/jobs")" ]
	for call in --help -h "ls --help" "get -h" "wait a --help" -V "ls --version" --commands; do
		# shellcheck disable=SC2086
		run -0 --separate-stderr "$CTL" $call
		[ -n "$output" ]
		[ -z "$stderr" ]
	done
	[ "$("$CTL" -V)" = "cometctl $("$COMETFS" -V | sed -n 's/^cometfs //p')" ]
	# What it cannot write is an error.
	run -1 --separate-stderr bash -c '"$@" >/dev/full' - "$CTL" --help
	[ "$stderr" = "cometctl: standard output: No space left on device" ]
	"$CTL" --commands | awk -F '\t' '$1 == "command" && NF != 4 || $1 == "option" && NF != 6 || $1 !~ /^(command|option)$/ { exit 1 }'
}
