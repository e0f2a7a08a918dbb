#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Over TLS: the certificate is checked, HTTP/2 is used, and its one connection is used again.
load lib.bash

# certify ADDRESS: a certificate for it, by an authority of our own.
certify() {
	local dir=$BATS_TEST_TMPDIR
	{
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority \
			-keyout "$dir/ca.key" -out "$dir/ca.pem"
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=provider \
			-keyout "$dir/tls.key" -out "$dir/tls.csr"
		openssl x509 -req -in "$dir/tls.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 2 \
			-extfile <(echo "subjectAltName=IP:$1") -out "$dir/tls.pem"
	} 2>>"$dir/openssl.log"
}

# start_proxy FRONTEND BACKEND [COMMAND…]: nghttpx, run by that command.
start_proxy() {
	local dir=$BATS_TEST_TMPDIR frontend=$1 backend=$2
	shift 2
	"$@" nghttpx --conf=/dev/null --workers=1 --no-location-rewrite --frontend="$frontend" --backend="$backend" \
		--accesslog-file="$dir/access.log" --accesslog-format='$alpn $remote_port $request' \
		--errorlog-file="$dir/nghttpx.log" "$dir/tls.key" "$dir/tls.pem" 2>>"$dir/nghttpx.log" 3>&- &
	PROXY=$!
}

# A provider that says https, and nghttpx before it.
start_tls() {
	certify 127.0.0.1
	local port
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	start_provider - --base "https://127.0.0.1:$port" <<-'SCRIPT'
		job *
			answer queued times=3
			answer running times=3
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_proxy "127.0.0.1,$port" "127.0.0.1,$PORT" env
	SOURCE=https://127.0.0.1:$port
	wait_until 'curl -fs --cacert "$BATS_TEST_TMPDIR/ca.pem" "$SOURCE/_count/poll/none" >/dev/null'
	: >"$BATS_TEST_TMPDIR/access.log"
}

# Its log is whole when it has ended.
stop_tls() {
	kill "$PROXY"
	wait "$PROXY" || true
	PROXY=
}

teardown() {
	[ -z "${PROXY:-}" ] || stop_tls
	end_story
}

@test "with its authority named: jobs and videos come over one connection of HTTP/2" {
	start_tls
	start_cometfs "cafile=$BATS_TEST_TMPDIR/ca.pem"
	track $ID
	wait_status $ID .state queued
	track $ID2 $ID3
	local id
	for id in $ID $ID2 $ID3; do
		wait_status $id .video.state ready
		cmp "$MNT/jobs/$id/video.mp4" tests/provider/clip.mp4
	done
	stop_cometfs
	stop_tls
	cat "$BATS_TEST_TMPDIR/access.log"
	[ "$(grep -c 'GET /grok/v1/videos/' "$BATS_TEST_TMPDIR/access.log")" = 21 ]
	[ "$(grep -c 'GET /videos/clip.mp4' "$BATS_TEST_TMPDIR/access.log")" = 3 ]
	[ "$(cut -d' ' -f1 "$BATS_TEST_TMPDIR/access.log" | sort -u)" = h2 ]
	[ "$(cut -d' ' -f2 "$BATS_TEST_TMPDIR/access.log" | sort -u | wc -l)" = 1 ]
}

@test "two hundred jobs are many streams over few connections" {
	start_tls
	start_cometfs "cafile=$BATS_TEST_TMPDIR/ca.pem"
	(cd "$MNT/jobs" && seq -f 'crowd-%03g' 200 | xargs mkdir)
	wait_until '[ "$(jq -rs "map(select(.video.state == \"ready\")) | length" "$MNT"/jobs/*/status.json)" = 200 ]'
	stop_cometfs
	stop_tls
	[ "$(grep -c 'GET /grok/v1/videos/' "$BATS_TEST_TMPDIR/access.log")" = 1400 ]
	cut -d' ' -f2 "$BATS_TEST_TMPDIR/access.log" | sort | uniq -c
	[ "$(cut -d' ' -f2 "$BATS_TEST_TMPDIR/access.log" | sort -u | wc -l)" -le 2 ]
}

@test "with another authority, or none: refused, and the key is not sent" {
	start_tls
	start_cometfs
	track $ID
	wait_until '[ "$(status $ID .poll.failures)" -gt 0 ]'
	[[ $(status $ID .poll.last_error) == *ertificate* ]]
	[ "$(status $ID .state)" = unknown ]
	stop_cometfs
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=stranger \
		-keyout "$BATS_TEST_TMPDIR/stranger.key" -out "$BATS_TEST_TMPDIR/stranger.pem" 2>/dev/null
	start_cometfs "cafile=$BATS_TEST_TMPDIR/stranger.pem"
	track $ID2
	wait_until '[ "$(status $ID2 .poll.failures)" -gt 0 ]'
	[ "$(status $ID2 .state)" = unknown ]
	stop_tls
	run -1 asked test-key
}

# A machine of its own, at a public address: elsewhere http is not for here.
@test "a redirect from https to http is not followed, one to https is" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	certify 8.8.4.4
	cat >"$BATS_TEST_TMPDIR/public.script" <<-'SCRIPT'
		job down
			answer done video=down.mp4
		job *
			answer done video=up.mp4
		video down.mp4
			size 1
			serve redirect=http://8.8.4.4:8080/videos/clip.mp4
		video up.mp4
			size 1
			serve redirect=https://8.8.4.4:8443/videos/clip.mp4
		video clip.mp4
			file clip.mp4
	SCRIPT
	unshare -n bash -c 'ip link set lo up && ip address add 8.8.4.4/32 dev lo && exec "$@"' bash \
		"$BUILD/provider" --address 8.8.4.4 --port 8080 --port-file "$BATS_TEST_TMPDIR/port" \
		--base https://8.8.4.4:8443 --log "$BATS_TEST_TMPDIR/provider.log" \
		"$BATS_TEST_TMPDIR/public.script" >/dev/null 2>>"$LOG" 3>&- &
	PROVIDER=$!
	wait_until '[ -s "$BATS_TEST_TMPDIR/port" ]'
	start_proxy 8.8.4.4,8443 8.8.4.4,8080 nsenter --net="/proc/$PROVIDER/ns/net"
	nsenter --net="/proc/$PROVIDER/ns/net" "$COMETFS" https://8.8.4.4:8443 "$MNT" -f \
		-o "store=$STORE,interval=0.2,cafile=$BATS_TEST_TMPDIR/ca.pem" 2>>"$LOG" 3>&- &
	DAEMON=$!
	wait_until 'mountpoint -q "$MNT"'
	expect_log 'down: its video is lost: only https: addresses without a user name are fetched'
	track down up
	wait_status up .video.state ready
	is_clip up
	wait_status down .video.state lost
	[ "$(status down .video.error.code)" = refused_address ]
	[ ! -e "$MNT/jobs/down/video.mp4" ]
	[ "$(asked '^video clip.mp4 ' | wc -l)" = 1 ]
}
