#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the packages in a Debian, and tests them in a fresh one, whose systemd runs in namespaces of its own:
# packages.sh SUITE…. They are installed, mount, are upgraded below a mount, removed and purged. Needs
# root. All of it stays in build-SUITE/.
set -eu
cd "$(dirname "$0")/.."
ID=4b2cd27e-0b0d-3dec-c31c-7572daf74bb3
KEEP=$(mktemp -d)
INIT='' PROVIDER='' CGROUP=''

clean_up() {
	[ -z "$PROVIDER" ] || kill "$PROVIDER" || true
	shut_down
	rm -rf "$KEEP"
}
trap clean_up EXIT
set -E
trap 'echo "packages.sh: line $LINENO fails" >&2' ERR

step() {
	printf '# %s: %s\n' "$suite" "$*"
}

die() {
	echo "packages.sh: $*" >&2
	[ -z "$INIT" ] || inside journalctl --no-pager -n 20 || true
	exit 1
}

# until_true COMMAND…: waits a minute for it.
until_true() {
	local end=$((SECONDS + 60))
	until "$@"; do
		[ $SECONDS -le $end ] || die "in vain: $*"
		sleep 0.1
	done 2>/dev/null
}

# ---- the packages -------------------------------------------------------------------------------

build() {
	step "builds the packages"
	SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date -r include/cometfs.h +%s)
	export SOURCE_DATE_EPOCH
	# shellcheck disable=SC2016 # for the inner shell
	SUITE=$suite contrib/trixie.sh sh -euc '
		make -s deb
		make -s build/provider
		lintian --allow-root --fail-on error build/deb/*.changes
		sha256sum build/deb/*.deb >/tmp/first
		make -s deb
		sha256sum -c /tmp/first
		rm -rf /tmp/deb
		for deb in build/deb/*.deb; do dpkg-deb -x "$deb" /tmp/deb; done
		for file in bin/cometfs libexec/cometfs/cometfs-expose; do
			id=$(readelf -n "/tmp/deb/usr/$file" | sed -n "s/.*Build ID: //p")
			readelf -S "/tmp/deb/usr/lib/debug/.build-id/$(echo "$id" | cut -c1-2)/$(echo "$id" | cut -c3-).debug" |
				grep -q debug_info
		done' >"build-$suite/deb.log" 2>&1 || {
		tail -n 50 "build-$suite/deb.log"
		die "the packages are not built"
	}
	grep -E '^[EWI]: ' "build-$suite/deb.log" || true
	cp "build-$suite"/root/cometfs/build/deb/*.deb tests/provider/clip.mp4 "$fresh/root/"
	older
}

# The same as if it were an older one.
older() {
	local new
	new=$(ls "$fresh"/root/cometfs_*.deb)
	rm -rf "$fresh/root/old"
	dpkg-deb -R "$new" "$fresh/root/old"
	sed -i 's/^Version: .*/Version: 0.0.1/' "$fresh/root/old/DEBIAN/control"
	sed -i 's/^Description=.*/Description=an older cometfs/' "$fresh/root/old/usr/lib/systemd/system/cometfs@.service"
	touch -d 2020-01-01 "$fresh/root/old/usr/lib/systemd/system/cometfs@.service"
	dpkg-deb --root-owner-group -b "$fresh/root/old" "$fresh/root/old.deb" >/dev/null
	rm -r "$fresh/root/old"
}

# ---- a fresh Debian -----------------------------------------------------------------------------

make_fresh() {
	local base=$PWD/build-$suite/base
	contrib/deps.sh trixie
	if [ ! -d "$base" ]; then
		step "is fetched"
		mkdir -p "build-$suite"
		rm -rf "$base.new"
		debootstrap --variant=minbase --include=ca-certificates,systemd,util-linux "$suite" "$base.new" >/dev/null
		mv "$base.new" "$base"
	fi
	rm -rf "$fresh"
	cp -a "$base" "$fresh"
	cp /etc/resolv.conf /etc/hosts "$fresh/etc/"
	ln -sf ../proc/self/mounts "$fresh/etc/mtab"
}

# What its systemd is given: a root, a cgroup, and harmless devices.
# shellcheck disable=SC2016 # for the inner shell
BOOT='
	root=$1
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --bind -o ro "$root/proc/sys" "$root/proc/sys"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
	mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
	for device in null zero full random urandom tty; do
		touch "$root/dev/$device"
		mount --bind "/dev/$device" "$root/dev/$device"
	done
	mknod -m 666 "$root/dev/fuse" c 10 229
	ln -s /proc/self/fd "$root/dev/fd"
	mkdir "$root/dev/shm" "$root/dev/pts"
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	mount -t tmpfs -o mode=755,nosuid tmpfs "$root/run"
	hostname fresh
	cd "$root"
	mkdir -p .old
	pivot_root . .old
	umount -l .old
	rmdir .old
	mount --make-rshared /
	exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --system --unit=multi-user.target'

boot() {
	step "boots"
	local cgroups=/sys/fs/cgroup unshare
	[ -e "$cgroups/cgroup.procs" ] || cgroups+=/unified
	CGROUP=$cgroups$(sed -n 's/^0:://p' /proc/self/cgroup)/cometfs-$$
	mkdir "$CGROUP"
	# shellcheck disable=SC2016 # for the inner shell
	bash -euc 'echo $$ >"$1/cgroup.procs"
		exec unshare --mount --propagation private --pid --fork --kill-child --cgroup --uts --ipc \
			bash -euc "$2" bash "$3"' bash "$CGROUP" "$BOOT" "$fresh" >"build-$suite/boot.log" 2>&1 &
	unshare=$!
	until_true grep -q . "/proc/$unshare/task/$unshare/children"
	INIT=$(awk '{ print $1 }' "/proc/$unshare/task/$unshare/children")
	until_true inside systemctl is-active -q multi-user.target
}

shut_down() {
	if [ -n "$INIT" ]; then
		kill -KILL "$INIT" || true
		wait || true
		INIT=''
	fi
	if [ -n "$CGROUP" ]; then
		find "$CGROUP" -depth -type d -exec rmdir {} + || true
		CGROUP=''
	fi
}

inside() {
	timeout 300 nsenter -a -t "$INIT" env -i DEBIAN_FRONTEND=noninteractive HOME=/root LC_ALL=C.UTF-8 \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

apt() {
	inside apt-get -q -y --no-install-recommends "$@" >>"build-$suite/apt.log" 2>&1 || {
		tail -n 30 "build-$suite/apt.log"
		die "apt-get $*"
	}
}

# All that an installation may change, but for what apt and dpkg note down and the journal.
tree() {
	inside find / -xdev \( -path /root -o -path /tmp -o -path /srv -o -path /etc/cometfs -o -path '/var/lib/cometfs*' \
		-o -path /var/cache -o -path /var/log -o -path /var/lib/dpkg -o -path /var/lib/apt \) -prune \
		-o ! -name '*-' ! -name .pwd.lock -print | sort
}

# ---- what is tested -----------------------------------------------------------------------------

start_provider() {
	local root=$PWD/build-$suite/root
	rm -f "$root/tmp/port"
	cat >"$root/cometfs/tests/provider/packages.script" <<-'END'
		job *
			answer queued
			answer running progress=50
			answer done
		video clip.mp4
			file clip.mp4
	END
	# In the Debian that has built it: a fresh one has not its library. The network is the same.
	chroot "$root" sh -c 'cd /cometfs && exec build/provider --port-file /tmp/port tests/provider/packages.script' \
		>/dev/null 2>&1 &
	PROVIDER=$!
	until_true test -s "$root/tmp/port"
	SOURCE=http://127.0.0.1:$(<"$root/tmp/port")
}

# has_video MOUNTPOINT ID: a job becomes a video there.
has_video() {
	inside mkdir "$1/jobs/$2"
	until_true inside grep -q '"state": "ready"' "$1/jobs/$2/status.json"
	inside cp "$1/jobs/$2/video.mp4" /tmp/copy.mp4
	inside cmp /tmp/copy.mp4 /root/clip.mp4 || die "$1/jobs/$2/video.mp4 is another"
}

test_mount() {
	step "mounts, as root, from /etc/fstab"
	inside install -d -m 700 /etc/cometfs
	inside sh -c 'umask 077; echo test-key >/etc/cometfs/videos.key'
	sed -n '/^https/{s,https://api.cometapi.com,'"$SOURCE"',;s,/srv/videos,/mnt,;s,x-systemd.automount,interval=1,;p}' \
		contrib/fstab >>"$fresh/etc/fstab"
	inside mount /mnt
	has_video /mnt $ID
	inside umount /mnt
	sed -i '/cometfs/d' "$fresh/etc/fstab"
	rm "$fresh/etc/cometfs/videos.key"
}

property() {
	inside systemctl show -P "$1" "cometfs@videos"
}

# is PROPERTY VALUE
is() {
	[ "$(property "$1")" = "$2" ]
}

test_service() {
	step "runs as a service"
	inside systemctl start cometfs@videos 2>/dev/null && die "it starts without a key"
	inside sh -c 'umask 077; echo test-key >/etc/cometfs/videos.key'
	echo "COMETAPI_BASE_URL=$SOURCE" >"$fresh/etc/cometfs/videos.conf"
	inside systemctl enable --now cometfs@videos 2>/dev/null
	inside systemd-analyze security --threshold=30 --no-pager cometfs@videos | tail -n 1
	inside systemd-analyze verify --man=no cometfs@videos.service
	has_video /srv/videos $ID
	[ "$(inside stat -c %U /var/lib/cometfs-videos /srv/videos/jobs | sort -u)" = cometfs ] || die "whose is it?"
	until_true is StatusText '1 job: 1 done'
	inside journalctl --no-pager -o cat -u cometfs@videos -g 'finished videos are read'
	inside setpriv --reuid 65534 --clear-groups ls /srv/videos 2>/dev/null && die "others are let in"
	inside setpriv --reuid 65534 --groups "$(inside sed -n 's/^cometfs:[^:]*:\([0-9]*\).*/\1/p' /etc/group)" \
		mkdir /srv/videos/jobs/by-the-group
	step "is reloaded, killed, unmounted, restarted"
	inside systemctl reload cometfs@videos
	until_true says 'the key was read again'
	inside systemctl kill -s KILL cometfs@videos
	until_true is NRestarts 1
	until_true inside test -e /srv/videos/jobs/$ID/video.mp4
	inside umount /srv/videos
	until_true is ActiveState inactive
	inside systemctl start cometfs@videos
	inside cmp /srv/videos/jobs/$ID/video.mp4 /root/clip.mp4
	inside systemctl restart cometfs@videos
	inside cmp /srv/videos/jobs/$ID/video.mp4 /root/clip.mp4
}

says() {
	inside journalctl --no-pager -u cometfs@videos | grep -qF "$1"
}

# What a login would start is started by hand here.
test_user() {
	step "runs as a user's service"
	local home=/home/alice user
	inside useradd -m alice
	user=$(inside id -u alice)
	inside install -d -m 700 -o alice "/run/user/$user"
	inside setpriv --reuid alice --regid alice --clear-groups sh -euc "umask 077; mkdir -p $home/.config/cometfs
		echo test-key >$home/.config/cometfs/key; echo COMETAPI_BASE_URL=$SOURCE >$home/.config/cometfs/conf"
	inside systemd-run -q --unit=alice --uid=alice -p Delegate=yes -p Type=notify -p NotifyAccess=all \
		-E "XDG_RUNTIME_DIR=/run/user/$user" -E HOME=$home /lib/systemd/systemd --user
	as_alice() {
		inside setpriv --reuid alice --regid alice --clear-groups env "XDG_RUNTIME_DIR=/run/user/$user" HOME=$home "$@"
	}
	as_alice systemctl --user start cometfs
	as_alice mkdir $home/videos/jobs/$ID
	until_true as_alice grep -q '"state": "ready"' $home/videos/jobs/$ID/status.json
	as_alice cat $home/videos/jobs/$ID/video.mp4 | cmp - tests/provider/clip.mp4
	as_alice systemctl --user stop cometfs
	inside grep -q $home /proc/self/mounts && die "a user's mount is left"
	inside systemctl stop alice
	inside userdel -r alice 2>/dev/null || true
}

test_upgrade() {
	step "is upgraded below a mount"
	local before
	before=$(property MainPID)
	inside sh -c 'exec 3</srv/videos/jobs/'$ID'/video.mp4; until [ -e /tmp/upgraded ]; do sleep 0.1; done; cmp /dev/fd/3 /root/clip.mp4' &
	local reader=$!
	apt install "/root/$new"
	inside touch /tmp/upgraded
	wait $reader || die "a reader was disturbed"
	[ "$(property MainPID)" = "$before" ] || die "it was restarted"
	is NeedDaemonReload no || die "systemd still has the older unit"
	has_video /srv/videos after-the-upgrade
	inside systemctl restart cometfs@videos
	inside ls /srv/videos/jobs/after-the-upgrade >/dev/null
}

test_removal() {
	step "is removed and purged"
	apt remove cometfs
	inside grep -q cometfs /proc/self/mounts && die "a mount is left"
	inside test -L /etc/systemd/system/multi-user.target.wants/cometfs@videos.service || die "remove has purged"
	apt purge cometfs
	inside test -e /var/lib/cometfs-videos/catalog.sqlite || die "the store is gone"
	inside test -e /etc/cometfs/videos.key || die "the key is gone"
	inside systemctl daemon-reload
	tree >"$KEEP/after"
	diff "$KEEP/before" "$KEEP/after" || die "something is left, or gone"
}

for suite; do
	fresh=$PWD/build-$suite/fresh
	mkdir -p "build-$suite"
	: >"build-$suite/apt.log"
	make_fresh
	build
	boot
	new=$(basename "$fresh"/root/cometfs_*.deb)
	apt update
	inside apt-get -q -y --no-install-recommends satisfy "$(dpkg-deb -f "$fresh/root/$new" Depends)" \
		>>"build-$suite/apt.log" 2>&1 || die "its dependencies"
	tree >"$KEEP/before"
	start_provider
	step "is installed"
	apt install /root/old.deb
	test_mount
	test_service
	test_upgrade
	test_user
	apt install "/root/${new/cometfs_/cometfs-dbgsym_}"
	test_removal
	kill "$PROVIDER"
	PROVIDER=''
	shut_down
	step "all is well"
done
