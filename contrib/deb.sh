#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the packages for the Debian, or what comes from it, that this is: in $BUILD/deb/. The sources are
# built in a copy, with contrib/debian where Debian wants it. The same sources give the same bytes.
set -eu
cd "$(dirname "$0")/.."
out=$PWD/${BUILD:-build}/deb
version=${VERSION:-$(sed -n 's/^#define COMETFS_VERSION "\(.*\)"/\1/p' include/cometfs.h)}
# The libraries of another release have other names, so a package of it is another one.
. /etc/os-release
[ "$ID" != debian ] || ID=deb
version+=${VERSION_ID:++$ID$VERSION_ID}

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date -r include/cometfs.h +%s)}
export SOURCE_DATE_EPOCH

rm -rf "$out"
mkdir -p "$out/cometfs"
# What git knows or would add; all of what was unpacked without it.
files() {
	if [ -e .git ]; then
		git ls-files -z --cached --others --exclude-standard --deduplicate
	else
		find . -path './build*' -prune -o -type f -print0
	fi
}
files | tar -c --null --ignore-failed-read -T - | tar -x -C "$out/cometfs"
cd "$out/cometfs"
cp -r contrib/debian debian
maintainer=$(sed -n 's/^Maintainer: //p' debian/control)
cat >debian/changelog <<-END
	cometfs ($version) unstable; urgency=medium

	  * As its sources say, which have their history in git.

	 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
END
DEB_BUILD_OPTIONS="parallel=$(nproc) ${DEB_BUILD_OPTIONS:-}" dpkg-buildpackage -b -us -uc
ls -l "$out"/*.deb
