#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds and tests all of cometfs in a Debian 13, with its newer libfuse, curl and compiler:
# trixie.sh [COMMAND…], by default make WERROR=1 test. Needs root. The Debian stays in build-trixie/. With
# SUITE=bookworm it is a Debian 12, in build-bookworm/.
set -eu
cd "$(dirname "$0")/.."
suite=${SUITE:-trixie}
root=$PWD/build-$suite/root
contrib/deps.sh trixie

# Half a Debian has another name.
if [ ! -d "$root" ]; then
	rm -rf "$root.new"
	mkdir -p "${root%/*}"
	debootstrap --variant=minbase --include=git,make,ca-certificates "$suite" "$root.new"
	mv "$root.new" "$root"
fi
cp /etc/resolv.conf /etc/hosts "$root/etc/"
ln -sf ../proc/self/mounts "$root/etc/mtab" # fusermount3 looks there

# What git knows or would add, as it is here.
mkdir -p "$root/cometfs"
git ls-files -z --cached --others --exclude-standard --deduplicate |
	tar -c --null --ignore-failed-read -T - | tar -x -C "$root/cometfs"

[ $# -gt 0 ] || set -- make WERROR=1 test
unset TMPDIR # which is not there
# In a namespace of its own, every mount ends with the command.
# shellcheck disable=SC2016 # for the inner shell
exec unshare --mount --propagation private bash -euc '
	root=$1
	shift
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --rbind /dev "$root/dev"
	cd "$root"
	# Not chroot: who enters the namespace has its root.
	pivot_root . .
	umount -l .
	cd /cometfs
	exec "$@"' bash "$root" "$@"
