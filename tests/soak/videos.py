# SPDX-License-Identifier: MIT
"""Who reads videos, at every stage. All bytes that are asked for, or an error that tells why not: never others."""
import errno
import os
import shutil

from rig import BUILD
from worker import GONE, Worker

MAY_SAY = (r"No such file or directory|Stale file handle|Connection timed out|Input/output error|"
           r"^\d+\+\d+ records|copied|vanished")

ENDS = (0, 124)  # of timeout


def may_be_ended(job):
    """Whether somebody may take its video away in the middle of a read."""
    return "-churn" in job


class VideoWorker(Worker):
    def some_video(self):
        """One that is listed: its size is known."""
        for job in self.some(12):
            if self.kinds.of(job).source and self.exists(f"jobs/{job}/video.mp4"):
                return job
        self.pause(0.1)
        return None

    def work(self):
        if job := self.some_video():
            try:
                self.use(job)
            except OSError as error:
                self.refused(job, error)

    def use(self, job):
        raise NotImplementedError

    def refused(self, job, error):
        if error.errno == errno.ETIMEDOUT:
            self.counts["timed out"] += 1
        elif error.errno == errno.EIO and may_be_ended(job):
            self.counts["ended"] += 1
        elif error.errno not in GONE:
            self.failed(f"{job}: its video says {error!r}")

    def check_copy(self, job, path, how):
        with open(path, "rb") as copy:
            data = copy.read()
        if data != self.kinds.of(job).source.bytes[:]:
            self.wrong(f"{job}: {how} has made another copy of its video, with {len(data)} bytes")
        self.counts["copies"] += 1


class Reader(VideoWorker):
    """In order, at random, or the tail first."""

    def offsets(self, size):
        step = self.rng.choice((4096, 65536, 1 << 20))
        tail = self.rng.choice((100, 4096, 300000))
        return self.rng.choice((
            [(at, step) for at in range(0, size + 1, step)][:200],
            [(self.rng.randint(0, size), self.rng.choice((1, 100, 4096, 200000))) for _ in range(30)],
            [(max(size - tail, 0), tail)] + [(at, step) for at in range(0, min(size, 1 << 20), step)]))

    def use(self, job):
        with self.request(f"open of the video of {job}"):
            fd = os.open(self.path(job, "video.mp4"), os.O_RDONLY)
        try:
            source = self.kinds.of(job).source
            if os.fstat(fd).st_size != source.size:
                self.wrong(f"{job}: its video has {os.fstat(fd).st_size} bytes")
            for offset, length in self.offsets(source.size):
                self.read(fd, job, source, offset, length)
        finally:
            os.close(fd)

    def read(self, fd, job, source, offset, length):
        data = b""
        while len(data) < length:
            with self.request(f"read of {length} at {offset} of {job}"):
                more = os.pread(fd, length - len(data), offset + len(data))
            if not more:
                break
            data += more
        if data != source.bytes[offset:offset + length]:
            self.wrong(f"{job}: {len(data)} bytes at {offset}, of {length}, are not its video's: {data[:16].hex()}")
        self.counts["reads"] += 1


class Copier(VideoWorker):
    """With programs, and compares what they have copied."""

    def use(self, job):
        video, copy = self.path(job, "video.mp4"), self.at / "copy"
        words = self.rng.choice((
            ("cp", video, copy), ("cp", "--preserve=xattr,timestamps", video, copy),
            ("dd", "iflag=direct", "bs=64K", f"if={video}", f"of={copy}"),
            ("dd", "bs=1M", f"if={video}", f"of={copy}"), ("rsync", "-aX", video, copy)))
        code, _, _ = self.program(*words, may_say=MAY_SAY + r"|^rsync|failed verification")
        if code == 0:
            self.check_copy(job, copy, words[0])
        copy.unlink(missing_ok=True)


class Checker(VideoWorker):
    """With tests/reader, which has every way that there is. It is held open meanwhile: so nobody forgets it."""

    def use(self, job):
        if may_be_ended(job):
            return
        fd = os.open(self.path(job, "video.mp4"), os.O_RDONLY)
        try:
            # It looks for a file that is gone for half a minute: longer than the end may take.
            code, out, _ = self.program(
                "timeout", 15, BUILD / "reader", self.path(job, "video.mp4"), self.kinds.of(job).source.path,
                "--errors", "--seed", self.rng.randint(1, 1 << 30), "--processes", 2,
                "--count", self.rng.choice((5, 30)), may_say=MAY_SAY, ends=ENDS)
        finally:
            os.close(fd)
        if code not in ENDS:
            self.failed(f"{job}: reader says {out.decode(errors='replace')}")


class Prober(VideoWorker):
    """A player's first look; of true videos only."""

    def some_video(self):
        jobs = [job for job in self.names() if job.startswith("clip-") and self.exists(f"jobs/{job}/video.mp4")]
        if not jobs:
            self.pause(0.3)
        return self.rng.choice(jobs) if jobs else None

    def use(self, job):
        if not shutil.which("ffprobe"):
            self.pause(1)
            return
        code, out, _ = self.program("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0",
                                    self.path(job, "video.mp4"), may_say=r"")
        if code == 0 and float(out) <= 0:
            self.wrong(f"{job}: ffprobe says {out}")
        self.pause(0.3)


