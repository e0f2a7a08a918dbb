# SPDX-License-Identifier: MIT
"""
The clients of one life: each a process that works in jobs/ until nobody answers any more.

All go by a descriptor of jobs/ that is opened at the start, so that none ever works in the directory
below the mount point.
"""
import errno
import json
import os
import random
import time
import traceback

from ledger import Ledger
from rig import die_with_parent

DEAD = (errno.ENOTCONN, errno.ECONNABORTED, errno.ENODEV)
JOB_FLAGS = os.O_RDONLY | os.O_CLOEXEC


class Over(Exception):
    """The daemon is gone."""


class Client:
    def __init__(self, rng, world, jobs_fd, ledger):
        self.rng, self.world, self.jobs_fd, self.ledger = rng, world, jobs_fd, ledger

    def call(self, name, job, do, *arguments, **more):
        """Does it, and writes down that it was begun, and what it said."""
        self.ledger.begin(name, job)
        try:
            do(*arguments, **more)
            said = "ok"
        except OSError as error:
            said = errno.errorcode[error.errno]
        self.ledger.end(name, job, said)
        if said in ("ENOTCONN", "ECONNABORTED"):
            raise Over
        return said

    def open(self, job, name):
        return os.open(f"{job}/{name}", JOB_FLAGS, dir_fd=self.jobs_fd)

    def read_all(self, job, name):
        fd = self.open(job, name)
        try:
            data = b""
            while more := os.read(fd, 1 << 16):
                data += more
            return data
        finally:
            os.close(fd)

    @staticmethod
    def pread(fd, length, offset):
        """All of it up to the end: a long one is many for the kernel, and short when a later one fails."""
        data = b""
        while more := os.pread(fd, length - len(data), offset + len(data)):
            data += more
        return data

    def names(self):
        names = os.listdir(self.jobs_fd)
        for job in {name for name in names if names.count(name) > 1}:
            self.ledger.end("list", job, "twice")
        return names

    def pause(self, most_s):
        time.sleep(self.rng.uniform(0, most_s))

    def run(self):
        """Works until the daemon is gone; what is said of single jobs meanwhile is no fault."""
        own_fd = None
        while True:
            try:
                # Of its own, or the clients would share the place in the listing.
                if own_fd is None:
                    self.jobs_fd = own_fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.jobs_fd)
                self.work()
            except Over:
                return
            except OSError as error:
                if error.errno in DEAD:
                    return
                self.pause(0.01)

    def work(self):
        raise NotImplementedError


class Owner(Client):
    """Tracks, forgets and removes jobs that nobody else changes."""

    def __init__(self, *more, jobs):
        super().__init__(*more)
        self.jobs = [job.name for job in jobs]
        self.first = self.jobs[:2]

    def work(self):
        """The first ones, which take longest, before all others."""
        job = self.first.pop(0) if self.first else self.rng.choice(self.jobs)
        deed = self.rng.random()
        try:
            os.stat(job, dir_fd=self.jobs_fd)
        except FileNotFoundError:
            self.call("mkdir", job, os.mkdir, job, dir_fd=self.jobs_fd)
            deed = 1
        if deed < 0.06:
            self.call("rmdir", job, os.rmdir, job, dir_fd=self.jobs_fd)
        elif deed < 0.1:
            self.call("rm", job, os.unlink, f"{job}/video.mp4", dir_fd=self.jobs_fd)
        elif deed < 0.5:
            self.read_all(job, "status.json")
        self.pause(0.03)


class Racer(Client):
    """Tracks the same jobs as another one, in the same order."""

    def __init__(self, *more, jobs):
        super().__init__(*more)
        self.jobs = [job.name for job in jobs]

    def work(self):
        for job in self.jobs:
            self.call("mkdir", job, os.mkdir, job, dir_fd=self.jobs_fd)
            self.pause(0.1)
        self.pause(0.2)


class Watcher(Client):
    """Looks at lists and documents."""

    def work(self):
        names = self.names()
        for job in self.rng.sample(names, min(len(names), 5)):
            try:
                self.look(job)
            except FileNotFoundError:
                pass
        self.pause(0.02)

    def look(self, job):
        document = self.read_all(job, self.rng.choice(("status.json", "status.json", "response.json")))
        try:
            status = json.loads(document or b"{}")
        except ValueError:
            self.ledger.wrong(f"{job}: no JSON: {document[:2000]!r}")
            return
        if "video" not in status:
            return
        video = status["video"]
        if status["request_id"] != job:
            self.ledger.wrong(f"{job}: its document is of {status['request_id']}")
        if video["state"] == "ready" and not any(
                video["sha256"] == source.sha256 and video["size"] == source.size
                for source in self.world.jobs[job].sources):
            self.ledger.wrong(f"{job}: ready, with the hash or size of something else: {video}")
        if video["state"] == "lost":
            self.ledger.wrong(f"{job}: its video is lost: {video}")


class Reader(Client):
    """Reads videos, also while they come in. Each byte is compared with what it should be."""

    def __init__(self, *more, offsets):
        super().__init__(*more)
        self.offsets = offsets

    def work(self):
        names = self.names()
        if not names:
            self.pause(0.01)
            return
        job = self.rng.choice(names)
        try:
            fd = self.open(job, "video.mp4")
        except OSError as error:
            self.ledger.end("open", job, errno.errorcode[error.errno])
            raise
        try:
            self.read(job, fd)
        finally:
            os.close(fd)

    def read(self, job, fd):
        size = os.fstat(fd).st_size
        sources = self.world.jobs[job].sources
        for offset, length in self.offsets(self.rng, size):
            try:
                data = self.pread(fd, length, offset)
            except OSError as error:
                self.ledger.end("read", job, errno.errorcode[error.errno])
                raise
            fits = [source for source in sources
                    if source.has(data, offset) and len(data) == min(length, max(source.size - offset, 0))]
            if not fits:
                self.tell(job, sources, data, offset, length)
                return
            sources = fits
        self.ledger.end("read", job, "ok")

    def tell(self, job, sources, data, offset, length):
        bad = [next((i for i, byte in enumerate(data) if not source.has(bytes((byte,)), offset + i)), len(data))
               for source in sources]
        self.ledger.wrong(f"{job}: a read of {length} at {offset} has {len(data)} bytes, and differs from the source "
                          f"at its byte {bad}: {data[max(bad):][:16].hex()}")


def in_order(rng, size):
    step = rng.choice((4096, 65536, 1 << 20))
    return ((at, step) for at in range(0, size + 1, step))


def at_random(rng, size):
    return ((rng.randint(0, size), rng.choice((1, 100, 4096, 200000))) for _ in range(rng.randint(1, 40)))


def tail_first(rng, size):
    """As a player does, who looks for the index first."""
    tail = rng.choice((100, 4096, 300000))
    yield max(size - tail, 0), tail
    yield from in_order(rng, min(size, 4 << 20))


def make(world, rng, jobs_fd, ledgers):
    """Name and client, in each life the same."""
    def client(cls, name, **more):
        return name, cls(random.Random(rng.random()), world, jobs_fd, Ledger(ledgers / name), **more)
    return [
        client(Owner, "owner-a", jobs=world.owned[0]), client(Owner, "owner-b", jobs=world.owned[1]),
        client(Racer, "racer-a", jobs=world.raced), client(Racer, "racer-b", jobs=world.raced),
        client(Watcher, "watcher"),
        client(Reader, "reader", offsets=in_order), client(Reader, "jumper", offsets=at_random),
        client(Reader, "player", offsets=tail_first)]


def fork(client):
    """A process for a client; its number."""
    pid = os.fork()
    if pid != 0:
        return pid
    code = 1
    try:
        die_with_parent()
        client.run()
        code = 0
    except BaseException:
        client.ledger.wrong("the client itself is broken: " + traceback.format_exc())
    finally:
        os._exit(code)

