#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Every way to read a video, when it is finished and while it comes in: all bytes, or an error; never
# fewer, never others. What is at random depends on a seed, which is printed: SEED=N bats … repeats it.
load lib.bash

FIO=(--name=video --verify=pattern "--verify_pattern=0x00000010\"ftypisom\"%o" --verify_state_save=0
	--verify_fatal=1 --bs=64k --minimal)

# A real video, whose index is at its end; and one in which fio knows each byte by its place.
setup_file() {
	export RIGHT=$BATS_FILE_TMPDIR
	ffmpeg -v error -f lavfi -i testsrc2=size=640x480:rate=25:duration=1 -vf noise=alls=60:allf=t \
		-c:v mpeg4 -q:v 2 "$RIGHT/movie.mp4"
	fio "${FIO[@]}" --filename="$RIGHT/fio.mp4" --rw=write --size=8M --do_verify=0 >/dev/null
	"$BUILD/provider" --make big.mp4 16M >"$RIGHT/big.mp4"
}

# play OPTIONS SERVE-LINE…: a job for each of the videos, which are all served so; mounts with OPTIONS.
play() {
	local options=$1 name
	shift
	for name in big movie fio; do
		printf 'job %s\n\tanswer done video=%s.mp4\n' $name $name
		printf 'video %s.mp4\n' $name
		[ $name = big ] && printf '\tsize 16M\n' || printf '\tfile %s/%s.mp4\n' "$RIGHT" $name
		printf '\tserve %s\n' "$@"
	done >"$BATS_TEST_TMPDIR/play.script"
	start_provider "$BATS_TEST_TMPDIR/play.script"
	start_cometfs "$options"
}

# pieces COUNT: so many answers that end too early, slowly or after a rest, each somewhere else.
pieces() {
	SEED=${SEED:-$RANDOM}
	echo "# SEED=$SEED" >&3
	awk -v seed="$SEED" -v count="$1" 'BEGIN {
		srand(seed)
		for (i = 0; i < count; i++) {
			at = int(rand() * 1500000)
			how = int(rand() * 5)
			if (how == 0) printf "cut-after=%d\n", at
			if (how == 1) printf "cut-after=%d delay=%d\n", at, rand() * 300
			if (how == 2) printf "cut-after=%d rate=%d\n", at, 1000000 + rand() * 8000000
			if (how >= 3) printf "stall-after=%d for=%d cut-after=%d\n", at, rand() * 500 + 1, at * 2
		}
	}'
}

# read_at_random NAME [OPTION…]: in the background; READER and what it says, in the file reads.
read_at_random() {
	local name=$1
	shift
	wait_until "[ -e '$MNT/jobs/$name/video.mp4' ]"
	"$BUILD/reader" "$MNT/jobs/$name/video.mp4" "$RIGHT/$name.mp4" --processes 4 --seed "${SEED:-$RANDOM}" \
		"$@" >"$BATS_TEST_TMPDIR/reads" 3>&- &
	READER=$!
	wait_until '[ "$(grep -c "^open" "$BATS_TEST_TMPDIR/reads")" = 4 ] || ! kill -0 $READER'
}

# All was right; EARLY reads began before the video was there, FAILED had an error.
reads_were_right() {
	local good=true
	wait "$READER" || good=false
	cat "$BATS_TEST_TMPDIR/reads"
	$good
	EARLY=$(sum early) FAILED=$(sum failed)
	[ "$(grep -c '^seed=' "$BATS_TEST_TMPDIR/reads")" = 4 ]
}

sum() {
	awk -v key="$1" '/^seed=/ { for (i = 1; i <= NF; i++) if (split($i, a, "=") && a[1] == key) n += a[2] }
		END { print n + 0 }' "$BATS_TEST_TMPDIR/reads"
}

is_whole() {
	wait_status "$1" .video.state ready
	cmp "$MNT/jobs/$1/video.mp4" "$RIGHT/$1.mp4"
	[ "$(status "$1" .video.sha256)" = "$(sha256sum <"$RIGHT/$1.mp4" | cut -d' ' -f1)" ]
}

@test "a finished video, at random, in every way" {
	play '' ''
	track big
	is_whole big
	read_at_random big --finished --count 300
	reads_were_right
	[ "$FAILED" = 0 ]
	run ! grep -q 'mmap-shared=0 ' "$BATS_TEST_TMPDIR/reads"
	[ "$(video_gets big.mp4)" = 1 ]
}

@test "the reader finds a byte that is another, a file that is shorter, and an error" {
	local copy=$BATS_TEST_TMPDIR/copy
	cp "$RIGHT/big.mp4" "$copy"
	"$BUILD/reader" "$copy" "$RIGHT/big.mp4" --finished --count 50
	printf X | dd status=none of="$copy" bs=1 seek=9000000 conv=notrunc
	run -1 "$BUILD/reader" "$copy" "$RIGHT/big.mp4" --finished --count 3000
	[[ $output == *"another byte at 9000000"* ]]
	truncate -s 9000000 "$copy"
	run -1 "$BUILD/reader" "$copy" "$RIGHT/big.mp4" --finished
	run -1 "$BUILD/reader" "$BATS_TEST_TMPDIR" "$RIGHT/big.mp4"
}

@test "while it comes in, delayed, cut and stalled: every read has all its bytes" {
	mapfile -t lines < <(pieces 24)
	play '' 'stall=256K until=go cut=1M' "${lines[@]}" drop 'status=503 empty' ''
	track big
	read_at_random big --count 200
	event go
	reads_were_right
	[ "$FAILED" = 0 ]
	[ "$EARLY" -ge 4 ]
	is_whole big
	[ "$(video_gets big.mp4)" -ge 10 ]
}

@test "while it stalls for longer than the time-out: every read has all its bytes, or an error" {
	mapfile -t lines < <(pieces 12)
	play timeout=1 'stall=256K until=go cut=1M' stall-after=2M "${lines[@]:0:4}" 'stall-after=1M' \
		"${lines[@]:4:4}" 'stall-after=0' "${lines[@]:8}" ''
	track big
	read_at_random big --count 100 --errors
	event go
	reads_were_right
	[ "$FAILED" -gt 0 ]
	is_whole big
	read_at_random big --finished --count 50
	reads_were_right
}

# Who has read of an attempt that was in vain gets an error, and opens the video again.
@test "while it begins again and again, from a server without ranges: likewise" {
	expect_log 'begins again from the start'
	play timeout=5 'no-range stall=256K until=go' 'no-range cut=2M' 'no-range cut=4M' 'no-range cut=9M' \
		'no-range cut=15M rate=16M' no-range
	track big
	read_at_random big --count 100 --errors
	event go
	reads_were_right
	is_whole big
	read_at_random big --finished --count 50
	reads_were_right
}

# A page that somebody waits for is locked, and an open that drops the pages would wait for it.
@test "an open beside somebody who waits through the page cache answers at once" {
	play timeout=10 'stall=256K until=go' ''
	track big
	local video=$MNT/jobs/big/video.mp4
	wait_until '[ -e "$MNT/jobs/big/video.mp4" ]'
	python3 tests/stories/copy.py sendfile "$video" "$BATS_TEST_TMPDIR/copy" 3>&- &
	local pid=$!
	wait_until '[ -s "$BATS_TEST_TMPDIR/copy" ]'
	within 2000 cmp <(head -c 65536 "$video") <(head -c 65536 "$RIGHT/big.mp4")
	within 2000 cmp <(head -c 65536 "$video") <(head -c 65536 "$RIGHT/big.mp4")
	event go
	wait $pid
	cmp "$BATS_TEST_TMPDIR/copy" "$RIGHT/big.mp4"
}

# Where Linux does direct reads one after the other, io_uring gets the bytes before the end again, behind it.
@test "io_uring: a video that comes in, a document under way, index.html: all bytes, and none behind them" {
	python3 tests/stories/uring.py || skip "no io_uring here"
	play timeout=10 'stall=256K until=go' ''
	track big
	wait_until '[ -e "$MNT/jobs/big/video.mp4" ]'
	# 1,000,000 goes into neither.
	python3 tests/stories/uring.py "$MNT/jobs/big/video.mp4" 1000000 >"$BATS_TEST_TMPDIR/copy" 3>&- &
	local pid=$! name
	for name in jobs/big/status.json .cometfs/stats.json index.html; do
		python3 tests/stories/uring.py "$MNT/$name" 1000 >"$BATS_TEST_TMPDIR/document"
		[ "$(stat -c %s "$BATS_TEST_TMPDIR/document")" = "$(stat -c %s "$MNT/$name")" ]
	done
	event go
	wait $pid
	cmp "$BATS_TEST_TMPDIR/copy" "$RIGHT/big.mp4"
}

# ---- ordinary tools

copies() {
	printf '%s\n' cat cp rsync tar dd shutil sendfile mmap
}

# copy_by TOOL FROM TO
copy_by() {
	case $1 in
	cat) cat "$2" >"$3" ;;
	cp) cp "$2" "$3" ;;
	rsync) rsync -t "$2" "$3" ;;
	tar) tar -cf - -C "${2%/*}" "${2##*/}" | tar -xOf - >"$3" ;;
	dd) dd status=none iflag=direct bs=1M if="$2" of="$3" ;;
	*) python3 tests/stories/copy.py "$1" "$2" "$3" ;;
	esac
}

copied_whole() {
	copy_by "$1" "$MNT/jobs/movie/video.mp4" "$BATS_TEST_TMPDIR/$1.mp4" &&
		cmp "$BATS_TEST_TMPDIR/$1.mp4" "$RIGHT/movie.mp4"
}

# What a player sees: the same of ours as of the file itself.
probed_whole() {
	local video
	for video in "$MNT/jobs/movie/video.mp4" "$RIGHT/movie.mp4"; do
		ffprobe -v error -show_format -show_streams "$video" | grep -v ^filename=
		ffmpeg -v error -i "$video" -c copy -f md5 -
	done >"$BATS_TEST_TMPDIR/probed"
	local lines
	lines=$(wc -l <"$BATS_TEST_TMPDIR/probed")
	[ "$lines" -gt 20 ] && cmp <(head -n $((lines / 2)) "$BATS_TEST_TMPDIR/probed") \
		<(tail -n $((lines / 2)) "$BATS_TEST_TMPDIR/probed")
}

# verified_whole ENGINE DIRECT HOW: fio reads all of it, and finds each byte in its place.
verified_whole() {
	(cd "$BATS_TEST_TMPDIR" && fio "${FIO[@]}" --filename="$MNT/jobs/fio/video.mp4" --readonly \
		--ioengine="$1" --direct="$2" --rw="$3" --invalidate=0 --output="fio-$1-$2-$3" 2>"fio-$1-$2-$3.said")
}

# all_tools ENGINE…: all of them at once, fio with these engines. Each has its own line where it fails.
all_tools() {
	local tool engine how pids=()
	for tool in $(copies); do
		{ copied_whole "$tool" || ! echo "$tool"; } 3>&- &
		pids+=($!)
	done
	{ probed_whole || ! echo probe; } 3>&- &
	pids+=($!)
	for engine in "$@"; do
		for how in read randread; do
			{ verified_whole "${engine%:*}" "${engine#*:}" $how || ! echo "fio $engine $how"; } 3>&- &
			pids+=($!)
		done
	done
	[ -z "${GO:-}" ] || $GO
	local good=true pid
	for pid in "${pids[@]}"; do
		wait "$pid" || good=false
	done
	$good
}

@test "a finished video, by every tool" {
	play '' ''
	track movie fio
	is_whole movie
	is_whole fio
	all_tools psync:0 psync:1 libaio:0 libaio:1 mmap:0
	[ "$(video_gets movie.mp4)" = 1 ]
	[ "$(video_gets fio.mp4)" = 1 ]
}

@test "a finished video after a restart, by every tool" {
	play '' ''
	track movie fio
	is_whole movie
	is_whole fio
	stop_cometfs
	stop_provider
	start_cometfs
	all_tools psync:0 psync:1 libaio:0 libaio:1 mmap:0
}

@test "fio finds a byte that is another" {
	cp "$RIGHT/fio.mp4" "$BATS_TEST_TMPDIR/fio.mp4"
	local engine
	for engine in psync mmap libaio; do
		fio "${FIO[@]}" --filename="$BATS_TEST_TMPDIR/fio.mp4" --readonly --rw=randread --ioengine=$engine >/dev/null
	done
	printf X | dd status=none of="$BATS_TEST_TMPDIR/fio.mp4" bs=1 seek=5000000 conv=notrunc
	for engine in psync mmap libaio; do
		run -1 fio "${FIO[@]}" --filename="$BATS_TEST_TMPDIR/fio.mp4" --readonly --rw=randread --ioengine=$engine
	done
}

# All of them have the video open, or are about to.
go_on() {
	wait_until '[ "$(find /proc/[0-9]*/fd -lname "$MNT/jobs/*/video.mp4" 2>/dev/null | wc -l)" -ge 10 ]'
	event go
}

@test "a video that comes in, by every tool" {
	mapfile -t lines < <(pieces 12)
	play '' 'stall=256K until=go cut=1M' "${lines[@]}" ''
	track movie fio
	wait_until '[ -e "$MNT/jobs/movie/video.mp4" ] && [ -e "$MNT/jobs/fio/video.mp4" ]'
	GO=go_on all_tools psync:0 psync:1 libaio:0 libaio:1
	is_whole movie
	is_whole fio
}

# Where the kernel cannot map it shared, as fio does, it says so, and not a page is wrong.
@test "a video that comes in, mapped shared: all of it, or a clear no" {
	play '' 'stall=256K until=go' ''
	track fio
	wait_until '[ -e "$MNT/jobs/fio/video.mp4" ]'
	verified_whole mmap 0 read 3>&- &
	event go
	wait $! || grep -h "No such device" "$BATS_TEST_TMPDIR"/fio-mmap-0-read*
	is_whole fio
	verified_whole mmap 0 read
}
