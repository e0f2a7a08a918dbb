# SPDX-License-Identifier: MIT
"""Copies a file in one of the ways that programs do: copy.py WAY FROM TO."""
import mmap
import os
import shutil
import sys

way, source, copy = sys.argv[1:]
if way == "shutil":
    shutil.copyfile(source, copy)
else:
    with open(source, "rb") as a, open(copy, "wb") as b:
        if way == "sendfile":
            os.sendfile(b.fileno(), a.fileno(), 0, os.fstat(a.fileno()).st_size)
        elif way == "mmap":
            b.write(mmap.mmap(a.fileno(), 0, prot=mmap.PROT_READ))
