#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The video of a job: fetch.sh MOUNT ID FILE. Tracks the job, waits until its video is whole, and copies it.
# FILE is the whole video, or is as it was. Needs jq. With a limit of time: timeout 1h fetch.sh …
#
# Exit status: 0 FILE is there, 1 no video comes of this job, 2 wrong use, 3 the mount is gone or the copy failed.
set -u

end() {
	echo "fetch.sh: $2" >&2
	exit "$1"
}

[ $# = 3 ] || end 2 'usage: fetch.sh MOUNT ID FILE'
mount=$1 id=$2 to=$3
job=$mount/jobs/$id
[ ! -d "$to" ] || end 2 "$to: is a directory"
command -v jq >/dev/null || end 2 'jq is not installed'

# In one line: the job's state, its video's, its progress, and what is wrong, if anything is.
look() {
	jq -r '"\(.state) \(.video.state) \(.progress // 0) " + (
		.error // .video.error // {code: "poll", message: .poll.last_error}
		| if .message == null then "" else "\(.code): \(.message)" end)' "$job/status.json"
}

# Waits until something happens to this job, a minute at most. Fails when the mount is gone.
happens() {
	local line=
	until [[ $line == *"\"$id\""* || $line == *'"dropped"'* ]]; do
		read -r -t 60 line <&3 || {
			[ $? -gt 128 ]
			return
		}
	done
}

# Opened before the first look, so that nothing happens in between unseen.
exec 3<"$mount/.cometfs/events" || end 3 "$mount: no cometfs is mounted there"
[ -d "$job" ] || mkdir -- "$job" || end 2 "$id: cannot be tracked"

said=
while true; do
	read -r state video progress why < <(look) || end 3 "$id: the mount is gone, or the job was forgotten"
	now="$state, $progress %, video $video${why:+, $why}"
	[ "$now" = "$said" ] || echo "$id: $now" >&2
	said=$now
	case $state,$video in
	*,ready) break ;;
	failed,* | expired,* | done,none | *,lost | *,removed) end 1 "$id: no video comes of it" ;;
	esac
	happens || end 3 "$mount: the mount is gone"
done

part=$to.$$.part
trap 'rm -f -- "$part"' EXIT
{ cp -- "$job/video.mp4" "$part" && sync -- "$part" && mv -fT -- "$part" "$to"; } || end 3 "$to: not copied"
