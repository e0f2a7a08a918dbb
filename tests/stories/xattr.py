# SPDX-License-Identifier: MIT
"""Asks for extended attributes as system calls do: xattr.py PATH NAME SIZE, NAME - for the list. Prints the bytes
that there are, or would be, or the error's name."""
import ctypes
import errno
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
path, name, size = os.fsencode(sys.argv[1]), os.fsencode(sys.argv[2]), int(sys.argv[3])
buffer = ctypes.create_string_buffer(max(size, 1))
if name == b"-":
    result = libc.listxattr(path, buffer, ctypes.c_size_t(size))
else:
    result = libc.getxattr(path, name, buffer, ctypes.c_size_t(size))
print(result if result >= 0 else errno.errorcode[ctypes.get_errno()])
