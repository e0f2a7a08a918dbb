# SPDX-License-Identifier: MIT
"""Who reads status.json: in all ways, of descriptors that stay open, by handles; and who waits for its changes."""
import contextlib
import errno
import json
import os
import select
import time

import handle
import ways
from worker import GONE, REQUEST_S, Worker, how_far, sight


class Memory:
    """What has been seen of each life of a job; nothing goes back. For one reader."""

    def __init__(self, worker):
        self.worker = worker
        self.seen = {}

    def look(self, job, inode, document, how):
        far = how_far(document)
        if far < self.seen.get(inode, (0, 0)):
            self.worker.wrong(f"{job}: back from {self.seen[inode]} to {far}, read by {how}")
        self.seen[inode] = far


class Reader(Worker):
    """Reads them round and round, in any way."""

    def open(self):
        self.memory = Memory(self)

    def work(self):
        for job in self.some(20):
            way = self.rng.choice(ways.ALL)
            try:
                inode, document = self.document(job, way)
            except OSError as error:
                self.refused(job, error)
                continue
            self.memory.look(job, inode, document, way.__name__)
        self.pause(0.05)

    def refused(self, job, error):
        """One who has it open when its job is forgotten may have EIO."""
        if error.errno == errno.EIO and self.exists(f"jobs/{job}") and "-churn" not in job:
            self.failed(f"{job}: its document says {error!r}")
        elif error.errno != errno.EIO:
            self.met(error)


class Held:
    """One descriptor of a document."""

    def __init__(self, worker, job):
        self.job = job
        self.fd = os.open(worker.path(job), os.O_RDONLY)
        self.inode = os.fstat(self.fd).st_ino
        self.last = None

    def close(self):
        os.close(self.fd)


class Holder(Worker):
    """Has some of them open, and reads them from the beginning again and again."""

    def open(self):
        self.memory = Memory(self)
        self.held = []

    def work(self):
        if len(self.held) < 30:
            for job in self.some(1):
                self.held.append(Held(self, job))
        for held in self.rng.sample(self.held, len(self.held) // 2):
            self.read(held)
        if self.rng.random() < 0.2 and self.held:
            self.let_go(self.rng.choice(self.held))
        self.pause(0.05)

    def let_go(self, held):
        held.close()
        self.held.remove(held)

    def read(self, held):
        try:
            with self.request(f"held {held.job}"):
                text = ways.read_held(held.fd)
        except OSError as error:
            self.let_go(held)
            if error.errno != errno.EIO or (self.exists(f"jobs/{held.job}") and "-churn" not in held.job):
                self.met(error)
            return
        self.counts["held"] += 1
        self.memory.look(held.job, held.inode, self.parse(held.job, text, "held"), "held")


class Waiter(Worker):
    """Waits with poll(2) for changes of some documents, and misses none."""

    def open(self):
        self.memory = Memory(self)
        self.poller = select.poll()
        self.held = {}

    def register(self, fd):
        self.poller.register(fd, select.POLLPRI)

    def wait(self, wait_s):
        return [fd for fd, _ in self.poller.poll(wait_s * 1000)]

    def work(self):
        while len(self.held) < 15 and (more := self.some(1)):
            self.take(more[0])
        for fd in self.wait(0.3):
            if fd in self.held:
                self.told(self.held[fd])
        if self.held and self.rng.random() < 0.3:
            self.look(self.rng.choice(list(self.held.values())))

    def take(self, job):
        """Opens, reads and waits, as one does with a file in sysfs."""
        held = Held(self, job)
        self.held[held.fd] = held
        try:
            self.read(held)
            self.register(held.fd)
        except OSError:
            self.drop(held)
            raise

    def drop(self, held):
        with contextlib.suppress(OSError, KeyError):  # it was not registered yet
            self.poller.unregister(held.fd)
        del self.held[held.fd]
        held.close()

    def read(self, held):
        """Both are as new as what was told; of the first one others can tell."""
        with self.request(f"held {held.job}"):
            document = self.parse(held.job, ways.read_held(held.fd), "held")
        self.memory.look(held.job, held.inode, document, "held")
        inode, document = self.document(held.job)
        if inode != held.inode:
            raise OSError(errno.ESTALE, "another life")
        held.last = sight(document)

    def told(self, held):
        """Raises nothing: others may have been told at the same time, and are not told again."""
        self.counts["told"] += 1
        try:
            self.read(held)
        except OSError as error:
            self.drop(held)
            if error.errno != errno.EIO:
                self.met(error)

    def look(self, held):
        """What is there now and was not when it was read last, it is told of."""
        try:
            inode, document = self.document(held.job)
        except OSError:
            self.drop(held)
            return
        if inode != held.inode:
            self.drop(held)
        elif sight(document) != held.last:
            self.counts["looked in time"] += 1
            # To epoll it is news once it was said, a moment after it can be seen.
            until, told = time.monotonic() + REQUEST_S, set()
            while held.fd not in told and time.monotonic() < until:
                told |= set(self.wait(0.1))
            if held.fd not in told:
                self.wrong(f"{held.job}: {self.name} waits, and was not told that {held.last} became {sight(document)}")
            for fd in {held.fd, *told}:
                self.told(self.held[fd])
        elif document["video"]["state"] in ("ready", "removed") or document["state"] in ("failed", "expired"):
            self.drop(held)


class EpollWaiter(Waiter):
    def open(self):
        super().open()
        self.poller = select.epoll()

    def register(self, fd):
        self.poller.register(fd, select.EPOLLPRI)

    def wait(self, wait_s):
        return [fd for fd, _ in self.poller.poll(wait_s)]


class Handles(Worker):
    """Opens what it has a handle of, as an NFS server does."""

    def open(self):
        """Only root may."""
        self.held = []
        self.root = os.open(self.mount, os.O_RDONLY | os.O_DIRECTORY)

    def work(self):
        for job in self.some(1) if os.geteuid() == 0 else ():
            name = self.rng.choice(("status.json", "response.json", ""))
            with self.request(f"handle of {job}"):
                path = self.path(job, name)
                self.held.append((job, name, os.stat(path).st_ino, handle.of(path)))
        if not self.held:
            return
        held = self.rng.choice(self.held)
        try:
            with self.request(f"open_by_handle of {held[0]}"):
                fd = handle.opened(self.root, held[3])
        except OSError as error:
            self.held.remove(held)
            if error.errno not in GONE:
                raise
            self.counts["stale"] += 1
            return
        try:
            self.check(fd, *held[:3])
        finally:
            os.close(fd)
        self.pause(0.05)

    def check(self, fd, job, name, inode):
        self.counts["opened"] += 1
        if os.fstat(fd).st_ino != inode:
            self.wrong(f"{job}: its handle is of another file")
        with self.request(f"read by handle of {job}"):
            if name == "status.json":
                self.parse(job, ways.by_read(fd), "handle")
            elif name == "response.json":
                json.loads(ways.by_read(fd) or b"{}")
            elif "status.json" not in os.listdir(fd) and self.exists(f"jobs/{job}"):
                self.wrong(f"{job}: its directory, by handle, has no status.json")


