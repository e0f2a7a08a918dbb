# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For stories of one video, big.mp4, of job $ID.

# served SIZE SERVE-LINE…: how it is served; and a job small, with the clip.
served() {
	SIZE=$1
	shift
	start_provider - < <(
		printf 'job small\n\tanswer done video=clip.mp4\njob *\n\tanswer done video=big.mp4\n'
		printf 'video clip.mp4\n\tfile clip.mp4\nvideo big.mp4\n\tsize %s\n' "$SIZE"
		printf '\tserve %s\n' "$@"
	)
}

# is_whole [NAME SIZE]: it is ready, and each byte is that of this video.
is_whole() {
	local name=${1:-big.mp4} size=${2:-$SIZE}
	wait_status $ID .video.state ready
	cmp "$MNT/jobs/$ID/video.mp4" <(made "$name" "$size")
	[ "$(status $ID .video.sha256)" = "$(made "$name" "$size" | sha256sum | cut -d' ' -f1)" ]
	[ "$(status $ID '.video | .size == .bytes')" = true ]
	[ "$(status $ID .video.error)" = null ]
	[ "$(status $ID .state)" = 'done' ]
}

# No byte of it was sent twice. Ends the provider.
sent_once() {
	stop_provider
	[ "$(sent big.mp4)" = "$(numfmt --from=iec "$SIZE")" ]
}

# waits_with CODE TEXT: it is not given up, and the document says what is wrong.
waits_with() {
	wait_status $ID .video.error.code "$1"
	[[ "$(status $ID .video.error.message)" == *"$2"* ]]
	[ "$(status $ID .video.state)" = fetching ]
	shape_is_right $ID
}

# in_between SERVE-LINE…: what comes after a cut, and before all is well.
in_between() {
	served 2M cut=900K "$@" ''
	start_cometfs
	track $ID
}
