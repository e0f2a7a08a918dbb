# SPDX-License-Identifier: MIT
"""What all workers have in common: each is a process that does one thing again and again."""
import collections
import contextlib
import errno
import json
import os
import random
import re
import signal
import subprocess
import time
import traceback

import boards
import ways
from ledger import Ledger
from rig import die_with_parent, now

REQUEST_S = 20  # no request of a worker may take longer; a program, none of whose requests does, may
PROGRAM_S = 120
RANK = ["unknown", "queued", "running", "done", "failed", "expired"]
FINAL = ("done", "failed", "expired")
GONE = (errno.ENOENT, errno.ESTALE)
# What is said of a job that is forgotten or a video that does not come, by programs.
MAY_SAY = r"No such file or directory|Stale file handle|Connection timed out|vanished|File removed|file changed"


class Over(Exception):
    """The daemon is gone."""


def how_far(document):
    """What never goes back."""
    return RANK.index(document["state"]), document["progress"] or 0


def sight(document):
    """What poll(2) tells of."""
    return document["state"], document["progress"], document["video"]["state"]


class Worker:
    changes = False  # it makes, takes away or troubles: such a one ends before the daemon
    pauses = True

    def __init__(self, soak, name, slot):
        self.soak, self.name, self.slot = soak, name, slot
        self.board, self.kinds, self.mount = soak.board, soak.kinds, soak.mount
        self.jobs = f"{soak.mount}/jobs"
        self.rng = random.Random(f"{soak.seed}.{name}")
        self.ledger = Ledger(soak.ledgers / name)
        self.counts = collections.Counter()
        self.at = soak.at / f"scratch-{name}"
        self.slowest = 0, ""

    # ---- what it tells ------------------------------------------------------------------------

    def wrong(self, what):
        self.ledger.wrong(what)

    def failed(self, what):
        """An error that is none when the daemon ends."""
        if self.board.phase != boards.DYING:
            self.wrong(what)

    def tell_counts(self):
        for what, count in self.counts.items():
            self.ledger.write("count", what.replace(" ", "_"), str(count))
        self.ledger.write("slowest", f"{self.slowest[0]:.3f}", self.slowest[1])

    # ---- its requests -------------------------------------------------------------------------

    @contextlib.contextmanager
    def request(self, what, patience_s=REQUEST_S):
        """Something that must be over in time."""
        begun = now()
        self.board.begin(self.slot, patience_s, what)
        try:
            yield
        finally:
            self.board.rest(self.slot)
            took = now() - begun
            if patience_s == REQUEST_S:
                self.slowest = max(self.slowest, (took, what))
            if took > patience_s:
                self.wrong(f"{what} took {took:.1f} s")

    def path(self, job, name="status.json"):
        return f"{self.jobs}/{job}/{name}"

    def parse(self, job, text, how):
        """A document, whole, of the right job, and with nothing in it that its kind never says."""
        try:
            document = json.loads(text)
        except ValueError:
            self.wrong(f"{job}: torn, read by {how}: {text!r}")
            raise OSError(errno.ENOENT, "torn") from None
        if document["request_id"] != job or not re.search(rb"}\n? *\n\Z", text):
            self.wrong(f"{job}: not its document, or not all of it, read by {how}: {text!r}")
        self.check_kind(job, document, how)
        return document

    def check_kind(self, job, document, how):
        kind, video = self.kinds.of(job), document["video"]
        final = "failed" if kind.final == "unknown" else kind.final
        if document["state"] in FINAL and document["state"] != final or video["state"] == "lost":
            self.wrong(f"{job}: {document['state']}, {video} of a job that is {final}, read by {how}")
        if video["state"] == "ready" and (video["sha256"], video["size"]) != (kind.source.sha256, kind.source.size):
            self.wrong(f"{job}: ready, with the hash or size of something else: {video}, read by {how}")

    def document(self, job, way=ways.by_read):
        """What is in it now, and of which life of the job it is: inodes are never used again."""
        with self.request(f"{way.__name__} of {job}"):
            fd = os.open(self.path(job), os.O_RDONLY)
            try:
                inode = os.fstat(fd).st_ino
                text = way(fd)
            except OSError as error:
                if error.errno == errno.EINVAL:
                    os.fstat(fd)  # Python's mmap wants the size, and when it is gone asks for nothing
                raise
            finally:
                os.close(fd)
        self.counts[way.__name__] += 1
        if way is ways.by_pieces and "-churn" in job:
            self.check_end(job, text)
        return inode, self.parse(job, text, way.__name__)

    def check_end(self, job, text):
        """The one document that a reader in pieces may have parts of two of: of a finished job whose video is
        removed meanwhile. What he has then is nothing."""
        if b'"state": "ready"' in text[:512]:
            _, now = self.document(job)
            if now["video"]["state"] != "ready":
                self.counts["removed meanwhile"] += 1
                raise OSError(errno.ENOENT, "not the document of one moment")

    def names(self, directory="jobs"):
        with self.request(f"ls {directory}"):
            names = os.listdir(f"{self.mount}/{directory}")
        twice = {name for name in names if names.count(name) > 1 and "-churn" not in name}
        if twice:  # the others may have been forgotten and tracked again meanwhile
            self.wrong(f"{directory} has names twice: {twice}")
        return names

    def some(self, count):
        names = self.names()
        return self.rng.sample(names, min(len(names), count))

    def exists(self, path):
        with self.request(f"stat {path}"):
            return os.path.lexists(f"{self.mount}/{path}")

    def program(self, *words, patience_s=PROGRAM_S, stop_s=None, may_say=MAY_SAY, ends=(0,)):
        """
        Runs it, for stop_s at most where that is given: its code, what it has printed. It complains of
        nothing but what may be.
        """
        self.counts[os.path.basename(str(words[0]))] += 1
        with self.request(" ".join(str(word) for word in words)[:80], patience_s), subprocess.Popen(
                [str(word) for word in words], cwd=self.at, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, preexec_fn=die_with_parent) as child:
            try:
                out, said = child.communicate(timeout=stop_s or patience_s + 10)
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGTERM if stop_s else signal.SIGKILL)
                out, said = child.communicate()
        code, said = child.returncode, said.decode(errors="replace")
        for line in said.splitlines():
            if line and not re.search(may_say, line):
                self.failed(f"{words[0]} ended with {code} and said: {line}")
        if code not in ends and not said and not out:
            self.failed(f"{words} ended with {code}, and did not say why")
        return code, out, said

    def pause(self, most_s):
        time.sleep(self.rng.uniform(0, most_s))

    # ---- its life -----------------------------------------------------------------------------

    def open(self):
        """Before its first work."""

    def work(self):
        raise NotImplementedError

    def close(self):
        """After its last."""

    def is_over(self):
        return self.board.phase == boards.DYING or (self.changes and self.board.phase == boards.ENDING)

    def met(self, error):
        """An error that nobody has looked at: only of what is gone meanwhile."""
        if self.board.phase == boards.DYING:
            raise Over from error
        if error.errno not in GONE:
            self.wrong(f"{error!r}: " + traceback.format_exc().replace("\n", " / "))

    def run(self):
        self.at.mkdir(exist_ok=True)
        self.open()
        while not self.is_over():
            if self.board.phase == boards.PAUSE:
                self.board.rest(self.slot, True)
                time.sleep(0.02)
                continue
            self.board.rest(self.slot)
            try:
                self.work()
                self.counts["work"] += 1
            except OSError as error:
                self.met(error)
        self.close()


def fork(worker):
    """A process for a worker; its number."""
    pid = os.fork()
    if pid != 0:
        os.close(worker.ledger.file)
        return pid
    code = 1
    try:
        die_with_parent()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with contextlib.suppress(Over):
            worker.run()
        worker.tell_counts()
        code = 0
    except BaseException as error:
        if worker.board.phase != boards.DYING or not isinstance(error, OSError):
            worker.wrong("the worker itself is broken: " + traceback.format_exc())
        else:
            code = 0
    finally:
        os._exit(code)
