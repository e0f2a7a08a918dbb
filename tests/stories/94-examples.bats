#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The recipes of contrib/examples, as they stand there. What fails ends with a message and a status of its
# own, and no name that they give is ever that of half a file.
load lib.bash
load share.bash

# Their mount and their directories have a space in their names.
mount_recipes() {
	EXAMPLES=$PWD/contrib/examples
	MNT="$BATS_TEST_TMPDIR/the mount"
	OUT="$BATS_TEST_TMPDIR/the copies"
	mkdir "$MNT" "$OUT"
	start_cometfs "$@"
}

teardown() {
	local good=true
	[ -z "${RECIPE-}" ] || kill "$RECIPE" || true
	end_net
	[ -z "${FARM-}" ] || end_farm || good=false
	end_story || good=false
	[ -z "${DISK-}" ] || umount -l "$OUT" || good=false
	$good
}

# A copy cannot have more than 64 KiB there.
small_disk() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	mount -t tmpfs -o size=64k disk "$OUT"
	DISK=yes
}

# begin RECIPE ARG…: in the background; what it says goes into said.
begin() {
	local recipe=$1
	shift
	: >"$BATS_TEST_TMPDIR/said" # now, not when the background gets to it
	"$EXAMPLES/$recipe" "$@" >>"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
	RECIPE=$!
}

says() {
	wait_until "grep -qF '$1' '$BATS_TEST_TMPDIR/said' || ! kill -0 $RECIPE"
	grep -F "$1" "$BATS_TEST_TMPDIR/said" || { cat "$BATS_TEST_TMPDIR/said" && false; }
}

# ends STATUS TEXT: what has begun says so, and has that status.
ends() {
	local pid=$RECIPE status=0
	RECIPE=
	wait_until "! kill -0 $pid"
	wait "$pid" || status=$?
	cat "$BATS_TEST_TMPDIR/said"
	[ $status = "$1" ]
	[ -z "$2" ] || grep -F "$2" "$BATS_TEST_TMPDIR/said"
}

# gives STATUS TEXT RECIPE ARG…
gives() {
	local status=$1 text=$2
	shift 2
	begin "$@"
	ends "$status" "$text"
}

# holds [NAME…]: the names in $OUT, those with a dot in front, too.
holds() {
	diff <(ls -A "$OUT") <([ $# = 0 ] || printf '%s\n' "$@")
}

# Of two nothing comes; one waits until `run`, then `finish`.
start_jobs() {
	expect_log 'bad: failed|late: expired'
	start_provider - <<-SCRIPT
		job bad
			answer failed
		job late
			answer expired
		job $ID
			answer queued until=run
			answer running progress=42 until=finish
			answer done
		job *
			answer done
		video clip.mp4
			file clip.mp4
	SCRIPT
}

@test "a shell script: it waits for its job, and copies the video" {
	start_jobs
	mount_recipes
	begin fetch.sh "$MNT" $ID "$OUT/my video.mp4"
	says 'queued, 0 %, video none'
	event run
	says 'running, 42 %'
	event finish
	ends 0 'done, 100 %, video ready'
	cmp "$OUT/my video.mp4" tests/provider/clip.mp4
	# Again, of a job that is there.
	gives 0 ready fetch.sh "$MNT/" $ID "$OUT/my video.mp4"
	holds 'my video.mp4'
}

@test "a shell script: what goes wrong has a message and a status" {
	start_jobs
	mount_recipes
	gives 1 'bad: no video comes of it' fetch.sh "$MNT" bad "$OUT/a.mp4"
	gives 1 'late: no video comes of it' fetch.sh "$MNT" late "$OUT/a.mp4"
	gives 2 usage fetch.sh "$MNT"
	gives 2 'is a directory' fetch.sh "$MNT" $ID2 "$OUT"
	gives 2 'cannot be tracked' fetch.sh "$MNT" .bad "$OUT/a.mp4"
	gives 3 'no cometfs is mounted there' fetch.sh "$OUT" $ID2 "$OUT/a.mp4"
	begin fetch.sh "$MNT" $ID "$OUT/a.mp4"
	says queued
	rmdir "$MNT/jobs/$ID"
	ends 3 'the job was forgotten'
	begin fetch.sh "$MNT" $ID "$OUT/a.mp4"
	says queued
	stop_cometfs
	ends 3 'the mount is gone'
	gives 3 'no cometfs is mounted there' fetch.sh "$MNT" $ID "$OUT/a.mp4"
	holds
}

@test "Python: the videos of many jobs, as they come, and which of them come to nothing" {
	start_jobs
	mount_recipes
	gives 0 "$ID2.mp4" fetch.py "$MNT" "$OUT" $ID2 $ID3
	begin fetch.py "$MNT" "$OUT" bad $ID late $ID2
	says "$ID2.mp4"
	says 'late: expired'
	event run
	event finish
	ends 1 'bad: failed'
	cmp "$OUT/$ID.mp4" tests/provider/clip.mp4
	holds $ID.mp4 $ID2.mp4 $ID3.mp4
	gives 2 usage fetch.py "$MNT" "$OUT"
}

@test "Python: a mount that goes away, a job that is forgotten" {
	start_jobs
	mount_recipes
	gives 3 'No such file' fetch.py "$OUT" "$OUT" $ID
	gives 3 'Invalid argument' fetch.py "$MNT" "$OUT" .bad
	begin fetch.py "$MNT" "$OUT" bad $ID
	says 'bad: failed'
	rmdir "$MNT/jobs/$ID"
	ends 1 'was forgotten'
	begin fetch.py "$MNT" "$OUT" bad $ID
	says 'bad: failed'
	kill_cometfs
	ends 3 fetch.py
	holds
}

@test "a watch folder: what was whole before, what becomes whole, and nothing twice" {
	start_jobs
	mount_recipes
	track $ID $ID2 bad
	wait_status $ID2 .video.state ready
	begin watch-folder.sh "$MNT" "$OUT"
	says $ID2.mp4
	event run
	event finish
	says $ID.mp4
	cmp "$OUT/$ID.mp4" tests/provider/clip.mp4
	gives_way 2 'another watch-folder.sh' watch-folder.sh "$MNT" "$OUT"
	# Somebody has used it, and it is started anew; a job that was not there when it began is seen.
	rm "$OUT/$ID.mp4"
	kill "$RECIPE"
	wait "$RECIPE" || true
	begin watch-folder.sh "$MNT/" "$OUT" 1
	track $ID3
	says $ID3.mp4
	holds .copied $ID2.mp4 $ID3.mp4
	stop_cometfs
	ends 3 'the mount is gone'
}

# As gives, beside what has begun.
gives_way() {
	local begun=$RECIPE said=$BATS_TEST_TMPDIR/said
	mv "$said" "$said.begun"
	gives "$@"
	RECIPE=$begun
	mv "$said.begun" "$said"
}

@test "a watch folder: a crash of the daemon ends it, and wrong use is told" {
	start_jobs
	mount_recipes
	gives 2 usage watch-folder.sh "$MNT"
	gives 2 usage watch-folder.sh "$MNT" "$OUT" often
	gives 2 'cannot be written' watch-folder.sh "$MNT" "$OUT/none"
	gives 3 'no cometfs is mounted there' watch-folder.sh "$OUT" "$OUT"
	track $ID2
	begin watch-folder.sh "$MNT" "$OUT" 1
	says $ID2.mp4
	kill -KILL "$DAEMON"
	wait "$DAEMON" || true
	DAEMON=
	ends 3 'the mount is gone'
}

@test "a full disk: no recipe leaves half a video under its name, or under any" {
	start_jobs
	mount_recipes
	small_disk
	track $ID2
	wait_status $ID2 .video.state ready
	gives 3 'No space left on device' fetch.sh "$MNT" $ID2 "$OUT/a.mp4"
	gives 3 'No space left on device' fetch.py "$MNT" "$OUT" $ID2
	gives 3 'not all could be copied' backup.sh videos "$MNT" "$OUT/videos"
	[ -z "$(find "$OUT" -type f -name '*mp4*')" ]
	rm -r "$OUT/videos"
	begin watch-folder.sh "$MNT" "$OUT" 1
	says "$ID2: not copied"
	holds .copied
	mount -o remount,size=1m "$OUT"
	says $ID2.mp4
	cmp "$OUT/$ID2.mp4" tests/provider/clip.mp4
	kill "$RECIPE"
	wait "$RECIPE" || true
	RECIPE=
	mount -o remount,size=192k "$OUT"
	stop_cometfs
	gives 3 'not copied' backup.sh store "$STORE" "$OUT/backup"
	[ -z "$(ls -A "$OUT/backup")" ]
}

@test "a backup of the videos: those of the jobs that are done, and each once" {
	start_provider - <<-SCRIPT
		job $ID
			answer queued
		job $ID2
			answer done video=big.mp4
		job *
			answer done
		video clip.mp4
			file clip.mp4
		video big.mp4
			size 4M
			serve stall=1M until=go
			serve
	SCRIPT
	mount_recipes timeout=0.3
	track $ID $ID2 $ID3
	wait_status $ID3 .video.state ready
	wait_status $ID2 .video.state fetching
	gives 1 'some are not whole yet' backup.sh videos "$MNT" "$OUT/to"
	cmp "$OUT/to/$ID3/video.mp4" tests/provider/clip.mp4
	cmp "$OUT/to/$ID3/status.json" "$MNT/jobs/$ID3/status.json"
	[ ! -e "$OUT/to/$ID2/video.mp4" ]
	# What is forgotten stays in the backup, and what is there is left as it is.
	rmdir "$MNT/jobs/$ID3"
	touch "$OUT/before"
	event go
	wait_status $ID2 .video.state ready
	gives 0 '' backup.sh videos "$MNT" "$OUT/to"
	cmp "$OUT/to/$ID2/video.mp4" <(made big.mp4 4M)
	[ "$OUT/before" -nt "$OUT/to/$ID3/video.mp4" ]
	stop_cometfs
	gives 3 'no cometfs is mounted there' backup.sh videos "$MNT" "$OUT/to"
}

# From a backup alone: without the store that it is of, and without the provider.
restored() {
	rm -r "$STORE"
	rsync -a "$OUT/last/" "$STORE/"
	start_cometfs
	is_clip $ID2
	[ "$(ls "$MNT/jobs" | sort | xargs)" = "$ID $ID2" ]
	stop_cometfs
}

@test "a backup of the store: all of it, with the daemon away; it is checked, and restored" {
	start_jobs
	mount_recipes
	track $ID $ID2
	wait_status $ID2 .video.state ready
	gives 3 'is in use; unmount first' backup.sh store "$STORE" "$OUT" 0
	gives 2 'is no store' backup.sh store "$MNT" "$OUT"
	gives 2 usage backup.sh
	holds
	# Who unmounts need not wait until the daemon has ended.
	fusermount3 -u "$MNT"
	gives 0 "$OUT/2" backup.sh store "$STORE/" "$OUT/"
	wait "$DAEMON"
	DAEMON=
	stop_provider
	"$COMETFS" --check -o "store=$(realpath "$OUT/last")"
	mv "$OUT/$(readlink "$OUT/last")" "$OUT/first"
	ln -sfnT first "$OUT/last"
	# The next one has a name of its own, and takes no room for what it was.
	gives 0 "$OUT/2" backup.sh store "$STORE" "$OUT"
	[ "$OUT/first/videos/2.mp4" -ef "$OUT/last/videos/2.mp4" ]
	restored
}

# The share as it is in the recipe, for a user that every machine has, and of a mount where he may walk to.
start_farm() {
	needs smbd
	start_jobs
	mount_recipes allow_other,default_permissions
	FARM=$(mktemp -d /tmp/cometfs-farm.XXXXXX)
	chmod 755 "$FARM"
	mount --bind "$MNT" "$FARM"
	sed "s,/srv/videos,$FARM,; s,= render,= nobody," "$EXAMPLES/render-farm/share.conf" >"$BATS_TEST_TMPDIR/share.conf"
	SHARED="include = $BATS_TEST_TMPDIR/share.conf" start_samba
	printf 'secret\nsecret\n' | smbpasswd -c "$SHARE/smb.conf" -s -a nobody
	printf '%s\n' 'username = nobody' 'password = secret' >"$BATS_TEST_TMPDIR/login"
	printf '%s\n' 'username = nobody' 'password = wrong' >"$BATS_TEST_TMPDIR/stranger"
}

end_farm() {
	umount -l "$FARM"
	rmdir "$FARM"
}

# client COMMAND: as smbclient has it, for one who has logged in. Each line comes as it is said.
client() {
	stdbuf -oL nsenter --target "$NET" --net timeout 60 smbclient -A "$BATS_TEST_TMPDIR/login" //127.0.0.1/videos -c "$1"
}

# node STATUS TEXT LOGIN: a node of the farm brings what is whole.
node() {
	inside "$EXAMPLES/render-farm/node.sh" //127.0.0.1/videos "$OUT" -A "$BATS_TEST_TMPDIR/$3" \
		>"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
	RECIPE=$!
	ends "$1" "$2"
}

@test "a render farm: a node brings what is whole, and machines that watch the share are told" {
	start_farm
	track $ID $ID2 bad
	wait_status $ID2 .video.state ready
	node 0 '' login
	holds $ID2.mp4
	client "notify jobs\\$ID" >"$BATS_TEST_TMPDIR/told" 2>&1 3>&- &
	wait_until 'cat /proc/*/fdinfo/* | grep -q "^inotify wd:.* ino:$(printf "%x" "$(stat -c %i "$MNT/jobs/$ID")") "'
	event run
	event finish
	wait_until 'grep -F video.mp4 "$BATS_TEST_TMPDIR/told"'
	small_disk
	node 1 "$ID: not copied" login
	holds
	umount "$OUT"
	DISK=
	node 0 '' login
	holds $ID.mp4 $ID2.mp4
	cmp "$OUT/$ID.mp4" tests/provider/clip.mp4
	client 'mkdir jobs\x' | grep NT_STATUS_
	node 3 NT_STATUS_LOGON_FAILURE stranger
	rmdir "$MNT/jobs/$ID2"
	stop_cometfs
	umount -l "$FARM"
	node 3 NT_STATUS_ login
}

# typed START: the line of the README that begins so, with other places than a user's.
typed() {
	grep -m1 -F "    $1" README.md | sed "s,build/,$BUILD/,g; s,~/videos,$MNT,g; s,8090,$PORT,; s,/tmp/cometfs-try,$STORE,"
}

@test "the README's way to a video without a key" {
	PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	SOURCE=http://127.0.0.1:$PORT
	local provider mount
	provider=$(typed 'build/provider --port')
	mount=$(typed 'mkdir -p ~/videos && COMETAPI_KEY=none')
	eval "${provider%&} >/dev/null 3>&- &"
	PROVIDER=$!
	wait_until 'curl -fsS "$SOURCE/_count/poll/x"'
	eval "$mount,interval=0.2 3>&-"
	eval "$(typed 'mkdir ~/videos/jobs/REQUEST_ID')"
	wait_status REQUEST_ID .video.state ready
	is_clip REQUEST_ID
	eval "$(typed 'fusermount3 -u ~/videos')"
	run ! mountpoint -q "$MNT"
}

# A small file that needs no other, and has what is typed, and what is said.
is_moving() {
	local line
	python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$1"
	[ "$(stat -c %s "$1")" -lt 150000 ]
	run ! grep -E '<script|<image|<foreignObject|href|url\(|@import' "$1"
	for line in 'cometfs ~/videos' "mkdir $ID" '{"state":"running","progress":42,"video":"none"}' \
		'{"state":"done","progress":100,"video":"ready"}' 'cp video.mp4 ~/mine.mp4' \
		'stream,h264,4.000000'; do
		grep -qF ">$line</tspan>" "$1"
	done
}

@test "the moving picture of the README, and one that is made now" {
	is_moving contrib/recording.svg
	PACE=0 OPTIONS=interval=0.2,interval_watched=0.1 timeout 100 contrib/recording.sh "$BATS_TEST_TMPDIR/now.svg"
	is_moving "$BATS_TEST_TMPDIR/now.svg"
}
