#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Copies each video into a directory as soon as it is whole: watch-folder.sh MOUNT DIRECTORY [SECONDS].
# A video appears there under its name, ID.mp4, when all of it is there. Also those that were whole before
# this began. What was copied once is not copied again, even when somebody has taken it away from there and
# this was started anew: DIRECTORY/.copied has a line for each.
#
# Every SECONDS (60) it looks at all jobs that are done: so a copy that failed, on a full disk, is tried again,
# and nothing is missed that inotify has not told. Needs inotify-tools and jq.
#
# Exit status: 2 wrong use, 3 the mount is gone. Let a service start it again (Restart=on-failure).
set -u

say() {
	echo "watch-folder.sh: $*" >&2
}

end() {
	say "$2"
	exit "$1"
}

[[ $# -ge 2 && ${3:-60} =~ ^[1-9][0-9]*$ ]] || end 2 'usage: watch-folder.sh MOUNT DIRECTORY [SECONDS]'
mount=${1%/} to=$2 every=${3:-60}
{ command -v inotifywait && command -v jq; } >/dev/null || end 2 'inotify-tools or jq is not installed'
[ -e "$mount/.cometfs/events" ] || end 3 "$mount: no cometfs is mounted there"
{ [ -d "$to" ] && touch -- "$to/.copied"; } || end 2 "$to: cannot be written"
exec 8<"$to/.copied"
flock -n 8 || end 2 "$to: another watch-folder.sh writes there"

declare -A copied
while read -r id; do
	copied[$id]=1
done <&8

is_whole() {
	[ -e "$mount/jobs/$1/video.mp4" ] && jq -e '.video.state == "ready"' "$mount/jobs/$1/status.json" >/dev/null
}

# Under another name first, in the same directory, with a dot in front: nobody takes it for a video.
copy() {
	local part=$to/.$1.part
	{ cp -- "$mount/jobs/$1/video.mp4" "$part" && sync -- "$part" && mv -fT -- "$part" "$to/$1.mp4"; } || {
		rm -f -- "$part"
		say "$1: not copied; it is tried again"
		return 1
	}
	echo "$1" >>"$to/.copied"
	copied[$1]=1
	echo "$1.mp4"
}

take() {
	if [ -z "${copied[$1]-}" ] && is_whole "$1"; then
		copy "$1"
	fi
}

take_all() {
	next=$((SECONDS + every))
	[ -d "$mount/by-state/done" ] || end 3 "$mount: the mount is gone"
	while read -r id; do
		take "$id"
	done < <(find "$mount/by-state/done" -mindepth 1 -printf '%f\n')
}

# It says when all is watched; what was whole before that is looked for then.
exec 3< <(exec inotifywait -m -r -e close_write -e unmount --format '%e %w' "$mount/jobs" 2>&1)
watcher=$!
trap 'kill $watcher' EXIT

next=$((SECONDS + every))
while true; do
	status=0
	read -r -t $((next > SECONDS ? next - SECONDS : 1)) event path <&3 || status=$?
	case $status,$event,$path in
	0,CLOSE_WRITE*,*/) take "$(basename "$path")" ;;
	0,UNMOUNT*) end 3 "$mount: the mount is gone" ;;
	0,Watches,established.) take_all ;;
	0,Setting,*) ;;
	0,*) say "inotifywait: $event $path" ;;
	1,*) end 3 "$mount: cannot be watched any more" ;;
	esac
	[ $SECONDS -lt $next ] || take_all
done
