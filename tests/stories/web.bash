# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A web server over the files of this machine, and a browser that plays them.

# Its files are below $WEB; each sendfile(2) of it is a line of the file sendfiles.
start_nginx() {
	local at=$BATS_TEST_TMPDIR/nginx port
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	WEB=http://127.0.0.1:$port
	mkdir "$at"
	cat >"$at/conf" <<-CONF
		daemon off;
		master_process off;
		pid $at/pid;
		events {}
		http {
			access_log off;
			client_body_temp_path $at/body;
			proxy_temp_path $at/proxy;
			fastcgi_temp_path $at/fastcgi;
			uwsgi_temp_path $at/uwsgi;
			scgi_temp_path $at/scgi;
			types { text/html html; video/mp4 mp4; }
			sendfile on;
			aio threads;
			server {
				listen 127.0.0.1:$port;
				root /;
			}
		}
	CONF
	# Where Debian has nginx, for users too.
	PATH=$PATH:/usr/sbin strace -D -f -qq -e trace=sendfile -o "$BATS_TEST_TMPDIR/sendfiles" \
		nginx -e "$at/log" -p "$at" -c "$at/conf" 3>&- &
	SERVER=$!
	wait_until 'curl -fs -o "$at/page" "$WEB$PWD/README.md" || ! kill -0 $SERVER'
	kill -0 $SERVER
}

# browse NAME PAGE VIDEO: a browser that plays it, eight times as fast, and tells the provider how far it is.
browse() {
	local browser
	for browser in chromium-headless-shell chromium chromium-browser; do
		! command -v $browser >/dev/null || break
	done
	# A group of its own: Debian's is a script, and each browser is many processes.
	setsid $browser --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --mute-audio --remote-debugging-port=0 \
		--autoplay-policy=no-user-gesture-required --user-data-dir="$BATS_TEST_TMPDIR/$1" \
		"$2?$SOURCE/$1&$3" >"$BATS_TEST_TMPDIR/$1.log" 2>&1 3>&- &
	BROWSERS+=($!)
}

# played NAME HOW TIME: it has told that it is playing, or has ended, at this time of the video or later.
played() {
	asked "^other GET /$1/$2/" | awk -F/ -v least="$3" '$4 >= least { good = 1 } END { exit !good }'
}

end_browsers() {
	local pid
	for pid in "${BROWSERS[@]}"; do
		kill -KILL -- "-$pid" || true
		wait "$pid" || true
	done
	BROWSERS=()
}
