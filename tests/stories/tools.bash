# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What ordinary programs do with a file, and the README's table of them: what the stories have seen.

# Those that leave all bytes of a file in another; and those that say something of it.
COPIES=(cat cp 'cp -a' 'cp --reflink=auto' 'cp --sparse=always' 'rsync -a' 'rsync -aX' tar 'tar -S' zip dd
	'dd iflag=direct' split 'Python shutil.copy2' 'nginx, sendfile on')
LOOKS=(sha256sum 'head -c' 'tail -c' 'git hash-object' ffprobe ffmpeg ffmpegthumbnailer 'mpv, null outputs')
# Of them, those to which the front of a video is enough.
FRONTS=('head -c' ffprobe ffmpegthumbnailer)
# Those that bring a file's mode and time with them; and its extended attributes.
KEEPERS=('cp -a' 'rsync -a' 'rsync -aX' 'Python shutil.copy2')
XATTR_KEEPERS=('cp -a' 'rsync -aX' 'Python shutil.copy2')

# use TOOL FROM TO
use() {
	case $1 in
	cat | sha256sum) $1 <"$2" >"$3" ;;
	'cp'* | 'rsync'*) $1 "$2" "$3" ;;
	tar*) $1 -cf - -C "${2%/*}" "${2##*/}" | tar -xOf - >"$3" ;;
	zip) zip -qj - "$2" >"$3.zip" && python3 -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    sys.stdout.buffer.write(archive.read(archive.namelist()[0]))' "$3.zip" >"$3" ;;
	dd*) $1 status=none bs=300K if="$2" of="$3" ;;
	split) split -b 100K "$2" "$3-part." && cat "$3"-part.* >"$3" ;;
	Python*) python3 -c 'import shutil, sys; shutil.copy2(sys.argv[1], sys.argv[2])' "$2" "$3" ;;
	nginx*) curl -fsS "$WEB$2" >"$3" ;;
	'head -c' | 'tail -c') $1 5000 "$2" >"$3" ;;
	git*) git hash-object --no-filters "$2" >"$3" ;;
	ffprobe) ffprobe -v error -show_format -show_streams "$2" | grep -v ^filename= >"$3" ;;
	ffmpeg) ffmpeg -nostdin -v error -i "$2" -f md5 - >"$3" ;;
	ffmpegthumbnailer) ffmpegthumbnailer -i "$2" -o "$3" -c jpeg >/dev/null ;;
	mpv*) mpv --no-config --msg-level=all=error,last=info --term-status-msg= --script=tests/stories/last.lua \
		--vo=null --ao=null --untimed --ao-null-untimed=yes "$2" >"$3" 2>&1 ;;
	esac
}

# is_of TOOL LIST…
is_of() {
	local tool=$1 one
	shift
	for one in "$@"; do
		[ "$tool" != "$one" ] || return 0
	done
	return 1
}

# A tool's job, and the names of what it makes.
job_of() {
	echo "${1//[^a-zA-Z0-9]/-}"
}

# used TOOL FROM: what came of it, where no other tool's is.
used() {
	TO=$BATS_TEST_TMPDIR/out/$(job_of "$1")
	rm -f "$TO"
	use "$1" "$2" "$TO"
}

# used_whole TOOL FROM WHOLE: all was right, as with the file WHOLE itself.
used_whole() {
	used "$1" "$2" || return 1
	if is_of "$1" "${LOOKS[@]}"; then
		use "$1" "$3" "$TO.whole"
		[ -s "$TO" ] && cmp "$TO" "$TO.whole" || return 1
	else
		cmp "$TO" "$3" || return 1
	fi
	if is_of "$1" "${KEEPERS[@]}"; then
		[ "$(stat -c '%a %Y' "$TO")" = "$(stat -c '%a %Y' "$2")" ] || return 1
	fi
	if is_of "$1" "${XATTR_KEEPERS[@]}"; then
		[ -n "$(xattrs "$2")" ] && cmp <(xattrs "$TO") <(xattrs "$2")
	fi
}

# xattrs FILE: all of the user's, but for the name of the file, and for the hash, which a video that is coming in
# has not when a copy of it begins.
xattrs() {
	getfattr -d --absolute-names "$1" 2>/dev/null | sed '1d; /sha256/d'
}

# ---- the table in the README

WHOLE='a finished video' COMING='one that is coming in' STOPPED='one that stops coming' STATUS='status.json of a job under way'

# saw TOOL COLUMN CELL
saw() {
	printf '%s|%s|%s\n' "$1" "$2" "$3" >>"$BATS_FILE_TMPDIR/seen"
}

# A line a tool, in the order of their first being seen; - where it was not tried.
seen_table() {
	awk -F'|' -v columns="$WHOLE|$COMING|$STOPPED|$STATUS" '
		BEGIN { count = split(columns, names, "|"); line = "| program |"; rule = "| --- |"
			for (i = 1; i <= count; i++) { line = line " " names[i] " |"; rule = rule " --- |" }
			print line; print rule }
		!($1 in known) { known[$1] = ++tools; order[tools] = $1 }
		{ cells[$1, $2] = $3 }
		END { for (t = 1; t <= tools; t++) { line = "| " order[t] " |"
			for (i = 1; i <= count; i++) { cell = cells[order[t], names[i]]; line = line " " (cell ? cell : "-") " |" }
			print line } }' "$BATS_FILE_TMPDIR/seen"
}
