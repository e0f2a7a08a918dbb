#!/bin/sh
# SPDX-License-Identifier: MIT
# Tells updatedb, of plocate or mlocate, to stay out of every cometfs: updatedb.sh [FILE]. Adds
# fuse.cometfs to PRUNEFS in FILE, /etc/updatedb.conf if none is given; once, however often it is run.
set -eu
conf=${1:-/etc/updatedb.conf}
if grep -q '^[[:blank:]]*PRUNEFS.*[" ]fuse\.cometfs[" ]' "$conf"; then
	exit 0
fi
if grep -q '^[[:blank:]]*PRUNEFS[[:blank:]]*=[[:blank:]]*"' "$conf"; then
	sed -i 's/^\([[:blank:]]*PRUNEFS[[:blank:]]*=[[:blank:]]*"\)/\1fuse.cometfs /' "$conf"
else
	echo 'PRUNEFS="fuse.cometfs"' >>"$conf"
fi
