#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Shows what cometfs does, in half a minute and without a key: against the provider of the tests, in a
# directory that is gone afterwards.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
ID=4b2cd27e-0b0d-3dec-c31c-7572daf74bb3
COMETFS=$PWD/$BUILD/cometfs
work=$(mktemp -d)
mount=$work/videos
provider=''

clean_up() {
	fusermount3 -uqz "$mount" || true
	[ -z "$provider" ] || kill "$provider" || true
	rm -rf "$work"
}
trap clean_up EXIT

bold='' plain=''
if [ -t 1 ]; then
	bold=$'\e[1m' plain=$'\e[0m'
fi

# Says a command as one would type it, and runs it.
try() {
	printf '\n%s$ %s%s\n' "$bold" "$1" "$plain"
	eval "$1"
}

say() {
	printf '\n# %s\n' "$1"
}

# Waits until the document matches; shows its progress meanwhile.
until_it_says() {
	local line last='' end=$((SECONDS + 30))
	until grep -q "$1" "jobs/$ID/status.json"; do
		line=$(grep -E '^  "(state|progress)"' "jobs/$ID/status.json" | tr -d '\n')
		[ "$line" = "$last" ] || echo "$line"
		last=$line
		if [ $SECONDS -gt $end ]; then
			echo "demo.sh: it never said $1" >&2
			return 1
		fi
		sleep 0.2
	done
}

cat >"$work/demo.script" <<'SCRIPT'
job *
	answer queued times=3
	answer running progress=12 times=2
	answer running progress=42 times=2
	answer running progress=77 times=2
	answer done
video clip.mp4
	file clip.mp4
	serve rate=64K
SCRIPT
"$BUILD/provider" --port-file "$work/port" "$work/demo.script" >/dev/null &
provider=$!
until [ -s "$work/port" ]; do
	kill -0 "$provider"
	sleep 0.1
done
export COMETAPI_KEY=demo
SOURCE=http://127.0.0.1:$(<"$work/port")
cometfs() {
	"$COMETFS" "$@" -o "store=$work/store,interval=1,interval_watched=1"
}
mkdir "$mount"
cd "$work"

say "A provider of videos is played by a program on this machine, at $SOURCE."
say "cometfs is mounted, and a job that somebody has started is tracked:"
try "cometfs $SOURCE videos"
cd "$mount"
try "mkdir jobs/$ID"
say "Its state is a file:"
try "grep -E '^  .(state|progress)' jobs/$ID/status.json"
until_it_says '"state": "done"'
until_it_says '"size": *[0-9]'
say "It is done. The video is fetched at once, and can already be read:"
try "ls -l jobs/$ID"
try "head -c 12 jobs/$ID/video.mp4 | od -c | head -n 1"
until_it_says '"state": "ready"'
try "cat jobs/$ID/status.json"
say "It is a file like any other:"
try "cp jobs/$ID/video.mp4 ../mine.mp4 && ls -l ../mine.mp4"
if command -v ffprobe >/dev/null; then
	try "ffprobe -v error -show_entries stream=codec_name,width,height,duration ../mine.mp4"
fi
say "After a restart, and with the provider away, all is still there:"
cd "$work"
try "fusermount3 -u videos"
kill "$provider"
wait "$provider" || true
provider=''
try "cometfs $SOURCE videos"
try "cmp videos/jobs/$ID/video.mp4 mine.mp4 && echo the same"
try "fusermount3 -u videos"
say "That was it; everything is cleaned up."
