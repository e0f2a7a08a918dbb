# SPDX-License-Identifier: MIT
"""Lists a directory in pieces: pieces.py DIRECTORY. After the first entry it prints a line, and waits for one; then it
prints all names, each once."""
import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.getdents64.argtypes = ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t
ROOM = 64  # of one entry or two
NAME = 19  # where it begins

directory = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
room = ctypes.create_string_buffer(ROOM)
names = []


def piece():
    got = libc.getdents64(directory, room, ROOM)
    assert got >= 0, os.strerror(ctypes.get_errno())
    at = 0
    while at < got:
        length = int.from_bytes(room.raw[at + 16:at + 18], sys.byteorder)
        names.append(room.raw[at + NAME:at + length].split(b"\0")[0].decode())
        at += length
    return got


piece()
print("begun", flush=True)
sys.stdin.readline()
while piece():
    pass
assert len(names) == len(set(names)), names
print(*sorted(names))
