# SPDX-License-Identifier: MIT
"""Who tracks, forgets and removes; and who looks whether by-state/ is right meanwhile."""
import ctypes
import errno
import os
import select

import ways
from moments import CREATE, EVENT
from rig import libc, now
from worker import FINAL, GONE, RANK, REQUEST_S, Worker

ATTRIB, CLOSE_WRITE = 0x4, 0x8
NAMES = 20  # of those that several change at the same time


class Feeder(Worker):
    """Keeps so many jobs, at all stages; nobody else changes them. No id is used twice."""

    changes = True

    def open(self):
        self.own = {}
        self.number = 0

    def work(self):
        if len(self.own) < self.soak.jobs and self.rng.random() < 0.8:
            self.feed()
        elif self.own:
            self.retire(self.rng.choice(list(self.own)))
        self.pause(0.1)

    def feed(self):
        self.number += 1
        job = f"{self.rng.choice(self.kinds.names)}-{self.name}-{self.number}"
        with self.request(f"mkdir {job}"):
            os.mkdir(self.path(job, ""))
        self.own[job] = now()
        self.counts["mkdir"] += 1
        if not self.exists(f"jobs/{job}/status.json") or job not in self.names():
            self.failed(f"{job} was tracked, and is not there")

    def retire(self, job):
        """When all is over; and now and then before."""
        document = self.document(job)[1]
        over = document["state"] in FINAL and document["video"]["state"] in ("none", "ready")
        if not over and self.rng.random() > 0.05:
            return
        try:
            with self.request(f"rmdir {job}"):
                os.rmdir(self.path(job, ""))
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            self.counts["busy"] += 1
            return
        self.counts["rmdir"] += 1
        del self.own[job]
        if self.exists(f"jobs/{job}") or job in self.names():
            self.failed(f"{job} was forgotten, and is there")


class Churner(Worker):
    """Changes the same jobs as others. Its calls are counted: as often as made, and not taken away, they are there."""

    changes = True
    MAY = {"mkdir": {errno.EEXIST}, "rmdir": {errno.ENOENT, errno.EBUSY}, "rm": {errno.ENOENT, errno.EBUSY}}

    def work(self):
        job = churned(self.kinds, self.rng.randrange(NAMES))
        call = self.rng.choice(("mkdir", "mkdir", "rmdir", "rm"))
        path = self.path(job, "video.mp4" if call == "rm" else "")
        try:
            with self.request(f"{call} {job}"):
                {"mkdir": os.mkdir, "rmdir": os.rmdir, "rm": os.unlink}[call](path)
            self.counts[f"{call}:{job}"] += 1
        except OSError as error:
            if error.errno not in self.MAY[call]:
                self.failed(f"{call} of {job} says {error!r}")
        self.pause(0.1)


def churned(kinds, number):
    return f"{kinds.names[number % len(kinds.names)]}-churn{number}"


class Lister(Worker):
    """A job whose document says the same before and after is in the list of that state, and in no other."""

    def work(self):
        for job in self.some(5):
            inode, before = self.document(job)
            found = {state for state in RANK[1:] if job in self.names(f"by-state/{state}")}
            linked = {state for state in RANK[1:] if self.exists(f"by-state/{state}/{job}")}
            inode_after, after = self.document(job)
            state = before["state"]
            right = {state} - {"unknown"}
            if (inode, state) == (inode_after, after["state"]) and not found == linked == right:
                self.wrong(f"{job} is {state}, is listed in {found}, and is there in {linked}")
            self.counts["lists"] += 1
        self.follow(self.rng.choice(RANK[1:]))
        self.pause(0.1)

    def follow(self, state):
        for job in self.names(f"by-state/{state}")[:10]:
            link = f"{self.mount}/by-state/{state}/{job}"
            try:
                with self.request(f"readlink {job}"):
                    target = os.readlink(link)
                    text = ways.read_new(f"{link}/status.json", ways.by_read)
            except OSError as error:
                if error.errno not in (*GONE, errno.EIO):
                    raise
                continue
            if target != f"../../jobs/{job}":
                self.wrong(f"by-state/{state}/{job} leads to {target}")
            self.parse(job, text, "by-state")


class Folder(Worker):
    """Acts on a video when it is told that it is complete, as a watch folder does."""

    changes = True

    def open(self):
        self.number = 0
        self.own = {}  # by watch: the job, since when, what it was told
        self.fd = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)

    def work(self):
        if len(self.own) < 6:
            self.begin()
        for watch, mask, name in self.events(0.2):
            if watch in self.own:
                self.told(watch, mask, name)
        for watch, (job, since, told) in list(self.own.items()):
            self.look(watch, job, since, told)

    def begin(self):
        self.number += 1
        kind = self.rng.choice([name for name in self.kinds.names
                                if self.kinds.of(name).source and not name.startswith(("big", "stalled"))])
        job = f"{kind}-{self.name}-{self.number}"
        with self.request(f"mkdir {job}"):
            os.mkdir(self.path(job, ""))
        watch = libc.inotify_add_watch(self.fd, os.fsencode(self.path(job, "")), ATTRIB | CREATE | CLOSE_WRITE)
        if watch < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch")
        if self.document(job)[1]["state"] in FINAL:
            self.forget(job)
        else:
            self.own[watch] = job, now(), set()

    def events(self, wait_s):
        if not select.select([self.fd], [], [], wait_s)[0]:
            return
        data, at = os.read(self.fd, 1 << 16), 0
        while at < len(data):
            watch, mask, _, length = EVENT.unpack_from(data, at)
            yield watch, mask, os.fsdecode(data[at + EVENT.size:at + EVENT.size + length].rstrip(b"\0"))
            at += EVENT.size + length

    def told(self, watch, mask, name):
        job, _, told = self.own[watch]
        told.add((name, mask & 0xfff))
        if (name, mask & 0xfff) != ("video.mp4", CLOSE_WRITE):
            return
        with self.request(f"the finished video of {job}"):
            data = ways.read_new(self.path(job, "video.mp4"), read_all)
        if data != self.kinds.of(job).source.bytes[:]:
            self.failed(f"{job}: CLOSE_WRITE, and its video has {len(data)} bytes")
        if not {("video.mp4", CREATE), ("status.json", ATTRIB)} <= told:
            self.failed(f"{job}: CLOSE_WRITE, and before it only {told}")
        self.counts["told"] += 1
        self.forget(job)
        del self.own[watch]

    def look(self, watch, job, since, told):
        """It was not told in time: also the echo may have been stopped meanwhile."""
        if watch not in self.own or now() - since < 3 * REQUEST_S:
            return
        document = self.document(job)[1]
        if document["video"]["state"] == "ready":
            self.wrong(f"{job} is ready since long, and inotify has told {told} only")
        self.counts["not in time"] += 1
        self.forget(job)
        del self.own[watch]

    def forget(self, job):
        try:
            with self.request(f"rmdir {job}"):
                os.rmdir(self.path(job, ""))
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise


def read_all(fd):
    data = b""
    while more := os.read(fd, 1 << 20):
        data += more
    return data
