# SPDX-License-Identifier: MIT
"""
Opens videos, reads of each what MADE has there, and closes them, several threads a video, until long
after each is whole: opens.py MADE JOB... Any error is one.
"""
import concurrent.futures
import json
import mmap
import os
import pathlib
import random
import sys

THREADS = 3  # a video
AFTERWARDS = 200  # opens of one that is whole
SIZE = 4096
REACH = 16 * SIZE  # small, so that an open is soon followed by the next

made = pathlib.Path(sys.argv[1]).read_bytes()
jobs = [pathlib.Path(name) for name in sys.argv[2:]]


def is_whole(job):
    return json.loads((job / "status.json").read_bytes())["video"]["state"] == "ready"


def look(descriptor):
    at = random.randrange(REACH)
    if random.randrange(4) > 0:
        return os.pread(descriptor, SIZE, at) == made[at:at + SIZE]
    with mmap.mmap(descriptor, REACH + SIZE, prot=mmap.PROT_READ) as mapped:
        return mapped[at:at + SIZE] == made[at:at + SIZE]


def open_again_and_again(job):
    left = AFTERWARDS
    while left > 0:
        if left < AFTERWARDS or is_whole(job):
            left -= 1
        for _ in range(5):
            try:
                descriptor = os.open(job / "video.mp4", os.O_RDONLY)
            except FileNotFoundError:
                assert left == AFTERWARDS
                break
            try:
                assert look(descriptor), f"{job}: other bytes"
            finally:
                os.close(descriptor)


with concurrent.futures.ThreadPoolExecutor(THREADS * len(jobs)) as pool:
    for _ in pool.map(open_again_and_again, jobs * THREADS):
        pass
