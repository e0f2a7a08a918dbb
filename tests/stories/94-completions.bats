#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What bash completes of cometctl and cometfs, and what make install puts where.
load lib.bash
load ctl.bash

COMPLETIONS=$PWD/contrib/completions
LIMITED=$PWD/$BUILD

teardown() {
	end_terminal
	end_story
}

# completes LINE WORD…: what bash would offer for that line, in a shell of its own, is just that.
completes() {
	local line=$1
	shift
	COMETFS_MOUNT=$MNT PATH=$LIMITED:$PATH bash --norc -c '
		source "$1/cometctl.bash"
		source "$1/cometfs.bash"
		COMP_LINE=$2 COMP_POINT=${#2}
		COMP_WORDS=(${2%% *})
		"_${2%% *}"
		printf "%s\n" "${COMPREPLY[@]}" | sort' - "$COMPLETIONS" "$line" >"$BATS_TEST_TMPDIR/offered"
	printf '%s\n' "$@" | sort | diff - "$BATS_TEST_TMPDIR/offered"
}

@test "commands, ids of jobs, states, options, files" {
	start_answers 'queued'
	start_cometfs
	ctl add -q $ID grok:one grok:two
	mkdir "$BATS_TEST_TMPDIR/here"
	cd "$BATS_TEST_TMPDIR/here" || return
	mkdir directory
	touch file
	completes 'cometctl ' add 'doctor' events forget get ls wait
	completes 'cometctl w' wait
	completes 'cometctl -' --commands --help --mount= --version
	completes 'cometctl -m /nowhere ' add 'doctor' events forget get ls wait
	completes 'cometctl -m d' directory
	completes 'cometctl --mount=d' directory
	completes 'cometctl wait ' $ID grok:one grok:two
	completes 'cometctl wait --timeout 5 4' $ID
	completes 'cometctl wait --timeout ' ''
	# bash has the colon for a new word.
	completes 'cometctl forget grok:' one two
	completes "cometctl -m $MNT forget -y x grok:t" two
	completes "cometctl -m /nowhere forget " ''
	completes 'cometctl ls --state=' 'done' expired failed queued running unknown
	completes 'cometctl ls -S d' 'done'
	completes 'cometctl ls --sort s' size state
	completes 'cometctl ls --' --commands --help --json --mount= --quiet --reverse --sort= --state= --version
	completes 'cometctl forget --' --commands --help --mount= --version --yes
	completes 'cometctl get 4' $ID
	completes "cometctl get $ID " directory file
	completes 'cometctl doctor --cafile f' file
	completes 'cometctl nothing ' ''
	completes 'cometfs ' directory
	completes 'cometfs --' --check --help --version
	completes 'cometfs -o track=' lookup mkdir
	completes 'cometfs -o st' store= store_max=
	completes 'cometfs -o ro,prov' ro,provider=
	completes 'cometfs -o store=/x,allow_' /x,allow_http /x,allow_other /x,allow_private /x,allow_root
	completes 'cometfs -o key_file=f' file
	completes 'cometfs -o ro,store=d' directory
	[ "$(bash --norc -c 'source "$1/cometctl.bash"; complete -p cometctl' - "$COMPLETIONS")" = "complete -F _cometctl cometctl" ]
	[ "$(bash --norc -c 'source "$1/cometfs.bash"; complete -p cometfs' - "$COMPLETIONS")" = "complete -F _cometfs cometfs" ]
}

@test "they are completed where somebody types" {
	start_answers 'queued'
	start_cometfs
	ctl add -q $ID grok:one
	start_terminal 120 20 "export PS1='> ' PATH=$LIMITED:\$PATH COMETFS_MOUNT=$MNT
		bash --norc --noprofile -i"
	shows '^>'
	in_terminal send-keys "source $COMPLETIONS/cometctl.bash" Enter
	in_terminal send-keys 'cometctl ls --st' Tab 'qu' Tab 'g' Tab
	shows '^> cometctl ls --state=queued grok:one'
	in_terminal send-keys C-u 'cometctl get 4b' Tab
	shows "^> cometctl get $ID\$"
}

@test "make install puts everything in its place, and make uninstall takes it away" {
	local root=$BATS_TEST_TMPDIR/root
	make -s install BUILD="$BUILD" DESTDIR="$root" PREFIX=/usr -o all
	(cd "$root/usr" && find . -type f | sort) >"$BATS_TEST_TMPDIR/installed"
	cat "$BATS_TEST_TMPDIR/installed"
	local file
	for file in bin/cometctl bin/cometfs share/bash-completion/completions/cometctl \
		share/bash-completion/completions/cometfs share/fish/vendor_completions.d/cometctl.fish \
		share/fish/vendor_completions.d/cometfs.fish share/zsh/site-functions/_cometctl \
		share/zsh/site-functions/_cometfs; do
		grep -qxF "./$file" "$BATS_TEST_TMPDIR/installed"
	done
	[ -x "$root/usr/bin/cometctl" ]
	make -s uninstall DESTDIR="$root" PREFIX=/usr
	[ -z "$(find "$root" -type f)" ]
}
