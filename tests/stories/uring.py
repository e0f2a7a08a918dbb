#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""uring.py FILE SIZE: copies FILE to standard output by io_uring, in pieces of SIZE, until there is no more.

Each piece is asked for at the offset where the last has ended. Without a FILE: 0 where there is io_uring, else 1.
"""
import ctypes
import mmap
import os
import struct
import sys

SETUP, ENTER = 425, 426  # numbers of system calls, the same everywhere
SQES_AT, GET_EVENTS, READ = 0x10000000, 1, 22
syscall = ctypes.CDLL(None, use_errno=True).syscall


class Ring:
    """Of one entry; what is where is told by io_uring_setup(2)."""

    def __init__(self):
        params = (ctypes.c_uint32 * 30)()
        self.fd = syscall(SETUP, 1, params)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "io_uring_setup")
        sq, cq = params[10:20], params[20:30]
        self.sq_tail, sq_array, self.cq_head, self.cqes = sq[1], sq[6], cq[0], cq[5]
        self.cq_mask = params[1] - 1
        self.rings = mmap.mmap(self.fd, max(sq_array + params[0] * 4, self.cqes + params[1] * 16))
        self.sqes = mmap.mmap(self.fd, params[0] * 64, offset=SQES_AT)

    def read(self, fd, buffer, size, offset):
        """How many bytes came."""
        address = ctypes.addressof(ctypes.c_char.from_buffer(buffer))
        self.sqes[:64] = struct.pack("<BBHiQQI36x", READ, 0, 0, fd, offset, address, size)
        (tail,) = struct.unpack_from("<I", self.rings, self.sq_tail)
        struct.pack_into("<I", self.rings, self.sq_tail, tail + 1)
        if syscall(ENTER, self.fd, 1, 1, GET_EVENTS, None, 0) != 1:
            raise OSError(ctypes.get_errno(), "io_uring_enter")
        (head,) = struct.unpack_from("<I", self.rings, self.cq_head)
        (result,) = struct.unpack_from("<i", self.rings, self.cqes + (head & self.cq_mask) * 16 + 8)
        struct.pack_into("<I", self.rings, self.cq_head, head + 1)
        if result < 0:
            raise OSError(-result, "read")
        return result


def main():
    try:
        ring = Ring()
    except OSError:
        sys.exit(1)
    if len(sys.argv) == 1:
        return
    fd, size, offset = os.open(sys.argv[1], os.O_RDONLY), int(sys.argv[2]), 0
    buffer = mmap.mmap(-1, size)
    while count := ring.read(fd, buffer, size, offset):
        sys.stdout.buffer.write(buffer[:count])
        offset += count


main()
