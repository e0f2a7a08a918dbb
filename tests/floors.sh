#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Keeps the floors of the house: who may include what. Prints TAP. Each rule is also tried on a copy of
# the tree with one breach in it, which it has to find.
set -eu
cd "$(dirname "$0")/.."

# From the roof down: floor, room, the first words of its files in fs/ and include/.
rooms='
6 ctl       ctl
5 main      main background options mountpoint limit expose
4 shared    shared
4 ops       ops
4 park      park
4 shared    shared
4 echo      echo
4 tree      tree
4 view      view gallery
3 check     check
3 engine    engine run letters change rows poll manners probe cadence notice tally fetch mp4 start verdict
2 job       job
2 figures   figures
1 http      http
1 store     store
1 catalog   catalog
1 provider  provider
1 disk      disk
1 notify    notify
0 base      base cometfs extents log heap utf8
'

# A room may open its own doors and those of lower floors; and these, written room:room.
# The catalog takes a struct job, which is a plain value.
also=' ops:park ops:shared ops:echo ops:tree ops:view ops:shared echo:tree catalog:job '

# Each outside library lives in one place: a pattern of headers, then the rooms, or files of a room.
outside='
^curl/               http ctl_doctor_net
^sqlite3\.h$         catalog
^cjson/              provider view ctl
^fuse(_|\.|3/)       ops park echo main shared
^openssl/            store
^zlib\.h$            base
^microhttpd\.h$      -
'

# "floor room" of a file; fails where there is none.
room_of() {
	local word=${1##*/}
	word=${word%%[._]*}
	awk -v word="$word" '{ for (i = 3; i <= NF; i++) if ($i == word) { print $1, $2; found = 1 } }
		END { exit !found }' <<<"$rooms"
}

c_files() {
	find fs include -name '*.[ch]' | sort
}

includes() {
	sed -nE "s/^[[:space:]]*#[[:space:]]*include[[:space:]]*$2([^>\"]+).*/\1/p" "$1"
}

# The rules: each prints its breaches.
every_file_has_a_room() {
	local file
	for file in $(c_files); do
		room_of "$file" >/dev/null || echo "$file: in no room of the table"
	done
}

no_door_of_the_same_or_a_higher_floor() {
	local file door floor room other other_room
	for file in $(c_files); do
		read -r floor room < <(room_of "$file") || continue
		for door in $(includes "$file" '"'); do
			read -r other other_room < <(room_of "$door") || continue
			if [ "$other" -ge "$floor" ] && [ "$room" != "$other_room" ] &&
				[[ $also != *" $room:$other_room "* ]]; then
				echo "$file: includes $door"
			fi
		done
	done
}

# cometctl works through the mount: of ours it opens the words and the ground. What a mount would be
# made of, before there is one, its doctor has cometfs's own options judge.
cometctl_knows_the_mount_only() {
	local file door
	for file in fs/ctl*.[ch]; do
		for door in $(includes "$file" '"'); do
			[[ $door =~ ^(cometfs|base|ctl|ctl_.*)\.h$ || $file:$door == fs/ctl_doctor.c:options.h ]] || echo "$file: includes $door"
		done
	done
}

each_library_in_its_room() {
	local file header room stem pattern allowed
	for file in $(c_files); do
		read -r _ room < <(room_of "$file") || continue
		stem=$(basename "${file%.[ch]}")
		for header in $(includes "$file" '<'); do
			while read -r pattern allowed; do
				[[ -n $pattern && $header =~ $pattern && " $allowed " != *" $room "* &&
					" $allowed " != *" $stem "* ]] &&
					echo "$file: includes $header"
			done <<<"$outside"
		done
	done
}

the_words_have_no_function() {
	sed -e 's,/\*.*\*/,,' -e '/\/\*/,/\*\//d' -e '/^#/d' include/cometfs.h | grep -n '(' || :
}

no_file_over_400_lines() {
	find fs include tests/provider -name '*.[ch]' -exec awk '
		FNR == 401 { print FILENAME ": over 400 lines" }' {} +
}

stories_do_not_sleep() {
	grep -rnE '(^|[^[:alnum:]_])u?sleep([^[:alnum:]_]|$)' tests/stories --include='*.bats' || :
}

# One breach of each rule, made in the copy that is the current directory.
breach() {
	case $1 in
	every_file_has_a_room) echo >fs/util.c ;;
	no_door_of_the_same_or_a_higher_floor) echo '#include "engine.h"' >fs/http_breach.c ;;
	cometctl_knows_the_mount_only) echo '#include "extents.h"' >fs/ctl_breach.c ;;
	each_library_in_its_room) echo '#include <sqlite3.h>' >fs/engine_breach.c ;;
	the_words_have_no_function) echo 'int words(void);' >>include/cometfs.h ;;
	no_file_over_400_lines) seq 401 >fs/job_breach.c ;;
	stories_do_not_sleep) echo '	sleep 1' >tests/stories/99-breach.bats ;;
	esac
}

count=0
tap() {
	local what=$1
	shift
	count=$((count + 1))
	"$@" || printf 'not '
	echo "ok $count - $what"
}

rules='every_file_has_a_room no_door_of_the_same_or_a_higher_floor cometctl_knows_the_mount_only
	each_library_in_its_room the_words_have_no_function no_file_over_400_lines stories_do_not_sleep'
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
for rule in $rules; do
	found=$("$rule")
	[ -z "$found" ] || echo "# ${found//$'\n'/$'\n'# }"
	tap "$rule" test -z "$found"

	rm -rf "${copy:?}"/*
	mkdir "$copy/tests"
	cp -r fs include "$copy"
	cp -r tests/provider tests/stories "$copy/tests"
	found_in_copy=$(cd "$copy" && breach "$rule" && "$rule")
	tap "$rule, and finds a breach" test "$found_in_copy" != "$found"
done
echo "1..$count"
