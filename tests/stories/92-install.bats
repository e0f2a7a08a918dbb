#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What is installed, what systemd is told, and what its units allow. That they run in a real systemd, in
# real packages, is tested by contrib/packages.sh, in make trixie.
load lib.bash

UNITS=contrib/systemd

# Who listens goes last.
teardown() {
	local good=true
	[ -z "$DAEMON" ] || stop_cometfs || good=false
	end_story || good=false
	$good
}

# listen ADDRESS [SECONDS]: what is said to it goes into $TOLD.
listen() {
	TOLD=$BATS_TEST_TMPDIR/told
	export NOTIFY_SOCKET=$1
	python3 tests/stories/listen.py "$1" "$TOLD" ${2:+"$2"} 2>>"$LOG" 3>&- &
	SERVER=$!
	wait_until 'grep -q listens "$TOLD"'
}

# told PATTERN: how often; the whole message has to match.
told() {
	grep -cE "^[0-9.]+ ($1)$" "$TOLD" || true
}

is_told() {
	wait_until "[ \"\$(told '$1')\" -ge ${2:-1} ]"
}

@test "the life of a service: STATUS, READY, RELOADING, READY, STOPPING" {
	listen "$BATS_TEST_TMPDIR/notify"
	start_answers queued running 'done'
	echo test-key >"$BATS_TEST_TMPDIR/key"
	start_cometfs "key_file=$BATS_TEST_TMPDIR/key"
	is_told READY=1
	[ "$(told 'STATUS=0 jobs')" = 1 ]
	kill -HUP $DAEMON
	is_told READY=1 2
	[ "$(told 'RELOADING=1 MONOTONIC_USEC=[0-9]+')" = 1 ]
	track one two
	is_told 'STATUS=2 jobs: 2 done'
	stop_cometfs
	is_told STOPPING=1
	sed 's/^[0-9.]* //;s/USEC=.*/USEC=N/' "$TOLD" | grep -v STATUS >"$TOLD.lines"
	diff "$TOLD.lines" - <<-'END'
		listens
		READY=1
		RELOADING=1 MONOTONIC_USEC=N
		READY=1
		STOPPING=1
	END
}

@test "a key that cannot be read again is no end of the service" {
	listen "@cometfs-$BASHPID" # a name that is no file
	echo test-key >"$BATS_TEST_TMPDIR/key"
	start_cometfs "key_file=$BATS_TEST_TMPDIR/key"
	is_told READY=1
	rm "$BATS_TEST_TMPDIR/key"
	expect_log 'the key stays as it was'
	kill -HUP $DAEMON
	is_told READY=1 2
	[ -d "$MNT/jobs" ]
}

@test "READY is said when the mount answers, and not before" {
	sanitized && skip "what holds the answers back, and the sanitizer, both want to be loaded first"
	cc -shared -fPIC -o "$BATS_TEST_TMPDIR/gate.so" -xc - -ldl <<-'C'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <poll.h>
		#include <stdlib.h>
		#include <sys/uio.h>
		#include <unistd.h>
		/* What libfuse answers the kernel waits until a file is there. */
		ssize_t writev(int fd, const struct iovec *iov, int count)
		{
			ssize_t (*real)(int, const struct iovec *, int) = dlsym(RTLD_NEXT, "writev");
			while (access(getenv("GATE"), F_OK) != 0)
				poll(NULL, 0, 10);
			return real(fd, iov, count);
		}
	C
	printf '#!/bin/sh\nLD_PRELOAD=%s exec %s "$@"\n' "$BATS_TEST_TMPDIR/gate.so" "$COMETFS" \
		>"$BATS_TEST_TMPDIR/cometfs"
	chmod +x "$BATS_TEST_TMPDIR/cometfs"
	COMETFS=$BATS_TEST_TMPDIR/cometfs
	export GATE=$BATS_TEST_TMPDIR/gate
	listen "$BATS_TEST_TMPDIR/notify"
	"$COMETFS" "$SOURCE" "$MNT" -f -o "store=$STORE" 2>>"$LOG" 3>&- &
	DAEMON=$!
	# All else is there: the mount is in the table, and the engine speaks.
	wait_until 'grep -qF "$MNT fuse.cometfs" /proc/mounts'
	wait_until 'grep -q "mounted at" "$LOG"'
	is_told 'STATUS=0 jobs'
	[ "$(told READY=1)" = 0 ]
	touch "$GATE"
	is_told READY=1
	[ -d "$MNT/jobs" ]
}

@test "READY arrives also where systemd is busy for a while" {
	listen "$BATS_TEST_TMPDIR/notify" 1.5
	start_cometfs
	is_told READY=1
	is_told 'STATUS=0 jobs'
}

@test "counts are told about once a second, however fast they change, and the last ones always" {
	start_answers queued running 'done'
	listen "$BATS_TEST_TMPDIR/notify"
	start_cometfs
	track $(seq -f job-%g 1 100)
	is_told 'STATUS=100 jobs: 100 done'
	cat "$TOLD"
	awk 'NR == 1 { first = $1 } /STATUS/ { count++ } END { exit count > $1 - first + 2 }' "$TOLD"
}

@test "what it starts is not told where systemd listens, and nobody else's socket harms" {
	listen "$BATS_TEST_TMPDIR/notify"
	start_cometfs auto_unmount
	is_told READY=1
	local child
	child=$(pgrep -P $DAEMON fusermount3)
	grep -zq ^COMETAPI_KEY "/proc/$child/environ" # it can be read
	run ! grep -zq ^NOTIFY_SOCKET "/proc/$child/environ"
	stop_cometfs
	expect_log 'NOTIFY_SOCKET'
	local socket
	for socket in "$BATS_TEST_TMPDIR/nobody" relative @ "vsock:2:1" "/$(printf 'x%.0s' {1..200})"; do
		NOTIFY_SOCKET=$socket start_cometfs
		[ -d "$MNT/jobs" ]
		stop_cometfs
	done
}

# ---- installation ------------------------------------------------------------------------------

# put WHAT [VARIABLE=VALUE…]: make install, or uninstall, of what is built.
put() {
	make -s BUILD="$BUILD" -o all "$@"
}

# A system as it is before.
lay_out() {
	DESTDIR=$BATS_TEST_TMPDIR/root
	local dir
	for dir in bin libexec lib/systemd/system lib/systemd/user lib/sysusers.d share/doc share/man/man1 \
		share/bash-completion/completions share/zsh/site-functions share/fish/vendor_completions.d; do
		mkdir -p "$DESTDIR$1/$dir"
	done
	echo other >"$DESTDIR$1/bin/other"
	(cd "$DESTDIR" && find . | sort) >"$BATS_TEST_TMPDIR/before"
}

@test "make install puts all in place, and make uninstall leaves the tree as it was" {
	lay_out /usr/local
	put install DESTDIR="$DESTDIR"
	local file
	for file in bin/cometfs libexec/cometfs/cometfs-expose lib/systemd/system/cometfs@.service \
		lib/systemd/user/cometfs.service lib/sysusers.d/cometfs.conf share/doc/cometfs/{LICENSE,README.md} \
		share/doc/cometfs/examples/{fstab,updatedb.sh}; do
		[ -s "$DESTDIR/usr/local/$file" ]
	done
	[[ $("$DESTDIR/usr/local/bin/cometfs" --version) == cometfs* ]]
	# All manuals, completions and examples that there are.
	while read -r file; do
		[ -n "$(find "$DESTDIR" -name "$(basename "$file" .bash)")" ]
	done < <(find contrib/man contrib/completions contrib/examples -type f ! -path '*/man/*.sh' 2>/dev/null)
	run ! grep -rE '/usr/(bin|libexec)/cometfs' "$DESTDIR/usr/local/lib"
	put uninstall DESTDIR="$DESTDIR"
	(cd "$DESTDIR" && find . | sort) | diff "$BATS_TEST_TMPDIR/before" -
}

# ---- the units ---------------------------------------------------------------------------------

@test "the units are good, and the system's is shut in" {
	lay_out /usr
	put install DESTDIR="$DESTDIR" PREFIX=/usr
	local units=$DESTDIR/usr/lib/systemd
	# What they start is not installed here.
	sed -i 's,/usr/\(bin\|libexec\)/cometfs[^ ]*,/bin/true,' "$units"/*/*.service
	sed -i '/^Documentation=man:/d' "$units"/*/*.service
	run -0 systemd-analyze verify --recursive-errors=no "$units/system/cometfs@.service"
	[ -z "$output" ]
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR
	run -0 systemd-analyze verify --user --recursive-errors=no "$units/user/cometfs.service"
	[ -z "$output" ]
	run -0 systemd-analyze security --offline=true --threshold=30 --no-pager "$units/system/cometfs@.service"
	[[ $output == *"exposure level"* ]]
	run -0 systemd-sysusers --dry-run "$units/../sysusers.d/cometfs.conf"
}

# in_sandbox COMMAND…: beside a daemon whose mounts nobody else sees, as in a service. $1 of the commands.
in_sandbox() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	# Process 1 is the system's here, too.
	# shellcheck disable=SC2016 # for the inner shell
	timeout 60 unshare --mount --propagation private --pid --fork --mount-proc bash -euc '
		mount --make-rshared /
		PATH=$1:$PATH
		unshare --mount --propagation slave cometfs "$2" "$3" -f -o "store=$4,allow_other" &
		daemon=$!
		until grep -q " $3 .*fuse.cometfs" /proc/$daemon/mountinfo; do read -rt 0.05 <> <(:) || true; done
		eval "$5"' bash "$PWD/$BUILD" "$SOURCE" "$MNT" "$STORE" "$1" 2>>"$LOG" 3>&-
}

@test "a mount in a sandbox is shown to all, and its umount is the daemon's end" {
	# shellcheck disable=SC2016 # for the inner shell
	in_sandbox '
		if mountpoint -q "$3"; then exit 1; fi
		cometfs-expose show $daemon "$3"
		mkdir "$3/jobs/seen"
		[ "$(grep -c " $3 " /proc/self/mountinfo)" = 1 ]
		[ "$(grep -c " $3 " /proc/$daemon/mountinfo)" = 1 ]
		umount "$3"
		wait $daemon'
}

@test "a mount point that is named through a link, with a slash behind it, is shown and hidden" {
	ln -s "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/link"
	# shellcheck disable=SC2016 # for the inner shell
	in_sandbox '
		link=${3%/*}/link/${3##*/}/
		cometfs-expose show $daemon "$link"
		mkdir "$3/jobs/seen"
		kill -KILL $daemon
		wait $daemon || true
		cometfs-expose hide "$link"
		if grep " $3 " /proc/self/mountinfo; then exit 1; fi'
}

@test "who has taken the service over brings out neither setuid programs and devices nor the mounts of others" {
	# shellcheck disable=SC2016 # for the inner shell
	in_sandbox '
		nsenter -m -t $daemon mount -o remount,bind,suid,dev "$3"
		cometfs-expose show $daemon "$3"
		grep " $3 [^ ]*nosuid,nodev" /proc/self/mountinfo
		umount "$3"
		wait $daemon'
	# shellcheck disable=SC2016 # for the inner shell
	in_sandbox '
		nsenter -m -t $daemon bash -euc "
			cd \$1
			mount -t tmpfs tmpfs \${1%/*}
			mkdir \${1%/*}/elsewhere
			mount -c --bind . \${1%/*}/elsewhere
			ln -s elsewhere \$1" bash "$3"
		if said=$(cometfs-expose show $daemon "$3" 2>&1); then exit 1; fi
		[[ $said == *"symbolic links"* ]]
		if grep " $3 " /proc/self/mountinfo; then exit 1; fi'
}

@test "what a killed daemon leaves is hidden, and nothing else is" {
	# shellcheck disable=SC2016 # for the inner shell
	in_sandbox '
		cometfs-expose show $daemon "$3"
		cometfs-expose hide "$3"
		mountpoint -q "$3"
		kill -KILL $daemon
		wait $daemon || true
		cometfs-expose hide "$3"
		if grep " $3 " /proc/self/mountinfo; then exit 1; fi
		mount -t tmpfs tmpfs "$3"
		cometfs-expose hide "$3"
		mountpoint -q "$3"'
}

@test "the lines for /etc/fstab are good" {
	grep -oE '^#?https?:.*' contrib/fstab | sed 's/^#//' >"$BATS_TEST_TMPDIR/lines"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/lines")" = 3 ]
	local options
	echo test-key >"$BATS_TEST_TMPDIR/key"
	unset COMETAPI_KEY
	while read -r _ _ _ options _; do
		start_cometfs "$(sed -E "s,key_file=[^,]*,key_file=$BATS_TEST_TMPDIR/key," <<<"$options")"
		[ -d "$MNT/jobs" ]
		stop_cometfs
	done <"$BATS_TEST_TMPDIR/lines"
}
