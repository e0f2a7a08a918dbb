# SPDX-License-Identifier: MIT
"""Who reads .cometfs/events: at once, too slowly, and without ever waiting in a read."""
import errno
import json
import os
import select
import time

import ways
from rig import now
from worker import FINAL, GONE, RANK, REQUEST_S, Over, Worker, how_far

VIDEO_RANK = ["none", "fetching", "ready", "lost", "removed"]


class Listener(Worker):
    """Each event begins where the last one of its job has ended."""

    pauses = False  # also then something happens
    flags = 0
    size = 1 << 16

    def open(self):
        self.fd = os.open(f"{self.mount}/.cometfs/events", os.O_RDONLY | self.flags)
        self.rest = b""
        self.last = {}
        self.drained = 0  # when it had read all that there was

    def read(self):
        """Waits: that may be long."""
        if not select.select([self.fd], [], [], 0)[0]:
            self.drained = now()
        data = os.read(self.fd, self.size)
        if not data:
            raise Over
        return data

    def work(self):
        *lines, self.rest = (self.rest + self.read()).split(b"\n")
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                self.wrong(f"no event: {line!r}")
                continue
            self.take(event)

    def take(self, event):
        kind, job = event["event"], event["request_id"]
        self.counts[kind] += 1
        if kind == "idle":
            return
        if kind == "dropped":
            self.counts["events dropped"] += event["new"]
            self.last.clear()
            self.dropped()
            return
        what = "state" if kind in ("tracked", "forgotten") else kind
        known = self.last.get((job, what))
        if kind != "tracked" and known is not None and known != (event["old"],):
            self.wrong(f"an event was left out: {known} was before {event}")
        self.last[job, what] = (event["new"],)
        if kind in ("tracked", "forgotten"):
            for other in ("state", "progress", "video"):
                self.last.pop((job, other), None)
        if kind == "tracked":
            self.last[job, "state"] = (event["new"],)
        self.seen(event, job)

    def dropped(self):
        """Some were lost."""

    def seen(self, event, job):
        """One more."""


class Follower(Listener):
    """After each event it looks: no file and no directory may say what was before it."""

    def open(self):
        super().open()
        self.held = {}
        self.debts = {}  # jobs that were gone: this has to be said soon

    def dropped(self):
        self.debts.clear()

    def seen(self, event, job):
        if event["event"] == "forgotten":
            self.debts.pop(job, None)
            self.let_go(job)
            # Only the others are tracked once in their lives.
            if "-churn" not in job:
                self.check_gone(job)
        elif "-churn" not in job and job not in self.debts:
            try:
                self.check(event, job)
            except OSError as error:
                if error.errno not in (*GONE, errno.EIO):
                    raise
                self.missed(event, job, error)
        if self.debts:
            self.check_debts()

    def missed(self, event, job, error):
        """It is gone, and that will be said; or it only seemed so."""
        if event["event"] == "tracked":
            time.sleep(0.2)
            if self.exists(f"jobs/{job}"):
                self.failed(f"{event}, and it was not there yet: {error!r}")
                return
        self.debts[job] = now(), error

    def check_debts(self):
        job, (since, error) = next(iter(self.debts.items()))
        if self.drained - since > REQUEST_S:
            self.wrong(f"{job} is gone ({error!r}), and no event says so")
            del self.debts[job]

    def check_gone(self, job):
        where = self.rng.choice(("jobs", *(f"by-state/{state}" for state in RANK[1:])))
        if self.exists(f"{where}/{job}") or job in self.names(where):
            self.failed(f"{job} was said to be forgotten, and is in {where}")

    def let_go(self, job):
        if job in self.held:
            os.close(self.held.pop(job))

    def documents(self, job):
        if job not in self.held and len(self.held) < 40:
            self.held[job] = os.open(self.path(job), os.O_RDONLY)
        for way in self.rng.sample(ways.ALL, 2):
            yield way.__name__, self.document(job, way)[1]
        if job in self.held:
            with self.request(f"held {job}"):
                text = ways.read_held(self.held[job])
            yield "held", self.parse(job, text, "held")

    def check(self, event, job):
        kind, old, new = event["event"], event["old"], event["new"]
        for how, document in self.documents(job):
            far = how_far(document)
            if kind == "progress":
                good = far[1] >= (new or 0) or document["state"] in FINAL
            elif kind == "video":
                good = VIDEO_RANK.index(document["video"]["state"]) >= VIDEO_RANK.index(new)
            else:
                good = far[0] >= RANK.index(new)
            if not good:
                self.wrong(f"{event}, and read by {how} it is {document}")
        if kind == "state":
            self.check_lists(event, job, old, new)
        elif kind == "video" and new == "ready":
            self.check_video(event, job)
        self.counts["checked"] += 1

    def check_lists(self, event, job, old, new):
        if old != "unknown" and (self.exists(f"by-state/{old}/{job}") or job in self.names(f"by-state/{old}")):
            self.failed(f"{event}, and it is still in by-state/{old}")
        if new in FINAL:
            self.let_go(job)
            with self.request(f"readlink {job}"):
                target = os.readlink(f"{self.mount}/by-state/{new}/{job}")
            listed = job in self.names(f"by-state/{new}")
            if target != f"../../jobs/{job}" or (not listed and self.exists(f"jobs/{job}")):
                self.failed(f"{event}, and by-state/{new} has {target}; listed: {listed}")

    def check_video(self, event, job):
        """Whole, and there at once."""
        source = self.kinds.of(job).source
        with self.request(f"the finished video of {job}", 5 * REQUEST_S):
            st = os.stat(self.path(job, "video.mp4"))
            data = ways.read_new(self.path(job, "video.mp4"), ways.by_read)
        if st.st_size != source.size or not source.bytes[:len(data)] == data or not data:
            self.wrong(f"{event}, and its video has {st.st_size} bytes, and begins with {data[:16].hex()}")


class Sleeper(Listener):
    """Slow, and with little room: it has to be told what it has missed."""

    size = 200

    def work(self):
        super().work()
        time.sleep(self.rng.uniform(0, 1))


class Poller(Listener):
    """Never waits in a read. What it is told to be there is there."""

    flags = os.O_NONBLOCK
    size = 700

    def open(self):
        super().open()
        self.poller = select.poll()
        self.poller.register(self.fd, select.POLLIN)
        self.told = False

    def read(self):
        while True:
            if not self.told:
                self.told = bool(self.poller.poll(300))
            first, self.told = self.told, False
            try:
                with self.request("read of events, O_NONBLOCK"):
                    data = os.read(self.fd, self.size)
            except BlockingIOError:
                if first:
                    self.wrong("poll says that there is an event, and there is none")
                if self.is_over():
                    raise Over from None
                continue
            if not data:
                raise Over
            self.told = False
            return data
