#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# mount(8), /etc/fstab, users who mount, and systemd's automount points. All of it in a mount namespace
# where cometfs is installed, and /dev/fuse is for everybody, as it is on most machines.
load lib.bash

NAMES=$'by-state\nindex.html\njobs' # in the root of a mount

NOBODY='setpriv --reuid=65534 --regid=65534 --clear-groups'
PLACE=/mnt/videos
OPTIONS=_netdev,nofail,x-systemd.automount,noauto,user

teardown() {
	local pid good=true
	for pid in $(daemons); do
		echo "left behind: $pid"
		kill "$pid"
		good=false
	done
	end_story || good=false
	$good
}

# installed LINE…: what /etc/fstab has.
installed() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/fstab"
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m sh -euc '
		mount -t tmpfs -o mode=755 tmpfs /usr/local/bin
		cp "$1" /usr/local/bin/cometfs
		mount -t tmpfs -o mode=755,dev tmpfs /mnt
		mkdir /mnt/videos /mnt/store
		chown 65534:65534 /mnt/videos /mnt/store
		mknod -m 666 /mnt/fuse c 10 229
		mount --bind /mnt/fuse /dev/fuse
		mount --bind "$2" /etc/fstab
		touch /mnt/ready
		exec tail -f /dev/null' sh "$COMETFS" "$BATS_TEST_TMPDIR/fstab" 2>>"$LOG" 3>&- &
	SERVER=$!
	wait_until '[ -e /proc/$SERVER/root/mnt/ready ]'
}

inside() {
	timeout 30 nsenter -m -r -w -t "$SERVER" "$@" 3>&-
}

# The daemons in the namespace; nobody waits for their end but those who look.
daemons() {
	local process name
	for process in /proc/[0-9]*; do
		if read -r name <"$process/comm" && [[ $name == cometfs* ]] &&
			[ "$process/ns/mnt" -ef "/proc/$SERVER/ns/mnt" ]; then
			echo "${process#/proc/}"
		fi
	done 2>/dev/null
}

all_have_ended() {
	wait_until '[ -z "$(daemons)" ]'
	run ! inside mountpoint -q $PLACE
}

@test "mount -t fuse.cometfs, findmnt, df and umount" {
	installed
	inside mount -t fuse.cometfs "$SOURCE" $PLACE -o "$OPTIONS,x-gvfs-hide,relatime,store=/mnt/own,ro"
	[ "$(inside ls $PLACE)" = "$NAMES" ]
	[ "$(inside findmnt -nr -o SOURCE,FSTYPE $PLACE)" = "$SOURCE fuse.cometfs" ]
	[[ $(inside findmnt -n -o OPTIONS $PLACE) == ro,nosuid,nodev,noexec,* ]]
	[ "$(inside df --output=source $PLACE | tail -1)" = "$SOURCE" ]
	inside mount -t fuse.cometfs | grep -F "$SOURCE on $PLACE type fuse.cometfs"
	inside umount $PLACE
	all_have_ended
}

@test "what is mount's and systemd's own in a list of options is dropped without mount too" {
	mkdir "$STORE"
	start_cometfs "_netdev,nofail,auto,noauto,nouser,user,users,owner,group,defaults,relatime,nodiratime,x-systemd.idle-timeout=1min,x-gvfs-name=a\\,b,comment=c"
	[ "$(ls "$MNT")" = "$NAMES" ]
}

@test "a line in /etc/fstab: mount takes it, mount -a leaves it" {
	installed "$SOURCE $PLACE fuse.cometfs $OPTIONS,store=/mnt/own,key_file=$BATS_TEST_TMPDIR/key 0 0"
	echo test-key >"$BATS_TEST_TMPDIR/key"
	unset COMETAPI_KEY
	inside mount -a
	run ! inside mountpoint -q $PLACE
	inside mount $PLACE
	[ "$(inside ls $PLACE)" = "$NAMES" ]
	[[ $(inside findmnt -n -o OPTIONS $PLACE) == *nosuid,nodev,noexec* ]]
	inside umount $PLACE
	all_have_ended
}

@test "mount -a mounts a line once" {
	installed "$SOURCE $PLACE fuse.cometfs _netdev,nofail,store=/mnt/own 0 0"
	inside mount -a
	[ "$(inside ls $PLACE)" = "$NAMES" ]
	inside mount -a
	[ "$(inside findmnt -nr -o SOURCE $PLACE)" = "$SOURCE" ]
	inside umount $PLACE
	all_have_ended
}

@test "with user in /etc/fstab a user mounts and unmounts it, and it is his alone" {
	installed "$SOURCE $PLACE fuse.cometfs $OPTIONS,store=/mnt/store 0 0"
	local unmount
	for unmount in umount 'fusermount3 -u'; do
		inside $NOBODY mount $PLACE
		[ "$(inside $NOBODY ls $PLACE)" = "$NAMES" ]
		[ "$(inside $NOBODY df --output=source $PLACE | tail -1)" = "$SOURCE" ]
		[ "$(inside $NOBODY stat -c %u $PLACE/jobs)" = 65534 ]
		inside $NOBODY mkdir $PLACE/jobs/$ID
		fails_with "Permission denied" inside ls $PLACE
		inside $NOBODY $unmount $PLACE
		all_have_ended
		inside rm -r /mnt/store
		inside install -d -o 65534 -g 65534 /mnt/store
	done
}

@test "a user's mount has its store in his home, which mount does not tell" {
	installed "$SOURCE $PLACE fuse.cometfs $OPTIONS 0 0"
	echo "nobody:x:65534:65534::/mnt/store:/bin/sh" >"$BATS_TEST_TMPDIR/passwd"
	inside mount --bind "$BATS_TEST_TMPDIR/passwd" /etc/passwd
	inside env -u XDG_DATA_HOME HOME=/root $NOBODY mount $PLACE
	[ "$(inside $NOBODY ls $PLACE)" = "$NAMES" ]
	inside $NOBODY test -e /mnt/store/.local/share/cometfs/catalog.sqlite
	inside $NOBODY umount $PLACE
	all_have_ended
}

@test "a user's line that lets others in needs what fuse.conf says" {
	installed "$SOURCE $PLACE fuse.cometfs $OPTIONS,allow_other,store=/mnt/store 0 0"
	touch "$BATS_TEST_TMPDIR/fuse.conf"
	inside mount --bind "$BATS_TEST_TMPDIR/fuse.conf" /etc/fuse.conf
	run --separate-stderr inside $NOBODY mount $PLACE
	echo "said: $stderr"
	[ "$status" -ne 0 ]
	[[ $stderr == "cometfs: $PLACE: "*user_allow_other* ]]
	[ -z "$(daemons)" ]
	echo user_allow_other >"$BATS_TEST_TMPDIR/fuse.conf"
	inside $NOBODY mount $PLACE
	[ "$(inside ls $PLACE)" = "$NAMES" ]
	inside $NOBODY umount $PLACE
	all_have_ended
}

@test "a mount point of systemd.automount is mounted by who looks into it" {
	grep -qw autofs /proc/filesystems || skip "this kernel has no autofs"
	# libfuse frees its copy of the path only when it unmounts, which here is not ours to do.
	export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	installed "$SOURCE $PLACE fuse.cometfs $OPTIONS,store=/mnt/own 0 0"
	nsenter -m -r -w -t "$SERVER" python3 "$PWD/tests/stories/automount.py" $PLACE mount $PLACE \
		>"$BATS_TEST_TMPDIR/automount" 2>>"$LOG" 3>&- &
	local automount=$! round
	wait_until 'grep -q ready "$BATS_TEST_TMPDIR/automount"'
	for round in 1 2; do
		[ "$(inside ls $PLACE)" = "$NAMES" ]
		[ "$(grep -c mounted "$BATS_TEST_TMPDIR/automount")" = $round ]
		[ "$(inside findmnt -nr -o FSTYPE $PLACE)" = "$(printf 'autofs\nfuse.cometfs')" ]
		inside umount $PLACE
		wait_until '[ -z "$(daemons)" ]'
	done
	# A daemon that ends does not wake the mount point that it leaves.
	[ "$(inside ls $PLACE)" = "$NAMES" ]
	daemons | xargs kill || true # of the two that there are, one may be faster
	wait_until '[ -z "$(daemons)" ]'
	[ "$(inside findmnt -nr -o FSTYPE $PLACE)" = autofs ]
	kill "$automount"
	wait "$automount" || true
}
