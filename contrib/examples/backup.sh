#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Two backups; each is good for something else. Needs rsync.
#
#   backup.sh videos MOUNT TO   the videos of all jobs that are done, with their documents, as TO/ID/video.mp4:
#                               files for any program. At any time; what is there already is not read again.
#   backup.sh store STORE TO [SECONDS]
#                               all that cometfs knows, to go on from, as TO/DATE/; videos that have not changed
#                               are hard links, and take no room. The daemon is stopped for it, and has a minute
#                               to end, or SECONDS:
#
#       umount /srv/videos && backup.sh store /var/lib/cometfs /backup; mount /srv/videos
#
# Is it good? Every video against its hash:    cometfs --check -o store="$(realpath /backup/last)"
# To restore, on any machine:                  rsync -a /backup/last/ /var/lib/cometfs/ && mount /srv/videos
#
# Exit status: 0 all is there, 1 not all of it, 2 wrong use, 3 the daemon runs, or the copy failed.
set -u

end() {
	echo "backup.sh: $2" >&2
	exit "$1"
}

# Follows the links of by-state/done. Never with --delete: what was forgotten here is kept there.
backup_videos() {
	[ -d "$1/by-state/done" ] || end 3 "$1: no cometfs is mounted there"
	rsync -aL -- "$1/by-state/done/" "$2/"
	case $? in
	0) ;;
	23 | 24) end 1 'some are not whole yet, or are gone: the next run takes what it can' ;;
	*) end 3 "$2: not all could be copied" ;;
	esac
}

# Whoever holds the lock has the store for himself: no daemon can start meanwhile.
backup_store() {
	local store=${1%/} now last=()
	to=${2%/}
	now=$(date -u +%Y-%m-%dT%H%M%SZ)
	[ -f "$store/catalog.sqlite" ] || end 2 "$store: is no store of cometfs"
	exec 8<"$store/lock" || end 3 "$store: cannot be read"
	flock -w "${3:-60}" 8 || end 3 "$store: is in use; unmount first"
	mkdir -p -- "$to" || end 3 "$to: cannot be written"
	trap 'rm -rf -- "$to/.part"' EXIT
	rm -rf -- "$to/.part"
	[ ! -d "$to/last" ] || last=(--link-dest=../last)
	{ rsync -a "${last[@]}" -- "$store/" "$to/.part/" && sync -f -- "$to/.part"; } ||
		end 3 "$to: not copied"
	{ mv -T -- "$to/.part" "$to/$now" && ln -sfnT -- "$now" "$to/last"; } || end 3 "$to/$now: not finished"
	echo "$to/$now"
}

case ${1-},$# in
videos,3) backup_videos "$2" "$3" ;;
store,[34]) backup_store "${@:2}" ;;
*) end 2 'usage: backup.sh videos MOUNT TO | backup.sh store STORE TO [SECONDS]' ;;
esac
