#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes clip.mp4, the video that the built-in provider serves: four seconds of a test picture and a
# tone. The result is committed, so only who wants another clip needs ffmpeg.
set -eu
cd "$(dirname "$0")"
ffmpeg -hide_banner -loglevel error -y \
	-f lavfi -i testsrc=size=480x480:rate=24:duration=4 \
	-f lavfi -i sine=frequency=440:duration=4 \
	-c:v libx264 -preset slow -crf 14 -pix_fmt yuv420p \
	-c:a aac -b:a 128k \
	-map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact \
	-movflags +faststart clip.mp4
