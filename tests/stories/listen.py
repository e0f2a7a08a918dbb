# SPDX-License-Identifier: MIT
"""Is told what systemd would be: listen.py ADDRESS FILE. ADDRESS as in $NOTIFY_SOCKET. Each message is a
line of FILE, behind the seconds when it came; its own lines are divided by a blank."""
import socket
import sys
import time

address, path = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("\0" + address[1:] if address[0] == "@" else address)
with open(path, "w", buffering=1) as out:
    out.write(f"{time.monotonic():.3f} listens\n")
    while True:
        message = listener.recv(4096).decode()
        out.write(f"{time.monotonic():.3f} {message.strip().replace(chr(10), ' ')}\n")
