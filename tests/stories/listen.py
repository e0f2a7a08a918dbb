# SPDX-License-Identifier: MIT
"""Is told what systemd would be: listen.py ADDRESS FILE [SECONDS]. ADDRESS as in $NOTIFY_SOCKET. Each message
is a line of FILE, behind the seconds when it came; its own lines are divided by a blank. With SECONDS there
is no room for a message until they are over."""
import socket
import sys
import time



def fill(name, seconds):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            while True:
                sender.sendto(b"full", socket.MSG_DONTWAIT, name)
        except BlockingIOError:
            return time.monotonic() + seconds


address, path = sys.argv[1:3]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = "\0" + address[1:] if address[0] == "@" else address
listener.bind(name)
begin = fill(name, float(sys.argv[3])) if len(sys.argv) > 3 else 0
with open(path, "w", buffering=1) as out:
    out.write(f"{time.monotonic():.3f} listens\n")
    time.sleep(max(0, begin - time.monotonic()))
    while True:
        message = listener.recv(4096).decode()
        out.write(f"{time.monotonic():.3f} {message.strip().replace(chr(10), ' ')}\n")
