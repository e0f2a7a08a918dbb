# SPDX-License-Identifier: MIT
"""
The world: kinds of jobs. All jobs of a kind have the same story and the same video, and each has it for
itself, so that there are always new ones: the first word of an id is its kind.
"""
import hashlib
import mmap

from rig import ROOT
from world import K, M, Source

ROUNDS = 120  # of a video's lines: the last one is played for ever
FAULTS = ("500 text='{}'", "503 body=fixtures/79_error_503_no_channel.json", "drop", "drop")
SMALL, MEDIUM, BIG = (64, 300 * K), (M, 4 * M), (17 * M, 24 * M)


class Clip:
    """A true video, as a Source."""

    def __init__(self):
        self.path = ROOT / "tests/provider/clip.mp4"
        self.size = self.path.stat().st_size
        with open(self.path, "rb") as file:
            self.bytes = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        self.sha256 = hashlib.sha256(self.bytes).hexdigest()


def slow(rng, size):
    """Takes from a tenth of a second to two."""
    return f"rate={max(int(size / rng.uniform(0.1, 2)), 1)}"


def cut(rng, size):
    return f"cut={rng.randint(0, size)} {slow(rng, size)}"


def stalled(rng, size):
    """Also for longer than the daemon's patience."""
    return f"stall={rng.randint(0, size)} for={rng.choice((100, 100, 300, 300, 800, 4000))}"


def denied(rng, size):
    return "status={} text='<html></html>' type=text/html".format(rng.choice((401, 403, 404, 410)))


def chunked(rng, size):
    return f"no-length {slow(rng, size)}"


class Kind:
    def __init__(self, rng, name, final, size=None, fault=slow):
        self.name, self.final, self.size, self.fault = name, final, size, fault
        self.video = f"{name}.mp4"
        self.source = None
        self.serves = []
        for _ in range(ROUNDS if size else 0):
            self.serves += [fault(rng, size), slow(rng, size)]
        self.answers = self.tell(rng)

    def tell(self, rng):
        """What polls are told: it moves, and some of them fail."""
        lines = [f"queued times={rng.randint(1, 3)}"] if rng.random() < 0.6 else []
        for progress in sorted(rng.sample(range(1, 100), rng.randint(3, 6))):
            if rng.random() < 0.12:
                lines.append(rng.choice(FAULTS))
            if self.name == "running0" and progress > 50:
                lines.append("429 text='{}' retry-after=1")  # all polls wait then
            slowly = " delay=600" if rng.random() < 0.1 else ""
            lines.append(f"running progress={progress} times={rng.randint(1, 2)}{slowly}")
        end = {"done": f"done video={self.video}", "running": "running progress=99"}
        return [*lines, end.get(self.final, self.final)]

    def prepare(self, at):
        if self.size:
            self.source = Source(at, self.video, self.size)

    def script(self):
        lines = [f"job {self.name}-*"]
        lines += ["\tunknown"] if self.final == "unknown" else [f"\tanswer {line}" for line in self.answers]
        if self.source:
            lines += [f"video {self.video}", f"\tsize {self.size}", *(f"\tserve {line}" for line in self.serves)]
        return "\n".join(lines) + "\n"


class ClipKind(Kind):
    def prepare(self, at):
        self.source = Clip()

    def script(self):
        return super().script().replace(f"\tsize {self.size}", "\tfile clip.mp4")


class Kinds:
    def __init__(self, rng, at, short):
        kinds = [ClipKind(rng, "clip", "done", Clip().size)]
        videos = {"small": (SMALL, slow, 2), "medium": (MEDIUM, slow, 2), "cut": (MEDIUM, cut, 2),
                  "stalled": (MEDIUM, stalled, 2), "denied": (SMALL, denied, 1), "chunked": (SMALL, chunked, 1),
                  "big": (BIG, cut, 0 if short else 2)}
        for word, (sizes, fault, count) in videos.items():
            kinds += [Kind(rng, f"{word}{i}", "done", rng.randint(*sizes), fault) for i in range(count)]
        kinds += [Kind(rng, f"{final}{i}", final) for final in ("failed", "expired", "running") for i in range(2)]
        kinds += [Kind(rng, "unknown", "unknown")]
        self.names = [kind.name for kind in kinds]
        self.by_name = {kind.name: kind for kind in kinds}
        at.mkdir()
        for kind in kinds:
            kind.prepare(at)

    def of(self, job):
        return self.by_name[job.partition("-")[0]]

    def script(self):
        return "".join(kind.script() for kind in self.by_name.values())
