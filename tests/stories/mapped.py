# SPDX-License-Identifier: MIT
"""Maps what a descriptor has open, and prints the bytes whose places it is given: mapped.py DESCRIPTOR."""
import mmap
import sys

with open(int(sys.argv[1]), "rb") as file:
    mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
mapped.madvise(mmap.MADV_RANDOM)
for line in sys.stdin:
    print(mapped[int(line)], flush=True)
