# SPDX-License-Identifier: MIT
"""Maps a file, and prints the bytes whose places it is given, page by page: mapped.py FILE."""
import mmap
import sys

with open(sys.argv[1], "rb") as file:
    mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
mapped.madvise(mmap.MADV_RANDOM)
for line in sys.stdin:
    print(mapped[int(line)], flush=True)
