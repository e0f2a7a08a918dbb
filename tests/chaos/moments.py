# SPDX-License-Identifier: MIT
"""
When a life ends. Where what may go wrong takes a millisecond, a random time does not find it: so
most lives end with an event, seen by inotify, or with a system call, caught by strace.
"""
import ctypes
import os
import select
import struct
import time

from rig import can_trace, libc, now
from world import SYNC_BYTES

MODIFY, MOVED_TO, CREATE, DELETE = 0x2, 0x80, 0x100, 0x200
EVENT = struct.Struct("iIII")
LONGEST_S = 2.5  # a life that its moment does not come to

# What is counted: where it is seen, by which events, by which end of the name; and up to how many.
EVENTS = {
    "a byte comes in": ("videos", MODIFY, ".part", 60),
    "16 MiB are there": ("videos", MODIFY, ".part", 3),
    "the last byte is there": ("videos", MODIFY, ".part", 5),
    "a part begins": ("videos", CREATE, ".part", 10),
    "a video gets its name": ("videos", MOVED_TO, ".mp4", 8),
    "a video is deleted": ("videos", DELETE, "", 3),
    "a commit": ("store", MODIFY, "-wal", 80),
    "a checkpoint": ("store", MODIFY, ".sqlite", 8),
    "a call, or its return": ("ledgers", MODIFY, "owner", 60),
    "a request": ("provider", MODIFY, "provider.log", 60),
}
CALLS = {"pwrite64": 200, "fdatasync": 60, "fsync": 12, "/^rename": 5, "/^unlink": 6, "ftruncate": 3}
SYNCS = "fsync,fdatasync"


class Moment:
    def __init__(self, rng):
        kinds = ["time", "time", "start", *EVENTS, "16 MiB are there", *(["call"] * 3 if can_trace() else [])]
        self.kind = rng.choice(kinds)
        self.tricks = []  # words for strace
        self.kills = self.kind == "call"  # by itself, when nobody knows
        self.delay_s = rng.choice((0, rng.uniform(0, 0.001), rng.uniform(0, 0.02)))
        self.count = 0
        if self.kind == "time":
            self.delay_s = rng.uniform(0.05, 1.5)
        elif self.kind == "start":
            self.delay_s = rng.uniform(0, 0.1)
        elif self.kind == "call":
            call, most = rng.choice(list(CALLS.items()))
            self.tricks = trace(call, f"signal=KILL:when={rng.randint(1, most)}")
        else:
            self.count = rng.randint(1, EVENTS[self.kind][3])
            # A slow disk makes windows wide.
            if can_trace() and rng.random() < 0.3:
                self.tricks = trace(SYNCS, f"delay_enter={rng.randint(1, 20) * 1000}")

    def __str__(self):
        words = [self.kind, *([f"no. {self.count}"] if self.count else []), *([f"+{self.delay_s * 1e3:.1f} ms"]),
                 *self.tricks[1::2]]
        return " ".join(words)


def trace(calls, what):
    return ["-e", f"trace={calls}", "-e", f"inject={calls}:{what}"]


class Watch:
    """Waits for a moment, from the time that it is made on."""

    def __init__(self, moment, places):
        self.moment = moment
        self.sizes = {}
        self.fd = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if moment.kind in EVENTS:
            place, self.mask, self.name, _ = EVENTS[moment.kind]
            self.place = places[place]
            if libc.inotify_add_watch(self.fd, os.fsencode(self.place), self.mask) < 0:
                raise OSError(ctypes.get_errno(), str(self.place))

    def close(self):
        os.close(self.fd)

    def names(self, wait_s):
        if not select.select([self.fd], [], [], wait_s)[0]:
            return
        data, at = os.read(self.fd, 1 << 16), 0
        while at < len(data):
            _, _, _, length = EVENT.unpack_from(data, at)
            yield os.fsdecode(data[at + EVENT.size:at + EVENT.size + length].rstrip(b"\0"))
            at += EVENT.size + length

    def counts(self, name, whole):
        """Whether it is one of those that are counted; of those about a size, a file's first."""
        if self.name not in name:
            return False
        if self.moment.kind not in ("16 MiB are there", "the last byte is there"):
            return True
        try:
            size = os.stat(f"{self.place}/{name}").st_size
        except FileNotFoundError:
            return False
        enough = size >= SYNC_BYTES if self.moment.kind[0] == "1" else size in whole
        first = enough and name not in self.sizes
        if enough:
            self.sizes[name] = size
        return first

    def wait(self, daemon, whole):
        """Returns at the moment, when the daemon has ended, or when it has lasted long enough. whole: sizes."""
        end, left = now() + LONGEST_S, self.moment.count
        if self.moment.kind in ("time", "start"):
            end = now() + self.moment.delay_s
        while left >= 0 and now() < end and not daemon.ended():
            for name in self.names(min(0.02, max(end - now(), 0))):
                left -= self.counts(name, whole)
            if self.moment.count and left <= 0:
                time.sleep(self.moment.delay_s)
                return
