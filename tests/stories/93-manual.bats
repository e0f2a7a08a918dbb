#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The manuals: their form, that they have all that there is, and that what they say of the mount is so.
load lib.bash

PAGE=contrib/man/cometfs.1

# What a page says does not depend on the build: sanitizers need not read it again.
of_the_page() {
	! sanitized || skip "as in the other build"
}

@test "mandoc finds nothing, and no line is wider than a terminal" {
	of_the_page
	local page
	for page in contrib/man/*.1; do
		# Which other manuals are installed is the machine's.
		run ! grep -v 'referenced manual not found' < <(mandoc -T lint "$page" 2>/dev/null)
		mandoc -T ascii "$page" | col -b >"$BATS_TEST_TMPDIR/mandoc"
		groff -mdoc -Tascii -P-c -rLL=78n "$page" 2>"$BATS_TEST_TMPDIR/warnings" | col -b \
			>"$BATS_TEST_TMPDIR/groff"
		cat "$BATS_TEST_TMPDIR/warnings"
		[ ! -s "$BATS_TEST_TMPDIR/warnings" ]
		run ! grep -nE '.{81}' "$BATS_TEST_TMPDIR/mandoc" "$BATS_TEST_TMPDIR/groff"
		grep -q '^NAME$' "$BATS_TEST_TMPDIR/groff"
	done
}

@test "the options are those of --help" {
	of_the_page
	diff "$PAGE" <(contrib/man/options.sh "$COMETFS" "$PAGE")
}

@test "cometctl: the commands are those of --help" {
	of_the_page
	diff contrib/man/cometctl.1 <(contrib/man/commands.sh "$BUILD/cometctl" contrib/man/cometctl.1)
}

@test "each message of the source is explained, and each that is explained is in the source" {
	of_the_page
	local files
	mapfile -t files < <(printf '%s\n' fs/*.[ch] include/*.h | grep -v /ctl)
	python3 tests/messages.py "$PAGE" "$COMETFS" "${files[@]}"
	# It finds one that is not explained, and one that nobody says any more.
	printf 'log_info("the cat is on the roof");\n' >"$BATS_TEST_TMPDIR/new.c"
	sed '/^\.It the provider accepts our polls again/d; s/^\.It no memory$/.It no memory at all/' "$PAGE" \
		>"$BATS_TEST_TMPDIR/page"
	run -1 python3 tests/messages.py "$BATS_TEST_TMPDIR/page" "$COMETFS" "${files[@]}" "$BATS_TEST_TMPDIR/new.c"
	# shellcheck disable=SC2154 # bats sets it
	printf '%s\n' "${lines[@]##*/}"
	[ "${#lines[@]}" -eq 4 ]
}

@test "cometctl: each message is explained" {
	of_the_page
	python3 tests/messages.py contrib/man/cometctl.1 "$BUILD/cometctl" fs/ctl*.[ch]
}

@test "status.json, stats.json: each key is in the page" {
	of_the_page
	local key page
	page=$(mandoc -T ascii "$PAGE" | col -b)
	start_cometfs
	track one
	while read -r key; do
		grep -qw "$key" <<<"$page" || {
			echo "not in the page: $key"
			false
		}
	done < <(jq -r '.. | objects | keys[]' "$MNT/jobs/one/status.json" && jq -r 'keys[]' "$MNT/.cometfs/stats.json")
}

# Those that stay inside, and those of the kernel, the catalog and the libraries.
INSIDE='EDQUOT ELOOP ENOSYS ENOTDIR ENOTTY EPROTO ERANGE'
OUTSIDE='ECONNABORTED EISDIR ENOTCONN EROFS'

@test "each errno of the mount is in the page, and no other" {
	of_the_page
	local files=(fs/ops*.c fs/tree*.c fs/probe.c fs/change.c fs/job*.c fs/catalog_db.c fs/letters.c fs/engine.c)
	diff <(sed -n 's/^\.It Bq Er //p' "$PAGE" | sed 's/ , Er /\n/' | sort) \
		<({
			sed -E 's,/\*.*\*/,,' "${files[@]}" | grep -ohE '\b-?E[A-Z]{2,}\b' | tr -d - |
				python3 -c 'import errno, sys; print(*(w for w in sys.stdin.read().split() if hasattr(errno, w)), sep="\n")' |
				grep -vxF -f <(printf '%s\n' $INSIDE)
			printf '%s\n' $OUTSIDE
		} | sort -u)
}

# ---- semantics

# What the page calls cometfs mounts the provider of the tests, and polls sooner.
as_in_the_page() {
	export HOME=$BATS_TEST_TMPDIR/home
	mkdir -p "$HOME/videos" "$HOME/bin"
	unset XDG_DATA_HOME
	cat >"$HOME/bin/cometfs" <<-SCRIPT
		#!/bin/bash
		store=store=$HOME/.local/share/cometfs,
		[[ \$* != *store=* ]] || store=
		exec $COMETFS "\$@" -o "\${store}interval=0.2,interval_watched=0.1,poll_rate=0" 3>&-
	SCRIPT
	chmod +x "$HOME/bin/cometfs"
	PATH=$HOME/bin:$PATH
	export COMETAPI_BASE_URL=$SOURCE
}

teardown() {
	[ -z "${OPEN:-}" ] || rm -rf "$OPEN"
	fusermount3 -uqz "$BATS_TEST_TMPDIR/home/videos" 2>/dev/null || true
	fusermount3 -uqz "$BATS_TEST_TMPDIR/home/others" 2>/dev/null || true
	end_story
}

@test "each example of the semantics prints what the page says" {
	of_the_page
	start_provider - <<-'SCRIPT'
		job task_done
		    answer queued
		    answer running progress=42
		    answer done
		job task_running
		    answer running progress=42
		job task_coming
		    answer done video=coming.mp4
		job task_refused
		    answer text='{"code": "success", "data": {"task_id": "x", "status": "FAILURE", "fail_reason": "Generated video rejected by content moderation."}}'
		job task_next
		    answer queued
		video clip.mp4
		    file clip.mp4
		video coming.mp4
		    size 4M
		    serve stall=1M
	SCRIPT
	as_in_the_page
	cometfs "$HOME/videos"
	python3 tests/stories/examples.py "$PAGE" SEMANTICS "$HOME/videos"
	fusermount3 -u "$HOME/videos"
	flock "$HOME/.local/share/cometfs/lock" true
}

# ---- examples

# The commands of a page's EXAMPLES, as a reader sees them; what is further in goes on with the line before.
examples_of() {
	mandoc -T ascii "$1" | col -bx | sed -n '/^EXAMPLES$/,/^DIAGNOSTICS$/p' | awk '
		sub(/^ *\$ /, "") { command = command "\n" $0; next }
		sub(/^               /, " ") { sub(/\\$/, "", command); command = command $0 }
		END { print substr(command, 2) }'
}

# do_examples: those on standard input, one after the other. Who follows the events goes on.
do_examples() {
	local command
	while read -r command <&8; do
		echo "\$ $command"
		DONE=$((DONE + 1))
		case $command in
		*api.x.ai*) ;; # another provider
		*' log') cd "$HOME" && eval "$command" ;;
		*events*)
			timeout 60 bash -c "$command" >>"$BATS_TEST_TMPDIR/ready" 3>&- 8<&- &
			FOLLOWERS+=($!)
			;;
		*) eval "$command" ;;
		esac
	done 8<&0
}

events_are_open() {
	[ "$(find /proc/[0-9]*/fd -lname "$HOME/videos/.cometfs/events" 2>/dev/null | wc -l)" = "$1" ]
}

@test "each command of the examples works, and those that follow events see what comes" {
	of_the_page
	start_answers 'running progress=9' 'done video=clip.mp4'
	as_in_the_page
	ln -s "$PWD/$BUILD/cometctl" "$HOME/bin/cometctl"
	export COMETFS_MOUNT=$HOME/videos # not that of another story
	local clip=$PWD/tests/provider/clip.mp4 DONE=0 FOLLOWERS=() page pid
	mkdir "$HOME/Videos"
	printf 'job-%s\n' 1 2 3 >"$HOME/ids.txt"
	echo '{"level":"error","message":"as you see"}' >"$HOME/log"
	for page in "$PAGE" contrib/man/cometctl.1; do
		examples_of "$page" >"$BATS_TEST_TMPDIR/${page##*/}"
	done
	cd "$HOME"
	do_examples <"$BATS_TEST_TMPDIR/cometfs.1"
	do_examples <"$BATS_TEST_TMPDIR/cometctl.1"
	[ "$DONE" = 17 ]
	cmp video.mp4 "$clip"
	cmp Videos/4b2cd27e*.mp4 "$clip"
	wait_until 'events_are_open 2'
	cometctl add job-4
	wait_until '[ "$(grep -cx job-4 "$BATS_TEST_TMPDIR/ready")" = 2 ]'
	kill "${FOLLOWERS[@]}"
	for pid in "${FOLLOWERS[@]}"; do
		wait "$pid" || [ $? = 143 ]
	done
	cd "$HOME"
	wait_until 'fusermount3 -u videos 2>/dev/null' # they may still be on their way out of it
}

# ---- what fails before the mount

# refuses WORD… -- COMMAND…: it fails with one line, which has the words.
refuses() {
	local words=()
	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	shift
	run -1 --separate-stderr timeout 20 "$@"
	# shellcheck disable=SC2154 # bats sets it
	echo "$stderr"
	[ "${#stderr_lines[@]}" -eq 1 ] && [ -z "$output" ]
	[[ $stderr =~ ^cometfs:\ .+:\ .+ ]]
	local word
	for word in "${words[@]}"; do
		[[ $stderr == *"$word"* ]]
	done
}

# explained WORD… -- COMMAND…: likewise, and the page has the reason: all_are_explained() looks.
explained() {
	refuses "$@"
	printf '%s\n' "$stderr" >>"$BATS_TEST_TMPDIR/lines"
}

all_are_explained() {
	python3 tests/messages.py "$PAGE" --explains "$BATS_TEST_TMPDIR/lines"
}

@test "what fails before the mount is one line, and the page has it" {
	of_the_page
	local dir=$BATS_TEST_TMPDIR/dir file=$BATS_TEST_TMPDIR/file option
	mkdir -p "$dir/in it"
	echo 'a b' >"$file"
	explained -- "$COMETFS"
	explained three -- "$COMETFS" one two three
	explained -x -- "$COMETFS" -x "$MNT"
	for option in nonsense interval interval=x poll_rate=-1 downloads=0 max_video=4X uid=root umask=9 store= \
		track=x provider=x log=x log_level=x ro=1 cafile=/nowhere key_file=/nowhere "key_file=$file" \
		key_file=/dev/null; do
		explained -- "$COMETFS" "$MNT" -o "$option"
	done
	explained ftp://a -- "$COMETFS" ftp://a "$MNT"
	explained http://a.example -- "$COMETFS" http://a.example "$MNT"
	explained https://10.0.0.1 -- "$COMETFS" https://10.0.0.1 "$MNT"
	explained COMETAPI_KEY -- env -u COMETAPI_KEY "$COMETFS" "$MNT"
	explained "$dir/none" -- "$COMETFS" "$dir/none"
	explained "$file" -- "$COMETFS" "$file"
	explained "$dir" -- "$COMETFS" "$dir"
	explained "$dir" -- "$COMETFS" "$MNT" -o "store=$dir"
	explained "$file" -- "$COMETFS" "$MNT" -o "store=$file"
	ln -s "$dir" "$BATS_TEST_TMPDIR/link"
	explained link -- "$COMETFS" "$MNT" -o "store=$BATS_TEST_TMPDIR/link"
	mkdir -p "$STORE/catalog.sqlite"
	touch "$STORE/lock"
	explained "$STORE" -- "$COMETFS" "$MNT" -o "store=$STORE"
	rmdir "$STORE/catalog.sqlite"
	yes no database | head -c 8K >"$STORE/catalog.sqlite"
	explained "$STORE" -- "$COMETFS" "$MNT" -o "store=$STORE"
	explained "$dir" -- "$COMETFS" --check -o "store=$dir"
	all_are_explained
}

# as_user WHAT: the same by somebody who is not root, in a namespace of his own where WHAT was done before.
as_user() {
	# shellcheck disable=SC2016 # of the inner shell
	printf '%s\0' unshare -m bash -c 'mount -t tmpfs tmpfs /dev && mknod -m 666 /dev/fuse c 10 229 &&
		mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9 && eval "$1" &&
		exec setpriv --reuid=65534 --regid=65534 --clear-groups ${NOT_MORE:-} "${@:2}"' bash "$1"
}

@test "what fusermount3 says is the reason in that line" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	local open user
	open=$(mktemp -d) # where others may look, too
	OPEN=$open
	cp "$COMETFS" "$open"
	chown -R 65534 "$open"
	mkdir -m 777 "$open/mnt"
	chown 65534 "$open/mnt"
	# refused HOW WHAT WORD…: the mount of a user is, HOW being explained or refuses.
	refused() {
		mapfile -d '' -t user < <(as_user "$2")
		"$1" "${@:3}" -- "${user[@]}" "$open/cometfs" "$SOURCE" "$open/mnt" -f -o "store=$open/store$OPTIONS"
	}
	OPTIONS=,allow_other refused refuses 'echo >/dev/fuse.conf; mount --bind /dev/fuse.conf /etc/fuse.conf' \
		"$open/mnt: " user_allow_other
	OPTIONS=''
	refused explained 'chmod 600 /dev/fuse' "$open/mnt: " /dev/fuse
	refused explained 'mount --bind /bin/false /usr/bin/fusermount3' "$open/mnt: " fusermount3
	# An empty directory in the place of that which has it.
	refused explained 'mkdir /dev/bin && cp "$(command -v setpriv)" /dev/bin && mount --bind /dev/bin /usr/bin' \
		"$open/mnt: " 'install the package fuse3'
	export NOT_MORE=--no-new-privs
	refused explained : "$open/mnt: " 'Operation not permitted'
	all_are_explained
}
