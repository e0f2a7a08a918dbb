#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes the moving picture of the README anew, from the real thing: recording.sh [FILE], by default
# contrib/recording.svg. In a terminal of its own somebody types, the program runs, and what is on the screen
# is kept with its times. The provider is that of the tests. Needs a build, ffprobe, jq and python3.
# OPTIONS are more of cometfs's; PACE=0 types and reads in no time.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
picture=$(realpath "${1:-contrib/recording.svg}")
work=$(mktemp -d)
provider=''

clean_up() {
	fusermount3 -uqz "$work/videos" || true
	[ -z "$provider" ] || kill "$provider" || true
	rm -rf "$work"
}
trap clean_up EXIT

cat >"$work/provider.script" <<'SCRIPT'
job *
	answer queued until=run
	answer running progress=42 until=finish
	answer done
video clip.mp4
	file clip.mp4
	serve rate=256K
SCRIPT
"$BUILD/provider" --port-file "$work/port" "$work/provider.script" >/dev/null &
provider=$!
until [ -s "$work/port" ]; do
	kill -0 "$provider"
	sleep 0.1
done
mkdir "$work/videos" "$work/bin"
# The program, on a store that goes with the recording.
cat >"$work/bin/cometfs" <<-SCRIPT
	#!/bin/sh
	exec "$PWD/$BUILD/cometfs" "\$@" -o store="$work/store",${OPTIONS:-interval=5}
SCRIPT
chmod +x "$work/bin/cometfs"
COMETAPI_KEY=none COMETAPI_BASE_URL=http://127.0.0.1:$(<"$work/port") HOME=$work PATH=$work/bin:$PATH \
	python3 contrib/recording.py "$picture"
