# SPDX-License-Identifier: MIT
"""A syslog of its own: syslog.py SOCKET FILE. Writes what comes there as lines, until cometfs has unmounted."""
import socket
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server, open(sys.argv[2], "wb", 0) as file:
    server.bind(sys.argv[1])
    said = b""
    while b"unmounted" not in said:
        said = server.recv(65536)
        file.write(said + b"\n")
