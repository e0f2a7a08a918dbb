#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Extended attributes: what they say, that tools keep them, and that they cost those nothing who do not ask.
load lib.bash

# A ready video whose address is a secret; NAME=VALUE lines of it are in attributes.
with_video() {
	start_provider - <<-'SCRIPT'
		job *
			answer done url="@BASE@/videos/clip.mp4?Signature=secret&x=@y#secret"
		video clip.mp4
			file clip.mp4
	SCRIPT
	start_cometfs
	track $ID
	wait_status $ID .video.state ready
	VIDEO=$MNT/jobs/$ID/video.mp4
}

# attributes PATH: as getfattr lists them.
attributes() {
	getfattr --absolute-names -d "$1" | grep '=' | sort
}

# attribute PATH NAME
attribute() {
	getfattr --absolute-names --only-values -n "$2" "$1"
}

xattr() {
	python3 tests/stories/xattr.py "$@"
}

@test "a video says its type, where it came from, its hash; a job's directory its state" {
	with_video
	[ "$(attributes "$VIDEO")" = "user.cometfs.sha256=\"$(sha256sum <tests/provider/clip.mp4 | cut -d' ' -f1)\"
user.mime_type=\"video/mp4\"
user.xdg.origin.url=\"$SOURCE/videos/clip.mp4\"" ]
	[[ $(status $ID .video.url) == *secret ]]
	[ "$(attributes "$MNT/jobs/$ID")" = 'user.cometfs.state="done"' ]
	run ! grep -q secret <(attributes "$VIDEO")
	local path
	for path in "$MNT" "$MNT/jobs" "$MNT/jobs/$ID/status.json" "$MNT/jobs/$ID/response.json"; do
		[ -z "$(attributes "$path")" ]
		[ "$(xattr "$path" - 0)" = 0 ]
		[ "$(xattr "$path" user.mime_type 100)" = ENODATA ]
	done
}

@test "a video that comes in has no hash yet, and a job's state is that of now" {
	start_provider - <<-'SCRIPT'
		job *
			answer running until=over
			answer done
		video big.mp4
			size 256K
			serve stall=64K until=go
			serve
	SCRIPT
	start_cometfs
	track $ID
	wait_until '[ "$(attribute "$MNT/jobs/$ID" user.cometfs.state)" = running ]'
	event over
	VIDEO=$MNT/jobs/$ID/video.mp4
	wait_until '[ -e "$VIDEO" ]'
	[ "$(attribute "$MNT/jobs/$ID" user.cometfs.state)" = 'done' ]
	[ "$(attribute "$VIDEO" user.mime_type)" = video/mp4 ]
	[ "$(xattr "$VIDEO" user.cometfs.sha256 100)" = ENODATA ]
	[[ $(attributes "$VIDEO") != *sha256* ]]
	event go
	wait_status $ID .video.state ready
	[ "$(attribute "$VIDEO" user.cometfs.sha256)" = "$(made big.mp4 256K | sha256sum | cut -d' ' -f1)" ]
}

@test "sizes: 0 asks for it, one too few is ERANGE, and what there is not is not there" {
	with_video
	[ "$(xattr "$VIDEO" user.mime_type 0)" = 9 ]
	[ "$(xattr "$VIDEO" user.mime_type 8)" = ERANGE ]
	[ "$(xattr "$VIDEO" user.mime_type 9)" = 9 ]
	[ "$(xattr "$VIDEO" user.mime_type 65536)" = 9 ]
	local size
	size=$(xattr "$VIDEO" - 0)
	[ "$size" = "$(printf 'user.mime_type\0user.xdg.origin.url\0user.cometfs.sha256\0' | wc -c)" ]
	[ "$(xattr "$VIDEO" - $((size - 1)))" = ERANGE ]
	[ "$(xattr "$VIDEO" - "$size")" = "$size" ]
	[ "$(xattr "$VIDEO" user.nothing 0)" = ENODATA ]
	[ "$(xattr "$VIDEO" user.cometfs.state 100)" = ENODATA ]
	[ "$(xattr "$MNT/jobs/$ID" user.mime_type 100)" = ENODATA ]
	local name
	for name in system.posix_acl_access security.selinux security.capability; do
		echo "$name: $(xattr "$VIDEO" $name 100)"
		[ "$(xattr "$VIDEO" $name 100)" = ENOTSUP ]
	done
	fails_with 'Permission denied' setfattr -n user.mime_type -v text/plain "$VIDEO"
	fails_with 'Permission denied' setfattr -n user.mine -v 1 "$MNT/jobs/$ID"
	fails_with 'Permission denied' setfattr -x user.mime_type "$VIDEO"
	[ "$(attribute "$VIDEO" user.mime_type)" = video/mp4 ]
}

# quietly COMMAND…: it succeeds, and says nothing.
quietly() {
	run --separate-stderr timeout 30 "$@"
	echo "exit $status, said: $stderr"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
}

@test "copies keep them: cp, rsync, tar, Python" {
	with_video
	local from=$MNT/jobs/$ID to=$BATS_TEST_TMPDIR/copies copies=(cp-a cp rsync python)
	mkdir "$to"
	setfattr -n user.mine -v 1 "$to" || skip "no attributes where the tests write"
	quietly cp -a "$from" "$to/cp-a"
	quietly cp -r --preserve=xattr "$from" "$to/cp"
	quietly rsync -aX "$from/" "$to/rsync"
	quietly python3 -c 'import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2])' "$from" "$to/python"
	quietly tar -C "$MNT/jobs" --xattrs --acls --selinux -cf "$to/tar.tar" $ID
	# Users' tar gives a file its mode before its attributes, which of a read-only one fails anywhere.
	if [ "$(id -u)" = 0 ]; then
		mkdir "$to/tar"
		quietly tar -C "$to/tar" --xattrs -xf "$to/tar.tar"
		copies+=("tar/$ID")
	fi
	local copy
	for copy in "${copies[@]}"; do
		echo "$copy: $(attributes "$to/$copy")"
		[ "$(attributes "$to/$copy")" = "$(attributes "$from")" ]
		[ "$(attributes "$to/$copy/video.mp4")" = "$(attributes "$VIDEO")" ]
		[ -z "$(attributes "$to/$copy/status.json")" ]
	done
	# Who may not have them says nothing of it either.
	quietly cp -r "$from" "$to/plain"
	quietly rsync -aAX "$from/" "$to/lists"
	quietly ls -lR "$from"
}

# Of access lists and labels there are none at all here: who hears so once asks no more.
@test "ls -l of many jobs does not ask for each" {
	start_answers running
	start_cometfs
	local ids=({1..50})
	track "${ids[@]}"
	run -0 strace -qq -o "$BATS_TEST_TMPDIR/calls" -e trace=getxattr,lgetxattr ls -l "$MNT/jobs"
	[ "${#lines[@]}" -eq 51 ]
	echo "so many questions: $(wc -l <"$BATS_TEST_TMPDIR/calls")"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/calls")" -le 4 ]
}
