# SPDX-License-Identifier: MIT
"""One nginx on this machine: static answers to polls, files, and a count of what it was asked."""
import contextlib
import os
import socket
import urllib.request

import rig

# $1 is nginx's word for the id that was asked for.
RUNNING = ('{"code":"success","message":"","data":{"task_id":"$1","action":"VIDEO_GENERATION",'
           '"status":"IN_PROGRESS","fail_reason":"","submit_time":1773297002,"start_time":1773297005,'
           '"finish_time":0,"progress":"42%","data":{"status":"pending","progress":42,"model":"grok-imagine-video"}}}')

CONFIG = """
daemon off;
worker_processes 1;
pid {at}/nginx.pid;
{user}
events {{ worker_connections 4096; }}
http {{
	access_log off;
	client_body_temp_path {at}/body;
	proxy_temp_path {at}/proxy;
	fastcgi_temp_path {at}/fastcgi;
	uwsgi_temp_path {at}/uwsgi;
	scgi_temp_path {at}/scgi;
	keepalive_requests 1000000;
	sendfile on;
	tcp_nopush on;
	types {{ video/mp4 mp4; }}
	server {{
		listen 127.0.0.1:{port} backlog=4096;
		location = /_count {{ stub_status; }}
		location /files/ {{ alias {at}/files/; }}
		location ~ ^/grok/v1/videos/(.+)$ {{
			default_type application/json;
			return 200 '{answer}';
		}}
	}}
}}
"""


class Nginx:
    """Its base URL, its directory of files, and what it has answered so far."""

    def __init__(self, at, port):
        self.files = at / "files"
        self.base = f"http://127.0.0.1:{port}"

    def count(self):
        with urllib.request.urlopen(f"{self.base}/_count") as answer:
            return int(answer.read().split()[9])


def can_connect(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def nginx(name, answer=RUNNING):
    """answer is what it says to every poll; @BASE@ in it is its own base URL."""
    rig.need("nginx")
    at, port = rig.directory(name), rig.free_port()
    (at / "files").mkdir()
    user = "user root;" if os.geteuid() == 0 else ""
    answer = answer.replace("@BASE@", f"http://127.0.0.1:{port}")
    (at / "nginx.conf").write_text(CONFIG.format(at=at, port=port, user=user, answer=answer))
    command = ["nginx", "-e", at / "error.log", "-p", at, "-c", at / "nginx.conf"]
    with rig.process(command, at / "log") as child:
        rig.wait_until(lambda: rig.alive(child, at / "log") and can_connect(port), "nginx")
        yield Nginx(at, port)
