# SPDX-License-Identifier: MIT
"""A world: jobs, each with a video of its own, and what the provider does wrong with them."""
import hashlib
import mmap
import os
import subprocess

from rig import BUILD, ROOT, TIMEOUT_S

K = 1 << 10
M = 1 << 20
SYNC_BYTES = 16 * M  # what the daemon syncs at once: only larger videos have a half that is kept


class Source:
    """The bytes of a video, as the provider has them."""

    def __init__(self, at, name, size):
        self.path = at / name
        self.size = size
        with open(self.path, "wb") as out:
            subprocess.run([BUILD / "provider", "--make", name, str(size)], cwd=ROOT, check=True, stdout=out)
        with open(self.path, "rb") as file:
            self.bytes = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        self.sha256 = hashlib.sha256(self.bytes).hexdigest()

    def has(self, data, offset):
        return self.bytes[offset:offset + len(data)] == data


class Job:
    """name is its id; steady: whatever happens, its video stays the same file for those who ask for ranges."""

    def __init__(self, rng, name, make):
        self.name = name
        self.video = f"{name}.mp4"
        self.steady = make in STEADY
        self.size, self.serves, others = make(rng, self)
        self.others = others  # names and sizes of what it may become
        self.answers = [line for line in (
            "queued times={}".format(rng.randint(1, 2)) if rng.random() < 0.3 else "",
            "running progress=42 times={}".format(rng.randint(1, 3)) if rng.random() < 0.5 else "",
            f"done video={self.video}") if line]
        self.sources = []

    def prepare(self, at):
        self.sources = [Source(at, name, size) for name, size in [(self.video, self.size), *self.others]]

    def script(self):
        lines = [f"job {self.name}", *(f"\tanswer {line}" for line in self.answers)]
        lines += [f"video {self.video}", f"\tsize {self.size}", *(f"\tserve {line}" for line in self.serves)]
        for name, size in self.others:
            lines += [f"video {name}", f"\tsize {size}"]
        return "\n".join(lines) + "\n"


def small(rng):
    """Also sizes around those where something changes: none of the first eight bytes, a page, a buffer."""
    return rng.choice((rng.randint(12, 64), 4 * K, rng.randint(4 * K, 300 * K), M, M + 1, rng.randint(M, 3 * M)))


def slow(rng, size):
    """Takes from a tenth of a second to two."""
    return f"rate={max(int(size / rng.uniform(0.1, 2)), 1)}"


def plain(rng, job):
    size = small(rng)
    return size, [slow(rng, size), ""], []


def cut(rng, job):
    size = small(rng)
    cuts = sorted(rng.randint(0, size) for _ in range(rng.randint(1, 3)))
    return size, [*(f"cut={at} {slow(rng, size)}" for at in cuts), ""], []


def stalled(rng, job):
    size = small(rng)
    return size, [f"stall={rng.randint(0, size)}", ""], []


def denied(rng, job):
    size = small(rng)
    no = "status={} text='<html></html>' type=text/html".format(rng.choice((401, 403, 404, 410)))
    return size, [*rng.sample([no, f"cut={rng.randint(0, size)}", "drop", f"{no} times=2"], 2), slow(rng, size), ""], []


def chunked(rng, job):
    size = small(rng)
    return size, [f"no-length {slow(rng, size)}", "no-length"], []


def big(rng, job):
    """More than is synced at once, in several attempts, whose ends lie also just behind a sync."""
    size = rng.randint(SYNC_BYTES + 1, 3 * SYNC_BYTES)
    serves = []
    for _ in range(rng.randint(2, 5)):
        at = rng.choice((SYNC_BYTES, 2 * SYNC_BYTES, 0)) + rng.randint(1, M)
        serves.append(f"rate={rng.randint(20, 80)}M" + rng.choice(("", f" cut={at}")))
    return size, [*serves, "rate=100M"], []


def without_ranges(rng, job):
    size = small(rng)
    return size, [f"cut={rng.randint(0, size)}", f"no-range {slow(rng, size)}", "no-range"], []


def other_tag(rng, job):
    size = small(rng)
    return size, [f"etag=a cut={rng.randint(0, size)} {slow(rng, size)}", f"etag=b {slow(rng, size)}", "etag=b"], []


def other_file(rng, job):
    """Another video at the same address: of the same size, or not."""
    size = small(rng)
    other = rng.choice((size, small(rng)))
    name = f"{job.name}-other.mp4"
    return (size, [f"cut={rng.randint(0, size)} {slow(rng, size)}", f"from={name} {slow(rng, other)}", f"from={name}"],
            [(name, other)])


STEADY = (plain, cut, stalled, denied, chunked, big)
OTHERS = (without_ranges, other_tag, other_file)


class World:
    def __init__(self, rng, at):
        # Each owner's, with the big ones first.
        self.owned = [[Job(rng, f"{owner}-{i:02}", rng.choice(STEADY[:5] + OTHERS)) for i in range(10)]
                      for owner in "ab"]
        for owner, jobs in zip("ab", self.owned):
            jobs[:0] = [Job(rng, f"{owner}-big-{i}", big) for i in range(2)]
        self.raced = [Job(rng, f"race-{i:02}", rng.choice((plain, cut))) for i in range(8)]
        self.jobs = {job.name: job for job in [*self.owned[0], *self.owned[1], *self.raced]}
        self.by_video = {job.video: job for job in self.jobs.values()}
        sources = at / "sources"
        os.mkdir(sources)
        for job in self.jobs.values():
            job.prepare(sources)

    def script(self):
        return "".join(job.script() for job in self.jobs.values())


assert TIMEOUT_S < 5, "a stall has to be over before a round is"
