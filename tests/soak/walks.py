# SPDX-License-Identifier: MIT
"""Who walks over everything, or copies much of it; and who reads the daemon's figures."""
import json
import re
import shutil
import signal
import tarfile

import metrics
import ways
from videos import may_be_ended
from worker import MAY_SAY, Worker

# What tar and rsync say of files that end, beside the error itself, and of an attribute that has become
# longer or shorter since they asked for its size.
ALSO = (r"|^tar: Exiting with|^tar: .*(file removed|Cannot )|^rsync error: |^rsync: |some files|failed verification|"
        r"^get_xattr_data: .* returned \d+$|^file has vanished|IO error encountered|Input/output error|^$|File shrank|specified more than once")


class Walker(Worker):
    """Looks at names and attributes."""

    def work(self):
        words = self.rng.choice((
            ("find", self.mount, "-ls"), ("find", "-L", self.mount, "-type", "f"), ("ls", "-lR", self.mount),
            ("du", "-a", self.mount), ("du", "-s", "--apparent-size", self.mount),
            ("getfattr", "-d", "-R", "-m", "-", "--absolute-names", self.jobs)))
        if shutil.which(words[0]):
            _, out, _ = self.program(*words, may_say=MAY_SAY)
            if not out and words[0] != "getfattr" and "f" not in words:
                self.failed(f"{words} has found nothing")
        self.pause(0.2)


class Packer(Worker):
    """Copies some jobs, with all that is in them: each file is whole, or was complained of."""

    def work(self):
        jobs = [job for job in self.some(10) if not job.startswith("big")]
        if not jobs:
            return
        way = self.rng.choice((self.tar, self.rsync, self.cp))
        copy = self.at / "copy"
        copy.mkdir()
        try:
            said = way(jobs, copy)
            for job in jobs:
                self.check(job, copy / job, said, way.__name__)
        finally:
            shutil.rmtree(copy)

    def tar(self, jobs, copy):
        _, _, said = self.program("tar", "-C", self.jobs, "-cf", self.at / "tar", *jobs, may_say=MAY_SAY + ALSO)
        with tarfile.open(self.at / "tar") as archive:
            archive.extractall(copy)
        return said

    def rsync(self, jobs, copy):
        return self.program("rsync", "-aX", *(f"{self.jobs}/{job}" for job in jobs), copy,
                            may_say=MAY_SAY + ALSO)[2]

    def cp(self, jobs, copy):
        return self.program("cp", "-a", *(f"{self.jobs}/{job}" for job in jobs), copy, may_say=MAY_SAY + ALSO)[2]

    def check(self, job, at, said, how):
        if re.search(r"Input/output error", said) and not any(
                may_be_ended(other) for other in re.findall(r"(\S+)/video\.mp4.*Input/output error", said)):
            self.failed(f"{how} said: {said}")
        bad = f"{job}/" in re.sub(r".*file changed as we read it", "", said)
        if bad or not at.exists():
            self.counts["left out"] += 1
            return
        if (at / "status.json").exists():
            self.parse(job, (at / "status.json").read_bytes(), how)
        if (at / "video.mp4").exists():
            self.counts["copies"] += 1
            data = (at / "video.mp4").read_bytes()
            if data != self.kinds.of(job).source.bytes[:]:
                self.wrong(f"{job}: {how} has made another copy of its video, with {len(data)} bytes, and said {said!r}")


class Figures(Worker):
    """stats.json and metrics.prom: valid, and what counts goes up."""

    def open(self):
        self.last = {}

    def work(self):
        way = self.rng.choice(ways.ALL)
        with self.request(f"metrics.prom {way.__name__}"):
            text = ways.read_new(f"{self.mount}/.cometfs/metrics.prom", way)
        try:
            metrics.check(text)
        except (metrics.Wrong, UnicodeDecodeError) as wrong:
            self.wrong(f"metrics.prom, read by {way.__name__}: {wrong}")
        self.check_counts(text.decode())
        with self.request(f"stats.json {way.__name__}"):
            text = ways.read_new(f"{self.mount}/.cometfs/stats.json", way)
        self.check_stats(json.loads(text))
        self.pause(0.3)

    def check_counts(self, text):
        counters = set(re.findall(r"^# TYPE (\S+) counter", text, re.M))
        for line in text.splitlines():
            series, _, value = line.rpartition(" ")
            if series.partition("{")[0] not in counters:
                continue
            series = series.strip()
            if float(value) < self.last.get(series, 0):
                self.wrong(f"{series} went from {self.last[series]} to {value}")
            self.last[series] = float(value)

    def check_stats(self, stats):
        jobs, videos = sum(stats["jobs"].values()), sum(stats["videos"].values())
        if jobs != videos:
            self.wrong(f"stats.json has {jobs} jobs, and {videos} videos")


class Watcher(Worker):
    """inotifywait over everything, for a while. A video that it tells of is whole."""

    def work(self):
        if not shutil.which("inotifywait"):
            self.pause(1)
            return
        seconds = self.rng.randint(1, 4)
        _, out, _ = self.program(
            "inotifywait", "-m", "-q", "-r", "-e", "attrib,create,close_write", "--format", "%e %w%f",
            self.jobs, may_say=MAY_SAY + r"|Setting up watches|Watches established|Couldn't watch", stop_s=seconds, ends=(1, -signal.SIGTERM))
        for line in out.decode().splitlines():
            event, _, path = line.partition(" ")
            self.counts[event] += 1
            if event.startswith("CLOSE_WRITE") and path.endswith("/video.mp4"):
                self.check(path.split("/")[-2])

    def check(self, job):
        document = self.document(job)[1]
        if document["video"]["state"] not in ("ready", "removed") and "-churn" not in job:
            self.wrong(f"{job}: CLOSE_WRITE, and its video is {document['video']}")


