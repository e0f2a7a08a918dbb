#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# On a node of the farm: brings every video that is whole, and not here yet, to DIRECTORY/ID.mp4:
# node.sh //SERVER/videos DIRECTORY [OPTION…]; the options are smbclient's, as `-A FILE` with the login.
# A name in DIRECTORY is a whole video. Run it before each piece of work, or from a timer. Needs smbclient.
#
# Exit status: 0 all that are whole are here, 1 some could not be copied, 2 wrong use, 3 no answer from the share.
set -u

end() {
	echo "node.sh: $2" >&2
	exit "$1"
}

[ $# -ge 2 ] || end 2 'usage: node.sh //SERVER/SHARE DIRECTORY [OPTION OF smbclient…]'
share=$1
cd -- "$2" || end 2 "$2: no such directory"
shift 2

smb() {
	smbclient "$share" "${options[@]}" -c "$1"
}

# Whether the document of a job, which is brought here for it, says that its video is whole.
is_whole() {
	smb "get jobs\\$1\\status.json .$1.status" >/dev/null 2>&1
	grep -q '^    "state": "ready"' ".$1.status"
}

# smbclient leaves what it has, and is content also when the disk was full: the document has the hash.
bring() {
	local hash
	hash=$(sed -n 's/^    "sha256": "\([0-9a-f]*\)".*/\1/p' ".$1.status")
	smb "get jobs\\$1\\video.mp4 .$1.part" && [ "$(sha256sum <".$1.part")" = "$hash  -" ] &&
		sync -- ".$1.part" && mv -fT -- ".$1.part" "$1.mp4"
}

options=("$@")
listing=$(smb 'ls by-state\done\*') || end 3 "$share: ${listing:-no answer}"
failed=0
trap 'rm -f .*.part .*.status' EXIT
while read -r id; do
	if [ ! -e "$id.mp4" ] && is_whole "$id"; then
		bring "$id" || {
			echo "node.sh: $id: not copied" >&2
			rm -f ".$id.part"
			failed=1
		}
	fi
done < <(sed -nE 's/^  ([^ .][^ ]*) .*/\1/p' <<<"$listing")
exit $failed
