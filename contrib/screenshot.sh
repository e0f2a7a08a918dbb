#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Takes the README's pictures of index.html, contrib/screenshot.png and screenshot-dark.png: of a real mount, busy with
# the provider of the tests and little videos that ffmpeg makes up, in headless Chromium.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
COMETFS=$PWD/$BUILD/cometfs
work=$(mktemp -d)
mount=$work/videos
# The page shows where it is: as root, at a place that looks like one.
if [ "$(id -u)" = 0 ] && [ -z "${SRV:-}" ]; then
	rm -rf "$work"
	SRV=yes exec unshare --mount --propagation private "$0" "$@"
fi
if [ -n "${SRV:-}" ]; then
	mount -t tmpfs tmpfs /srv
	mount=/srv/videos
fi
provider=''

clean_up() {
	fusermount3 -uqz "$mount" || true
	[ -z "$provider" ] || kill "$provider" || true
	rm -rf "$work"
}
trap clean_up EXIT

# film NAME SECONDS SOURCE: a video.
film() {
	ffmpeg -v error -f lavfi -i "$3" -t "$2" -c:v libx264 -preset veryfast -pix_fmt yuv420p -movflags +faststart \
		"$work/$1.mp4"
	printf 'video %s.mp4\n\tfile %s.mp4\n' "$1" "$1" >>"$work/videos.script"
}

# job AGE STATUS PROGRESS REASON DATA [VIDEO]: one more, which was begun AGE seconds ago.
now=$(date +%s)
jobs=()
job() {
	local id
	id=$(printf '%s' "$1 $now" | sha256sum | sed -E 's/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/\1-\2-\3-\4-\5/')
	printf '{"code":"success","message":"","data":{"task_id":"@ID@","action":"VIDEO_GENERATION","status":"%s",
		"fail_reason":"%s","submit_time":%d,"start_time":%d,"finish_time":%d,"progress":"%d%%","data":%s}}\n' \
		"$2" "$4" $((now - $1)) $((now - $1 + 2)) $((now - $1 + 60)) "$3" "$5" >"$work/${#jobs[@]}.json"
	printf 'job %s\n\tanswer body=%s.json%s\n' "$id" "${#jobs[@]}" "${6:+ video=$6.mp4}" >>"$work/jobs.script"
	jobs=("$id" "${jobs[@]}")
}

# done_job AGE SECONDS TICKS VIDEO
done_job() {
	job "$1" SUCCESS 100 '' "{\"model\":\"grok-imagine-video\",\"usage\":{\"cost_in_usd_ticks\":$3},\"video\":{\"url\":\"@VIDEO@\",\"duration\":$2,\"respect_moderation\":true},\"status\":\"done\"}" "$4"
}

running_job() {
	job "$1" IN_PROGRESS "$2" '' "{\"status\":\"pending\",\"progress\":$2,\"model\":\"grok-imagine-video\"}"
}

# waves RED GREEN BLUE: slow ones, of these colours.
waves() {
	echo "nullsrc=size=480x270:rate=12,geq=r='$1':g='$2':b='$3'"
}

film dusk 4 "$(waves '60+Y*0.6+20*sin(X/55+T)' '34+Y*0.25+12*sin(X/70-T)' '92-Y*0.12+30*sin(X/90+Y/60+T)')"
film sea 6 "$(waves '24+16*sin((X+Y)/48+T)' '80+Y*0.2+24*sin(X/62+sin(Y/28+T))' '128+36*sin(Y/44+X/110-T)')"
film dune 3 "$(waves '196+40*sin(X/70+2*sin(Y/60)+T)' '150+38*sin(X/70+2*sin(Y/60)+T)' '104+30*sin(X/70+2*sin(Y/60)+T+0.6)')"
film ember 8 "$(waves '178+60*sin(hypot(X-240,Y-150)/36-T)' '82+44*sin(hypot(X-260,Y-140)/36-T)' '42+20*sin(X/90)')"
film moss 5 "$(waves '54+30*sin(X/80+Y/50+T)' '104+36*sin(X/66-Y/70+T)' '70+18*sin(Y/30)')"
film plum 6 "$(waves '112+50*sin(hypot(X-90,Y-60)/52+T)' '58+22*sin(X/80)' '142+50*sin(hypot(X-420,Y-240)/60-T)')"
printf 'video long.mp4\n\tsize 40M\n\tserve stall=27M\n' >>"$work/videos.script"

done_job 518400 6 600000000 plum
done_job 93600 5 500000000 moss
job 16200 FAILURE 100 'Generated video rejected by content moderation.' '{"status":"failed","error":{"code":"invalid_argument","message":"Generated video rejected by content moderation."}}'
done_job 9300 8 800000000 ember
done_job 4500 3 300000000 dune
done_job 1980 6 600000000 sea
done_job 750 4 400000000 dusk
done_job 205 15 1500000000 long
running_job 96 81
running_job 71 34
job 18 QUEUED 0 '' '{"request_id":"@ID@"}'

cat "$work/jobs.script" "$work/videos.script" >"$work/all.script"
"$BUILD/provider" --port-file "$work/port" "$work/all.script" >/dev/null &
provider=$!
until [ -s "$work/port" ]; do
	kill -0 "$provider"
	sleep 0.1
done
mkdir -p "$mount"
COMETAPI_KEY=shown "$COMETFS" "http://127.0.0.1:$(<"$work/port")" "$mount" -o "store=$work/store,interval=1"
for ((i = ${#jobs[@]} - 1; i >= 0; i--)); do
	mkdir "$mount/jobs/${jobs[i]}"
done
until [ "$(grep -l '"state": "ready"' "$mount"/jobs/*/status.json | wc -l)" = 6 ] &&
	grep -q '"bytes": *2[78]......' "$mount"/jobs/*/status.json; do
	kill -0 "$provider"
	sleep 0.2
done
PYTHONPATH=tests/stories python3 - "file://$mount/index.html" "$work" <<'PYTHON'
import sys
from browser import Browser

url, work = sys.argv[1:]
with Browser(1280, 1080) as browser:
    for scheme in "light", "dark":
        browser.like(prefers_color_scheme=scheme)
        browser.open(url)
        browser.until("document.querySelectorAll('.card canvas').length >= 6")
        browser.run("new Promise(done => setTimeout(done, 500))")
        browser.screenshot(f"{work}/{scheme}.png")
PYTHON
for picture in light: dark:-dark; do
	ffmpeg -v error -y -i "$work/${picture%:*}.png" -filter_complex \
		'split[a][b];[a]palettegen=max_colors=256[p];[b][p]paletteuse=dither=sierra2_4a' \
		-compression_level 100 -pred mixed -update 1 "contrib/screenshot${picture#*:}.png"
done
ls -l contrib/screenshot*.png
