# SPDX-License-Identifier: MIT
"""
Reads a directory to its end, but slowly: late.py DIRECTORY VIDEO. The list is to be written to where a video is
mapped that is coming in. So the kernel takes the first entry of the answer that it has, and comes to the others when
the video's second page is there.
"""
import ctypes
import mmap
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.getdents64.argtypes = ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t

with open(sys.argv[2], "rb") as video:
    pages = mmap.mmap(video.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
pages.madvise(mmap.MADV_RANDOM)  # nothing is read ahead
room = (ctypes.c_char * mmap.PAGESIZE).from_buffer(pages, mmap.PAGESIZE)
directory = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
while (got := libc.getdents64(directory, ctypes.addressof(room), len(room))) > 0:
    pass
assert got == 0, os.strerror(ctypes.get_errno())
