#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# cometctl doctor: each thing that cometfs needs has its line, OK or what to do.
load lib.bash
load ctl.bash

teardown() {
	local good=true
	[ -z "${PROXY-}" ] || kill "$PROXY" || true
	end_story || good=false
	$good
}

# doctor STATUS [ARG…]: what it says is in $output, too.
doctor() {
	run -"$1" --separate-stderr ctl doctor "${@:2}"
	echo "$output"
	[ -z "$stderr" ]
	# Each line is one, with its mark; the key is in none.
	run ! grep -vE '^(OK  |NOTE|BAD )  [A-Za-z/0-9]+: .' <<<"$output"
	run ! grep -F "$COMETAPI_KEY" <<<"$output"
	run -"$1" --separate-stderr ctl doctor "${@:2}"
}

# marks: "WHAT=MARK " of each line.
marks() {
	sed -E 's/^([A-Z]+) +([^:]+): .*/\2=\1/' <<<"$output" | tr '\n' ' '
}

@test "where all is well each line is OK, and nothing is asked for but with HEAD" {
	start_answers 'done'
	start_cometfs
	ctl add -q $ID
	wait_status $ID .video.state ready
	doctor 0
	[[ $(marks) == "/dev/fuse=OK fusermount3="*" mount=OK daemon=OK key=OK provider=OK store="*" catalog=OK videos=OK DNS=OK TLS=OK answer=OK clock=OK " ]]
	asked 'other HEAD /$'
	run ! asked 'other (GET|POST)'
	run ! grep -E 'other.*auth' "$BATS_TEST_TMPDIR/provider.log"
}

@test "a refused key, a wrong address, and no provider at all are told apart" {
	start_provider many --key another
	expect_log 'the key is refused|no answer|cannot be reached|not reach|http|key|provider'
	start_cometfs
	doctor 0
	[[ $(marks) == *" key=NOTE provider=NOTE "* ]]
	ctl add -q $ID
	wait_until '[ "$(jq -r .key.state "$MNT/.cometfs/stats.json")" = refused ]'
	doctor 1
	[[ $(marks) == *" key=BAD provider="*" DNS=OK TLS=OK answer=OK "* ]]
	[[ $output == *"key: is refused, since "*"kill -HUP cometfs"* ]]
	stop_provider
	doctor 1
	[[ $(marks) == *" DNS=OK connection=BAD clock="* ]]
	doctor 1 "http://no-such-host.invalid"
	[[ $(marks) == *" DNS=BAD clock="* ]]
	doctor 1 "gopher://127.0.0.1/"
	[[ $(marks) == *" SOURCE=BAD "* ]]
}

@test "a store that is full, and videos that are lost" {
	start_provider - <<-'SCRIPT'
		job *
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	expect_log 'room|store_max|full|too_large|lost'
	start_cometfs store_max=64K
	ctl add -q $ID
	wait_status $ID .video.error.code store_full
	doctor 1
	[[ $(marks) == *" store=BAD catalog=OK "* ]]
	[[ $output == *"store: 1 videos wait for room"*"store_max=64K)"* ]]
	stop_cometfs
	start_cometfs max_video=64K
	wait_status $ID .video.state lost
	doctor 0
	[[ $(marks) == *" videos=NOTE "* ]]
}

@test "a certificate that nobody vouches for, and one of one's own" {
	local dir=$BATS_TEST_TMPDIR port
	{
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority \
			-addext subjectAltName=IP:127.0.0.1 -keyout "$dir/tls.key" -out "$dir/tls.pem"
	} 2>>"$dir/openssl.log"
	start_answers 'done'
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	nghttpx --conf=/dev/null --workers=1 --frontend="127.0.0.1,$port" --backend="127.0.0.1,$PORT" \
		"$dir/tls.key" "$dir/tls.pem" 2>>"$dir/nghttpx.log" 3>&- &
	PROXY=$!
	wait_until ": <>/dev/tcp/127.0.0.1/$port"
	run -1 ctl doctor "https://127.0.0.1:$port"
	echo "$output"
	[[ $(marks) == *" DNS=OK TLS=BAD clock="* ]]
	run ctl doctor --cafile "$dir/tls.pem" "https://127.0.0.1:$port"
	[[ $(marks) == *" DNS=OK TLS=OK answer=OK clock=OK " ]]
	# No TLS where TLS was asked for.
	run -1 ctl doctor "https://127.0.0.1:$PORT"
	[[ $(marks) == *" DNS=OK TLS=BAD clock="* ]]
}

@test "a clock that is wrong" {
	start_answers 'done'
	COMETFS=$CTL
	fake_clock
	set_clock +2h
	run "$BATS_TEST_TMPDIR/cometfs" doctor "$SOURCE"
	echo "$output"
	[[ $output == *"BAD   clock: is 7"*" s ahead of that of the provider: "* ]]
	set_clock -1d
	run "$BATS_TEST_TMPDIR/cometfs" doctor "$SOURCE"
	echo "$output"
	[[ $output == *"BAD   clock: is 86"*" s behind that of the provider: "* ]]
}

@test "without a mount it checks what it can" {
	start_answers 'done'
	local empty=$BATS_TEST_TMPDIR/empty
	mkdir "$empty"
	run -1 env COMETAPI_BASE_URL="$SOURCE" "$CTL" -m "$empty" doctor
	echo "$output"
	[[ $(marks) == "/dev/fuse=OK fusermount3="*" mount=BAD key=OK DNS=OK TLS=OK answer=OK clock=OK " ]]
	run ! grep -F "$COMETAPI_KEY" <<<"$output"
	run -1 env -u COMETAPI_KEY "$CTL" -m "$empty" doctor "$SOURCE"
	[[ $(marks) == *" key=NOTE "* ]]
	run -1 env COMETAPI_KEY='two words' "$CTL" -m "$empty" doctor "$SOURCE"
	[[ $(marks) == *" key=BAD "* ]]
	run ! grep -F words <<<"$output"
	# As cometfs would: with the key of its dialect, and no other's.
	local xai=http://no-such-host.x.ai
	run -1 env -u XAI_API_KEY "$CTL" -m "$empty" doctor $xai
	[[ $output == *'NOTE  SOURCE: '*'-o allow_http'*'NOTE  key: no API key: set $XAI_API_KEY, '* ]]
	run -1 env -u COMETAPI_KEY XAI_API_KEY=it "$CTL" -m "$empty" doctor $xai
	[[ $(marks) == *" key=OK "* ]]
	run -1 env -u XAI_API_KEY "$CTL" -m "$empty" doctor "http://127.0.0.1:$PORT/a.x.ai"
	[[ $(marks) == *" mount=BAD key=OK DNS=OK "* ]]
	run -1 env COMETAPI_KEY=' ' CREDENTIALS_DIRECTORY="$empty" "$CTL" -m "$empty" doctor "$SOURCE"
	[[ $(marks) == *" key=NOTE "* ]]
	echo of-a-service >"$empty/cometapi-key"
	run -1 env COMETAPI_KEY=' ' CREDENTIALS_DIRECTORY="$empty" "$CTL" -m "$empty" doctor "$SOURCE"
	[[ $(marks) == *" key=OK "* ]]
	run -1 "$CTL" -m "$empty" doctor "http://it:secret@127.0.0.1/"
	[[ $(marks) == *" mount=BAD SOURCE=BAD " && $output != *secret* ]]
	run -1 env PATH="$empty" "$CTL" -m "$empty" doctor "$SOURCE"
	[[ $(marks) == *" fusermount3="[NB]* ]]
	[ "$(id -u)" = 0 ] || return 0
	cat >"$BATS_TEST_TMPDIR/no-device" <<-'SCRIPT'
		mount -t tmpfs none /dev
		"$@" </proc/self/fd/0
	SCRIPT
	run -1 unshare -m --propagation private bash "$BATS_TEST_TMPDIR/no-device" "$CTL" -m "$empty" doctor "$SOURCE"
	[[ $(marks) == *"/dev/fuse=BAD "* ]]
}
