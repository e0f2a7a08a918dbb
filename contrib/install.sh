#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what is built, or takes it away again: install.sh install|uninstall PROGRAM…, with $BUILD,
# $DESTDIR and $PREFIX as the Makefile has them. What the Makefile's install and uninstall call.
set -eu
cd "$(dirname "$0")/.."
what=$1
shift
to=${DESTDIR:-}${PREFIX:?}

# tree DIRECTORY PLACE: all files of it, with their directories.
tree() {
	[ ! -d "$1" ] || find "$1" -type f | sort | while read -r file; do
		echo "$file $2${file#"$1"}"
	done
}

# each PLACE FILE…: those that are there.
each() {
	place=$1
	shift
	for file; do
		[ ! -f "$file" ] || echo "$file $place/${file##*/}"
	done
}

# What goes where, below PREFIX. Nothing of it has a blank in its name.
list() {
	for program; do
		echo "$program bin/${program##*/}"
	done
	echo "$BUILD/cometfs-expose libexec/cometfs/cometfs-expose"
	tree contrib/systemd lib/systemd | sed 's, lib/systemd/sysusers\.d, lib/sysusers.d,'
	each share/man/man1 contrib/man/*.1
	each share/bash-completion/completions contrib/completions/*.bash | sed 's,\.bash$,,'
	each share/zsh/site-functions contrib/completions/_*
	each share/fish/vendor_completions.d contrib/completions/*.fish
	each share/doc/cometfs README.md LICENSE
	tree contrib/examples share/doc/cometfs/examples
	each share/doc/cometfs/examples contrib/fstab contrib/updatedb.sh
}

install_file() {
	mode=644
	[ ! -x "$1" ] || mode=755
	install -D -m "$mode" "$1" "$to/$2"
	case $2 in
	lib/systemd/*) sed -i "s,/usr/\(bin\|libexec\)/cometfs,$PREFIX/\1/cometfs," "$to/$2" ;;
	esac
}

list "$@" | while read -r file place; do
	case $what in
	install) install_file "$file" "$place" ;;
	uninstall) rm -f "$to/$place" ;;
	esac
done
if [ "$what" = uninstall ]; then
	for dir in share/doc/cometfs libexec/cometfs; do
		[ ! -d "$to/$dir" ] || find "$to/$dir" -depth -type d -exec rmdir --ignore-fail-on-non-empty {} +
	done
fi
