# SPDX-License-Identifier: MIT
"""open + read + close of status.json beside the same of the plainest libfuse file system."""
import os
import statistics

import rig
import seed
import table

ROUNDS = 15
EACH = 2000
UNDER_WAY = "under-way"
SCRIPT = f"job {UNDER_WAY}\n  answer running progress=42\njob *\n  answer done\nvideo clip.mp4\n  size 4K\n"


def once(path):
    fd = os.open(path, os.O_RDONLY)
    got = os.read(fd, 4096)
    os.close(fd)
    return got


def round_s(path):
    """For one file."""
    def some():
        for _ in range(EACH):
            once(path)
    return rig.timed(some) / EACH


def alternate(ours, theirs):
    """Medians of rounds that alternate, so that both see the same machine."""
    pairs = [(round_s(ours), round_s(theirs)) for _ in range(ROUNDS)]
    return [statistics.median(column) for column in zip(*pairs)]


def row(what, times):
    ours, theirs = times
    return table.Row(f"open + read + close of status.json of a job that is {what}", ours, table.seconds, theirs,
                     "the plainest libfuse file system", at_most=0.5, runs=ROUNDS,
                     note=f"each run is {EACH:,} times; the plain file has 1,024 bytes")


def rows():
    at, plain = rig.directory("status"), rig.directory("status-plain")
    jobs, theirs = at / "mnt/jobs", plain / "mnt/hello"
    with rig.provider(at, SCRIPT) as source, rig.cometfs(source, at), \
            rig.mounted([rig.OUT / "plain", plain / "mnt", "-f"], plain / "mnt", plain / "log"):
        for job in seed.FIRST, UNDER_WAY:
            (jobs / job).mkdir()
        rig.wait_until(lambda: seed.status(at)["video"]["state"] == "ready", "the video")
        return [row("finished", alternate(jobs / seed.FIRST / "status.json", theirs)),
                row("under way", alternate(jobs / UNDER_WAY / "status.json", theirs))]
